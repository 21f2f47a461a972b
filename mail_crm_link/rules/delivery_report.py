"""What a mail system says of a mail that it could not deliver (RFC 3464), and what those say that know no RFC."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .addresses import normalize
from .charsets import one_line
from .fields import Fields, first, parse_fields
from .mime import parse_tree

_LONGEST_WORDS = 500
_ID = re.compile(r"<[^<>\s]+>")
_BLOCKS = re.compile(rb"\r?\n[ \t]*\r?\n")
_COPIES = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global",
    "message/global-headers",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A recipient that a mail did not reach.

    :param recipient: normalised address
    :param words: the mail system's own, on one line
    """

    recipient: str
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """Which mail did not arrive, and where.

    :param message_ids: of the mail that it is about, the surest first
    """

    message_ids: tuple[str, ...]
    failures: tuple[Failure, ...]


def parse_report(raw: bytes) -> Report:
    """The report in a whole mail; without failures where it is none, or only tells of a delay."""
    leaves = parse_tree(raw).leaves
    header = parse_fields(raw)
    copies = [leaf.content or b"" for leaf in leaves if leaf.content_type in _COPIES]
    ids = [first(parse_fields(copy), "message-id") for copy in copies]
    ids += [first(header, name) for name in ("in-reply-to", "references")]
    found = dict.fromkeys(one for text in ids for one in reversed(_ID.findall(text)))
    statuses = [leaf.content or b"" for leaf in leaves if leaf.content_type.endswith("delivery-status")]
    failures = [failure for status in statuses for failure in _failures(status)]
    return Report(tuple(found), tuple(failures or _named_in_header(header)))


def _failures(status: bytes) -> Iterator[Failure]:
    for block in _BLOCKS.split(status):
        fields = parse_fields(block.lstrip() + b"\n\n")
        recipient = _address(first(fields, "original-recipient")) or _address(first(fields, "final-recipient"))
        if recipient and first(fields, "action").strip().lower() == "failed":
            yield Failure(recipient, _words(fields))


def _address(value: str) -> str:
    """An address with its type before it: ``rfc822; anna@mill.example``."""
    return normalize(value.partition(";")[2] or value)


def _words(fields: Fields) -> str:
    diagnostic = first(fields, "diagnostic-code")
    kind, semicolon, words = diagnostic.partition(";")
    said = words if semicolon and len(kind) < 20 else diagnostic
    return one_line(said or first(fields, "status"))[:_LONGEST_WORDS].strip()


def _named_in_header(header: Fields) -> list[Failure]:
    """Exim and Gmail name who did not get it in a field of their own."""
    named = (normalize(one) for one in ",".join(header.get("x-failed-recipients", ())).split(","))
    return [Failure(one, "") for one in named if one]
