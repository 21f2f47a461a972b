"""The ids of a folder, complete and confirmed.

``UID SEARCH ALL`` of a large folder is one line that no client takes, and a short answer looks like a small folder.
So the folder is listed by windows of sequence numbers, from the top: of the window s:e there must come e - s + 1
UIDs, else the answer is not believed. A start of the window of time splits each answer into two that must add up.

Mail that leaves meanwhile shifts what is above it, towards windows already listed; so nothing is ever skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import ProviderBroken
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


def confirmed(session: Session, messages: int, since: datetime | None, lowest: int = 1, first: int = 1) -> Found:
    """List the selected folder's mail with UIDs from ``lowest`` upwards.

    :param messages: how many mails EXAMINE found
    :param first: no such mail has a smaller sequence number
    :raises ProviderBroken: the server's answers keep being shorter than its own count
    """
    error: ProviderBroken = ProviderBroken("The listing of a folder is not as long as the folder", session.selected)
    for _attempt in range(ATTEMPTS):
        session.disturbed()
        try:
            found = _listed(session, messages, since, lowest, first)
        except Refused as refused:
            # Sequence numbers beyond the end are refused, when mail left meanwhile.
            found, error = None, refused
        if found is not None:
            return found
        messages = session.examine(session.selected).messages
    raise error


def _listed(session: Session, messages: int, since: datetime | None, lowest: int, first: int) -> Found | None:
    everything: list[int] = []
    within: list[int] = []
    for low, high in _windows(messages, max(first, 1)):
        recent, older = _window(session, low, high, since)
        if len(recent) + len(older) != high - low + 1 or session.disturbed():
            return None
        everything += sorted((uid for uid in recent + older if uid >= lowest), reverse=True)
        within += sorted((uid for uid in recent if uid >= lowest), reverse=True)
        if min(recent + older) <= lowest:
            break  # UIDs ascend with sequence numbers
    return Found(everything, _not_before(session, within, since))


def _windows(messages: int, first: int) -> Iterator[tuple[int, int]]:
    for high in range(messages, first - 1, -WINDOW):
        yield max(first, high - WINDOW + 1), high


def _window(session: Session, low: int, high: int, since: datetime | None) -> tuple[list[int], list[int]]:
    if since is None:
        return session.search(f"{low}:{high}"), []
    date = imap_date(since - PADDING)
    return session.search(f"{low}:{high} SINCE {date}"), session.search(f"{low}:{high} BEFORE {date}")


def _not_before(session: Session, uids: list[int], since: datetime | None) -> list[int]:
    """Drop what only the padding let in, by the exact date of those near the edge."""
    if since is None or not uids:
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
