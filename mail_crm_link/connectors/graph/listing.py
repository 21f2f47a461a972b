"""What happened in a folder, by delta queries (https://learn.microsoft.com/graph/delta-query-messages).

A round is a number of pages; each has a link to the next, the last one a link for the next round::

    no cursor ──► first round: all mail, newest first ──► … ──► later rounds: what changed since
                       │                                              │
                       └─► mail in the window is added                ├─► with its time: new, or changed: added
                                                                      ├─► without: a flag changed
                                                                      └─► @removed: vanished

No filter goes with it: one by time makes the service stop after 5,000 mails, and then it never tells of the others.
Older mail costs a page of ids now and then, in the first round only. A round that ended is a complete listing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from urllib.parse import quote

from ..base import Changes, Folder
from ..errors import CursorExpired, ProviderBroken
from .envelope import FIELDS, is_complete, is_true, moment
from .session import Json, Session

LISTING_PAGE = 1_000
"""Ids asked for at once in a complete listing."""

_ORDER = "&$orderby=receivedDateTime desc"
_IDS = "$select=id,isRead,receivedDateTime"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the listing continues.

    :param link: the service's link to the next page or round
    :param first: whether that page belongs to the first round
    :param pending: ids of a page that were not handed out yet
    :param day: when the link was stored; the service forgets links that nobody uses
    """

    link: str
    first: bool = False
    pending: tuple[str, ...] = ()
    day: int = 0

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """:raises CursorExpired: it is of another connector or another time"""
        try:
            known = json.loads(text)
            return cls(known["link"], known["first"], tuple(known["pending"]), known["day"])
        except (ValueError, KeyError, TypeError) as error:
            raise CursorExpired("The stored cursor is not ours", repr(error)) from error

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(slots=True)
class _News:
    """What a page tells, the last word on each mail."""

    added: dict[str, datetime] = field(default_factory=dict)
    seen: dict[str, bool] = field(default_factory=dict)
    vanished: dict[str, None] = field(default_factory=dict)

    def take(self, entry: Json, since: datetime | None) -> None:
        remote_id = entry["id"]
        if "@removed" in entry:
            self.added.pop(remote_id, None)
            self.vanished[remote_id] = None
            return
        self.vanished.pop(remote_id, None)
        if "isRead" in entry:
            self.seen[remote_id] = is_true(entry["isRead"])
        if entry.get("receivedDateTime"):
            received = moment(entry["receivedDateTime"])
            if since is None or received >= since:
                self.added[remote_id] = received

    def take_page(self, page: Json, since: datetime | None) -> None:
        try:
            for entry in page["value"]:
                self.take(entry, since)
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderBroken("A delta page has another form than expected", repr(error)) from error

    def newest_first(self) -> list[str]:
        return sorted(self.added, key=lambda remote_id: self.added[remote_id], reverse=True)


def changes(
    session: Session,
    folder: Folder,
    cursor: str | None,
    since: datetime | None,
    limit: int,
    day: int,
    ahead: dict[str, Json],
) -> Changes:
    """One step of what happened, see ``Connector.changes``.

    :param day: today's number, by which old links are replaced
    :param ahead: takes the properties of what is in ``added``, where the page had them
    """
    state = Cursor.parse(cursor) if cursor else None
    if state and state.pending:
        return _handed_out(state, limit)
    page = session.get(state.link, odata_maxpagesize=str(limit)) if state else _begun(session, folder, limit)
    news = _News()
    news.take_page(page, since)
    sent = folder.role == "sent"
    complete = (entry for entry in page["value"] if is_complete(entry, sent))
    ahead.update({entry["id"]: entry for entry in complete if entry["id"] in news.added})
    following = _following(page, state, tuple(news.newest_first()), day)
    if state and not state.first and not page["value"] and not _is_continued(page) and state.day == day:
        return Changes("", cursor, unchanged=True)
    step = _handed_out(following, limit, more=_is_continued(page) or bool(state and state.first))
    return Changes(
        "",
        step.cursor,
        added=step.added,
        seen={} if state is None or state.first else news.seen,
        vanished=tuple(news.vanished),
        more=step.more,
        expected=count(session, folder, since) if step.added and (state is None or not step.more) else None,
    )


def _begun(session: Session, folder: Folder, limit: int) -> Json:
    """The first page of the first round, with all that envelopes need as far as the service gives it."""
    base = _delta(session, folder)
    try:
        return session.get(f"{base}?{FIELDS}{_ORDER}", odata_maxpagesize=str(limit))
    except ProviderBroken:
        return session.get(f"{base}?{_IDS}{_ORDER}", odata_maxpagesize=str(limit))


def _delta(session: Session, folder: Folder) -> str:
    return f"{session.root}/mailFolders/{quote(folder.remote_id, safe='')}/messages/delta"


def _is_continued(page: Json) -> bool:
    return "@odata.nextLink" in page


def _following(page: Json, state: Cursor | None, added: tuple[str, ...], day: int) -> Cursor:
    link = page.get("@odata.nextLink") or page.get("@odata.deltaLink")
    if not isinstance(link, str):
        raise ProviderBroken("A delta page leads nowhere", ", ".join(page))
    first = _is_continued(page) and (state is None or state.first)
    return Cursor(link, first, added, day)


def _handed_out(cursor: Cursor, limit: int, more: bool = True) -> Changes:
    """The next of the pending ids. What lies behind them is asked for once they are stored."""
    page, rest = cursor.pending[:limit], cursor.pending[limit:]
    following = Cursor(cursor.link, cursor.first, rest, cursor.day)
    return Changes("", str(following), added=page, more=more or bool(rest))


def count(session: Session, folder: Folder, since: datetime | None) -> int | None:
    """Mails of a folder within the window."""
    window = f"&$filter=receivedDateTime ge {since:%Y-%m-%dT%H:%M:%SZ}" if since else ""
    path = f"{session.root}/mailFolders/{quote(folder.remote_id, safe='')}/messages"
    found = session.get(f"{path}?$count=true&$top=1&$select=id{window}").get("@odata.count")
    return found if isinstance(found, int) else None


def reconcile(session: Session, folder: Folder, cursor: str | None, since: datetime | None, day: int) -> Changes:
    """The folder complete, see ``Connector.reconcile``.

    A cursor that is given stays: its next round repeats what happened meanwhile, which harms nobody.
    """
    news = _News()
    present: set[str] = set()
    page: Json = {}
    for page in session.pages(f"{_delta(session, folder)}?{_IDS}", odata_maxpagesize=str(LISTING_PAGE)):
        news.take_page(page, since)
        present |= {entry["id"] for entry in page["value"]}
    following = cursor or str(_following(page, None, (), day))
    added = tuple(news.newest_first())
    return Changes("", following, added=added, present=frozenset(present - news.vanished.keys()), expected=len(added))
