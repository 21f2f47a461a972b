"""The MIME tree of a mail as its leaves, with the section numbers IMAP gives them (RFC 2045, RFC 3501 6.4.5).

The tree is cut by offsets, without recursion and without copying: ``email.parser`` recurses by level (300 nested parts
end it), walks line by line (five times as long), and does not number sections.
"""

import binascii
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .charsets import decode_words, from_base64, one_line
from .fields import ContentType, Fields, content_type, first, parameterized, parse_fields

# Deeper or wider mail exists only to break parsers; what lies below stays whole, as an attachment.
_DEEPEST = 50
_MOST_PARTS = 2_000

# Fields of a part: they end at the first line that is none, as email.parser has it.
_PART_HEADER = re.compile(rb"(?:[!-9;-~]+[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t]+[^\r\n][^\n]*(?:\n|\Z))*)*")
_EMPTY_LINE = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_BOUNDARY_END = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part without parts. Satisfies ``PartLike``.

    :param section: IMAP section number, "1", "2.1"
    :param content_type: lower-cased, "text/html"
    :param disposition: "inline", "attachment" or ""
    :param content_id: without angle brackets
    :param size: octets of ``content``
    :param content: transfer decoded
    """

    section: str
    content_type: str
    charset: str | None
    disposition: str
    filename: str | None
    content_id: str | None
    size: int
    content: bytes | None
    flowed: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """The leaves of a mail in order, and the subtype of every multipart by its section ("" is the mail itself)."""

    leaves: tuple[Leaf, ...]
    kinds: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Node:
    section: str
    start: int
    end: int
    default: str = "text/plain"

    @property
    def depth(self) -> int:
        return self.section.count(".") + 1


def parse_tree(raw: bytes) -> Tree:
    """Cut a whole mail into its leaves; never raises."""
    leaves: list[Leaf] = []
    kinds: dict[str, str] = {}
    waiting = [_Node("", 0, len(raw))]
    while waiting:
        node = waiting.pop()
        body, fields = _split(raw, node)
        kind = content_type(first(fields, "content-type"), node.default)
        children = _children(raw, node, body, kind) if len(leaves) + len(waiting) < _MOST_PARTS else []
        if children:
            kinds[node.section] = kind.value.partition("/")[2]
            waiting.extend(reversed(children))
        else:
            leaves.append(_leaf(raw[body : node.end], node.section or "1", kind, fields))
    return Tree(tuple(leaves), kinds)


def transfer_decode(content: bytes, encoding: str) -> bytes:
    """``content`` without its Content-Transfer-Encoding; as it is where the encoding is unknown or a lie."""
    match encoding.strip().lower():
        case "base64":
            return from_base64(content)
        case "quoted-printable":
            return quopri.decodestring(content)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return _from_uuencode(content)
    return content


def _split(raw: bytes, node: _Node) -> tuple[int, Fields]:
    """The offset of the body of ``node``, and its header fields."""
    if not node.section:
        blank = _BLANK_LINE.search(raw)
        body = blank.end() if blank else len(raw)
        empty = _EMPTY_LINE.match(raw)
        return (empty.end(), {}) if empty else (body, parse_fields(raw[:body]))
    header = _PART_HEADER.match(raw, node.start, node.end)
    end = header.end() if header else node.start
    empty = _EMPTY_LINE.match(raw, end, node.end)
    return (empty.end() if empty else end), parse_fields(raw[node.start : end])


def _children(raw: bytes, node: _Node, body: int, kind: ContentType) -> list[_Node]:
    boundary = kind.parameter("boundary").encode("utf-8", "replace")
    if not kind.value.startswith("multipart/") or not boundary or node.depth > _DEEPEST:
        return []
    default = "message/rfc822" if kind.value == "multipart/digest" else "text/plain"
    prefix = f"{node.section}." if node.section else ""
    spans = list(_spans(raw, body, node.end, b"--" + boundary))[:_MOST_PARTS]
    return [_Node(f"{prefix}{number}", *span, default) for number, span in enumerate(spans, 1)]


def _spans(raw: bytes, start: int, end: int, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where the parts between the delimiter lines of a multipart lie; the last one may lack its delimiter."""
    opened: int | None = None
    for line_start, line_end, last in _delimiters(raw, start, end, delimiter):
        if opened is not None:
            yield opened, max(opened, _before_line_end(raw, line_start))
        opened = None if last else line_end
        if last:
            return
    if opened is not None:
        yield opened, end


def _delimiters(raw: bytes, start: int, end: int, delimiter: bytes) -> Iterator[tuple[int, int, bool]]:
    position = start
    while (found := raw.find(delimiter, position, end)) >= 0:
        position = found + len(delimiter)
        tail = _BOUNDARY_END.match(raw, position, end)
        if tail and (found == start or raw[found - 1 : found] == b"\n"):
            position = tail.end()
            yield found, position, tail[1] is not None


def _before_line_end(raw: bytes, position: int) -> int:
    """The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1)."""
    if raw[position - 2 : position] == b"\r\n":
        return position - 2
    return position - 1


def _leaf(encoded: bytes, section: str, kind: ContentType, fields: Fields) -> Leaf:
    content = transfer_decode(encoded, first(fields, "content-transfer-encoding"))
    disposition = parameterized(first(fields, "content-disposition"))
    filename = disposition.parameter("filename") or kind.parameter("name")
    if kind.value == "message/rfc822" and not filename:
        filename = _embedded_name(content)
    return Leaf(
        section=section,
        content_type=kind.value,
        charset=kind.parameter("charset") or None,
        disposition=disposition.value if disposition.value in ("inline", "attachment") else "",
        filename=filename or None,
        content_id=first(fields, "content-id").strip().strip("<>") or None,
        size=len(content),
        content=content,
        flowed=_flowed(kind),
    )


def _flowed(kind: ContentType) -> str:
    if kind.parameter("format").lower() != "flowed":
        return ""
    return "delsp" if kind.parameter("delsp").lower() == "yes" else "flowed"


def _embedded_name(content: bytes) -> str:
    subject = one_line(decode_words(first(parse_fields(content), "subject")))
    return f"{subject}.eml" if subject else ""


def _from_uuencode(content: bytes) -> bytes:
    lines = content.splitlines()
    begun = next((number for number, line in enumerate(lines, 1) if line.startswith(b"begin ")), 0)
    last = next((number for number, line in enumerate(lines) if line.strip() == b"end" and number >= begun), len(lines))
    return b"".join(_uu_line(line) for line in lines[begun:last])


def _uu_line(line: bytes) -> bytes:
    if not line.strip():
        return b""
    # Some encoders pad too much: the first octet says how much of the line is meant.
    for meant in (line, line[: (((line[0] - 32) & 63) * 4 + 5) // 3]):
        try:
            return binascii.a2b_uu(meant)
        except binascii.Error:
            continue
    return b""
