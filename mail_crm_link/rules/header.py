"""The envelope of a mail: who wrote to whom, when, about what, in answer to which."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_tz

from .addresses import Address, parse_list
from .charsets import decode_words
from .fields import Fields, first, parse_fields

# Longer than anybody reads, short enough for an index of words.
_LONGEST_SUBJECT = 2_000
# RFC 5322 allows lines of 998 octets; a longer id is kept apart from its like by a hash.
_LONGEST_ID = 998
# Enough to join a thread: its start, and the mails before this one.
_REFERENCES_KEPT = 50
# RFC 822 is of 1982; clocks that never were set say 1970 or 1980, broken ones 2100.
_FIRST_YEAR, _LAST_YEAR = 1982, 2099

_DAY = timedelta(days=1)

_BRACKETED = re.compile(r"<([^<>]*)>")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Header:
    """What the header fields of one mail say; every text is free of NUL and lone surrogates.

    :param message_id: with angle brackets, case kept; "" where there is none
    :param date: when the sender says it was sent, aware UTC; None where absent or absurd
    :param identity: hex sha256, equal for all copies of one mail in all mailboxes
    :param recipients: hex digest of the addresses in To and in Cc, however they are written there
    :param maybe_attachment: whether the type of the mail lets expect attachments
    :param fields: lower-cased name → unfolded values, encoded words left encoded
    """

    message_id: str
    subject: str
    from_: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    date: datetime | None
    date_raw: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    identity: str
    recipients: str
    maybe_attachment: bool
    fields: Fields


def parse_header(raw_header: bytes, size: int) -> Header:
    """The envelope in ``raw_header`` (a header, or a whole mail) of a mail of ``size`` octets; never raises."""
    fields = parse_fields(raw_header)
    message_id = _message_id(first(fields, "message-id"))
    subject = " ".join(decode_words(first(fields, "subject")).split())[:_LONGEST_SUBJECT]
    senders = parse_list(first(fields, "from"))
    to, cc = _addresses(fields, "to"), _addresses(fields, "cc")
    date_raw = first(fields, "date")
    date = _date(date_raw)
    stamp = date.isoformat() if date else date_raw
    sender = senders[0].email if senders else ""
    distinct = [message_id, sender, stamp, subject]
    if not message_id:
        distinct += [*(one.email for one in to), "", *(one.email for one in cc), str(size)]
    participants = frozenset(f"<{one.email}>" for one in (*senders, *to, *cc))
    return Header(
        message_id=message_id,
        subject=subject,
        from_=senders[0] if senders else None,
        to=to,
        cc=cc,
        bcc=_addresses(fields, "bcc"),
        reply_to=_addresses(fields, "reply-to"),
        date=date,
        date_raw=date_raw,
        in_reply_to=_references(fields, "in-reply-to", participants),
        references=_references(fields, "references", participants),
        identity=hashlib.sha256("\0".join(distinct).encode()).hexdigest(),
        recipients=_digest_of(to, cc),
        maybe_attachment=_maybe_attachment(fields),
        fields=fields,
    )


def _addresses(fields: Fields, name: str) -> tuple[Address, ...]:
    values = fields.get(name)
    return tuple(parse_list(", ".join(values))) if values else ()


def _digest_of(*lists: Iterable[Address]) -> str:
    addresses = "\0".join(" ".join(sorted({one.email for one in people})) for people in lists)
    return hashlib.blake2b(addresses.encode(), digest_size=16).hexdigest()


def _message_id(value: str) -> str:
    bracketed = _BRACKETED.search(value)
    if bracketed:
        return _identifier(bracketed[1])
    bare = value.strip().strip("<>")
    # Without brackets it is an id only where it cannot be a remark, as in "(none)" or "not available".
    return "" if _SPACES.search(bare) or bare.startswith("(") else _identifier(bare)


def _identifier(text: str) -> str:
    inner = _SPACES.sub("", text)
    if not inner:
        return ""
    if len(inner) + 2 > _LONGEST_ID:
        digest = hashlib.sha256(inner.encode()).hexdigest()
        inner = inner[: _LONGEST_ID - 2 - len(digest)] + digest
    return f"<{inner}>"


def _references(fields: Fields, name: str, participants: frozenset[str]) -> tuple[str, ...]:
    """The ids in a field, in order, each once; the middle of long ones left out.

    Some mailers write "your mail of Monday, Jane <jane@example.com>" into In-Reply-To: an address of a participant is
    no id, or all mail of one person would be one conversation.
    """
    value = " ".join(fields.get(name, ()))
    if not value:
        return ()
    found = [_identifier(inner) for inner in _BRACKETED.findall(value)] or [
        _identifier(word) for word in value.split() if "@" in word.strip("@")
    ]
    unique = [one for one in dict.fromkeys(found) if one and one.lower() not in participants]
    return tuple(_ends(unique))


def _ends(ids: list[str]) -> Iterable[str]:
    return ids if len(ids) <= 2 * _REFERENCES_KEPT else ids[:_REFERENCES_KEPT] + ids[-_REFERENCES_KEPT:]


def _date(value: str) -> datetime | None:
    try:
        parsed = parsedate_tz(value)
        if parsed is None:
            return None
        offset = timedelta(seconds=parsed[9] or 0)
        date = datetime(*parsed[:6], tzinfo=timezone.utc) - offset
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return date if _FIRST_YEAR <= date.year <= _LAST_YEAR and abs(offset) < _DAY else None


def _maybe_attachment(fields: Fields) -> bool:
    if first(fields, "x-ms-has-attach").lower() == "yes":
        return True
    kind = first(fields, "content-type").partition(";")[0].strip().lower() or "text/plain"
    return kind == "multipart/mixed" or "/" in kind and not kind.startswith(("text/", "multipart/"))
