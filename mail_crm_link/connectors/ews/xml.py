"""Requests and answers of Exchange Web Services: ``m:`` for messages, ``t:`` for types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from html import escape
from typing import Any

MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
_NAMESPACES = {"m": MESSAGES, "t": TYPES}

# What XML 1.0 (2.2) has no place for.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """Text for an element."""
    return escape(_FORBIDDEN.sub("", value), quote=False)


def attribute(value: str) -> str:
    """Text for an attribute, with its quotes."""
    return f'"{escape(_FORBIDDEN.sub("", value))}"'


def document(content: str) -> str:
    """An operation with its namespaces declared."""
    name, rest = re.match(r"<([\w:]+)(.*)", content, re.DOTALL).groups()  # type: ignore[union-attr]
    declared = "".join(f' xmlns:{prefix}="{address}"' for prefix, address in _NAMESPACES.items())
    return f"<{name}{declared}{rest}"


def shape(fields: Sequence[str], mime: bool = False) -> str:
    """What to tell of items: their ids, and these fields (elements)."""
    content = "<t:IncludeMimeContent>true</t:IncludeMimeContent>" if mime else ""
    wanted = f"<t:AdditionalProperties>{''.join(fields)}</t:AdditionalProperties>" if fields else ""
    return f"<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{content}{wanted}</m:ItemShape>"


def field(uri: str) -> str:
    """A property of the schema."""
    return f"<t:FieldURI FieldURI={attribute(uri)}/>"


def tag(number: str, kind: str) -> str:
    """A property by its MAPI tag."""
    return f"<t:ExtendedFieldURI PropertyTag={attribute(number)} PropertyType={attribute(kind)}/>"


def folder_id(remote_id: str) -> str:
    """A folder by its id."""
    return f"<t:FolderId Id={attribute(remote_id)}/>"


def item_ids(remote_ids: Sequence[str]) -> str:
    """Items by their ids."""
    found = "".join(f"<t:ItemId Id={attribute(remote_id)}/>" for remote_id in remote_ids)
    return f"<m:ItemIds>{found}</m:ItemIds>"


def name_of(element: Any) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def find(element: Any, path: str) -> Any:
    """The first element at a path such as ``m:Items/t:Message``, or ``None``."""
    return None if element is None else element.find(path, _NAMESPACES)


def all_of(element: Any, path: str) -> Iterator[Any]:
    """All elements at a path."""
    yield from () if element is None else element.findall(path, _NAMESPACES)


def value(element: Any, path: str) -> str:
    """The text at a path, "" where there is none."""
    found = find(element, path)
    return "" if found is None else (found.text or "")


def flag(element: Any, path: str) -> bool:
    """A boolean at a path."""
    return value(element, path).strip().lower() in ("true", "1")


def moment(stamp: str) -> datetime | None:
    """A time of the server in UTC."""
    if not stamp:
        return None
    parsed = datetime.fromisoformat(re.sub(r"\.\d+", "", stamp.strip()).replace("Z", "+00:00"))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
