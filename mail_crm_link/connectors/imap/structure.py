"""The MIME tree of a mail as BODYSTRUCTURE tells it (RFC 9051, 7.5.2), and the decoding of its parts."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value, decode_params
from typing import Any

from ..base import Part

TEXT_LIMIT = 4 * 1024 * 1024
"""Octets up to which a text part is fetched with its mail; a larger one is no reading matter, but data."""

_DISPOSITIONS = ("inline", "attachment")
_TOLD_AS_TEXT = re.compile(rb"(?:inline|attachment)\s*(?:;|$)", re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that is not a multipart; ``octets`` as they are encoded."""

    section: str
    content_type: str
    charset: str | None
    disposition: str
    filename: str | None
    content_id: str | None
    encoding: str
    octets: int

    def is_text(self) -> bool:
        """Whether people read it as the mail's own text."""
        readable = self.content_type in ("text/plain", "text/html") and self.disposition != "attachment"
        return readable and self.octets <= TEXT_LIMIT

    def part(self, encoded: bytes | None) -> Part:
        """The part, with the content that was fetched."""
        content = None if encoded is None else decoded(encoded, self.encoding)
        return Part(
            self.section,
            self.content_type,
            self.charset,
            self.disposition,
            self.filename,
            self.content_id,
            self._size() if content is None else len(content),
            content,
        )

    def _size(self) -> int:
        return self.octets * 3 // 4 if self.encoding == "base64" else self.octets


def leaves(structure: Any) -> list[Leaf]:
    """All leaves of a parsed BODYSTRUCTURE, in order. A mail within the mail is a leaf.

    :raises ValueError: the structure is none
    """
    try:
        return list(_walk(structure, ""))
    except (TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a BODYSTRUCTURE: {error!r}") from error


def _walk(structure: Any, section: str) -> Iterator[Leaf]:
    if isinstance(structure[0], list):
        for number, child in enumerate(structure[0], start=1):
            yield from _walk(child, f"{section}.{number}" if section else str(number))
    else:
        yield _leaf(structure, section or "1")


def _leaf(structure: Any, section: str) -> Leaf:
    parameters = _parameters(structure[2])
    disposition, disposition_parameters = _disposition(structure)
    return Leaf(
        section=section,
        content_type=f"{_text(structure[0])}/{_text(structure[1])}".lower(),
        charset=parameters.get("charset"),
        disposition=disposition,
        filename=_decoded_words(disposition_parameters.get("filename") or parameters.get("name")),
        content_id=_text(structure[3]).strip() or None,
        encoding=_text(structure[5]).strip().lower(),
        octets=int(structure[6] or 0),
    )


def _disposition(structure: Any) -> tuple[str, dict[str, str]]:
    """Where the disposition stands depends on the type and on what the server leaves out; by its form it is unique."""
    for item in structure[7:]:
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], bytes):
            name = item[0].decode("ascii", "replace").lower()
            if name in _DISPOSITIONS:
                return name, _parameters(item[1])
        elif isinstance(item, bytes) and _TOLD_AS_TEXT.match(item):
            return _disposition_text(item)
    return "", {}


def _disposition_text(header: bytes) -> tuple[str, dict[str, str]]:
    """Some servers (pymap) tell the header as it stands, where it should be taken apart (RFC 9051, 7.5.2)."""
    message = Message()
    message["Content-Disposition"] = header.decode("utf-8", "replace").replace("\r\n", "")
    filename = message.get_filename()
    return message.get_content_disposition() or "", {"filename": filename} if filename else {}


def _parameters(items: Any) -> dict[str, str]:
    """MIME parameters by lower-case name, with the continuations and charsets of RFC 2231 resolved."""
    if not isinstance(items, (tuple, list)):
        return {}
    texts = [_text(item) for item in items]
    pairs = list(zip((name.lower() for name in texts[::2]), texts[1::2], strict=False))
    try:
        resolved = decode_params([("", ""), *pairs])[1:]
    except (ValueError, LookupError, TypeError):
        return dict(pairs)
    return {name: _unquoted(value) for name, value in resolved}


def _unquoted(value: Any) -> str:
    try:
        text = collapse_rfc2231_value(value)
    except (LookupError, ValueError):
        text = value[-1]
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _text(item: Any) -> str:
    if item is None:
        return ""
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def _decoded_words(text: str | None) -> str | None:
    """Encoded words (RFC 2047) are not allowed in parameters, and usual."""
    if not text:
        return None
    try:
        return str(make_header(decode_header(text))).replace("\0", "")
    except (HeaderParseError, LookupError, ValueError):
        return text.replace("\0", "")


def text_sections(found: Sequence[Leaf]) -> tuple[str, ...]:
    """The sections to fetch for reading."""
    return tuple(leaf.section for leaf in found if leaf.is_text())


def decoded(content: bytes, encoding: str) -> bytes:
    """Remove a transfer encoding, as far as the content obeys it; what is not understood stays as it is."""
    if encoding == "base64":
        return b"".join(decoded_base64([content]))
    if encoding == "quoted-printable":
        return quopri.decodestring(content)
    return content


def decoded_base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decode base64 piece by piece, so that a large attachment is in memory once; signs that are none are skipped."""
    rest = b""
    for chunk in chunks:
        clean = rest + _NOT_BASE64.sub(b"", chunk)
        usable = len(clean) // 4 * 4
        yield base64.b64decode(clean[:usable])
        rest = clean[usable:]
    yield _last(rest)


def _last(rest: bytes) -> bytes:
    try:
        return binascii.a2b_base64(rest + b"=" * (-len(rest) % 4))
    except binascii.Error:
        return b""  # a single sign left over encodes nothing
