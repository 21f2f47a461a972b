"""A store in memory that keeps its promises like a database, and dies on demand.

A transaction is one call of ``_commit``: nothing of it is there before, everything after. ``Steps`` counts these
moments and the calls of the connector, and kills the "process" at the one it was told.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mail_crm_link.connectors.base import Changes, Content, Envelope, FetchFailure, Folder
from mail_crm_link.connectors.errors import ConnectorError
from mail_crm_link.sync.engine import attempts_after
from mail_crm_link.sync.renames import renamed
from mail_crm_link.sync.store import FolderState, Wanted

PRIORITY = ("inbox", "sent", "archive", "other")


class Killed(BaseException):
    """The process is dead; nothing may catch this."""


class Steps:
    """Counts the moments at which a process can die, and dies at ``fatal``."""

    def __init__(self) -> None:
        self.taken = 0
        self.fatal: int | None = None

    def step(self) -> None:
        self.taken += 1
        if self.taken == self.fatal:
            raise Killed


@dataclass(slots=True)
class FolderRow:
    folder: Folder
    cursor: str | None = None
    attempts: int = 0
    error: ConnectorError | None = None
    uidvalidity: str = ""


@dataclass(frozen=True, slots=True)
class CopyRow:
    key: int
    folder_key: int
    uidvalidity: str
    remote_id: str
    mail: str
    size: int
    received: datetime | None
    seen: bool = False
    attempts: int = 0
    reason: str = ""


class MemoryStore:
    """See ``MailboxStore``. A mail is known by its header; its body belongs to the mail, not to the copy."""

    def __init__(self, since: datetime | None = None, steps: Steps | None = None) -> None:
        self.since = since
        self.steps = steps or Steps()
        self.rows: dict[int, FolderRow] = {}
        self.copies: dict[tuple[int, str, str], CopyRow] = {}
        self.bodies: dict[str, bytes] = {}
        self.announced: Counter[str] = Counter()
        self.lowest_copies: dict[str, int] = {}
        self.transactions = 0
        self._keys = itertools.count(1)

    def _commit(self, apply: Callable[[], None]) -> None:
        self.steps.step()
        apply()
        self.transactions += 1
        self._watch()
        self.steps.step()

    def _watch(self) -> None:
        """Remember of each mail the fewest copies it ever had, once it had one."""
        counts = Counter(copy.mail for copy in self.copies.values())
        for mail in self.announced:
            self.lowest_copies[mail] = min(self.lowest_copies.get(mail, counts[mail]), counts[mail])

    # -- folders ------------------------------------------------------------------------------------------------

    def save_folders(self, folders: Sequence[Folder]) -> None:
        stored = {key: (row.folder.remote_id, row.uidvalidity) for key, row in self.rows.items()}
        moved = renamed(stored, folders)
        by_name = {row.folder.remote_id: key for key, row in self.rows.items()}
        by_name.update({folder.remote_id: key for key, folder in moved.items()})
        news = {f.remote_id: f for f in folders if f.selectable and self._differs(by_name.get(f.remote_id), f)}
        if news:
            self._commit(lambda: self._put_folders(list(news.values()), by_name))

    def _differs(self, key: int | None, folder: Folder) -> bool:
        return key is None or replace(self.rows[key].folder, uidvalidity="") != replace(folder, uidvalidity="")

    def _put_folders(self, folders: Sequence[Folder], by_name: dict[str, int]) -> None:
        for folder in folders:
            key = by_name.get(folder.remote_id)
            if key is None:
                self.rows[next(self._keys)] = FolderRow(folder)
            else:
                self.rows[key].folder = folder

    def folders(self) -> list[FolderState]:
        states = [
            FolderState(key, row.folder, row.cursor, row.attempts, row.error is not None)
            for key, row in self.rows.items()
        ]
        states.sort(key=lambda state: PRIORITY.index(state.folder.role) if state.folder.role in PRIORITY else 9)
        return states

    def folder_failed(self, key: int, error: ConnectorError) -> None:
        def apply() -> None:
            self.rows[key].error = error

        self._commit(apply)

    # -- pages --------------------------------------------------------------------------------------------------

    def begin_page(self, key: int) -> None:
        def apply() -> None:
            self.rows[key].attempts += 1

        self._commit(apply)

    def save_page(self, key: int, changes: Changes, envelopes: Sequence[Envelope | FetchFailure]) -> None:
        def apply() -> None:
            for envelope in envelopes:
                self._put_copy(key, changes.uidvalidity, envelope)
            for remote_id, seen in changes.seen.items():
                location = (key, changes.uidvalidity, remote_id)
                if location in self.copies:
                    self.copies[location] = replace(self.copies[location], seen=seen)
            self._advance(key, changes)

        self._commit(apply)

    def _advance(self, key: int, changes: Changes) -> None:
        row = self.rows[key]
        row.cursor, row.error, row.uidvalidity = changes.cursor, None, changes.uidvalidity
        row.attempts = attempts_after(row.attempts, changes)

    def _put_copy(self, key: int, uidvalidity: str, envelope: Envelope | FetchFailure) -> None:
        location = (key, uidvalidity, envelope.remote_id)
        if location in self.copies or (isinstance(envelope, FetchFailure) and envelope.gone):
            return
        if isinstance(envelope, FetchFailure):
            self.copies[location] = CopyRow(next(self._keys), *location, "", 0, None, reason=envelope.reason)
            return
        mail = hashlib.sha256(envelope.header).hexdigest()
        self.announced[mail] += mail not in self.announced
        self.copies[location] = CopyRow(
            next(self._keys), *location, mail, envelope.size, envelope.received, envelope.seen
        )

    def quarantine(self, key: int, changes: Changes, reason: str) -> None:
        def apply() -> None:
            for remote_id in changes.added:
                self._put_copy(key, changes.uidvalidity, FetchFailure(remote_id, reason))
            self._advance(key, changes)

        self._commit(apply)

    def removed(self, key: int, changes: Changes) -> None:
        def apply() -> None:
            for location in [location for location in self.copies if location[0] == key]:
                if self._is_gone(location, changes):
                    del self.copies[location]
            self._advance(key, changes)

        self._commit(apply)

    def _is_gone(self, location: tuple[int, str, str], changes: Changes) -> bool:
        _key, uidvalidity, remote_id = location
        if uidvalidity != changes.uidvalidity:
            return changes.present is not None
        return remote_id in changes.vanished or (changes.present is not None and remote_id not in changes.present)

    # -- contents -----------------------------------------------------------------------------------------------

    def wanted(self, limit: int) -> list[Wanted]:
        found: dict[str, CopyRow] = {}
        for copy in self.copies.values():
            if copy.mail and copy.mail not in self.bodies and not copy.reason:
                found.setdefault(copy.mail, copy)
        newest = sorted(found.values(), key=_age, reverse=True)
        return [
            Wanted(
                copy.key,
                copy.folder_key,
                self.rows[copy.folder_key].folder,
                copy.uidvalidity,
                copy.remote_id,
                copy.size,
                copy.attempts,
            )
            for copy in newest[:limit]
        ]

    def begin_contents(self, keys: Sequence[int]) -> None:
        self._commit(lambda: self._change_copies(keys, lambda copy: replace(copy, attempts=copy.attempts + 1)))

    def _change_copies(self, keys: Sequence[int], change: Callable[[CopyRow], CopyRow]) -> None:
        chosen = set(keys)
        for location, copy in self.copies.items():
            if copy.key in chosen:
                self.copies[location] = change(copy)

    def save_contents(self, wanted: Sequence[Wanted], contents: Sequence[Content | FetchFailure]) -> None:
        results = {content.remote_id: content for content in contents}

        def apply() -> None:
            self._change_copies(
                [each.key for each in wanted], lambda copy: self._with_content(copy, results.get(copy.remote_id))
            )

        self._commit(apply)

    def _with_content(self, copy: CopyRow, content: Content | FetchFailure | None) -> CopyRow:
        if isinstance(content, Content):
            self.bodies[copy.mail] = content.raw if content.raw is not None else content.header
        reason = content.reason if isinstance(content, FetchFailure) else ""
        return replace(copy, attempts=0, reason=reason)

    def locations(self, key: int, uidvalidity: str) -> frozenset[str]:
        return frozenset(
            remote_id for folder, validity, remote_id in self.copies if (folder, validity) == (key, uidvalidity)
        )

    # -- for assertions -----------------------------------------------------------------------------------------

    def folder_key(self, name: str) -> int:
        return next(key for key, row in self.rows.items() if row.folder.remote_id == name)

    def in_folder(self, name: str) -> list[CopyRow]:
        key = self.folder_key(name)
        return [copy for copy in self.copies.values() if copy.folder_key == key]

    def picture(self) -> dict[str, object]:
        """Everything that must be the same however often a sync was interrupted."""
        names = {key: row.folder.remote_id for key, row in self.rows.items()}
        return {
            "copies": sorted(
                (names[copy.folder_key], copy.uidvalidity, copy.remote_id, copy.mail, copy.seen, copy.reason)
                for copy in self.copies.values()
            ),
            "bodies": sorted(self.bodies.items()),
            "announced": self.announced,
            "attempts": [row.attempts for row in self.rows.values()],
        }


def _age(copy: CopyRow) -> tuple[datetime | None, int, str]:
    """The later of two mails of one second has the higher number, where ids are numbers."""
    return copy.received, len(copy.remote_id), copy.remote_id
