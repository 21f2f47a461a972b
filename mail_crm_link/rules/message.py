"""Mails of strangers read into plain values: the envelope and the body.

Nothing here raises on any input, and every text can be stored (no NUL, no lone surrogate).
"""

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .charsets import decode, one_line
from .fields import content_type, first, parse_fields
from .header import Header, parse_header
from .mime import parse_tree
from .plaintext import folded, html_to_text, new_text, text_to_html, unflow
from .sameness import content_digest
from .sanitizer import sanitize

__all__ = [
    "Attachment",
    "Body",
    "Header",
    "PartLike",
    "body_from_parts",
    "parse_body",
    "parse_header",
    "part_content",
    "sanitize",
    "snippet",
    "text_to_html",
]

# Other alternatives of the same text for watches and interactive mail clients: nobody here shows them.
_NEVER_SHOWN = frozenset({"text/x-amp-html", "text/watch-html"})
# Own table: the machine's one differs from host to host, and with it names of attachments and digests.
_TYPES = mimetypes.MimeTypes()
_EXTENSIONS = {"message/rfc822": ".eml", "text/calendar": ".ics", "text/plain": ".txt", "text/html": ".html"}
_LONGEST_FILENAME = 200


class PartLike(Protocol):
    """A leaf of the MIME tree as far as it was fetched; the connectors' ``Part`` is one."""

    @property
    def section(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def charset(self) -> str | None: ...
    @property
    def disposition(self) -> str: ...
    @property
    def filename(self) -> str | None: ...
    @property
    def content_id(self) -> str | None: ...
    @property
    def size(self) -> int: ...
    @property
    def content(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is no text of the mail.

    :param content_id: without angle brackets; "" where it has none
    :param section: IMAP section number, by which it can be fetched
    :param size: octets, estimated where it was not fetched
    :param content: transfer decoded; None where it was not fetched
    :param inline: shown inside the HTML by its ``cid:``
    """

    filename: str
    content_type: str
    content_id: str
    section: str
    size: int
    content: bytes | None
    inline: bool


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail says.

    :param html: unsanitised; "" where the mail has only plain text
    :param text: the plain text, made from the HTML where there is none
    :param digest: see `sameness.content_digest`
    """

    html: str
    text: str
    attachments: tuple[Attachment, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """One displayed text: either form or both."""

    html: str = ""
    text: str = ""


def parse_body(raw: bytes) -> Body:
    """The body of a whole mail."""
    tree = parse_tree(raw)
    return _body(tree.leaves, tree.kinds)


def body_from_parts(header: bytes, parts: Sequence[PartLike]) -> Body:
    """The body of a mail of which only the leaves in ``parts`` are known, and only some of them fetched."""
    kind = content_type(first(parse_fields(header), "content-type")).value
    top = kind.partition("/")[2] if kind.startswith("multipart/") else ""
    return _body(parts, _guessed_kinds(parts, top))


def part_content(raw: bytes, section: str) -> bytes:
    """The transfer decoded content of one leaf of a whole mail.

    :raises KeyError: when the mail has no such section
    """
    for leaf in parse_tree(raw).leaves:
        if leaf.section == section:
            return leaf.content or b""
    raise KeyError(section)


def snippet(body: Body, length: int = 200) -> str:
    """The beginning of what is new in the mail, on one line, at most ``length`` characters, cut at a word."""
    # Enough to find it in: splitting off quotes takes time by the line.
    beginning = body.text[: 20 * length]
    text = folded(new_text(beginning)) or folded(beginning)
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"


def _body(leaves: Sequence[PartLike], kinds: Mapping[str, str]) -> Body:
    displayed = _displayed(leaves)
    shown = _assemble([(leaf.section, _shown(leaf)) for leaf in displayed], kinds)
    hidden = {leaf.section for leaf in displayed}
    attachments = tuple(
        _attachment(leaf, shown.html)
        for leaf in leaves
        if leaf.section not in hidden and leaf.content_type not in _NEVER_SHOWN
    )
    text = shown.text or html_to_text(shown.html)
    digest = content_digest(shown.text, shown.html, (one.filename for one in attachments))
    return Body(shown.html, text, attachments, digest)


def _displayed(leaves: Sequence[PartLike]) -> list[PartLike]:
    texts = [leaf for leaf in leaves if _is_text(leaf)]
    unnamed = [leaf for leaf in texts if not leaf.filename]
    # Some mailers name the body itself: then it is the first part.
    return unnamed or [leaf for leaf in texts if leaf is leaves[0]]


def _is_text(leaf: PartLike) -> bool:
    return leaf.content_type in ("text/plain", "text/html") and leaf.disposition != "attachment"


def _shown(leaf: PartLike) -> _Shown:
    text = decode(leaf.content or b"", leaf.charset).replace("\r\n", "\n")
    if leaf.content_type == "text/html":
        return _Shown(html=text)
    flowed = getattr(leaf, "flowed", "")
    return _Shown(text=unflow(text, flowed == "delsp") if flowed else text)


def _assemble(shown: list[tuple[str, _Shown]], kinds: Mapping[str, str]) -> _Shown:
    """One text out of the displayed leaves: alternatives are one text in two forms, others follow one another."""
    texts = dict(shown)
    for section in sorted(kinds, key=lambda one: -_depth(one)):
        prefix = f"{section}." if section else ""
        inside = [one for one in texts if one.startswith(prefix)]
        if len(inside) < 2:
            continue
        join = _alternative if kinds[section] == "alternative" else _sequence
        texts[inside[0]] = join([texts[one] for one in inside])
        for one in inside[1:]:
            del texts[one]
    return _sequence(list(texts.values()))


def _depth(section: str) -> int:
    return section.count(".") + 1 if section else 0


def _alternative(texts: Sequence[_Shown]) -> _Shown:
    """RFC 2046 section 5.1.4: the last alternative is the richest; the plain one is the plain one."""
    html = next((text.html for text in reversed(texts) if text.html), "")
    plain = next((text.text for text in texts if text.text), "")
    return _Shown(html, plain)


def _sequence(texts: Sequence[_Shown]) -> _Shown:
    if len(texts) == 1:
        return texts[0]
    plain = "\n".join(text.text or html_to_text(text.html) for text in texts)
    if not any(text.html for text in texts):
        return _Shown(text=plain)
    return _Shown("\n".join(text.html or text_to_html(text.text) for text in texts), plain)


def _guessed_kinds(parts: Sequence[PartLike], top: str) -> dict[str, str]:
    """Kinds of the multiparts above ``parts``: plain text directly before HTML beside it is its alternative."""
    kinds = {"": top} if top else {}
    for plain in parts:
        if plain.content_type != "text/plain" or not _is_text(plain):
            continue
        parent = plain.section.rpartition(".")[0]
        beside = f"{parent}." if parent else ""
        following = [part for part in parts if part.section.startswith(beside) and part.section != plain.section]
        if any(part.content_type == "text/html" and _is_text(part) for part in following):
            kinds.setdefault(parent, "alternative")
    return kinds


def _attachment(leaf: PartLike, html: str) -> Attachment:
    content_id = one_line(leaf.content_id or "").strip("<>")
    return Attachment(
        filename=_filename(leaf),
        content_type=leaf.content_type,
        content_id=content_id,
        section=leaf.section,
        size=leaf.size,
        content=leaf.content,
        inline=bool(content_id) and f"cid:{content_id}" in html,
    )


def _filename(leaf: PartLike) -> str:
    name = one_line(leaf.filename or "").replace("\\", "/").rpartition("/")[2]
    if name:
        stem, dot, extension = name.rpartition(".")
        return name if len(name) <= _LONGEST_FILENAME else f"{stem[: _LONGEST_FILENAME - 20]}{dot}{extension[:19]}"
    return f"attachment-{leaf.section}{_extension(leaf.content_type)}"


def _extension(kind: str) -> str:
    if kind in _EXTENSIONS:
        return _EXTENSIONS[kind]
    return _TYPES.guess_extension(kind) or (".txt" if kind.startswith(("text/", "message/")) else ".bin")
