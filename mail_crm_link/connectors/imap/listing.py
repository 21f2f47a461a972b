"""The ids of a folder, complete and confirmed.

``UID SEARCH ALL`` of a large folder is one line that no client takes, and a short answer looks like a small folder.
So the folder is listed by windows of sequence numbers, from the top: of the window s:e there must come e - s + 1
UIDs, else the answer is not believed. A start of the window of time splits each answer into two that must add up.

Some servers take sequence numbers within UID SEARCH for UIDs (pymap does). Their answers are short, or they are the
very numbers asked for; such a window is asked for again by FETCH, which is slower and cannot be misunderstood.

Mail that leaves meanwhile shifts what is above it, towards windows already listed; so nothing is ever skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import ProviderBroken
from .cursor import Status
from .session import Refused, Session, utc

WINDOW = 20_000
"""Sequence numbers asked for at once: 220 kB of answer, where imaplib takes a line of 1 MB."""

FIRST_WINDOW = 1_000
"""As much for a start: a server that has to look up the dates of 20,000 mails may need longer than people wait."""

GROWTH = 4
ATTEMPTS = 3
PADDING = timedelta(days=2)
"""SINCE compares dates without time or zone (RFC 9051, 6.4.4), in whatever zone the server likes."""

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the selected folder.

    :param uids: all its UIDs, highest first
    :param within: those of them that were received since the start of the window of time
    :param low: the sequence number of the lowest
    """

    uids: list[int]
    within: list[int]
    low: int


def downwards(session: Session, status: Status, since: datetime | None, high: int, span: int) -> Iterator[Window]:
    """List the selected folder from sequence number ``high`` downwards, by windows that grow from ``span``.

    :param status: what EXAMINE told of it
    :raises ProviderBroken: the server's answers keep being shorter than its own count
    """
    while high > 0:
        found = _confirmed(session, status, since, high, span)
        yield found
        high, span = found.low - 1, min(span * GROWTH, WINDOW)


def _confirmed(session: Session, status: Status, since: datetime | None, high: int, span: int) -> Window:
    error: ProviderBroken = ProviderBroken("The listing of a folder is not as long as the folder", session.selected)
    for _attempt in range(ATTEMPTS):
        high = min(high, status.messages)
        session.disturbed()
        try:
            found = _listed(session, status, since, max(1, high - span + 1), high)
        except Refused as refused:
            # Sequence numbers beyond the end are refused, when mail left meanwhile.
            found, error = None, refused
        if found is not None:
            return found
        status = session.examine(session.selected)
    raise error


def _listed(session: Session, status: Status, since: datetime | None, low: int, high: int) -> Window | None:
    if high < 1:
        return Window([], [], 1)
    recent, older = _window(session, status, low, high, since)
    if len(recent) + len(older) != high - low + 1 or session.disturbed():
        return None
    within = sorted(_not_before(session, recent, since), reverse=True)
    return Window(sorted(recent + older, reverse=True), within, low)


def _window(
    session: Session, status: Status, low: int, high: int, since: datetime | None
) -> tuple[list[int], list[int]]:
    """UIDs of a window, those since the padded date and those before it."""
    if session.searches_numbers:
        recent, older = _searched(session, low, high, since)
        session.searches_numbers = _is_plausible(recent + older, status, low, high)
        if session.searches_numbers:
            return recent, older
    return _fetched(session, low, high, since)


def _searched(session: Session, low: int, high: int, since: datetime | None) -> tuple[list[int], list[int]]:
    if since is None:
        return session.search(f"{low}:{high}"), []
    date = imap_date(since - PADDING)
    return session.search(f"{low}:{high} SINCE {date}"), session.search(f"{low}:{high} BEFORE {date}")


def _is_plausible(uids: list[int], status: Status, low: int, high: int) -> bool:
    """Whether a search understood sequence numbers. UIDs are equal to them only if no mail ever left."""
    if len(uids) != high - low + 1:
        return False
    return status.uidnext == status.messages + 1 or (min(uids), max(uids)) != (low, high)


def _fetched(session: Session, low: int, high: int, since: datetime | None) -> tuple[list[int], list[int]]:
    recent: list[int] = []
    older: list[int] = []
    for uid, answer in session.fetch(f"{low}:{high}", "(UID INTERNALDATE)", uid=False):
        received = utc(answer.get(b"INTERNALDATE")) if isinstance(answer, dict) else None
        is_early = since is not None and received is not None and received < since
        (older if is_early else recent).append(uid)
    return recent, older


def _not_before(session: Session, uids: list[int], since: datetime | None) -> list[int]:
    """Drop what only the padding let in, by the exact date of those near the edge."""
    if since is None or not uids or not session.searches_numbers:
        return uids
    edge = f"SINCE {imap_date(since - PADDING)} BEFORE {imap_date(since + PADDING)}"
    near = session.search(f"UID {min(uids)}:{max(uids)} {edge}")
    doubtful = sorted(set(uids).intersection(near))
    early = {uid for uid, received in _received(session, doubtful) if received < since}
    return [uid for uid in uids if uid not in early]


def _received(session: Session, uids: list[int]) -> Iterator[tuple[int, datetime]]:
    for answers in session.fetch_all(uids, "(UID INTERNALDATE)"):
        for uid, answer in answers:
            if isinstance(answer, dict) and b"INTERNALDATE" in answer:
                yield uid, utc(answer[b"INTERNALDATE"])


def imap_date(moment: datetime) -> str:
    """A date for SEARCH; month names are English whatever the locale."""
    return f"{moment.day}-{_MONTHS[moment.month - 1]}-{moment.year}"
