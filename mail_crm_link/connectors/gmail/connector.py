"""The contract of ``connectors.base`` for Gmail.

``changes`` in one picture::

    no cursor ──► historyId ──► list, newest first ──► hand out a page ──► more ──► …
                                     ▲
    cursor ──► history since ──► news? hand them out
                   │                 │ none, and the listing was not over: find its place again
                   │                 ▼
                   │            list on ──► hand out a page ──► more ──► …
                   ▼
             forgotten ──► CursorExpired

The ``historyId`` is older than the listing it belongs to, so what happens meanwhile comes once more as news.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from ..base import WHOLE_LIMIT, Changes, Content, Envelope, FetchFailure, Folder
from ..errors import ConnectorError, CursorExpired, FolderGone, MailGone, ProviderBroken, Transient
from ..web import failed
from . import content, history, labels, listing
from .listing import Ahead, Place
from .session import TIMEOUT, UNITS, Client, Refused, Session, general

URL = "https://gmail.googleapis.com/"
PAGE = 100
"""Mails handed out at once: two batches, so that little is fetched twice when the quota ends a session."""

SEARCH_LIMIT = 500
"""Signs of a text that is searched for; more has no place in an address."""

_WORD = re.compile(r"\w+")

STUMBLED = 500
"""What Gmail answers, too, when it cannot give one mail; later statuses tell of Gmail alone."""

LISTINGS = 3
"""Times that a listing is begun anew when mail leaves meanwhile."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to continue.

    :param history: the ``historyId`` up to which everything is known
    :param place: how far the first listing was handed out; ``None`` once it is over
    :param disturbed: mail left during the first listing, which may have missed others by that
    :param checked: whether that was looked for after the listing, too
    """

    history: str
    place: Place | None = None
    disturbed: bool = False
    checked: bool = False

    def text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """:raises CursorExpired: it is not one of ours"""
        try:
            stored = json.loads(text)
            place = stored["place"]
            place = place and Place(
                str(place["token"]), tuple(map(str, place["last"])), int(place["done"]), int(place["total"])
            )
            return cls(str(stored["history"]), place, stored["disturbed"], stored["checked"])
        except (ValueError, KeyError, TypeError) as error:
            raise CursorExpired("The stored cursor cannot be read", text) from error


class GmailConnector(Client):
    """One Google account.

    :param token: gives access tokens; called with whether the last one was refused
    :param url: the root of the API
    :param units: quota units that a minute has
    :param choice: what of all mail is fetched
    :param timeout: seconds to wait for the connection and for every answer
    """

    def __init__(
        self,
        token: Callable[[bool], str],
        *,
        url: str = URL,
        units: int = UNITS,
        choice: labels.Choice = labels.EVERYTHING,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(partial(Session, url, token, units, timeout, clock))
        self._choice = choice
        self._ahead: tuple[str, Ahead] | None = None
        self._since: datetime | None = None
        self._sizes: dict[str, int] = {}
        self._large: set[str] | None = None
        self._labelled: frozenset[str] | None = None

    # -- session ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """See ``Connector.open``. The account's profile shows that the sign-in is good."""
        super().open()
        self._profile()

    def close(self) -> None:
        """See ``Connector.close``."""
        super().close()
        self._ahead, self._large, self._labelled = None, None, None
        self._sizes.clear()

    def _profile(self) -> dict[str, Any]:
        return self._call("profile", self._opened.users.getProfile(userId="me"))

    def address(self) -> str:
        """The account's own address."""
        return str(self._profile().get("emailAddress", ""))

    def folders(self) -> list[Folder]:
        """See ``Connector.folders``."""
        answer = self._call("labels", self._opened.users.labels().list(userId="me"))
        return labels.folders(answer.get("labels", ()))

    def _check_folder(self, folder: Folder) -> None:
        if folder.remote_id != labels.ALL_MAIL.remote_id:
            raise FolderGone("A label holds no mail by itself", folder.remote_id)

    # -- what is new --------------------------------------------------------------------------------------------

    def changes(self, folder: Folder, cursor: str | None, since: datetime | None, limit: int) -> Changes:
        """See ``Connector.changes``."""
        self._check_folder(folder)
        self._since = since
        limit = min(limit, PAGE)
        if cursor is None:
            begun = Cursor(str(self._profile()["historyId"]), Place())
            return self._page(begun, listing.begin(self._opened, listing.query(since)), limit)
        known = Cursor.parse(cursor)
        ahead = self._ahead
        if ahead is not None and ahead[0] == cursor:
            return self._page(known, ahead[1], limit)
        return self._news(known, cursor, since, limit)

    def _news(self, known: Cursor, text: str, since: datetime | None, limit: int) -> Changes:
        news = history.since(self._opened, known.history, limit, self._choice)
        if news.is_empty() and known.place is not None:
            moved = replace(known, history=news.until)
            return self._page(moved, listing.resume(self._opened, listing.query(since), known.place), limit)
        left = bool(news.vanished) and not known.checked
        over = known.place is None
        cursor = replace(
            known,
            history=news.until,
            disturbed=not over and (known.disturbed or left),
            checked=over and (known.checked or not news.is_empty()),
        )
        return Changes(
            "",
            cursor.text(),
            added=tuple(reversed(news.added)),
            seen=news.seen,
            vanished=tuple(news.vanished),
            more=news.more or not over,
            doubtful=over and left,
            unchanged=cursor.text() == text,
        )

    def _page(self, cursor: Cursor, ahead: Ahead, limit: int) -> Changes:
        """Hand out the next of the first listing."""
        assert cursor.place is not None
        if cursor.place.done:
            # Not before the first page, which is on its cards the sooner.
            ahead.fill_all()
        ids, place = ahead.take(limit, cursor.place)
        over = ahead.is_over()
        after = replace(cursor, place=None if over else place, disturbed=cursor.disturbed and not over)
        self._ahead = None if over else (after.text(), ahead)
        return Changes(
            "",
            after.text(),
            added=tuple(self._chosen(ids)),
            more=not over,
            doubtful=over and cursor.disturbed,
            expected=self._expected(place.total),
        )

    def _chosen(self, ids: list[str]) -> list[str]:
        if self._choice.is_everything():
            return ids
        return [one for one in ids if (one in self._with_label()) == self._choice.only]

    def _with_label(self) -> frozenset[str]:
        """The mails that have one of the labels of the choice; a page of ids costs a hundredth of its mails."""
        if self._labelled is None:
            search = listing.query(self._since)
            self._labelled = frozenset(
                one for label in self._choice.labels for one in listing.ids(self._opened, search, label)
            )
        return self._labelled

    def _expected(self, listed: int) -> int:
        """How many of the listed mails are chosen."""
        if self._choice.is_everything():
            return listed
        labelled = len(self._with_label())
        return labelled if self._choice.only else max(0, listed - labelled)

    def reconcile(self, folder: Folder, cursor: str | None, since: datetime | None) -> Changes:
        """See ``Connector.reconcile``. Mail that leaves during a listing moves other mail past its pages."""
        self._check_folder(folder)
        self._since, self._ahead, self._labelled = since, None, None
        for _attempt in range(LISTINGS):
            before = str(self._profile()["historyId"])
            present = listing.ids(self._opened, listing.query(None))
            within = present if since is None else listing.ids(self._opened, listing.query(since))
            if not self._something_left(before):
                # Present is all mail: what is not chosen any more is still there.
                added = self._chosen(within)
                return Changes(
                    "",
                    Cursor(before, checked=True).text(),
                    added=tuple(added),
                    present=frozenset(present),
                    expected=len(added),
                )
        return Changes("", cursor, doubtful=True)

    def _something_left(self, history_id: str) -> bool:
        if str(self._profile()["historyId"]) == history_id:
            return False
        return bool(history.since(self._opened, history_id, limit=history.PAGE).vanished)

    # -- mail ---------------------------------------------------------------------------------------------------

    def envelopes(self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str]) -> list[Envelope | FetchFailure]:
        """See ``Connector.envelopes``."""
        self._check_folder(folder)
        found: dict[str, Envelope | FetchFailure] = {}
        try:
            for answer in self._fetched(remote_ids, "metadata"):
                result = (
                    answer if isinstance(answer, FetchFailure) else content.envelope(answer, self._since, self._choice)
                )
                found[result.remote_id] = result
        except ConnectorError as error:
            error.kept = tuple(content.in_order(remote_ids, found))
            raise
        self._sizes.update((one.remote_id, one.size) for one in found.values() if isinstance(one, Envelope))
        return content.in_order(remote_ids, found)

    def contents(
        self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str], whole: bool
    ) -> Iterator[Content | FetchFailure]:
        """See ``Connector.contents``."""
        self._check_folder(folder)
        large = [one for one in remote_ids if self._is_large(one)]
        small = [one for one in remote_ids if one not in set(large)]
        for answer in self._fetched(small, "raw"):
            yield answer if isinstance(answer, FetchFailure) else content.whole(answer)
        if whole:
            for one in large:
                yield from (self._whole(answer) for answer in self._fetched([one], "raw"))
        else:
            for answer in self._fetched(large, "full"):
                yield self._described(answer)

    @staticmethod
    def _whole(answer: Mapping[str, Any] | FetchFailure) -> Content | FetchFailure:
        return answer if isinstance(answer, FetchFailure) else content.whole(answer)

    def _described(self, answer: Mapping[str, Any] | FetchFailure) -> Content | FetchFailure:
        if isinstance(answer, FetchFailure):
            return answer
        try:
            return content.described(self._opened, answer)
        except MailGone as error:
            # Its texts are fetched after it, and it may have left in between.
            return failed(answer["id"], error)

    def _is_large(self, remote_id: str) -> bool:
        """Whether a mail is too large to be fetched whole; one search tells it of all."""
        if remote_id in self._sizes:
            return self._sizes[remote_id] > WHOLE_LIMIT
        if self._large is None:
            self._large = set(listing.ids(self._opened, listing.query(None, f"larger:{WHOLE_LIMIT}")))
        return remote_id in self._large

    def _fetched(self, remote_ids: Sequence[str], form: str) -> Iterator[dict[str, Any] | FetchFailure]:
        """Mails in one of Gmail's formats; one that is refused costs one, unless all are."""
        session = self._opened
        for answers in session.batches("message", remote_ids, lambda one: content.request(session, one, form)):
            refused = [answer for answer in answers.values() if isinstance(answer, Refused)]
            others_came = len(refused) < len(answers)
            for remote_id, answer in answers.items():
                if not isinstance(answer, Refused):
                    yield answer
                elif _costs_one(answer, others_came, len(answers)):
                    yield content.failure(remote_id, answer)
            for answer in refused:
                if not _costs_one(answer, others_came, len(answers)):
                    raise _consequence(answer)

    def search(self, folder: Folder, uidvalidity: str, text: str, limit: int) -> list[str]:
        """See ``Connector.search``. Gmail searches for words, so signs between them count for nothing."""
        self._check_folder(folder)
        words = " ".join(_WORD.findall(text))[:SEARCH_LIMIT]
        if not words:
            return []
        found: list[str] = []
        for page in listing.pages(self._opened, listing.query(None, f'"{words}"')):
            found += page.ids
            if len(found) >= limit:
                break
        return found[:limit]

    def find(self, folder: Folder, message_id: str) -> tuple[str, list[str]]:
        """See ``Mailbox.find``. Only mail that the account sent counts."""
        self._check_folder(folder)
        return "", listing.ids(self._opened, f"in:sent rfc822msgid:{message_id.strip('<> ')}")

    def append(self, folder: Folder, raw: bytes) -> tuple[str, str] | None:
        """See ``Mailbox.append``: Gmail files what it sends itself, and nobody asked for the right to do more."""
        raise FolderGone("Gmail files sent mail itself", folder.remote_id)

    def part(self, folder: Folder, uidvalidity: str, remote_id: str, section: str) -> bytes:
        """See ``Connector.part``."""
        self._check_folder(folder)
        return content.part(self._opened, remote_id, section)

    def raw(self, folder: Folder, uidvalidity: str, remote_id: str) -> bytes:
        """See ``Connector.raw``."""
        self._check_folder(folder)
        request = content.request(self._opened, remote_id, "raw")
        return content.raw(content.only(self._opened, "message", request))


def _costs_one(refused: Refused, others_came: bool, asked: int) -> bool:
    """Whether a refusal within a batch is about its mail alone.

    :param others_came: other mails of the batch were given
    :param asked: mails of the batch
    """
    if refused.status == 404:
        return True
    if refused.is_throttling or refused.status == 401 or refused.status > STUMBLED:
        return False
    # Nobody knows of a single mail whether Gmail stumbles over it or over everything.
    return others_came or (asked == 1 and refused.status < STUMBLED)


def _consequence(refused: Refused) -> ConnectorError:
    if refused.status == STUMBLED:
        return Transient("Gmail stumbles", str(refused), cause="protocol", retry_after=refused.wait)
    return general(refused) or ProviderBroken("Gmail refuses every mail", str(refused))
