"""The contract of ``connectors.base`` for IMAP.

``changes`` in one picture; every number is read before the listing that it stands for::

    STATUS ──► as the cursor says, nothing pending ──► unchanged
       │
       ├──► other UIDVALIDITY, or UIDNEXT went down ──► everything is pending again, doubtful
       ▼
    EXAMINE ──► FLAGS of what changed (CONDSTORE), VANISHED (QRESYNC)
       │
       ▼
    list what is pending, hand out the newest ──► more ──► … ──► count differs? doubtful
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from ..base import HEADER_FIELDS, Changes, Content, Envelope, FetchFailure, Folder
from ..errors import CursorExpired, FolderGone, ProviderBroken, Transient
from . import causes, content, listing
from .causes import Verdict
from .cursor import Cursor, Status, expand
from .folders import folders as folders_of
from .session import Account, Answer, Refused, Security, Session, utc

TIMEOUT = 30.0
BATCH_OCTETS = 8 * 1024 * 1024
FLAG_WINDOW = 1_000
"""Newest mails whose flags are compared where the server cannot say which changed."""

VANISHED_LIMIT = 100_000

ENVELOPE_ITEMS = f"(UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[HEADER.FIELDS ({' '.join(HEADER_FIELDS)})])"


@dataclass(slots=True)
class _Remaining:
    """What was listed in this session and is not handed out yet, highest UID first."""

    cursor: str
    uids: list[int]


class IMAPConnector:
    """One account of an IMAP server.

    :param security: ``ssl`` (implicit TLS), ``starttls`` (refused where it is not offered) or ``none``
    :param timeout: seconds to wait for the connection and for every answer
    :param ssl_context: which certificates are good; those the system trusts if left out
    :param batch_octets: octets of contents that are in memory at once, unless a single mail is larger
    """

    def __init__(
        self,
        host: str,
        port: int,
        security: Security,
        login: str,
        password: str,
        *,
        timeout: float = TIMEOUT,
        ssl_context: ssl.SSLContext | None = None,
        batch_octets: int = BATCH_OCTETS,
    ) -> None:
        self._account = Account(host, port, security, login, password, timeout, ssl_context)
        self._batch_octets = batch_octets
        self._session: Session | None = None
        self._examined: Status | None = None
        self._statuses: dict[str, Status] = {}
        self._remaining: dict[str, _Remaining] = {}

    # -- session ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """See ``Connector.open``."""
        self.close()
        self._session = Session(self._account)

    def close(self) -> None:
        """See ``Connector.close``."""
        session, self._session = self._session, None
        self._examined = None
        self._statuses.clear()
        self._remaining.clear()
        if session is not None:
            session.close()

    @contextmanager
    def _connected(self) -> Iterator[Session]:
        """The session, whose refusals get their meaning here."""
        if self._session is None:
            raise Transient("The connector is not open", cause="disconnected")
        try:
            yield self._session
        except Refused as error:
            raise causes.refusal(error.detail, Verdict(ProviderBroken, "protocol")) from error

    def folders(self) -> list[Folder]:
        """See ``Connector.folders``. The numbers of all folders come along, for the next ``changes`` of each."""
        with self._connected() as session:
            listed, self._statuses = session.list_folders(statuses=True)
            return folders_of(listed, self._statuses)

    # -- what is new --------------------------------------------------------------------------------------------

    def changes(self, folder: Folder, cursor: str | None, since: datetime | None, limit: int) -> Changes:
        """See ``Connector.changes``. One STATUS if nothing happened, none if ``folders`` was asked just before."""
        remaining = self._remaining.get(folder.remote_id)
        if remaining is not None and remaining.cursor == cursor:
            return self._next_page(folder, Cursor.parse(cursor), remaining.uids, limit)
        known = Cursor.parse(cursor)
        with self._connected() as session:
            if known is not None and known.covers(self._status(session, folder)):
                return Changes(str(known.uidvalidity), cursor, expected=known.expected, unchanged=True)
            return self._news(session, folder, known, since, limit)

    def _status(self, session: Session, folder: Folder) -> Status:
        status = self._statuses.pop(folder.remote_id, None)
        if status is None:
            session.leave()
            status = session.status(folder.remote_id)
        return status

    def _numbers(self, session: Session, folder: Folder) -> Status:
        """Open the folder; its numbers belong to the session that lists, and are older than the listing."""
        self._statuses.pop(folder.remote_id, None)
        unseen = 0
        if not session.condstore:
            session.leave()
            unseen = session.status(folder.remote_id).unseen
        return replace(self._examine(session, folder), unseen=unseen)

    def _news(
        self, session: Session, folder: Folder, known: Cursor | None, since: datetime | None, limit: int
    ) -> Changes:
        now = self._numbers(session, folder)
        if known is None or not known.continues(now):
            return self._begun(session, folder, now, known is None, since, limit)
        seen = self._changed_flags(session, known, now)
        vanished = self._vanished(session)
        found = self._listed(session, known, now, since)
        arrived = sum(uid >= known.uidnext for uid in found.all)
        cursor = known.advanced(now, arrived, len(vanished))
        uids = [uid for uid in found.within if cursor.is_pending(uid)]
        page = self._next_page(folder, cursor, uids, limit)
        return replace(page, seen=seen, vanished=tuple(map(str, vanished)))

    def _begun(
        self, session: Session, folder: Folder, now: Status, first: bool, since: datetime | None, limit: int
    ) -> Changes:
        found = listing.confirmed(session, now, since)
        uids = [uid for uid in found.within if uid < now.uidnext]
        cursor = replace(Cursor.beginning(now, first), expected=len(uids))
        return self._next_page(folder, cursor, uids, limit)

    def _listed(self, session: Session, known: Cursor, now: Status, since: datetime | None) -> listing.Found:
        lowest = min([low for low, _high in known.pending] + [known.uidnext])
        if lowest >= now.uidnext:
            return listing.Found([], [])
        # UIDs ascend with sequence numbers: so many UIDs from the top are at most so many mails from the top.
        first = max(1, now.messages - (now.uidnext - lowest) + 1)
        found = listing.confirmed(session, now, since, lowest, first)
        # Mail that came after EXAMINE belongs to the next time.
        return listing.Found(
            [uid for uid in found.all if uid < now.uidnext], [uid for uid in found.within if uid < now.uidnext]
        )

    def _next_page(self, folder: Folder, cursor: Cursor | None, uids: list[int], limit: int) -> Changes:
        assert cursor is not None
        page, rest = uids[:limit], uids[limit:]
        cursor = cursor.below(page[-1] if rest else 0)
        self._remaining.pop(folder.remote_id, None)
        if rest:
            self._remaining[folder.remote_id] = _Remaining(cursor.text(), rest)
        return Changes(
            str(cursor.uidvalidity),
            cursor.text(),
            added=tuple(map(str, page)),
            more=bool(rest),
            doubtful=cursor.messages is None,
            expected=cursor.expected,
        )

    def _changed_flags(self, session: Session, known: Cursor, now: Status) -> dict[str, bool]:
        if known.uidnext <= 1 or now.messages == 0:
            return {}
        if known.modseq and now.modseq:
            modifier = f"(CHANGEDSINCE {known.modseq}{' VANISHED' if session.qresync else ''})"
            return {} if known.modseq == now.modseq else _flags(session, f"1:{known.uidnext - 1}", modifier)
        # Not even an equal number of unread mails says that it is the same mails.
        window = f"{max(1, now.messages - FLAG_WINDOW + 1)}:{now.messages}"
        flags = _flags(session, window, "", uid=False)
        return {uid: seen for uid, seen in flags.items() if int(uid) < known.uidnext}

    def _vanished(self, session: Session) -> list[int]:
        """UIDs that the server said are gone; none if it names too many to be all ours."""
        uids: list[int] = []
        for message_set in session.vanished():
            expanded = expand(message_set, VANISHED_LIMIT)
            if expanded is None:
                return []
            uids += expanded
        return uids

    def reconcile(self, folder: Folder, cursor: str | None, since: datetime | None) -> Changes:
        """See ``Connector.reconcile``."""
        with self._connected() as session:
            now = self._numbers(session, folder)
            found = listing.confirmed(session, now, since)
            # Everything up to the newest is listed here, also what came after EXAMINE.
            uidnext = max([now.uidnext, *(uid + 1 for uid in found.all[:1])])
            after = Cursor(now.uidvalidity, uidnext, len(found.all), now.modseq, now.unseen, expected=len(found.within))
            self._remaining.pop(folder.remote_id, None)
            return Changes(
                str(now.uidvalidity),
                after.text(),
                added=tuple(map(str, found.within)),
                present=frozenset(map(str, found.all)),
                expected=after.expected,
            )

    # -- mail ---------------------------------------------------------------------------------------------------

    def envelopes(self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str]) -> list[Envelope | FetchFailure]:
        """See ``Connector.envelopes``."""
        with self._connected() as session:
            self._select(session, folder, uidvalidity)
            uids = [int(remote_id) for remote_id in remote_ids]
            return list(content.one_by_one(session, uids, ENVELOPE_ITEMS, _envelope))

    def contents(
        self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str], whole: bool
    ) -> Iterator[Content | FetchFailure]:
        """See ``Connector.contents``."""
        with self._connected() as session:
            self._select(session, folder, uidvalidity)
            sized: dict[int, int] = {}
            for size in content.sizes(session, [int(remote_id) for remote_id in remote_ids]):
                if isinstance(size, FetchFailure):
                    yield size
                else:
                    sized[size[0]] = size[1]
            if whole:
                yield from content.wholes(session, sized.items(), self._batch_octets)
            else:
                yield from content.readable(session, sized, self._batch_octets)

    def part(self, folder: Folder, uidvalidity: str, remote_id: str, section: str) -> bytes:
        """See ``Connector.part``."""
        with self._connected() as session:
            self._select(session, folder, uidvalidity)
            return content.part(session, int(remote_id), section)

    def raw(self, folder: Folder, uidvalidity: str, remote_id: str) -> bytes:
        """See ``Connector.raw``."""
        with self._connected() as session:
            self._select(session, folder, uidvalidity)
            return content.raw(session, int(remote_id))

    def _examine(self, session: Session, folder: Folder) -> Status:
        if not folder.selectable:
            raise FolderGone("The folder holds no mail", folder.remote_id)
        self._examined = session.examine(folder.remote_id)
        if not self._examined.uidnext:
            self._examined = replace(self._examined, uidnext=_last_uid(session, self._examined.messages) + 1)
        return self._examined

    def _select(self, session: Session, folder: Folder, uidvalidity: str) -> None:
        examined = self._examined if session.selected == folder.remote_id else None
        examined = examined or self._examine(session, folder)
        if str(examined.uidvalidity) != uidvalidity:
            raise CursorExpired("The folder's mail was numbered anew", folder.remote_id, cause="uidvalidity")


def _last_uid(session: Session, messages: int) -> int:
    """The highest UID, for servers that do not tell UIDNEXT."""
    last = session.fetch(str(messages), "(UID)", uid=False) if messages else iter(())
    return max((uid for uid, _answer in last), default=0)


def _flags(session: Session, message_set: str, modifier: str, uid: bool = True) -> dict[str, bool]:
    items = f"(UID FLAGS) {modifier}".strip()
    answers = session.fetch(message_set, items, uid)
    return {str(number): _seen(answer) for number, answer in answers if isinstance(answer, dict) and b"FLAGS" in answer}


def _seen(answer: Answer) -> bool:
    return any(isinstance(flag, bytes) and flag.lower() == b"\\seen" for flag in answer[b"FLAGS"])


def _envelope(uid: int, answer: Answer) -> Envelope:
    return Envelope(
        remote_id=str(uid),
        header=content.section(answer, "HEADER"),
        size=int(answer[b"RFC822.SIZE"]),
        received=utc(answer[b"INTERNALDATE"]),
        seen=_seen(answer),
    )
