"""The parts of a mail that a provider only sends whole, numbered as in IMAP (RFC 9051, 6.4.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from .base import HEADER_FIELDS, WHOLE_LIMIT, Content, Part
from .errors import MailGone

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"[^\r\n:]+:[^\n]*\n(?:[ \t][^\n]*\n)*")
_WANTED_FIELDS = frozenset(name.lower().encode() for name in HEADER_FIELDS)


def content(remote_id: str, raw: bytes, whole: bool) -> Content:
    """The content to keep of a mail.

    :param whole: with all attachments; else of mails larger than ``WHOLE_LIMIT`` the header and the text
    """
    if whole or len(raw) <= WHOLE_LIMIT:
        return Content(remote_id, raw, header(raw))
    parts = (_part(section, leaf) for section, leaf in _leaves(message_from_bytes(raw), ""))
    return Content(remote_id, None, header(raw), tuple(parts))


def section(raw: bytes, name: str) -> bytes:
    """One part without its transfer encoding.

    :raises MailGone: the mail has no such part
    """
    for number, leaf in _leaves(message_from_bytes(raw), ""):
        if number == name:
            return _decoded(leaf)
    raise MailGone("No such part", name)


def with_hidden(raw: bytes, recipients: Sequence[str]) -> bytes:
    """The mail with a Bcc for those recipients that its header does not name.

    For services that take the recipients from the header, and the Bcc out of it.
    """
    header = BytesHeaderParser().parsebytes(raw)
    fields = [str(field) for name in ("To", "Cc", "Bcc") for field in header.get_all(name, [])]
    named = {address.lower() for _name, address in getaddresses(fields)}
    hidden = [address for address in recipients if address.lower() not in named]
    return f"Bcc: {', '.join(hidden)}\r\n".encode() + raw if hidden else raw


def text(raw: bytes) -> str:
    """Header and texts of a mail, as far as they can be read."""
    leaves = (leaf for _number, leaf in _leaves(message_from_bytes(raw), "") if leaf.get_content_maintype() == "text")
    texts = [_decoded(leaf).decode(leaf.get_content_charset() or "utf-8", "replace") for leaf in leaves]
    return "\n".join([header(raw).decode("utf-8", "replace"), *texts])


def header(raw: bytes) -> bytes:
    """The complete header with the line that ends it."""
    end = _HEADER_END.search(raw)
    return raw[: end.end()] if end else raw


def envelope_header(raw: bytes) -> bytes:
    """The fields of the header that an envelope carries."""
    fields = _FIELD.findall(header(raw))
    wanted = (line for line in fields if line.partition(b":")[0].strip().lower() in _WANTED_FIELDS)
    return b"".join(wanted) + b"\r\n"


def _leaves(message: Message, number: str) -> Iterator[tuple[str, Message]]:
    children = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(children, list):
        for position, child in enumerate(children, start=1):
            if isinstance(child, Message):
                yield from _leaves(child, f"{number}.{position}" if number else str(position))
    else:
        yield number or "1", message


def _decoded(leaf: Message) -> bytes:
    decoded = leaf.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else bytes(leaf)


def _part(number: str, leaf: Message) -> Part:
    disposition = leaf.get_content_disposition() or ""
    decoded = _decoded(leaf)
    is_text = leaf.get_content_type() in ("text/plain", "text/html") and disposition != "attachment"
    return Part(
        number,
        leaf.get_content_type(),
        leaf.get_content_charset(),
        disposition,
        leaf.get_filename(),
        leaf.get("Content-ID"),
        len(decoded),
        decoded if is_text else None,
    )
