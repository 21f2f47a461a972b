"""Envelopes and contents of mails by GetItem, several at once; one bad mail costs one mail.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/getitem-operation
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from email.parser import HeaderParser
from typing import Any, TypeVar

from .. import parts, properties
from ..base import WHOLE_LIMIT, Content, Envelope, FetchFailure
from ..errors import MailGone, Transient
from ..web import judged
from . import xml
from .causes import refusal
from .session import MAIL_PATIENCE, PATIENCE, Session

Result = TypeVar("Result")

BATCH = 100
MIME_BATCH = 20

# The header as it came through the Internet ([MS-OXPROPS], PidTagTransportMessageHeaders).
_HEADER_TAG = "0x7d"
_FIELDS = [
    *map(
        xml.field,
        (
            "item:Subject",
            "item:Size",
            "item:DateTimeReceived",
            "item:DateTimeSent",
            "item:InReplyTo",
            "message:IsRead",
            "message:From",
            "message:Sender",
            "message:ReplyTo",
            "message:ToRecipients",
            "message:CcRecipients",
            "message:BccRecipients",
            "message:InternetMessageId",
            "message:References",
            "message:ConversationIndex",
        ),
    ),
    xml.tag(_HEADER_TAG, "String"),
]


def envelopes(session: Session, remote_ids: Sequence[str]) -> list[Envelope | FetchFailure]:
    """Envelopes in the order of the ids.

    :raises Transient: the server stopped in the midst; ``kept`` has what it gave
    """
    found: list[Envelope | FetchFailure] = []
    try:
        for _remote_id, result in _items(session, remote_ids, xml.shape(_FIELDS), BATCH, _envelope):
            found.append(result)
    except Transient as error:
        error.kept = tuple(found)
        raise
    return found


def contents(session: Session, remote_ids: Sequence[str], whole: bool) -> Iterator[Content | FetchFailure]:
    """Contents as they come; large mails one by one, so that one at a time is in memory."""
    small: list[str] = []
    large: list[str] = []
    for remote_id, octets in _items(session, remote_ids, xml.shape([xml.field("item:Size")]), BATCH, _size):
        if isinstance(octets, FetchFailure):
            yield octets
        else:
            (small if octets <= WHOLE_LIMIT else large).append(remote_id)
    for ids, most in ((small, MIME_BATCH), (large, 1)):
        for remote_id, raw_mail in _items(session, ids, xml.shape([], mime=True), most, _mime, MAIL_PATIENCE):
            yield raw_mail if isinstance(raw_mail, FetchFailure) else parts.content(remote_id, raw_mail, whole)


def raw(session: Session, remote_id: str) -> bytes:
    """One mail as MIME.

    :raises MailGone: it is not there any more
    """
    ((_id, found),) = _items(session, [remote_id], xml.shape([], mime=True), 1, _mime, MAIL_PATIENCE)
    if isinstance(found, FetchFailure):
        raise MailGone("The mail cannot be fetched", found.reason)
    return found


def _items(
    session: Session,
    remote_ids: Sequence[str],
    shape: str,
    most: int,
    read: Callable[[str, Any], Result],
    seconds: float = PATIENCE,
) -> Iterator[tuple[str, Result | FetchFailure]]:
    for start in range(0, len(remote_ids), most):
        portion = remote_ids[start : start + most]
        content = f"<m:GetItem>{shape}{xml.item_ids(portion)}</m:GetItem>"
        messages = session.ask("GetItem", content, len(portion), seconds)
        answers = list(zip(portion, messages, strict=True))
        yield from judged(answers, refusal, lambda remote_id, message: _read(remote_id, message, read))


def _read(remote_id: str, message: Any, read: Callable[[str, Any], Result]) -> Result | FetchFailure:
    items = xml.find(message, "m:Items")
    try:
        return read(remote_id, items[0])
    except (ValueError, IndexError, TypeError) as fault:
        return FetchFailure(remote_id, f"the server's answer cannot be read: {fault!r}")


def _size(_remote_id: str, item: Any) -> int:
    return int(xml.value(item, "t:Size") or 0)


def _mime(_remote_id: str, item: Any) -> bytes:
    found = xml.find(item, "t:MimeContent")
    if found is None:
        raise ValueError("no MimeContent")
    try:
        return base64.b64decode(found.text or "")
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _envelope(remote_id: str, item: Any) -> Envelope:
    received = xml.moment(xml.value(item, "t:DateTimeReceived"))
    if received is None:
        raise ValueError("no DateTimeReceived")
    return Envelope(
        remote_id=remote_id,
        header=properties.header(_kept(item), _substitutes(item)),
        size=_size(remote_id, item),
        received=received,
        seen=xml.flag(item, "t:IsRead"),
    )


def _kept(item: Any) -> list[tuple[str, str]]:
    for each in xml.all_of(item, "t:ExtendedProperty"):
        if (xml.find(each, "t:ExtendedFieldURI").get("PropertyTag") or "").lower() == _HEADER_TAG:
            header = HeaderParser().parsestr(xml.value(each, "t:Value"))
            return [(name, str(value)) for name, value in header.raw_items()]
    return []


def _substitutes(item: Any) -> Iterator[tuple[str, str]]:
    sender = _people(item, "t:From/t:Mailbox")
    yield "From", sender
    if (other := _people(item, "t:Sender/t:Mailbox")) != sender:
        yield "Sender", other
    yield "Reply-To", _people(item, "t:ReplyTo/t:Mailbox")
    yield "To", _people(item, "t:ToRecipients/t:Mailbox")
    yield "Cc", _people(item, "t:CcRecipients/t:Mailbox")
    yield "Bcc", _people(item, "t:BccRecipients/t:Mailbox")
    yield "Subject", properties.encoded(xml.value(item, "t:Subject"))
    yield "Date", properties.date(xml.moment(xml.value(item, "t:DateTimeSent")))
    yield "Message-ID", xml.value(item, "t:InternetMessageId")
    yield "In-Reply-To", xml.value(item, "t:InReplyTo")
    yield "References", xml.value(item, "t:References")
    yield "Thread-Index", properties.thread_index(xml.value(item, "t:ConversationIndex"))


def _people(item: Any, path: str) -> str:
    found = [(xml.value(each, "t:Name"), xml.value(each, "t:EmailAddress")) for each in xml.all_of(item, path)]
    # Colleagues of the same organisation may come with a directory name in place of an address.
    return properties.addresses((name, address) for name, address in found if "@" in address)
