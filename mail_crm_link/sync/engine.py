"""The order of steps in which a mailbox is read, so that it can be stopped after any of them.

::

    open ─► folders ─► additions of all folders, page by page in turn
                              │
                              ├── nothing left or lost its place ──────────────┐
                              ▼                                                │
                       ┌► listings of folders in doubt, what is missing        │
                       │      ▼                                                │
                       │  additions of all folders once more                   │
                       │      ▼                                                │
                       └─ mail left meanwhile?   no ─► removals ───────────────┤
                                                                               ▼
                                                        contents, newest first ─► close

A page is one transaction of the store: what it names, and the cursor behind it. Three rules follow from it:

* A cursor that stands behind removals is stored with the removals. Pages that are stored before keep the old one.
* A mail is removed only after all folders were asked for additions *since it was missed*; a move is a move.
* What is begun is counted before and taken back by what stores it. A page that was begun in vain is tried in smaller
  portions, ``PAGE_SIZES``, until the folder is done; a mail that was begun in vain all alone, three times, is put
  aside.

Between two pages the engine looks at the clock. It never waits, never commits, and knows no provider.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..connectors.base import WHOLE_LIMIT, Changes, Connector, Content, Envelope, FetchFailure, Folder
from ..connectors.errors import ConnectorError, CursorExpired, FolderGone, ProviderBroken
from .store import FolderState, MailboxStore, Wanted

PAGE_SIZES = (500, 50, 10, 1, 1, 1)
"""Mails of a page, by how often it was begun in vain."""
SINGLE = PAGE_SIZES.index(1)

CONTENT_OCTETS = 8 * 1024 * 1024
WANTED = 500
ROUNDS = 3
"""Rounds of listing before removals; mail that keeps leaving is left to the next run."""

# After these the same page may be to blame: the connection broke or the server stumbled in the middle of it.
_SUSPICIOUS = frozenset({"disconnected", "timeout", "protocol"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did.

    :param finished: nothing is left to do; else it was stopped by the deadline or by ``error``
    :param error: why it ended early, ``None`` if it did not
    :param folder_errors: why single folders were left out, by key; they are stored already
    """

    finished: bool
    error: ConnectorError | None = None
    folder_errors: tuple[tuple[int, ConnectorError], ...] = ()
    envelopes: int = 0
    contents: int = 0
    failures: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class FolderAudit:
    """One folder compared with the server.

    :param on_server: mails within the window
    :param known: of these, how many were stored or had a reason why not
    :param missing: of these, how many had to be fetched now
    :param surplus: stored mails that are not on the server any more, removed now
    :param error: why the folder could not be compared
    """

    key: int
    folder: Folder
    on_server: int = 0
    known: int = 0
    missing: int = 0
    surplus: int = 0
    error: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found and repaired; ``outcome.finished`` tells whether it came to its end."""

    folders: tuple[FolderAudit, ...]
    outcome: Outcome


class _OutOfTime(Exception):
    """The deadline is over."""


@dataclass(slots=True)
class _Pass:
    """One folder during a run: what is stored of it, and what is held back until its removals."""

    key: int
    folder: Folder
    stored: str | None
    cursor: str | None
    attempts: int
    uidvalidity: str = ""
    doubtful: bool = False
    present: set[str] | None = None
    vanished: list[str] = field(default_factory=list)
    signs: int = 0
    recounts: int = 0
    failed: bool = False
    audit: FolderAudit | None = None

    @classmethod
    def of(cls, state: FolderState) -> _Pass:
        return cls(state.key, state.folder, state.cursor, state.cursor, state.attempts, failed=state.failed)

    def page_size(self) -> int:
        return PAGE_SIZES[min(self.attempts, len(PAGE_SIZES) - 1)]

    def hold(self, changes: Changes) -> None:
        """Take over what ``changes`` tell, and keep the signs of removals for later."""
        if self.uidvalidity and changes.uidvalidity != self.uidvalidity:
            self.present, self.vanished = None, []
        self.uidvalidity = changes.uidvalidity
        if changes.vanished or (changes.doubtful and not self.doubtful):
            self.signs += 1
        self.doubtful = self.doubtful or changes.doubtful
        # Where ids stay for ever, a mail may have been moved away and back between two pages.
        back = set(changes.added)
        self.vanished = [*(each for each in self.vanished if each not in back), *changes.vanished]
        if self.present is not None:
            self.present.update(changes.added)
        self.cursor = changes.cursor

    def holds_removals(self) -> bool:
        return bool(self.vanished) or self.present is not None

    def removal(self) -> Changes:
        present = None if self.present is None else frozenset(self.present)
        return Changes(self.uidvalidity, self.cursor, present=present, vanished=tuple(self.vanished))


class Engine:
    """Brings the store of one mailbox up to date with its account.

    :param clock: seconds, ascending; ``time.monotonic``
    :param whole: fetch contents with their attachments
    """

    def __init__(
        self,
        connector: Connector,
        store: MailboxStore,
        clock: Callable[[], float],
        *,
        whole: bool = False,
    ) -> None:
        self._connector = connector
        self._store = store
        self._clock = clock
        self._whole = whole
        self._begin(float("inf"))

    def _begin(self, deadline: float) -> None:
        self._deadline = deadline
        self._outcome = Outcome(finished=False)
        self._passes: list[_Pass] = []
        self._lost: dict[int, ConnectorError | None] = {}
        self._answered: set[int] = set()

    def run(self, deadline: float) -> Outcome:
        """Do what there is to do until ``deadline`` (in the clock's seconds). What is done is stored.

        Errors of the provider end the run and are in the outcome; those of the store are raised.
        """
        return self._session(deadline, self._synchronise)

    def audit(self, deadline: float = float("inf")) -> AuditReport:
        """Compare all folders with the server completely, fetch what is missing, remove what is gone."""
        outcome = self._session(deadline, self._compare)
        return AuditReport(tuple(self._audit_of(each) for each in self._passes), outcome)

    def _session(self, deadline: float, work: Callable[[], None]) -> Outcome:
        self._begin(deadline)
        try:
            self._connector.open()
            self._discover()
            work()
            self._outcome = replace(self._outcome, finished=True)
        except _OutOfTime:
            pass
        except ConnectorError as error:
            self._outcome = replace(self._outcome, error=error)
        finally:
            self._connector.close()
        return self._outcome

    def _discover(self) -> None:
        self._store.save_folders(self._connector.folders())
        self._passes = [_Pass.of(state) for state in self._store.folders()]

    def _synchronise(self) -> None:
        self._additions()
        self._removals()
        self._contents()

    def _compare(self) -> None:
        for each in self._passes:
            each.doubtful = True
            each.audit = FolderAudit(each.key, each.folder)
        self._removals()

    # -- additions ----------------------------------------------------------------------------------------------

    def _additions(self) -> None:
        """Take a page of each folder in turn, so that all fill from their newest mail."""
        turn = deque(each for each in self._passes if not self._is_lost(each.key))
        while turn:
            self._check_time()
            each = turn.popleft()
            if self._for_folder(each, self._page):
                turn.append(each)

    def _page(self, each: _Pass) -> bool:
        """Store the next page of a folder; whether there is more."""
        try:
            changes = self._connector.changes(each.folder, each.cursor, self._store.since, each.page_size())
            if changes.unchanged:
                self._clear_failure(each, changes)
                return False
            each.hold(changes)
            self._store_page(each, changes)
        except CursorExpired as error:
            return self._lost_place(each, error)
        return changes.more

    def _lost_place(self, each: _Pass, error: CursorExpired) -> bool:
        """The ids mean other mail now; the connector sees it at the next look, or a listing finds out."""
        each.recounts += 1
        if error.cause == "uidvalidity" and each.recounts <= ROUNDS:
            each.cursor = each.stored
            return True
        each.signs += 1
        each.doubtful = True
        each.cursor = None
        return False

    def _clear_failure(self, each: _Pass, unchanged: Changes) -> None:
        if each.failed:
            each.failed = False
            self._store.save_page(each.key, Changes(unchanged.uidvalidity, each.stored), ())

    def _store_page(self, each: _Pass, changes: Changes) -> None:
        cursor = each.stored if each.holds_removals() else changes.cursor
        page = replace(changes, cursor=cursor, vanished=(), present=None)
        if page.added:
            self._fetch_page(each, page)
        elif page.seen or cursor != each.stored or each.failed:
            self._store.save_page(each.key, page, ())
        each.stored = cursor
        each.failed = False

    def _fetch_page(self, each: _Pass, page: Changes) -> None:
        if each.attempts >= len(PAGE_SIZES):
            self._put_aside(each, page)
            return
        self._store.begin_page(each.key)
        each.attempts += 1
        envelopes = self._envelopes(each, page)
        self._store.save_page(each.key, page, envelopes)
        each.attempts = attempts_after(each.attempts, page)
        self._count(envelopes=len(envelopes), failures=_failures(envelopes))

    def _envelopes(self, each: _Pass, page: Changes) -> list[Envelope | FetchFailure]:
        try:
            return self._connector.envelopes(each.folder, page.uidvalidity, page.added)
        except ConnectorError as error:
            if error.cause not in _SUSPICIOUS:
                kept = tuple(result.remote_id for result in error.kept)
                self._store.save_page(each.key, Changes(page.uidvalidity, each.stored, kept, more=True), error.kept)
                each.attempts -= 1
                self._count(envelopes=len(error.kept), failures=_failures(error.kept))
            raise

    def _put_aside(self, each: _Pass, page: Changes) -> None:
        self._store.quarantine(each.key, page, f"fetching or storing it failed {each.attempts} times")
        each.attempts = 0
        self._count(quarantined=1)

    # -- removals -----------------------------------------------------------------------------------------------

    def _removals(self) -> None:
        """Remove what is gone, once nothing can have moved unseen; else leave it to the next run."""
        for _round in range(ROUNDS):
            if not any(each.doubtful or each.holds_removals() for each in self._passes):
                return
            self._list_doubtful()
            signs = self._signs()
            self._additions()
            if self._signs() == signs:
                self._remove()
                return

    def _signs(self) -> int:
        return sum(each.signs for each in self._passes)

    def _list_doubtful(self) -> None:
        for each in self._passes:
            if each.doubtful and not self._is_lost(each.key):
                self._check_time()
                self._for_folder(each, self._reconcile)

    def _reconcile(self, each: _Pass) -> bool:
        """List a folder completely, and fetch what the store does not have."""
        listing = self._connector.reconcile(each.folder, each.cursor, self._store.since)
        if listing.present is None:
            return False
        known = self._store.locations(each.key, listing.uidvalidity)
        missing = [remote_id for remote_id in listing.added if remote_id not in known]
        self._note(each, listing, known, missing)
        self._fetch_missing(each, listing.uidvalidity, missing)
        each.hold(replace(listing, added=(), vanished=(), doubtful=False))
        each.present = set(listing.present)
        each.doubtful = False
        return False

    def _fetch_missing(self, each: _Pass, uidvalidity: str, missing: Sequence[str]) -> None:
        start = 0
        while start < len(missing):
            self._check_time()
            chunk = tuple(missing[start : start + each.page_size()])
            start += len(chunk)
            self._fetch_page(each, Changes(uidvalidity, each.stored, added=chunk, more=start < len(missing)))

    def _remove(self) -> None:
        for each in self._passes:
            if each.holds_removals() and not self._is_lost(each.key):
                self._store.removed(each.key, each.removal())
                each.stored = each.cursor
                each.present, each.vanished = None, []

    def _audit_of(self, each: _Pass) -> FolderAudit:
        found = each.audit or FolderAudit(each.key, each.folder)
        return replace(found, error=self._lost.get(each.key))

    def _note(self, each: _Pass, listing: Changes, known: frozenset[str], missing: Sequence[str]) -> None:
        if each.audit is not None and listing.present is not None:
            each.audit = FolderAudit(
                each.key,
                each.folder,
                on_server=len(listing.added),
                known=len(listing.added) - len(missing),
                missing=len(missing),
                surplus=len(known - listing.present),
            )

    # -- contents -----------------------------------------------------------------------------------------------

    def _contents(self) -> None:
        while True:
            self._check_time()
            if not sum(self._content_batch(batch) for batch in self._batches(self._wanted())):
                return

    def _wanted(self) -> list[Wanted]:
        """What is wanted and was not tried in this run; what cannot be fetched must not hide what can."""
        limit = WANTED
        while True:
            wanted = self._store.wanted(limit)
            fresh = [each for each in wanted if not self._is_lost(each.folder_key) and each.key not in self._answered]
            if fresh or len(wanted) < limit:
                return fresh[:WANTED]
            limit *= 2

    def _batches(self, wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
        """Split into batches of one folder and one number of attempts, in the order of the newest of each."""
        grouped: dict[tuple[int, str, int, bool], list[Wanted]] = {}
        for each in wanted:
            key = (each.folder_key, each.uidvalidity, each.attempts, self._is_whole(each))
            grouped.setdefault(key, []).append(each)
        for (_key, _uidvalidity, attempts, _is_whole), group in grouped.items():
            yield from _portions(group, PAGE_SIZES[min(attempts, len(PAGE_SIZES) - 1)], self._octets)

    def _is_whole(self, wanted: Wanted) -> bool:
        return self._whole or wanted.whole

    def _octets(self, wanted: Wanted) -> int:
        return wanted.size if self._is_whole(wanted) else min(wanted.size, WHOLE_LIMIT)

    def _content_batch(self, batch: Sequence[Wanted]) -> bool:
        """Fetch and store a batch; whether that left less to do."""
        self._check_time()
        first = batch[0]
        if self._is_lost(first.folder_key):
            return False
        if first.attempts >= len(PAGE_SIZES):
            self._give_up(first)
            return True
        self._store.begin_contents([each.key for each in batch])
        fetched: list[Content | FetchFailure] = []
        try:
            ids = [each.remote_id for each in batch]
            for content in self._connector.contents(first.folder, first.uidvalidity, ids, self._is_whole(first)):
                fetched.append(content)
        except ConnectorError as error:
            self._save_partly(batch, fetched, error)
            return self._content_error(first, error)
        self._save_contents(batch, fetched)
        return bool(fetched)

    def _give_up(self, wanted: Wanted) -> None:
        reason = f"fetching or storing it failed {wanted.attempts} times"
        self._store.save_contents([wanted], [FetchFailure(wanted.remote_id, reason)])
        self._count(quarantined=1)

    def _save_contents(self, batch: Sequence[Wanted], fetched: Sequence[Content | FetchFailure]) -> None:
        ids = {each.remote_id for each in fetched}
        answered = [each for each in batch if each.remote_id in ids]
        self._store.save_contents(answered, fetched)
        self._answered.update(each.key for each in answered)
        failures = _failures(fetched)
        self._count(contents=len(fetched) - failures, failures=failures)

    def _save_partly(
        self, batch: Sequence[Wanted], fetched: Sequence[Content | FetchFailure], error: ConnectorError
    ) -> None:
        """Keep what came before the error; the rest is only to blame for errors that a mail can cause."""
        if error.cause not in _SUSPICIOUS:
            self._store.save_contents(batch, fetched)
        elif fetched:
            self._save_contents(batch, fetched)

    def _content_error(self, wanted: Wanted, error: ConnectorError) -> bool:
        if isinstance(error, CursorExpired):
            self._lose(wanted.folder_key)  # its mail is listed anew in the next run
        elif isinstance(error, FolderGone | ProviderBroken):
            self._lose(wanted.folder_key, error)
        else:
            raise error
        return False

    # -- faults of single folders -------------------------------------------------------------------------------

    def _for_folder(self, each: _Pass, step: Callable[[_Pass], bool]) -> bool:
        """Do a step whose failure costs this folder only."""
        try:
            return step(each)
        except (FolderGone, CursorExpired, ProviderBroken) as error:
            self._lose(each.key, error)
            if isinstance(error, ProviderBroken):
                # Who knows what is still under way on that connection.
                self._connector.close()
                self._connector.open()
            return False

    def _lose(self, key: int, error: ConnectorError | None = None) -> None:
        self._lost[key] = error
        if error is not None:
            self._store.folder_failed(key, error)
            self._outcome = replace(self._outcome, folder_errors=(*self._outcome.folder_errors, (key, error)))

    def _is_lost(self, key: int) -> bool:
        return key in self._lost

    def _check_time(self) -> None:
        if self._clock() >= self._deadline:
            raise _OutOfTime

    def _count(self, envelopes: int = 0, contents: int = 0, failures: int = 0, quarantined: int = 0) -> None:
        so_far = self._outcome
        self._outcome = replace(
            so_far,
            envelopes=so_far.envelopes + envelopes,
            contents=so_far.contents + contents,
            failures=so_far.failures + failures,
            quarantined=so_far.quarantined + quarantined,
        )


def attempts_after(attempts: int, page: Changes) -> int:
    """Attempts of a folder once ``page`` is stored: what lay behind keeps its next pages small, down to one mail."""
    return max(min(attempts - 1, SINGLE), 0) if page.more else 0


def _failures(results: Iterable[object]) -> int:
    return sum(isinstance(result, FetchFailure) for result in results)


def _portions(group: Sequence[Wanted], count: int, octets_of: Callable[[Wanted], int]) -> Iterator[list[Wanted]]:
    portion: list[Wanted] = []
    octets = 0
    for each in group:
        if portion and (len(portion) >= count or octets + octets_of(each) > CONTENT_OCTETS):
            yield portion
            portion, octets = [], 0
        portion.append(each)
        octets += octets_of(each)
    if portion:
        yield portion
