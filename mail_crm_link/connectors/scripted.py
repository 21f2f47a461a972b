"""An account in memory that does what it is told: for tests, demonstrations, and as the shortest example.

It passes the same contract as the real ones, and can be told to fail at any call.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from . import parts
from .base import Changes, Content, Envelope, FetchFailure, Folder, Role
from .errors import ConnectorError, CursorExpired, FolderGone, MailGone, Transient


@dataclass(slots=True)
class StoredMail:
    """A mail on the scripted server. ``fault`` makes every fetch of it fail, with the fault as the reason."""

    raw: bytes
    received: datetime
    seen: bool = False
    fault: str = ""


@dataclass(slots=True)
class StoredFolder:
    """A folder on the scripted server; ``events`` are (what, uid) since it was created."""

    role: Role
    uidvalidity: int
    uidnext: int = 1
    mails: dict[int, StoredMail] = field(default_factory=dict)
    events: list[tuple[str, int]] = field(default_factory=list)
    denied: bool = False


class ScriptedAccount:
    """The server's side: what people do to their mailbox.

    :param tells_vanished: whether it says which mail is gone, or leaves a client to find out
    """

    def __init__(self, tells_vanished: bool = True) -> None:
        self.tells_vanished = tells_vanished
        self.folders: dict[str, StoredFolder] = {}
        self._generations = itertools.count(1000)
        self.calls: Counter[str] = Counter()
        self._faults: dict[str, dict[int, ConnectorError]] = defaultdict(dict)
        self.create("INBOX", "inbox")

    def create(self, name: str, role: Role = "other") -> None:
        """Make a folder."""
        self.folders[name] = StoredFolder(role, next(self._generations))

    def rename(self, name: str, new_name: str) -> None:
        """Rename a folder; its mail keeps its ids."""
        self.folders[new_name] = self.folders.pop(name)

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None, fault: str = "") -> str:
        """Put a mail into a folder; its id."""
        target = self.folders[folder]
        uid = target.uidnext
        target.uidnext += 1
        target.mails[uid] = StoredMail(raw, received or datetime.now(timezone.utc), fault=fault)
        target.events.append(("added", uid))
        return str(uid)

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        """Delete a mail for good."""
        self.folders[folder].mails.pop(int(remote_id))
        self.folders[folder].events.append(("vanished", int(remote_id)))

    def move(self, remote_id: str, folder: str, target: str) -> str:
        """Move a mail; its id in the target."""
        mail = self.folders[folder].mails[int(remote_id)]
        new_id = self.deliver(mail.raw, target, mail.received)
        self.remove(remote_id, folder)
        return new_id

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        """Mark as read or unread."""
        self.folders[folder].mails[int(remote_id)].seen = seen
        self.folders[folder].events.append(("seen", int(remote_id)))

    def renumber(self, folder: str = "INBOX") -> None:
        """Number a folder's mail anew, under another UIDVALIDITY."""
        old = self.folders[folder]
        mails = dict(enumerate(old.mails.values(), start=1))
        events = [("added", uid) for uid in mails]
        self.folders[folder] = StoredFolder(old.role, next(self._generations), len(mails) + 1, mails, events)

    def fail(self, operation: str, call: int, error: ConnectorError) -> None:
        """Raise ``error`` at the given call (from 1) of ``open``, ``folders``, ``changes``, ``envelopes`` …"""
        self._faults[operation][call] = error

    def called(self, operation: str) -> None:
        """Count a call, and fail if it was told to."""
        self.calls[operation] += 1
        error = self._faults[operation].get(self.calls[operation])
        if error is not None:
            raise error


class ScriptedConnector:
    """One session with a ``ScriptedAccount``."""

    def __init__(self, account: ScriptedAccount) -> None:
        self._account = account
        self._open = False

    def open(self) -> None:
        """See ``Connector.open``."""
        self._account.called("open")
        self._open = True

    def close(self) -> None:
        """See ``Connector.close``."""
        self._open = False

    def _call(self, operation: str) -> None:
        if not self._open:
            raise Transient("The connector is not open", cause="disconnected")
        try:
            self._account.called(operation)
        except Transient:
            self._open = False
            raise

    def folders(self) -> list[Folder]:
        """See ``Connector.folders``."""
        self._call("folders")
        return [
            Folder(name, name, folder.role, uidvalidity=str(folder.uidvalidity))
            for name, folder in self._account.folders.items()
        ]

    def _folder(self, folder: Folder) -> StoredFolder:
        stored = self._account.folders.get(folder.remote_id)
        if stored is None:
            raise FolderGone("No such folder", folder.remote_id)
        if stored.denied:
            raise FolderGone("No permission", folder.remote_id, cause="folder_denied")
        return stored

    def changes(self, folder: Folder, cursor: str | None, since: datetime | None, limit: int) -> Changes:
        """See ``Connector.changes``."""
        self._call("changes")
        stored = self._folder(folder)
        known = json.loads(cursor) if cursor else None
        if known is None or known["uidvalidity"] != stored.uidvalidity:
            return self._begun(stored, since, limit, doubtful=known is not None)
        news = stored.events[known["position"] :]
        if not news and not known["pending"] and not known["doubtful"]:
            return Changes(str(stored.uidvalidity), cursor, expected=len(stored.mails), unchanged=True)
        return self._news(stored, known, news, since, limit)

    def _begun(self, stored: StoredFolder, since: datetime | None, limit: int, doubtful: bool) -> Changes:
        return self._page(stored, _within(stored, since), limit, doubtful)

    def _news(
        self,
        stored: StoredFolder,
        known: dict[str, object],
        news: list[tuple[str, int]],
        since: datetime | None,
        limit: int,
    ) -> Changes:
        within = set(_within(stored, since))
        added = {uid for what, uid in news if what == "added"}
        vanished = [uid for what, uid in news if what == "vanished"]
        pending = known["pending"]
        assert isinstance(pending, list)
        uids = sorted(within.intersection(added.union(pending)), reverse=True)
        told = self._account.tells_vanished
        page = self._page(stored, uids, limit, bool(known["doubtful"] or (vanished and not told)))
        return replace(
            page,
            seen={str(uid): stored.mails[uid].seen for what, uid in news if what == "seen" and uid in stored.mails},
            vanished=tuple(map(str, vanished)) if told else (),
        )

    def _page(self, stored: StoredFolder, uids: list[int], limit: int, doubtful: bool) -> Changes:
        page, rest = uids[:limit], uids[limit:]
        return Changes(
            str(stored.uidvalidity),
            _cursor(stored, rest, doubtful),
            added=tuple(map(str, page)),
            more=bool(rest),
            doubtful=doubtful,
            expected=len(stored.mails),
        )

    def reconcile(self, folder: Folder, cursor: str | None, since: datetime | None) -> Changes:
        """See ``Connector.reconcile``."""
        self._call("reconcile")
        stored = self._folder(folder)
        return Changes(
            str(stored.uidvalidity),
            _cursor(stored, [], doubtful=False),
            added=tuple(map(str, _within(stored, since))),
            present=frozenset(map(str, stored.mails)),
            expected=len(stored.mails),
        )

    def _mails(self, folder: Folder, uidvalidity: str) -> dict[int, StoredMail]:
        stored = self._folder(folder)
        if str(stored.uidvalidity) != uidvalidity:
            raise CursorExpired("The folder's mail was numbered anew", folder.remote_id, cause="uidvalidity")
        return stored.mails

    def envelopes(self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str]) -> list[Envelope | FetchFailure]:
        """See ``Connector.envelopes``."""
        self._call("envelopes")
        mails = self._mails(folder, uidvalidity)
        return [_envelope(remote_id, mails.get(int(remote_id))) for remote_id in remote_ids]

    def contents(
        self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str], whole: bool
    ) -> Iterator[Content | FetchFailure]:
        """See ``Connector.contents``. Each mail is a call of its own, ``content``, that may be told to fail."""
        self._call("contents")
        mails = self._mails(folder, uidvalidity)
        for remote_id in remote_ids:
            self._call("content")
            yield _content(remote_id, mails.get(int(remote_id)), whole)

    def part(self, folder: Folder, uidvalidity: str, remote_id: str, section: str) -> bytes:
        """See ``Connector.part``."""
        self._call("part")
        return parts.section(self._raw(folder, uidvalidity, remote_id), section)

    def raw(self, folder: Folder, uidvalidity: str, remote_id: str) -> bytes:
        """See ``Connector.raw``."""
        self._call("raw")
        return self._raw(folder, uidvalidity, remote_id)

    def search(self, folder: Folder, uidvalidity: str, text: str, limit: int) -> list[str]:
        """See ``Connector.search``."""
        self._call("search")
        mails = self._mails(folder, uidvalidity)
        found = [uid for uid, mail in sorted(mails.items()) if text.lower() in parts.text(mail.raw).lower()]
        return [str(uid) for uid in reversed(found[-limit:])]

    def _raw(self, folder: Folder, uidvalidity: str, remote_id: str) -> bytes:
        mail = self._mails(folder, uidvalidity).get(int(remote_id))
        if mail is None:
            raise MailGone("No such mail", remote_id)
        return mail.raw


def _within(stored: StoredFolder, since: datetime | None) -> list[int]:
    return sorted((uid for uid, mail in stored.mails.items() if not since or mail.received >= since), reverse=True)


def _cursor(stored: StoredFolder, pending: list[int], doubtful: bool) -> str:
    return json.dumps(
        {
            "uidvalidity": stored.uidvalidity,
            "position": len(stored.events),
            "pending": pending,
            "doubtful": doubtful,
        }
    )


def _failure(remote_id: str, mail: StoredMail | None) -> FetchFailure | None:
    if mail is None:
        return FetchFailure(remote_id, "deleted meanwhile", gone=True)
    return FetchFailure(remote_id, mail.fault) if mail.fault else None


def _envelope(remote_id: str, mail: StoredMail | None) -> Envelope | FetchFailure:
    failure = _failure(remote_id, mail)
    if failure or mail is None:
        return failure or FetchFailure(remote_id, "")
    return Envelope(remote_id, parts.envelope_header(mail.raw), len(mail.raw), mail.received, mail.seen)


def _content(remote_id: str, mail: StoredMail | None, whole: bool) -> Content | FetchFailure:
    failure = _failure(remote_id, mail)
    if failure or mail is None:
        return failure or FetchFailure(remote_id, "")
    return parts.content(remote_id, mail.raw, whole)
