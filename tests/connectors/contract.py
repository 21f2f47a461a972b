"""What every connector does, as tests: subclass ``ConnectorContract`` and say how to act on the server.

The suite knows no provider. It acts through ``Server`` as the owner of the mailbox would with another program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Protocol

import pytest

from mail_crm_link.connectors.base import Changes, Connector, Content, Envelope, FetchFailure, Folder, Role
from mail_crm_link.connectors.errors import CursorExpired, FolderGone, MailGone

from .corpus import LARGE, PLAIN, numbered

_SUBJECT = re.compile(rb"^Subject: ([^\r\n]*)", re.MULTILINE)


class Server(Protocol):
    """The owner's hands on the account."""

    def connector(self) -> Connector:
        """A new connector, not open yet."""

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        """Put a mail into a folder."""

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        """Delete a mail for good."""

    def move(self, remote_id: str, folder: str, target: str) -> None:
        """Move a mail."""

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        """Mark as read or unread."""

    def create(self, name: str, role: Role) -> None:
        """Make a folder."""

    def rename(self, name: str, new_name: str) -> None:
        """Rename a folder."""


class RenumberingServer(Server, Protocol):
    """One whose ids mean other mail after an accident."""

    def renumber(self, folder: str) -> None:
        """Number the mail of a folder anew."""


class Reader:
    """An open connector with one folder, and the cursor that a caller would have stored."""

    def __init__(self, connector: Connector, name: str = "INBOX", since: datetime | None = None) -> None:
        self.connector = connector
        self.folder = folder_named(connector, name)
        self.since = since
        self.cursor: str | None = None
        self.uidvalidity = ""
        self._known: frozenset[str] = frozenset()

    def changes(self, limit: int = 200) -> Changes:
        changes = self.connector.changes(self.folder, self.cursor, self.since, limit)
        self.cursor = changes.cursor
        self.uidvalidity = changes.uidvalidity
        return changes

    def all_added(self, limit: int = 200) -> list[str]:
        added: list[str] = []
        while True:
            changes = self.changes(limit)
            added += changes.added
            if not changes.more:
                return added

    def reconcile(self) -> Changes:
        changes = self.connector.reconcile(self.folder, self.cursor, self.since)
        self.cursor = changes.cursor
        return changes

    def gone(self) -> set[str]:
        """Which of the known ids are gone, in whichever way the connector tells."""
        changes = self.changes()
        if not changes.doubtful:
            return set(changes.vanished)
        present = self.reconcile().present
        assert present is not None
        return set(self._known - present)

    def remember(self) -> None:
        """Take the folder as it is for what is known."""
        self._known = self.reconcile().present or frozenset()


def folder_named(connector: Connector, name: str) -> Folder:
    folders = connector.folders()
    named = next(folder for folder in folders if folder.name == name)
    # Where folders are labels, the mail itself is in a folder of its own.
    return named if named.selectable else next(folder for folder in folders if folder.selectable)


def subjects_of(reader: Reader, remote_ids: Sequence[str]) -> list[str]:
    """Subjects of these mails, in their order."""
    results = reader.connector.envelopes(reader.folder, reader.uidvalidity, remote_ids)
    return [_SUBJECT.findall(envelope.header)[0].decode().strip() for envelope in envelopes_of(results)]


def envelopes_of(results: Sequence[Envelope | FetchFailure]) -> list[Envelope]:
    assert all(isinstance(result, Envelope) for result in results)
    return [result for result in results if isinstance(result, Envelope)]


class ConnectorContract:
    """The suite; the subclass has a fixture ``server``.

    :cvar newest_first_after_a_break: whether mail that came during the first listing precedes the rest of it
    """

    newest_first_after_a_break = True

    @pytest.fixture
    def connector(self, server: Server) -> Iterator[Connector]:
        made = server.connector()
        made.open()
        yield made
        made.close()

    @pytest.fixture
    def reader(self, connector: Connector) -> Reader:
        return Reader(connector)

    # -- folders ------------------------------------------------------------------------------------------------

    def test_folders_have_roles(self, server: Server) -> None:
        server.create("Offers", "other")
        connector = server.connector()
        connector.open()
        roles = {folder.name: folder.role for folder in connector.folders()}
        assert roles["INBOX"] == "inbox" and roles["Sent"] == "sent" and roles["Offers"] == "other"

    def test_a_renamed_folder_keeps_its_id_or_its_uidvalidity(self, server: Server, connector: Connector) -> None:
        server.create("Offers", "other")
        before = folder_named(connector, "Offers")
        server.rename("Offers", "Bids")
        after = folder_named(connector, "Bids")
        assert before.uidvalidity == after.uidvalidity
        assert before.uidvalidity or before.remote_id == after.remote_id

    def test_a_folder_that_is_not_there_is_an_error_of_that_folder(self, connector: Connector) -> None:
        missing = Folder("Nowhere", "Nowhere", "other")
        with pytest.raises(FolderGone):
            connector.changes(missing, None, None, 10)
        with pytest.raises(FolderGone):
            connector.reconcile(missing, None, None)
        assert connector.folders()

    # -- changes ------------------------------------------------------------------------------------------------

    def test_an_empty_folder_has_no_changes(self, reader: Reader) -> None:
        assert reader.all_added() == []
        assert reader.changes().unchanged

    def test_mail_comes_newest_first_in_pages(self, server: Server, reader: Reader) -> None:
        for raw in numbered(7):
            server.deliver(raw)
        first = reader.changes(limit=3)
        assert len(first.added) == 3 and first.more and first.expected == 7
        added = [*first.added, *reader.all_added(limit=3)]
        assert len(set(added)) == 7
        assert subjects_of(reader, added) == [f"Number {number}" for number in range(7, 0, -1)]

    def test_nothing_new_is_unchanged(self, server: Server, reader: Reader) -> None:
        server.deliver(PLAIN)
        reader.all_added()
        again = reader.changes()
        assert again.unchanged and not again.added and not again.doubtful

    def test_a_new_session_continues_where_the_cursor_stands(self, server: Server, reader: Reader) -> None:
        for raw in numbered(7):
            server.deliver(raw)
        first = reader.changes(limit=3)
        server.deliver(PLAIN)
        successor = server.connector()
        successor.open()
        later = Reader(successor)
        later.cursor = first.cursor
        rest = later.all_added(limit=3)
        assert len({*first.added, *rest}) == 8 and len(rest) == 5
        if self.newest_first_after_a_break:
            assert subjects_of(later, rest)[0] == "Hello"
        successor.close()

    def test_only_new_mail_is_added(self, server: Server, reader: Reader) -> None:
        server.deliver(PLAIN)
        before = reader.all_added()
        server.deliver(LARGE)
        assert len(set(reader.all_added()) - set(before)) == 1

    def test_mail_before_the_window_is_not_added(self, server: Server, connector: Connector) -> None:
        start = datetime(2026, 3, 29, 1, 30, tzinfo=timezone.utc)
        for seconds in (-86400, -3600, -1, 0, 1, 86400 * 40):
            server.deliver(PLAIN, received=start + timedelta(seconds=seconds))
        reader = Reader(connector, since=start)
        assert len(reader.all_added()) == 3
        listing = reader.reconcile()
        assert len(listing.added) == 3
        assert listing.present is not None and len(listing.present) == 6

    def test_read_flags_are_told(self, server: Server, reader: Reader) -> None:
        for raw in numbered(3):
            server.deliver(raw)
        uid = reader.all_added()[0]
        server.mark(uid, seen=True)
        assert dict(reader.changes().seen).get(uid) is True
        server.mark(uid, seen=False)
        assert dict(reader.changes().seen).get(uid) is False

    def test_what_is_gone_is_told_or_doubted(self, server: Server, reader: Reader) -> None:
        for raw in numbered(5):
            server.deliver(raw)
        uids = reader.all_added()
        reader.remember()
        server.remove(uids[2])
        assert reader.gone() == {uids[2]}
        assert reader.changes().unchanged

    def test_gone_and_new_in_one_step(self, server: Server, reader: Reader) -> None:
        for raw in numbered(5):
            server.deliver(raw)
        uids = reader.all_added()
        reader.remember()
        server.remove(uids[0])
        server.deliver(PLAIN)
        assert reader.gone() == {uids[0]}

    def test_a_moved_mail_is_new_where_it_went(self, server: Server, connector: Connector) -> None:
        server.deliver(PLAIN)
        inbox, sent = Reader(connector), Reader(connector, "Sent")
        (uid,) = inbox.all_added()
        sent.all_added()
        server.move(uid, "INBOX", "Sent")
        assert len(sent.all_added()) == 1

    def test_reconcile_lists_everything_and_continues_from_there(self, server: Server, reader: Reader) -> None:
        for raw in numbered(5):
            server.deliver(raw)
        listing = reader.reconcile()
        assert listing.present == frozenset(listing.added) and len(listing.added) == 5
        assert reader.changes().unchanged

    # -- mail ---------------------------------------------------------------------------------------------------

    def test_envelopes_come_in_the_order_asked_for(self, server: Server, reader: Reader) -> None:
        received = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
        for raw in numbered(3):
            server.deliver(raw, received=received)
        page = reader.changes()
        asked = [page.added[1], page.added[0], page.added[2]]
        envelopes = envelopes_of(reader.connector.envelopes(reader.folder, page.uidvalidity, asked))
        assert [envelope.remote_id for envelope in envelopes] == asked
        assert b"Subject: Number 2\r\n" in envelopes[0].header
        assert b"X-Unwanted" not in envelopes[0].header
        assert {envelope.received for envelope in envelopes} == {received}
        assert envelopes[0].size == len(list(numbered(2))[1]) and not envelopes[0].seen

    def test_a_mail_that_is_gone_is_a_value(self, server: Server, reader: Reader) -> None:
        for raw in numbered(3):
            server.deliver(raw)
        page = reader.changes()
        server.remove(page.added[1])
        # In another session, that knows of the mail by its id alone.
        successor = server.connector()
        successor.open()
        results = successor.envelopes(reader.folder, page.uidvalidity, page.added)
        successor.close()
        assert [isinstance(result, Envelope) for result in results] == [True, False, True]
        failure = results[1]
        assert isinstance(failure, FetchFailure) and failure.gone, failure
        contents = list(reader.connector.contents(reader.folder, page.uidvalidity, page.added, whole=True))
        assert len(contents) == 3 and sum(isinstance(result, FetchFailure) for result in contents) == 1
        with pytest.raises(MailGone):
            reader.connector.raw(reader.folder, page.uidvalidity, page.added[1])

    def test_small_mail_comes_as_it_is(self, server: Server, reader: Reader) -> None:
        server.deliver(PLAIN)
        server.deliver(b"")
        for whole in (False, True):
            contents = self._contents(reader, whole)
            assert sorted(content.raw or b"" for content in contents) == [b"", PLAIN]
        assert contents[0].parts == ()

    def test_of_large_mail_only_the_text_is_fetched(self, server: Server, reader: Reader) -> None:
        server.deliver(LARGE)
        (content,) = self._contents(reader, whole=False)
        assert content.raw is None and content.header.startswith("From: Zoë".encode())
        kinds = [(part.section, part.content_type, part.content is not None) for part in content.parts]
        assert kinds == [
            ("1.1", "text/plain", True),
            ("1.2.1", "text/html", True),
            ("1.2.2", "image/png", False),
            ("2", "application/pdf", False),
            ("3", "message/rfc822", False),
        ]
        text, html, image, pdf, _mail = content.parts
        assert text.content == "Grüße ✓".encode() and text.charset == "utf-8"
        assert html.content is not None and html.content.startswith(b"<p>Hello")
        assert image.content_id == "<logo@example.com>" and image.disposition == "inline"
        assert pdf.filename == "Angebot für März.pdf" and pdf.disposition == "attachment"
        assert abs(pdf.size - 200_000) < 8_000

    def test_large_mail_comes_whole_when_asked(self, server: Server, reader: Reader) -> None:
        server.deliver(LARGE)
        (content,) = self._contents(reader, whole=True)
        assert content.raw == LARGE and content.parts == ()

    def test_mails_of_no_and_of_25_megabytes(self, server: Server, reader: Reader) -> None:
        huge = PLAIN + b"x" * 25_000_000
        server.deliver(b"")
        server.deliver(huge)
        page = reader.changes()
        envelopes = envelopes_of(reader.connector.envelopes(reader.folder, reader.uidvalidity, page.added))
        assert [each.size for each in envelopes] == [len(huge), 0]
        contents = list(reader.connector.contents(reader.folder, reader.uidvalidity, page.added, whole=True))
        assert {content.raw for content in contents if isinstance(content, Content)} == {b"", huge}

    def test_parts_and_raw_mail_on_demand(self, server: Server, reader: Reader) -> None:
        server.deliver(LARGE)
        page = reader.changes()
        arguments = (reader.folder, page.uidvalidity, page.added[0])
        assert reader.connector.part(*arguments, "2") == bytes(range(250)) * 800
        assert reader.connector.part(*arguments, "1.1") == "Grüße ✓".encode()
        assert reader.connector.raw(*arguments) == LARGE
        with pytest.raises(MailGone):
            reader.connector.part(*arguments, "7")

    @pytest.mark.parametrize("text", ["valve 7", "grüße", 'with "quotes"', "VALVE"])
    def test_the_server_searches_texts(self, server: Server, reader: Reader, text: str) -> None:
        header = b"Subject: Hello\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        server.deliver(header + b"About pumps.")
        server.deliver(header + 'Grüße: valve 7, with "quotes".'.encode())
        server.deliver(header + 'Also grüße: valve 7, with "quotes".'.encode())
        page = reader.changes()
        newest, older, _other = page.added
        arguments = (reader.folder, page.uidvalidity, text)
        assert reader.connector.search(*arguments, 10) == [newest, older]
        assert reader.connector.search(*arguments, 1) == [newest]

    @pytest.mark.parametrize("text", ["a\r\nA1 LOGOUT", '\\" NOT TEXT "', "ü\r\nA1 LOGOUT", "x" * 10_000])
    def test_what_is_searched_for_is_no_command(self, server: Server, reader: Reader, text: str) -> None:
        server.deliver(b"Subject: Hello\r\n\r\nAbout pumps.")
        page = reader.changes()
        assert reader.connector.search(reader.folder, page.uidvalidity, text, 10) == []
        assert reader.connector.search(reader.folder, page.uidvalidity, "pumps", 10) == list(page.added)

    def _contents(self, reader: Reader, whole: bool) -> list[Content]:
        page = reader.reconcile()
        results = list(reader.connector.contents(reader.folder, page.uidvalidity, page.added, whole))
        assert all(isinstance(result, Content) for result in results)
        return [result for result in results if isinstance(result, Content)]


class RenumberingContract(ConnectorContract):
    """The suite for providers whose ids mean something only under one UIDVALIDITY."""

    def test_other_ids_are_another_uidvalidity(self, server: RenumberingServer, reader: Reader) -> None:
        for raw in numbered(5):
            server.deliver(raw)
        before = reader.changes()
        server.renumber("INBOX")
        after = reader.changes()
        assert after.uidvalidity != before.uidvalidity
        assert len(after.added) == 5 and after.doubtful
        with pytest.raises(CursorExpired):
            reader.connector.envelopes(reader.folder, before.uidvalidity, before.added)
