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

import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from ..base import HEADER_FIELDS, Changes, Content, Envelope, FetchFailure, Folder
from ..errors import CursorExpired, FolderGone, ProviderBroken, Transient
from ..mail_server import Account, Security
from ..network import Network
from ..sasl import Credentials, Token
from . import causes, content, listing, search
from .causes import Verdict
from .cursor import Cursor, Status, expand
from .folders import folders as folders_of
from .idle import Idle
from .session import Answer, Refused, Session, utc

TIMEOUT = 30.0
BATCH_OCTETS = 8 * 1024 * 1024
FLAG_WINDOW = 1_000
"""Newest mails whose flags are compared where the server cannot say which changed."""

VANISHED_LIMIT = 100_000

_SEARCHABLE_ID = re.compile(r"<[!#-\[\]-~]+>")
"""Ids of our own mail; a quote or a backslash would end the string that they are sent in."""

ENVELOPE_ITEMS = f"(UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[HEADER.FIELDS ({' '.join(HEADER_FIELDS)})])"


@dataclass(slots=True)
class _Ahead:
    """What is listed in this session and not handed out yet.

    :param cursor: the text of the cursor that this continues
    :param uids: mails to hand out, highest first
    :param outside: mails that are too old, highest first
    :param lowest: the lowest UID that was listed
    :param high: the sequence number from which the listing continues downwards; 0 when all is listed
    :param span: mails to list next
    """

    cursor: str
    uids: list[int]
    outside: list[int]
    lowest: int
    high: int
    span: int

    @classmethod
    def of_nothing(cls, cursor: Cursor, status: Status) -> _Ahead:
        # UIDs are never smaller than sequence numbers, so the highest pending one bounds both.
        highest = max((high for _low, high in cursor.pending), default=0)
        most = sum(high - low + 1 for low, high in cursor.pending)
        return cls(cursor.text(), [], [], highest + 1, min(status.messages, highest), min(most, listing.FIRST_WINDOW))

    def take(self, window: listing.Window, cursor: Cursor) -> None:
        within = set(window.within)
        pending = [uid for uid in window.uids if uid < self.lowest and cursor.is_pending(uid)]
        self.uids += [uid for uid in pending if uid in within]
        self.outside += [uid for uid in pending if uid not in within]
        self.lowest = min([self.lowest, *window.uids])
        self.high = window.low - 1
        self.span = min(self.span * listing.GROWTH, listing.WINDOW)

    def is_complete(self, cursor: Cursor) -> bool:
        return self.high < 1 or not cursor.is_pending_below(self.lowest)


class IMAPConnector:
    """One account of an IMAP server.

    :param security: ``ssl`` (implicit TLS), ``starttls`` (refused where it is not offered) or ``none``
    :param token: gives access tokens, which are used instead of the password
    :param timeout: seconds to wait for the connection and for every answer
    :param ssl_context: which certificates are good; those the system trusts if left out
    :param network: which servers may be connected to; all of them if left out
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
        token: Token | None = None,
        timeout: float = TIMEOUT,
        ssl_context: ssl.SSLContext | None = None,
        network: Network | None = None,
        batch_octets: int = BATCH_OCTETS,
    ) -> None:
        network = network or Network()
        credentials = Credentials(login, password, token)
        self._account = Account(host, port, security, credentials, timeout, network, ssl_context)
        self._batch_octets = batch_octets
        self._session: Session | None = None
        self._examined: Status | None = None
        self._statuses: dict[str, Status] = {}
        self._ahead: dict[str, _Ahead] = {}

    # -- session ------------------------------------------------------------------------------------------------

    def signature(self) -> tuple[str, ...]:
        """What the sign-in consists of, the password included: for comparison, and not to be kept or told."""
        account = self._account
        return (account.host, str(account.port), account.security, *account.credentials.signature())

    def idle(self) -> Idle:
        """A connection of its own that waits for news of INBOX.

        :raises ConnectorError: the sign-in is refused, or the server knows no IDLE
        """
        return Idle(self._account)

    def open(self) -> None:
        """See ``Connector.open``."""
        self.close()
        self._session = Session.signed_in(self._account)

    def close(self) -> None:
        """See ``Connector.close``."""
        session, self._session = self._session, None
        self._examined = None
        self._statuses.clear()
        self._ahead.clear()
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
        known = Cursor.parse(cursor)
        ahead = self._ahead.pop(folder.remote_id, None)
        with self._connected() as session:
            if known is not None and ahead is not None and ahead.cursor == cursor:
                return self._page(session, folder, known, ahead, since, limit)
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
            cursor = Cursor.beginning(now, known is None)
            return self._page(session, folder, cursor, _Ahead.of_nothing(cursor, now), since, limit)
        seen = self._changed_flags(session, known, now)
        vanished = self._vanished(session)
        arrived = self._arrived(session, known, now)
        cursor = known.advanced(now, arrived, len(vanished))
        page = self._page(session, folder, cursor, _Ahead.of_nothing(cursor, now), since, limit)
        return replace(page, seen=seen, vanished=tuple(map(str, vanished)))

    def _arrived(self, session: Session, known: Cursor, now: Status) -> int:
        """How many mails came since; UIDs ascend with sequence numbers, so they are at the top."""
        arrived = 0
        if known.uidnext == now.uidnext:
            return arrived
        span = min(now.uidnext - known.uidnext, listing.WINDOW)
        for window in listing.downwards(session, now, None, now.messages, span):
            arrived += sum(known.uidnext <= uid < now.uidnext for uid in window.uids)
            if min(window.uids, default=0) <= known.uidnext:
                break
        return arrived

    def _page(
        self, session: Session, folder: Folder, cursor: Cursor, ahead: _Ahead, since: datetime | None, limit: int
    ) -> Changes:
        """Hand out the newest of what is pending, and list further down as far as that needs it."""
        if len(ahead.uids) <= limit and not ahead.is_complete(cursor):
            self._list_ahead(session, folder, cursor, ahead, since, limit)
        page, ahead.uids = ahead.uids[:limit], ahead.uids[limit:]
        more = bool(ahead.uids) or not ahead.is_complete(cursor)
        bound = (page[-1] if page else ahead.lowest) if more else 0
        outside = sum(uid >= bound for uid in ahead.outside)
        ahead.outside = ahead.outside[outside:]
        cursor = cursor.below(bound).without(outside)
        if more:
            ahead.cursor = cursor.text()
            self._ahead[folder.remote_id] = ahead
        return Changes(
            str(cursor.uidvalidity),
            cursor.text(),
            added=tuple(map(str, page)),
            more=more,
            doubtful=cursor.messages is None,
            expected=cursor.expected,
        )

    def _list_ahead(
        self, session: Session, folder: Folder, cursor: Cursor, ahead: _Ahead, since: datetime | None, limit: int
    ) -> None:
        self._select(session, folder, str(cursor.uidvalidity))
        assert self._examined is not None
        for window in listing.downwards(session, self._examined, since, ahead.high, ahead.span):
            ahead.take(window, cursor)
            if len(ahead.uids) > limit or ahead.is_complete(cursor):
                return

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
            self._ahead.pop(folder.remote_id, None)
            uids: set[int] = set()
            within: set[int] = set()
            for window in listing.downwards(session, now, since, now.messages, listing.WINDOW):
                uids.update(window.uids)
                within.update(window.within)
            return _reconciled(now, uids, within)

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

    def search(self, folder: Folder, uidvalidity: str, text: str, limit: int) -> list[str]:
        """See ``Connector.search``."""
        with self._connected() as session:
            self._select(session, folder, uidvalidity)
            return search.newest_with(session, text, limit)

    # -- what was sent ------------------------------------------------------------------------------------------

    def find(self, folder: Folder, message_id: str) -> tuple[str, list[str]]:
        """See ``Mailbox.find``."""
        if not _SEARCHABLE_ID.fullmatch(message_id):
            raise ValueError(f"not a Message-ID: {message_id!r}")
        with self._connected() as session:
            examined = self._examine(session, folder)
            found = session.search(f'HEADER Message-ID "{message_id}"')
            return str(examined.uidvalidity), [str(uid) for uid in found]

    def append(self, folder: Folder, raw: bytes) -> tuple[str, str] | None:
        """See ``Mailbox.append``."""
        with self._connected() as session:
            return session.append(folder.remote_id, raw)

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


def _reconciled(now: Status, uids: set[int], within: set[int]) -> Changes:
    # Mail that came after EXAMINE may be among them, when the listing had to begin anew.
    uidnext = max([now.uidnext, *(uid + 1 for uid in uids)])
    after = Cursor(now.uidvalidity, uidnext, len(uids), now.modseq, now.unseen, expected=len(within))
    return Changes(
        str(now.uidvalidity),
        after.text(),
        added=tuple(map(str, sorted(within, reverse=True))),
        present=frozenset(map(str, uids)),
        expected=len(within),
    )


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
