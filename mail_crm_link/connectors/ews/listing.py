"""What happened in a folder, by SyncFolderItems.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/syncfolderitems-operation

A round is a number of pages, each with a state to continue from; the first round names all items, later ones what
changed. It knows no window of time, so older mail is listed and left out here. Ids change when a mail moves.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..base import Changes, Folder
from ..errors import CursorExpired, ProviderBroken
from . import xml
from .session import Session

MOST = 512
"""Changes that the server tells at once."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAIL = ("Message", "Meeting", "PostItem", "Item")
_SHAPE = xml.shape([xml.field("item:DateTimeReceived"), xml.field("message:IsRead")])


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the listing continues: the server's state, and whether the first round is still going on."""

    state: str = ""
    first: bool = True

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """:raises CursorExpired: it is of another connector"""
        if text is None:
            return cls()
        try:
            known = json.loads(text)
            return cls(str(known["state"]), bool(known["first"]))
        except (ValueError, KeyError, TypeError) as error:
            raise CursorExpired("The stored cursor is not ours", repr(error)) from error

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(slots=True)
class _Page:
    """What the server tells at once, the last word on each mail."""

    state: str
    is_last: bool
    received: dict[str, datetime] = field(default_factory=dict)
    seen: dict[str, bool] = field(default_factory=dict)
    vanished: dict[str, None] = field(default_factory=dict)

    def take(self, change: Any) -> None:
        what = xml.name_of(change)
        if what == "Delete":
            remote_id = _id(change)
            self.received.pop(remote_id, None)
            self.vanished[remote_id] = None
        elif what == "ReadFlagChange":
            self.seen[_id(change)] = xml.flag(change, "t:IsRead")
        elif len(change) and xml.name_of(change[0]).startswith(_MAIL):
            item = change[0]
            self.received[_id(item)] = xml.moment(xml.value(item, "t:DateTimeReceived")) or _EPOCH
            self.seen[_id(item)] = xml.flag(item, "t:IsRead")

    def within(self, since: datetime | None) -> tuple[str, ...]:
        """Ids since then, newest first."""
        found = [(moment, remote_id) for remote_id, moment in self.received.items() if not since or moment >= since]
        return tuple(remote_id for _moment, remote_id in sorted(found, reverse=True))


def changes(session: Session, folder: Folder, cursor: str | None, since: datetime | None, limit: int) -> Changes:
    """One step of what happened, see ``Connector.changes``."""
    known = Cursor.parse(cursor)
    page = _asked(session, folder, known.state, min(limit, MOST))
    began = cursor is None
    if not (known.first or page.received or page.seen or page.vanished) and page.is_last:
        return Changes("", cursor, unchanged=True)
    added = page.within(since)
    return Changes(
        "",
        str(Cursor(page.state, known.first and not page.is_last)),
        added=added,
        seen={} if known.first else page.seen,
        vanished=tuple(page.vanished),
        # What came while the first round went on is asked for at its end.
        more=not page.is_last or (known.first and not began),
        expected=count(session, folder, since) if added and (began or page.is_last) else None,
    )


def reconcile(session: Session, folder: Folder, cursor: str | None, since: datetime | None) -> Changes:
    """The folder complete, see ``Connector.reconcile``.

    A cursor that is given stays: its next round repeats what happened meanwhile, which harms nobody.
    """
    whole = _Page("", False)
    while not whole.is_last:
        page = _asked(session, folder, whole.state, MOST)
        if page.state == whole.state and not page.is_last:
            raise ProviderBroken("A folder's listing does not end", folder.name)
        whole.state, whole.is_last = page.state, page.is_last
        whole.received |= page.received
        for gone in page.vanished:
            whole.received.pop(gone, None)
    added = whole.within(since)
    following = cursor or str(Cursor(whole.state, False))
    return Changes("", following, added=added, present=frozenset(whole.received), expected=len(added))


def _asked(session: Session, folder: Folder, state: str, most: int) -> _Page:
    stored = f"<m:SyncState>{xml.text(state)}</m:SyncState>" if state else ""
    message = session.one(
        "SyncFolderItems",
        f"<m:SyncFolderItems>{_SHAPE}<m:SyncFolderId>{xml.folder_id(folder.remote_id)}</m:SyncFolderId>{stored}"
        f"<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>",
    )
    page = _Page(xml.value(message, "m:SyncState"), xml.flag(message, "m:IncludesLastItemInRange"))
    if not page.state:
        raise ProviderBroken("A folder's listing leads nowhere", folder.name)
    for change in xml.all_of(message, "m:Changes/*"):
        page.take(change)
    return page


def _id(element: Any) -> str:
    return str(xml.find(element, "t:ItemId").get("Id"))


def count(session: Session, folder: Folder, since: datetime | None) -> int | None:
    """Items of a folder within the window."""
    restriction = ""
    if since:
        moment = f'<t:FieldURIOrConstant><t:Constant Value="{since:%Y-%m-%dT%H:%M:%SZ}"/></t:FieldURIOrConstant>'
        received = xml.field("item:DateTimeReceived")
        condition = f"<t:IsGreaterThanOrEqualTo>{received}{moment}</t:IsGreaterThanOrEqualTo>"
        restriction = f"<m:Restriction>{condition}</m:Restriction>"
    found = find_items(session, folder, restriction, most=1)
    total = found.get("TotalItemsInView") or ""
    return int(total) if total.isdecimal() else None


def find_items(session: Session, folder: Folder, restriction: str = "", query: str = "", most: int = 10) -> Any:
    """The newest items of a folder that fulfil a restriction (an element) or a query (text)."""
    view = f'<m:IndexedPageItemView MaxEntriesReturned="{most}" Offset="0" BasePoint="Beginning"/>'
    order = f'<t:FieldOrder Order="Descending">{xml.field("item:DateTimeReceived")}</t:FieldOrder>'
    asked = f"<m:QueryString>{xml.text(query)}</m:QueryString>" if query else ""
    message = session.one(
        "FindItem",
        f'<m:FindItem Traversal="Shallow">{xml.shape([])}{view}{restriction}<m:SortOrder>{order}</m:SortOrder>'
        f"<m:ParentFolderIds>{xml.folder_id(folder.remote_id)}</m:ParentFolderIds>{asked}</m:FindItem>",
    )
    return xml.find(message, "m:RootFolder")


def ids_in(found: Any) -> list[str]:
    """The ids of items that were found."""
    return [_id(item) for item in xml.all_of(found, "t:Items/*")]
