"""The ids of all mail, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import CursorExpired, ProviderBroken
from .labels import QUERY
from .session import Refusal, Session

PAGE = 500
REMEMBERED = 20
"""Ids handed out last, by which a later session finds its place; the mail of some may be gone by then."""


def query(since: datetime | None, extra: str = "") -> str:
    """What to search for; seconds since 1970 know no time zone, dates would be Pacific time."""
    # One second earlier: it is nowhere said whether the bound itself belongs to it.
    window = "" if since is None else f"after:{int(since.timestamp()) - 1}"
    return " ".join(filter(None, (QUERY, window, extra)))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing.

    :param token: what it was asked for with
    :param following: what the next one is asked for with, "" after the last
    :param estimate: what Gmail guesses that there are; it guesses badly
    """

    token: str
    ids: tuple[str, ...]
    following: str
    estimate: int


def pages(session: Session, search: str, start: str = "", label: str = "") -> Iterator[Page]:
    """All pages from a page token on.

    :param label: the id of one that the mails have
    :raises CursorExpired: the token is none any more
    """
    token = start
    while True:
        request = session.users.messages().list(
            userId="me", q=search, maxResults=PAGE, pageToken=token or None, labelIds=[label] if label else None
        )
        page = _page(token, _answer(session, request, token))
        yield page
        if not page.following:
            return
        token = page.following


def _answer(session: Session, request: Any, token: str) -> dict[str, Any]:
    try:
        return session.call("list", request)
    except Refusal as refusal:
        if token:
            raise CursorExpired("The listing cannot be continued", str(refusal)) from refusal
        raise ProviderBroken("The mail cannot be listed", str(refusal)) from refusal


def _page(token: str, answer: dict[str, Any]) -> Page:
    ids = tuple(message["id"] for message in answer.get("messages", ()))
    return Page(token, ids, answer.get("nextPageToken", ""), int(answer.get("resultSizeEstimate", 0)))


def ids(session: Session, search: str, label: str = "") -> list[str]:
    """All ids that are found, newest first, each once."""
    return list(dict.fromkeys(one for page in pages(session, search, label=label) for one in page.ids))


@dataclass(slots=True)
class Place:
    """How far a listing was handed out.

    :param token: of the page of the last ids that were handed out
    :param last: these ids
    :param done: how many were handed out
    :param total: how many there are in all, 0 as long as nobody has counted
    """

    token: str = ""
    last: tuple[str, ...] = ()
    done: int = 0
    total: int = 0


@dataclass(slots=True)
class Ahead:
    """What is listed in this session and not handed out yet."""

    source: Iterator[Page]
    ids: list[tuple[str, str]] = field(default_factory=list)
    complete: bool = False
    estimate: int = 0

    def fill(self, count: int) -> None:
        """List until there are ``count`` ids more than needed, or no more at all."""
        while not self.complete and len(self.ids) <= count:
            page = next(self.source)
            self.ids += [(one, page.token) for one in page.ids]
            self.complete = not page.following
            self.estimate = page.estimate

    def take(self, count: int, place: Place) -> tuple[list[str], Place]:
        """The next ids, and the place after them."""
        self.fill(count)
        taken, self.ids = self.ids[:count], self.ids[count:]
        handed = [one for one, _token in taken]
        token = taken[-1][1] if taken else place.token
        done = place.done + len(handed)
        return handed, Place(token, (*place.last, *handed)[-REMEMBERED:], done, self.expected(done, place.total))

    def is_over(self) -> bool:
        return self.complete and not self.ids

    def fill_all(self) -> None:
        """List all that there is: 500 ids cost a quarter of one mail, and nothing else tells how many there are."""
        while not self.complete:
            self.fill(len(self.ids))

    def expected(self, done: int, total: int) -> int:
        """Mails in the window, as far as it is known.

        :param total: what was counted before
        """
        known = done + len(self.ids)
        return known if self.complete else max(known, total, self.estimate)


def begin(session: Session, search: str) -> Ahead:
    """List from the newest on."""
    return Ahead(pages(session, search))


def resume(session: Session, search: str, place: Place) -> Ahead:
    """List on from a place of an earlier session.

    :raises CursorExpired: it is not found; the difference to all mail tells what is missing
    """
    if not place.last:
        return begin(session, search)
    found = _find(session, search, place.token, place.last)
    if found is None and place.token:
        found = _find(session, search, "", place.last)
    if found is None:
        raise CursorExpired("The place in the listing is not there any more", " ".join(place.last))
    return found


def _find(session: Session, search: str, token: str, last: Sequence[str]) -> Ahead | None:
    """The listing after the latest of ``last`` that is in the page of a token, or in one of the two after it."""
    ahead = Ahead(pages(session, search, token))
    try:
        ahead.fill(3 * PAGE if token else 0)
        while True:
            places = [index for index, (one, _token) in enumerate(ahead.ids) if one in last]
            if places:
                ahead.ids = ahead.ids[places[-1] + 1 :]
                return ahead
            if ahead.complete or token:
                return None
            ahead.fill(len(ahead.ids))
    except CursorExpired:
        return None
