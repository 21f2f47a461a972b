"""IMAP's own traps, each on Dovecot or on a server that says what no sane one does."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from servers.canned_imap import CannedImap
from servers.dovecot import Dovecot
from servers.fault_proxy import FaultProxy

from mail_crm_link.connectors.base import Content, Envelope, FetchFailure, Folder
from mail_crm_link.connectors.errors import FolderGone, ProviderBroken, Transient
from mail_crm_link.connectors.imap import IMAPConnector, listing
from mail_crm_link.connectors.imap.cursor import Cursor, Status, expand, uid_sets
from mail_crm_link.connectors.imap.folders import folders as folders_of
from mail_crm_link.connectors.imap.session import Listed, Session

from .conftest import FEATURES, ImapServer
from .contract import Reader, folder_named
from .corpus import LARGE, PLAIN, numbered

MEGABYTE = 1024 * 1024


@pytest.fixture
def connector(account: ImapServer) -> Iterator[IMAPConnector]:
    made = account.connector()
    made.open()
    yield made
    made.close()


def test_a_whole_sync_changes_no_flag_and_no_count(account: ImapServer, connector: IMAPConnector) -> None:
    """Promise 8."""
    for raw in (*numbered(5), LARGE):
        account.deliver(raw)
    account.mark("2", seen=True)
    other = account.imap()
    other.select("INBOX", readonly=False)
    other.store("3", "+FLAGS", "\\Deleted")
    other.store("4", "+FLAGS", "\\Flagged")
    before = account.snapshot()
    reader = Reader(connector)
    page = reader.changes()
    connector.envelopes(reader.folder, page.uidvalidity, page.added)
    for whole in (False, True):
        list(connector.contents(reader.folder, page.uidvalidity, page.added, whole))
    connector.part(reader.folder, page.uidvalidity, "6", "2")
    connector.raw(reader.folder, page.uidvalidity, "6")
    folder_named(connector, "Sent")
    reader.reconcile()
    connector.changes(reader.folder, reader.cursor, None, 10)
    connector.close()
    assert account.snapshot() == before
    assert len(before["mails"]) == 7


def test_an_idle_folder_costs_one_round_trip_at_most(account: ImapServer) -> None:
    for raw in numbered(3):
        account.deliver(raw)
    for name in ("Offers", "Bids"):
        account.create(name)
    reader = Reader(_opened(account))
    reader.all_added()
    with FaultProxy("127.0.0.1", account.dovecot.port) as proxy:
        connector = account.connector(port=proxy.port)
        connector.open()
        session = connector._session
        assert session is not None
        begun = session._imap.tagnum
        names = connector.folders()
        assert connector.changes(reader.folder, reader.cursor, None, 10).unchanged
        assert len(names) == 6 and session._imap.tagnum - begun == 1
        assert connector.changes(reader.folder, reader.cursor, None, 10).unchanged
        assert session._imap.tagnum - begun == 2
        connector.close()


@pytest.mark.parametrize("feature", FEATURES)
def test_idle_folders_cost_little_whatever_the_server_can(feature: str) -> None:
    with Dovecot(capability=FEATURES[feature]) as dovecot:
        account = ImapServer(dovecot)
        account.deliver(next(numbered(1)))
        connector = _opened(account)
        readers = [Reader(connector, folder.name) for folder in connector.folders()]
        for reader in readers:
            reader.all_added()
        waits = _Waits(connector)
        connector.folders()
        assert all(reader.changes().unchanged for reader in readers)
        assert waits.count <= 2, "all folders together"
        assert all(reader.changes().unchanged for reader in readers)
        assert waits.count <= 2 + 2 * len(readers)
        connector.close()


class _Waits:
    """How often a program that has said something waits for the server: round trips."""

    def __init__(self, connector: IMAPConnector) -> None:
        assert connector._session is not None
        imap = connector._session._imap
        self.count = 0
        self._asked = False
        self._send, self._readline = imap.send, imap.readline
        imap.send, imap.readline = self._sent, self._awaited

    def _sent(self, octets: bytes) -> None:
        self._asked = True
        self._send(octets)

    def _awaited(self) -> bytes:
        self.count += self._asked
        self._asked = False
        line: bytes = self._readline()
        return line


def _opened(account: ImapServer) -> IMAPConnector:
    connector = account.connector()
    connector.open()
    return connector


NAMES = (
    "Entwürfe & Notizen",
    "Ωμέγα",
    "Счета",
    "見積書",
    "عروض",
    'Paul\'s "quoted"',
    "12345",
    "A&B",
    "emoji 📎",
    "back\\slash",
)


def test_folder_names_in_any_script(account: ImapServer, connector: IMAPConnector) -> None:
    program = account.imap()
    for name in NAMES:
        _append(program, connector, name)
    by_name = {folder.remote_id: folder for folder in connector.folders()}
    assert set(NAMES) <= set(by_name)
    for name in NAMES:
        page = connector.changes(by_name[name], None, None, 10)
        assert len(page.added) == 1
        (envelope,) = connector.envelopes(by_name[name], page.uidvalidity, page.added)
        assert isinstance(envelope, Envelope)


def _append(program: object, connector: IMAPConnector, name: str) -> None:
    assert connector._session is not None
    quoted = connector._session._quoted(name)
    assert program.create(quoted)[0] == "OK"  # type: ignore[attr-defined]
    assert program.append(quoted, "", None, PLAIN)[0] == "OK"  # type: ignore[attr-defined]


def test_folders_below_inbox_with_dots(account: ImapServer) -> None:
    with Dovecot(separator=".", prefix="INBOX.") as dovecot:
        server = ImapServer(dovecot)
        server.create("INBOX.Kunden.2026")
        found = {folder.name: folder for folder in _opened(server).folders()}
        assert found["Sent"].role == "sent" and found["Sent"].remote_id == "INBOX.Sent"
        assert found["Kunden/2026"].remote_id == "INBOX.Kunden.2026"


@pytest.mark.parametrize(
    ("listed", "roles"),
    [
        ([("INBOX", ""), ("Gesendete Elemente", ""), ("Papierkorb", "")], ["inbox", "sent", "trash"]),
        ([("inbox", ""), ("Отправленные", ""), ("Спам", "")], ["inbox", "sent", "junk"]),
        ([("INBOX", ""), ("Sent", ""), ("Sent Items", "\\Sent")], ["inbox", "other", "sent"]),
        (
            [("INBOX", ""), ("[Gmail]", "\\Noselect"), ("[Gmail]/Tous les messages", "\\All")],
            ["inbox", "other", "archive"],
        ),
        ([("INBOX", ""), ("[Gmail]", "\\Noselect"), ("[Gmail]/送信済みメール", "")], ["inbox", "other", "sent"]),
        ([("INBOX", ""), ("INBOX/Sent", ""), ("INBOX/Éléments supprimés", "")], ["inbox", "sent", "trash"]),
        ([("INBOX", ""), ("Projects/Sent", ""), ("Archive", "")], ["inbox", "other", "archive"]),
    ],
)
def test_roles(listed: list[tuple[str, str]], roles: list[str]) -> None:
    entries = [Listed(name, frozenset(attributes.lower().split()), "/") for name, attributes in listed]
    assert [folder.role for folder in folders_of(entries, {})] == roles


GMAIL = [
    ("INBOX", ""),
    ("[Gmail]", "\\Noselect"),
    ("[Gmail]/All Mail", "\\All"),
    ("[Gmail]/Important", "\\Important"),
    ("[Gmail]/Sent Mail", "\\Sent"),
    ("[Gmail]/Spam", "\\Junk"),
    ("[Gmail]/Starred", "\\Flagged"),
    ("[Gmail]/Trash", "\\Trash"),
    ("Customers", ""),
]


def test_mail_with_many_labels_is_fetched_from_all_mail_alone() -> None:
    found = folders_of([Listed(name, frozenset(flags.lower().split()), "/") for name, flags in GMAIL], {})
    assert [one.name for one in found if one.is_view and one.selectable] == [
        "INBOX",
        "[Gmail]/Important",
        "[Gmail]/Starred",
        "Customers",
    ]
    assert {one.role for one in found if not one.is_view} == {"archive", "sent", "junk", "trash"}


def test_elsewhere_a_view_of_all_mail_is_left_out() -> None:
    entries = [("INBOX", ""), ("Archive", "\\archive"), ("virtual/All", "\\all"), ("virtual/Flagged", "\\flagged")]
    found = folders_of([Listed(name, frozenset(flags.split()), "/") for name, flags in entries], {})
    assert [one.name for one in found if one.is_view] == ["virtual/All", "virtual/Flagged"]


@pytest.mark.parametrize("separator", [".", "/"])
def test_courier_s_folders_are_named_and_known_without_their_prefix(separator: str) -> None:
    names = ["INBOX", "INBOX.Sent", "INBOX.Trash", "INBOX.Kunden.Müller & Söhne", "INBOX.Archive"]
    entries = [Listed(name.replace(".", separator), frozenset(), separator) for name in names]
    found = folders_of(entries, {})
    assert [one.name for one in found] == ["INBOX", "Sent", "Trash", "Kunden/Müller & Söhne", "Archive"]
    assert [one.role for one in found] == ["inbox", "sent", "trash", "other", "archive"]


def test_a_folder_without_permission_is_gone_and_the_connection_lives(
    account: ImapServer, connector: IMAPConnector
) -> None:
    account.create("Secret")
    account.deliver(PLAIN)
    os.chmod(account.dovecot.maildir(account.user, "Secret"), 0)
    try:
        secret = Folder("Secret", "Secret", "other")
        with pytest.raises(FolderGone) as caught:
            connector.changes(secret, None, None, 10)
        assert caught.value.cause == "unavailable"
        assert len(Reader(connector).all_added()) == 1
    finally:
        os.chmod(account.dovecot.maildir(account.user, "Secret"), 0o700)


def test_a_mail_of_50_megabytes_transfers_only_its_text(account: ImapServer) -> None:
    account.deliver(_huge(50 * MEGABYTE))
    with FaultProxy("127.0.0.1", account.dovecot.port) as proxy:
        connector = account.connector(port=proxy.port)
        connector.open()
        reader = Reader(connector)
        page = reader.changes()
        (content,) = connector.contents(reader.folder, page.uidvalidity, page.added, whole=False)
        assert isinstance(content, Content)
        assert [part.content for part in content.parts] == [b"see attached\r\n", None]
        assert proxy.octets < 10_000
        peak = _peak(lambda: connector.part(reader.folder, page.uidvalidity, page.added[0], "2"))
        assert peak < 90 * MEGABYTE
        connector.close()


def _huge(size: int) -> bytes:
    head = (
        b"Subject: huge\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: text/plain\r\n\r\nsee attached\r\n\r\n--x\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    line = b"QUJD" * 19 + b"\r\n"
    return head + line * (size // len(line)) + b"--x--\r\n"


def _peak(action: object) -> int:
    tracemalloc.start()
    try:
        action()  # type: ignore[operator]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_contents_are_fetched_in_bounded_portions(account: ImapServer) -> None:
    large = _huge(MEGABYTE)
    for _number in range(24):
        account.deliver(large)
    connector = IMAPConnector(
        "127.0.0.1", account.dovecot.port, "none", account.user, account.dovecot.password, batch_octets=3 * MEGABYTE
    )
    connector.open()
    reader = Reader(connector)
    page = reader.changes()
    total = 0

    def consume() -> None:
        nonlocal total
        for content in connector.contents(reader.folder, page.uidvalidity, page.added, whole=True):
            total += len(content.raw) if isinstance(content, Content) and content.raw else 0

    assert _peak(consume) < 10 * MEGABYTE
    assert total == 24 * len(large)
    connector.close()


def test_mime_nested_300_deep_is_taken_as_it_is(account: ImapServer, connector: IMAPConnector) -> None:
    deep = b"Subject: deep\r\nMIME-Version: 1.0\r\n"
    for level in range(300):
        deep += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
    deep += b"Content-Type: text/plain\r\n\r\n" + b"bottom\r\n" * 10_000
    account.deliver(deep)
    account.deliver(LARGE)
    reader = Reader(connector)
    page = reader.changes()
    results = list(connector.contents(reader.folder, page.uidvalidity, page.added, whole=False))
    assert {result.remote_id for result in results if isinstance(result, Content)} == set(page.added)


def test_local_time_zones_leave_dates_alone(
    account: ImapServer, connector: IMAPConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 18, in the night when the hour from two to three happens twice."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        moments = [datetime(2025, 10, 26, hour, 30, tzinfo=timezone.utc) for hour in range(4)]
        for moment in moments:
            account.deliver(PLAIN, received=moment)
        reader = Reader(connector, since=moments[1])
        page = reader.changes()
        envelopes = connector.envelopes(reader.folder, page.uidvalidity, page.added)
        assert [each.received for each in envelopes if isinstance(each, Envelope)] == moments[:0:-1]
    finally:
        monkeypatch.undo()
        time.tzset()


# -- listings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 2, 3, 7, 100])
def test_a_listing_by_windows_is_the_listing(
    account: ImapServer, connector: IMAPConnector, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(listing, "WINDOW", window)
    monkeypatch.setattr(listing, "FIRST_WINDOW", 1)
    for raw in numbered(12):
        account.deliver(raw)
    account.imap().select("INBOX")
    account.remove("2:4,9")
    reader = Reader(connector)
    assert reader.changes(limit=3).added == ("12", "11", "10")
    account.deliver(PLAIN)
    assert reader.all_added(limit=3) == ["8", "7", "6", "5", "1"]
    assert reader.all_added(limit=3) == ["13"]
    assert reader.reconcile().present == {"1", "5", "6", "7", "8", "10", "11", "12", "13"}


def _short_search(line: bytes) -> bytes:
    words = line.split()
    return b" ".join(words[:-1]) if line.startswith(b"* SEARCH") and len(words) > 3 else line


def _short_fetch(line: bytes) -> bytes:
    return b"* OK nothing" if line.startswith(b"* 3 FETCH") else _short_search(line)


@pytest.fixture
def liar(account: ImapServer) -> Iterator[tuple[FaultProxy, IMAPConnector]]:
    """A connection to five mails, whose answers can be falsified."""
    for raw in numbered(5):
        account.deliver(raw)
    with FaultProxy("127.0.0.1", account.dovecot.port) as proxy:
        proxy.rewrite = _short_search
        connector = account.connector(port=proxy.port)
        yield proxy, connector
        connector.close()


SINCE = (None, datetime(2020, 1, 1, tzinfo=timezone.utc))


@pytest.mark.parametrize("since", SINCE)
def test_a_short_search_is_not_believed_and_asked_again(
    liar: tuple[FaultProxy, IMAPConnector], since: datetime | None
) -> None:
    """Promise 7: neither an addition nor a removal is concluded from it."""
    _proxy, connector = liar
    connector.open()
    reader = Reader(connector, since=since)
    assert reader.all_added() == ["5", "4", "3", "2", "1"]
    assert reader.reconcile().present == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize("since", SINCE)
def test_a_listing_that_stays_short_is_an_error(liar: tuple[FaultProxy, IMAPConnector], since: datetime | None) -> None:
    proxy, connector = liar
    proxy.rewrite = _short_fetch
    connector.open()
    reader = Reader(connector, since=since)
    with pytest.raises(ProviderBroken):
        reader.changes()
    with pytest.raises(ProviderBroken):
        reader.reconcile()


def test_a_short_search_would_look_like_a_removal(
    liar: tuple[FaultProxy, IMAPConnector], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the same without the confirmation by count."""

    def unconfirmed(session, status, since, high, span):  # type: ignore[no-untyped-def]
        uids = sorted(session.search("ALL"), reverse=True)
        return listing.Window(uids, uids, 1)

    monkeypatch.setattr(listing, "_confirmed", unconfirmed)
    _proxy, connector = liar
    connector.open()
    assert len(Reader(connector).reconcile().present or ()) == 4


@pytest.mark.parametrize("removed", ["1:3", "12", "1:12", "4,6"])
def test_a_server_that_takes_sequence_numbers_for_uids(
    account: ImapServer, monkeypatch: pytest.MonkeyPatch, removed: str
) -> None:
    """As pymap does; the answers then look complete and are about other mail."""
    search = Session.search

    def confused(session: Session, criteria: str) -> list[int]:
        return search(session, criteria if criteria.startswith("UID") else f"UID {criteria}")

    monkeypatch.setattr(Session, "search", confused)
    monkeypatch.setattr(listing, "WINDOW", 3)
    monkeypatch.setattr(listing, "FIRST_WINDOW", 2)
    connector = account.connector()
    for raw in numbered(12):
        account.deliver(raw)
    connector.open()
    reader = Reader(connector, since=SINCE[1])
    assert len(reader.all_added()) == 12
    account.remove(removed)
    left = reader.reconcile().present or frozenset()
    account.deliver(PLAIN)
    assert reader.all_added() == ["13"]
    assert reader.reconcile().present == left | {"13"}
    assert len(left) == 12 - {"1:3": 3, "12": 1, "1:12": 12, "4,6": 2}[removed]
    connector.close()


def test_vanished_is_told_by_qresync_and_agrees_with_the_count(account: ImapServer, connector: IMAPConnector) -> None:
    for raw in numbered(9):
        account.deliver(raw)
    reader = Reader(connector)
    reader.all_added()
    account.remove("2:3,7")
    changes = reader.changes()
    assert set(changes.vanished) == {"2", "3", "7"} and not changes.doubtful


def test_a_cursor_that_does_not_explain_the_count_is_in_doubt(account: ImapServer, connector: IMAPConnector) -> None:
    for raw in numbered(5):
        account.deliver(raw)
    reader = Reader(connector)
    reader.all_added()
    stored = Cursor.parse(reader.cursor)
    assert stored is not None
    reader.cursor = Cursor(stored.uidvalidity, stored.uidnext, 4, stored.modseq).text()
    assert reader.changes().doubtful
    reader.reconcile()
    assert reader.changes().unchanged


def test_uid_sets_are_ranges_in_lines_of_bounded_length() -> None:
    assert uid_sets([5, 1, 2, 3, 9, 10], 100) == ["1:3,5,9:10"]
    sets = uid_sets(list(range(1, 40_000, 2)), 7_000)
    assert all(len(each) <= 7_000 for each in sets) and len(sets) < 20
    assert [uid for each in sets for uid in expand(each, 10**6) or []] == list(range(1, 40_000, 2))
    assert uid_sets([], 100) == []


def test_20_000_single_uids_are_fetched_without_a_line_too_long(account: ImapServer, connector: IMAPConnector) -> None:
    account.deliver(PLAIN)
    reader = Reader(connector)
    page = reader.changes()
    asked = [str(uid) for uid in range(1, 20_000, 2)]
    results = connector.envelopes(reader.folder, page.uidvalidity, asked)
    assert isinstance(results[0], Envelope)
    assert all(isinstance(result, FetchFailure) and result.gone for result in results[1:])


def test_vanished_sets_too_large_to_be_true_are_left_alone() -> None:
    assert expand("1:4294967295", 1000) is None
    assert expand("7,5:3", 1000) == [7, 3, 4, 5]


@pytest.mark.parametrize(
    ("messages", "arrived", "vanished", "believed"),
    [(10, 0, 0, True), (12, 2, 0, True), (9, 0, 0, False), (9, 0, 1, True), (10, 1, 0, False), (11, 0, 0, False)],
)
def test_counts_are_believed_when_they_are_explained(
    messages: int, arrived: int, vanished: int, believed: bool
) -> None:
    cursor = Cursor(7, 11, 10).advanced(Status(7, 11 + arrived, messages), arrived, vanished)
    assert (cursor.messages is not None) is believed


def test_expected_mail_is_counted_down_to_what_the_window_holds(
    account: ImapServer, connector: IMAPConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "WINDOW", 4)
    monkeypatch.setattr(listing, "FIRST_WINDOW", 2)
    for year in (2024, 2026, 2024, 2026, 2026, 2024, 2024, 2026):
        account.deliver(PLAIN, received=datetime(year, 6, 1, tzinfo=timezone.utc))
    reader = Reader(connector, since=datetime(2026, 1, 1, tzinfo=timezone.utc))
    pages = []
    while not pages or pages[-1].more:
        pages.append(reader.changes(limit=1))
    assert [uid for page in pages for uid in page.added] == ["8", "5", "4", "2"]
    assert [page.expected for page in pages] == [8, 6, 6, 4]
    account.deliver(PLAIN)
    assert reader.changes().expected == 5
    assert reader.changes().unchanged


# -- odd servers ------------------------------------------------------------------------------------------------


def _one(number: int) -> bytes:
    items = 'RFC822.SIZE 5 INTERNALDATE "01-Jan-2026 00:00:00 +0000" FLAGS () BODY[HEADER.FIELDS (X)] {2}'
    return f"* {number} FETCH (UID {number} {items}\r\n\r\n)\r\n".encode()


INBOX = Folder("INBOX", "INBOX", "inbox")


def canned(answers: dict[str, bytes]) -> CannedImap:
    return CannedImap(answers)


def _connected(server: CannedImap) -> IMAPConnector:
    connector = IMAPConnector("127.0.0.1", server.port, "none", "ann", "pw", timeout=2)
    connector.open()
    return connector


def test_a_mail_the_server_refuses_costs_one_mail() -> None:
    answers = {
        r"UID FETCH (1:3|2:3|2|1:2) ": b"{tag} NO [SERVERBUG] Internal error\r\n",
        r"UID FETCH 1 ": _one(1) + b"{tag} OK done\r\n",
        r"UID FETCH 3 ": _one(3) + b"{tag} OK done\r\n",
    }
    with canned(answers) as server:
        results = _connected(server).envelopes(INBOX, "7", ["1", "2", "3"])
        assert [isinstance(result, Envelope) for result in results] == [True, False, True]
        assert isinstance(results[1], FetchFailure) and not results[1].gone


def test_a_server_that_refuses_everything_blames_no_mail() -> None:
    with canned({r"UID FETCH": b"{tag} NO [UNAVAILABLE] Try again later\r\n"}) as server:
        for ids in (["1", "2", "3"], ["1"]):
            with pytest.raises(Transient):
                _connected(server).envelopes(INBOX, "7", ids)


def test_an_answer_that_cannot_be_parsed_costs_one_mail() -> None:
    nonsense = b'* 2 FETCH (UID 2 FLAGS (( RFC822.SIZE "" BODY[HEADER] {2}\r\n\r\n)\r\n'
    with canned({r"UID FETCH": _one(1) + nonsense + _one(3) + b"{tag} OK done\r\n"}) as server:
        results = _connected(server).envelopes(INBOX, "7", ["1", "2", "3"])
        assert [isinstance(result, Envelope) for result in results] == [True, False, True]


def test_flags_told_unasked_in_between_are_no_mail() -> None:
    noise = b"* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (UID 3 FLAGS (\\Seen))\r\n* 9 EXISTS\r\n"
    with canned({r"UID FETCH": _one(1) + noise + _one(2) + _one(3) + noise + b"{tag} OK done\r\n"}) as server:
        results = _connected(server).envelopes(INBOX, "7", ["1", "2", "3"])
        assert [isinstance(result, Envelope) and result.seen for result in results] == [False, False, True]


def test_a_server_of_few_words() -> None:
    """No UIDNEXT, no SPECIAL-USE, no UNSELECT."""
    answers = {
        r"STATUS": b"* STATUS INBOX (UIDVALIDITY 7 MESSAGES 3)\r\n{tag} OK done\r\n",
        r"EXAMINE": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK done\r\n",
        r"FETCH 3 ": b"* 3 FETCH (UID 3)\r\n{tag} OK done\r\n",
        r"CLOSE": b"{tag} OK done\r\n",
    }
    with canned(answers) as server:
        connector = _connected(server)
        changes = connector.changes(INBOX, None, None, 10)
        assert changes.added == ("3", "2", "1") and not changes.doubtful
        assert not {"UNSELECT", "ENABLE", "ID"}.intersection(command.split()[0] for command in server.commands)


@pytest.mark.parametrize(
    ("answer", "kind", "cause"),
    [
        (b"{tag} NO [NONEXISTENT] Unknown Mailbox: INBOX (Failure)\r\n", FolderGone, "folder_missing"),
        (b"* nonsense\r\n(((\r\n", ProviderBroken, "protocol"),
        (b"{tag} NO [NOPERM] Permission denied\r\n", FolderGone, "folder_denied"),
        (b"{tag} NO something else\r\n", FolderGone, "folder_missing"),
        (b"{tag} NO [INUSE] Mailbox is locked, try again\r\n", FolderGone, "unavailable"),
        (b"{tag} BAD Request is throttled. Suggested Backoff Time: 2000 milliseconds\r\n", Transient, "throttled"),
        (b"* BYE Too many connections for this user\r\n", Transient, "too_many_connections"),
        (b"HANG UP", Transient, "disconnected"),
        (b"", Transient, "timeout"),
        (b"{tag} OK done\r\n", ProviderBroken, "protocol"),
    ],
)
def test_a_folder_that_cannot_be_opened(answer: bytes, kind: type[Exception], cause: str) -> None:
    with canned({r"EXAMINE": answer}) as server:
        connector = _connected(server)
        with pytest.raises(kind) as caught:
            connector.changes(INBOX, None, None, 10)
        assert caught.value.cause == cause  # type: ignore[attr-defined]
        if kind is Transient and cause in ("disconnected", "timeout", "too_many_connections"):
            with pytest.raises(Transient):
                connector.folders()
