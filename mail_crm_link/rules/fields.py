"""Header fields: cut, decoded, and their parameters (RFC 5322, RFC 2045, RFC 2231).

Cut here and not by ``email.parser``, whose two policies give either raw octets in surrogates to be decoded again, or
exceptions on a stranger's Message-ID; both differ from one Python version to the next.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from .charsets import clean, decode, decode_words, one_line

# A header is some kilobytes; what is longer than this was made to hurt.
_LONGEST_HEADER = 512 * 1024

_FIELD = re.compile(r"^([!-9;-~]+)[ \t]*:[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_FOLD = re.compile(r"\r?\n[ \t]*|\r")
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_PARAMETER = re.compile(r";\s*([^\s=;\"]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^;]*))", re.DOTALL)
_ESCAPED = re.compile(r"\\([\"\\\\])")
_SECTIONED = re.compile(r"(.+?)\*(\d{1,3})?(\*)?$")
_TYPE = re.compile(r"[^\s/()<>@,;:\"\[\]?=]+/[^\s/()<>@,;:\"\[\]?=]+")

Fields = Mapping[str, tuple[str, ...]]


class ContentType(NamedTuple):
    """A parsed Content-Type (or Content-Disposition): its value, lower-cased, and parameters by lower-cased name."""

    value: str
    parameters: Mapping[str, str]

    def parameter(self, name: str) -> str:
        return self.parameters.get(name, "")


def header_of(raw: bytes) -> bytes:
    """The octets of ``raw`` before its first empty line."""
    if raw[:2] == b"\r\n" or raw[:1] == b"\n":
        return b""
    end = raw.find(b"\n\n", 0, _LONGEST_HEADER)
    crlf_end = raw.find(b"\n\r\n", 0, end if end >= 0 else _LONGEST_HEADER)
    return raw[: crlf_end if crlf_end >= 0 else end if end >= 0 else _LONGEST_HEADER]


def parse_fields(raw: bytes) -> dict[str, tuple[str, ...]]:
    """All fields of the header of ``raw`` by lower-cased name: unfolded and clean, encoded words left."""
    text = _header_text(header_of(raw))
    fields: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(text):
        unfolded = _FOLD.sub(" ", value) if "\n" in value else value
        fields.setdefault(name.lower(), []).append(unfolded.strip())
    return {name: tuple(values) for name, values in fields.items()}


def first(fields: Fields, name: str) -> str:
    """The first value of the field ``name``; "" where it is absent."""
    values = fields.get(name)
    return values[0] if values else ""


def content_type(value: str, default: str = "text/plain") -> ContentType:
    """A Content-Type value; ``default`` where the type is none (RFC 2045 section 5.2)."""
    kind = parameterized(value)
    return kind if _TYPE.fullmatch(kind.value) else ContentType(default, kind.parameters)


def parameterized(value: str) -> ContentType:
    """A value with parameters: ``inline; filename*0*=utf-8''a; filename*1=b`` and its broken relatives."""
    head, semicolon, _rest = value.partition(";")
    if not semicolon:
        return ContentType(head.strip().lower(), {})
    return ContentType(head.strip().lower(), _parameters(value[len(head) :]))


def _header_text(octets: bytes) -> str:
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError:
        # RFC 6532 allows raw UTF-8; older mailers send whatever they have, mostly what the body is in.
        declared = _CHARSET.search(octets)
        text = decode(octets, "utf-8") if _is_utf8(octets) else decode(octets, declared[1].decode() if declared else "")
    text = clean(text).replace("\r\n", "\n")
    return text if "\n" in text else text.replace("\r", "\n")


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _parameters(text: str) -> dict[str, str]:
    plain: dict[str, str] = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for name, quoted, bare in _PARAMETER.findall(text):
        value = _ESCAPED.sub(r"\1", quoted) if quoted else bare.strip().strip('"')
        sectioned = _SECTIONED.match(name)
        if sectioned:
            number, encoded = int(sectioned[2] or 0), bool(sectioned[3]) or sectioned[2] is None
            sections.setdefault(sectioned[1].lower(), []).append((number, encoded, value))
        else:
            plain.setdefault(name.lower(), one_line(decode_words(value)))
    return plain | {name: _joined(parts) for name, parts in sections.items()}


def _joined(parts: list[tuple[int, bool, str]]) -> str:
    """One value out of RFC 2231 sections, which carry their charset in the first one."""
    parts.sort(key=lambda part: part[0])
    charset, octets = "", b""
    for position, (_number, encoded, value) in enumerate(parts):
        if encoded and position == 0 and value.count("'") >= 2:
            charset, _language, value = value.split("'", 2)
        octets += unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace")
    return one_line(decode(octets, charset))
