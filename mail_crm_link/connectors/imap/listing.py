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

ATTEMPTS = 3
PADDING = timedelta(days=2)
"""SINCE compares dates without time or zone (RFC 9051, 6.4.4), in whatever zone the server likes."""

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass(frozen=True, slots=True)
class Found:
    """UIDs, highest first: all of the listed range, and those received since the start of the window."""

    all: list[int]
    within: list[int]


@dataclass(frozen=True, slots=True)
class _Range:
    """What to list: mail since a date, with UIDs from ``lowest`` and therefore sequence numbers from ``first``."""

    since: datetime | None
    lowest: int
    first: int


def confirmed(session: Session, status: Status, since: datetime | None, lowest: int = 1, first: int = 1) -> Found:
    """List the selected folder's mail with UIDs from ``lowest`` upwards.

    :param status: what EXAMINE told of it
    :param first: no such mail has a smaller sequence number
    :raises ProviderBroken: the server's answers keep being shorter than its own count
    """
    error: ProviderBroken = ProviderBroken("The listing of a folder is not as long as the folder", session.selected)
    for _attempt in range(ATTEMPTS):
        session.disturbed()
        try:
            found = _listed(session, status, _Range(since, lowest, max(first, 1)))
        except Refused as refused:
            # Sequence numbers beyond the end are refused, when mail left meanwhile.
            found, error = None, refused
        if found is not None:
            return found
        status = session.examine(session.selected)
    raise error


def _listed(session: Session, status: Status, wanted: _Range) -> Found | None:
    everything: list[int] = []
    within: list[int] = []
    for low, high in _windows(status.messages, wanted.first):
        recent, older = _window(session, status, low, high, wanted.since)
        if len(recent) + len(older) != high - low + 1 or session.disturbed():
            return None
        everything += sorted((uid for uid in recent + older if uid >= wanted.lowest), reverse=True)
        within += sorted((uid for uid in recent if uid >= wanted.lowest), reverse=True)
        if min(recent + older) <= wanted.lowest:
            break  # UIDs ascend with sequence numbers
    return Found(everything, _not_before(session, within, wanted.since))


def _windows(messages: int, first: int) -> Iterator[tuple[int, int]]:
    for high in range(messages, first - 1, -WINDOW):
        yield max(first, high - WINDOW + 1), high


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
    near = session.search(f"UID {min(uids)}:{max(uids)} BEFORE {imap_date(since + PADDING)}")
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
