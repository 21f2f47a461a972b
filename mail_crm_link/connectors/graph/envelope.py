"""The envelope of a mail from its properties, as far as the service kept no header of it.

The service keeps the header of what came through the Internet; what was sent from the mailbox has properties only
(https://learn.microsoft.com/graph/api/resources/message). Those that are no properties of Graph are asked for by
their MAPI tags ([MS-OXPROPS]).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from .. import properties
from ..base import Envelope
from ..errors import ProviderBroken
from .session import Json

_SIZE, _IN_REPLY_TO, _REFERENCES = 0x0E08, 0x1042, 0x1039
_TAGS = ("Long 0x0E08", "String 0x1042", "String 0x1039")

EXPAND_SIZE = f"$expand=singleValueExtendedProperties($filter=id eq '{_TAGS[0]}')"
FIELDS = (
    "$select=id,isRead,receivedDateTime,sentDateTime,subject,from,sender,replyTo,toRecipients,ccRecipients,"
    "bccRecipients,internetMessageId,conversationIndex,internetMessageHeaders"
    f"&$expand=singleValueExtendedProperties($filter={' or '.join(f'id eq {tag!r}' for tag in _TAGS)})"
)
"""What an envelope is made of."""


def is_complete(message: Json, sent: bool) -> bool:
    """Whether it tells what an envelope needs; what only changed may come without.

    :param sent: it lies among what was sent, of which the service keeps no header
    """
    # Without the header a newsletter looks like a mail that somebody wrote.
    needed = {"receivedDateTime", "internetMessageId"} | (set() if sent else {"internetMessageHeaders"})
    return needed <= message.keys()


def envelope(message: Json) -> Envelope:
    """The envelope of a message that was asked for with ``FIELDS``.

    :raises ProviderBroken: a property is missing or has another form
    """
    try:
        return Envelope(
            remote_id=message["id"],
            header=_header(message),
            size=size(message),
            received=moment(message["receivedDateTime"]),
            seen=is_true(message.get("isRead")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProviderBroken("A message has another form than expected", repr(error)) from error


def size(message: Json) -> int:
    """Octets of a message as the service stores it, 0 where it does not tell."""
    text = _extended(message).get(_SIZE, "")
    return int(text) if text.isdecimal() else 0


def moment(text: str) -> datetime:
    """A time of the service in UTC; fractions of a second have up to seven digits there."""
    plain = text.strip().rstrip("Zz").partition(".")[0]
    return datetime.fromisoformat(plain).replace(tzinfo=timezone.utc)


def is_true(value: object) -> bool:
    """Flags came as strings, too, in the service's own examples."""
    return value is True or str(value).lower() == "true"


def _header(message: Json) -> bytes:
    kept = [(each["name"], each.get("value") or "") for each in message.get("internetMessageHeaders") or ()]
    return properties.header(kept, _substitutes(message))


def _substitutes(message: Json) -> Iterator[tuple[str, str]]:
    extended = _extended(message)
    yield "From", _addresses([message.get("from")])
    if message.get("sender") != message.get("from"):
        yield "Sender", _addresses([message.get("sender")])
    yield "Reply-To", _addresses(message.get("replyTo"))
    yield "To", _addresses(message.get("toRecipients"))
    yield "Cc", _addresses(message.get("ccRecipients"))
    yield "Bcc", _addresses(message.get("bccRecipients"))
    yield "Subject", properties.encoded(message.get("subject") or "")
    sent = message.get("sentDateTime")
    yield "Date", properties.date(moment(sent) if sent else None)
    yield "Message-ID", message.get("internetMessageId") or ""
    yield "In-Reply-To", extended.get(_IN_REPLY_TO, "")
    yield "References", extended.get(_REFERENCES, "")
    yield "Thread-Index", properties.thread_index(message.get("conversationIndex") or "")


def _addresses(recipients: Sequence[Json | None] | None) -> str:
    found = [(each or {}).get("emailAddress") or {} for each in recipients or ()]
    return properties.addresses((each.get("name") or "", each.get("address") or "") for each in found)


def _extended(message: Json) -> dict[int, str]:
    """Extended properties by the number of their tag, which comes back in another spelling."""
    found: dict[int, str] = {}
    for each in message.get("singleValueExtendedProperties") or ():
        tag = str(each.get("id", "")).rpartition(" ")[2]
        if tag.lower().startswith("0x"):
            found[int(tag, 16)] = str(each.get("value") or "")
    return found
