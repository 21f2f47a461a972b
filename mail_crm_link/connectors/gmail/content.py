"""Mails and their parts, as Gmail describes them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from email.message import Message
from typing import Any

from .. import parts
from ..base import HEADER_FIELDS, Content, Envelope, FetchFailure, Part
from ..errors import MailGone
from .labels import EVERYTHING, SENT, UNREAD, Choice, is_wanted
from .session import Refusal, Refused, Session

TEXT_LIMIT = 4 * 1024 * 1024
"""Octets up to which a text part is fetched with its mail; a larger one is no reading matter, but data."""

_FOLD = re.compile(r"\r?\n[ \t]*")


def request(session: Session, remote_id: str, form: str) -> Any:
    """The request for a mail in one of Gmail's formats."""
    headers = {"metadataHeaders": list(HEADER_FIELDS)} if form == "metadata" else {}
    return session.users.messages().get(userId="me", id=remote_id, format=form, **headers)


def failure(remote_id: str, refused: Refused) -> FetchFailure:
    """One mail that cannot be had."""
    gone = refused.status == 404
    return FetchFailure(remote_id, "deleted meanwhile" if gone else f"Gmail refuses it: {refused}", gone)


def envelope(answer: Mapping[str, Any], since: datetime | None, choice: Choice = EVERYTHING) -> Envelope | FetchFailure:
    """The envelope of a mail; one that is not ours to keep counts as gone."""
    labels = answer.get("labelIds", ())
    received = datetime.fromtimestamp(int(answer.get("internalDate", 0)) / 1000, timezone.utc)
    if not is_wanted(labels):
        return FetchFailure(answer["id"], "a draft, spam or deleted", gone=True)
    if not choice.wants(labels):
        return FetchFailure(answer["id"], "not among the chosen labels", gone=True)
    if since is not None and received < since:
        return FetchFailure(answer["id"], "older than the window", gone=True)
    return Envelope(
        remote_id=answer["id"],
        header=_header(answer.get("payload", {})),
        size=int(answer.get("sizeEstimate", 0)),
        received=received,
        seen=UNREAD not in labels,
        sent=SENT in labels,
    )


def _header(payload: Mapping[str, Any]) -> bytes:
    """The header as a mail has it; Gmail sends fields without their folding."""
    lines = (f"{each['name']}: {_FOLD.sub(' ', each['value'])}\r\n" for each in payload.get("headers", ()))
    return "".join([*lines, "\r\n"]).encode("utf-8", "surrogateescape")


def decoded(data: str) -> bytes:
    """Base64 for addresses, with or without its padding."""
    return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))


def raw(answer: Mapping[str, Any]) -> bytes:
    """The mail as it is."""
    return decoded(answer.get("raw", ""))


def whole(answer: Mapping[str, Any]) -> Content:
    """The content of a mail that came raw."""
    return parts.content(answer["id"], raw(answer), whole=True)


def described(session: Session, answer: Mapping[str, Any]) -> Content:
    """The content of a mail that came described: its texts, and a list of its other parts."""
    payload = answer.get("payload", {})
    found = tuple(_part(session, answer["id"], section, leaf) for section, leaf in leaves(payload))
    return Content(answer["id"], None, _header(payload), found)


def leaves(payload: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The leaves with their section numbers. A mail within the mail is a leaf, whatever Gmail tells of its parts."""
    if str(payload.get("mimeType", "")).startswith("multipart/"):
        for number, child in enumerate(payload.get("parts", ()), start=1):
            yield from leaves(child, f"{section}.{number}" if section else str(number))
    else:
        yield section or "1", payload


def _part(session: Session, remote_id: str, section: str, leaf: Mapping[str, Any]) -> Part:
    fields = _fields(leaf)
    size = int(leaf.get("body", {}).get("size", 0))
    disposition = fields.get_content_disposition() or ""
    content_type = str(leaf.get("mimeType", "text/plain")).lower()
    readable = content_type in ("text/plain", "text/html") and disposition != "attachment" and size <= TEXT_LIMIT
    return Part(
        section=section,
        content_type=content_type,
        charset=fields.get_content_charset(),
        disposition=disposition if disposition in ("inline", "attachment") else "",
        filename=leaf.get("filename") or None,
        content_id=fields["Content-ID"],
        size=size,
        content=body(session, remote_id, leaf) if readable else None,
    )


def _fields(leaf: Mapping[str, Any]) -> Message:
    fields = Message()
    for each in leaf.get("headers", ()):
        fields[each["name"]] = _FOLD.sub(" ", each["value"])
    return fields


def body(session: Session, remote_id: str, leaf: Mapping[str, Any]) -> bytes:
    """The content of a part, which comes with the mail or is fetched by itself.

    :raises MailGone: it is not there any more
    """
    found = leaf.get("body", {})
    if "attachmentId" not in found:
        return decoded(found.get("data", ""))
    attachments = session.users.messages().attachments()
    answer = only(session, "attachment", attachments.get(userId="me", messageId=remote_id, id=found["attachmentId"]))
    return decoded(answer.get("data", ""))


def only(session: Session, price: str, one: Any) -> dict[str, Any]:
    """The answer about one mail.

    :raises MailGone: it is not there any more
    """
    try:
        return session.call(price, one)
    except Refusal as refusal:
        raise MailGone("The mail cannot be fetched", str(refusal)) from refusal


def part(session: Session, remote_id: str, section: str) -> bytes:
    """One part of a mail.

    :raises MailGone: there is no such mail, or no such part
    """
    answer = only(session, "message", request(session, remote_id, "full"))
    for number, leaf in leaves(answer.get("payload", {})):
        if number == section:
            return body(session, remote_id, leaf)
    raise MailGone("No such part", section)


def in_order(ids: Sequence[str], found: Mapping[str, Any]) -> list[Any]:
    """The results that there are, in the order of ``ids``."""
    return [found[one] for one in ids if one in found]
