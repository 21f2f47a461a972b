"""A header for mails of which a service keeps properties instead: what was sent from the mailbox has no other."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr

from .base import HEADER_FIELDS

_WANTED = {name.lower(): name for name in HEADER_FIELDS}
_FOLD = re.compile(r"[\r\n]+[ \t]*|\0")


def header(kept: Iterable[tuple[str, str]], substitutes: Iterable[tuple[str, str]]) -> bytes:
    """The header of an envelope.

    :param kept: name and value of the fields that the service kept as they came
    :param substitutes: those that are made of properties; they count where the same was not kept and are not empty
    """
    lines = [(_WANTED[name.lower()], value) for name, value in kept if name.lower() in _WANTED]
    known = {name for name, _value in lines}
    lines += [(name, value) for name, value in substitutes if value and name not in known]
    text = "".join(f"{name}: {_FOLD.sub(' ', value)}\r\n" for name, value in lines)
    return text.encode("utf-8", "replace") + b"\r\n"


def addresses(people: Iterable[tuple[str, str]]) -> str:
    """Names and addresses as they stand in a header; who has no address is left out."""
    return ", ".join(_address(name, address) for name, address in people if address)


def _address(name: str, address: str) -> str:
    try:
        return formataddr(("" if name == address else name, address))
    except UnicodeEncodeError:  # an address beyond ASCII (RFC 6532)
        return f"<{address}>"


def encoded(text: str) -> str:
    """Text as it stands in a header."""
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=900).encode(linesep="")


def date(moment: datetime | None) -> str:
    """A moment as it stands in a header."""
    return format_datetime(moment) if moment else ""


def thread_index(index: str) -> str:
    """A conversation index in base64, if it is one."""
    try:
        return base64.b64encode(base64.b64decode(index, validate=True)).decode()
    except binascii.Error:
        return ""
