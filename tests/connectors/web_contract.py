"""What the connectors of web services do beyond the contract of all: when the service refuses, and to send.

IMAP and SMTP show the same in tests of their own, where each is a word of the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

import pytest

from mail_crm_link.connectors.base import Connector, Envelope, FetchFailure, Folder, Handover
from mail_crm_link.connectors.errors import CursorExpired, FolderGone, OutcomeUnknown, SignInNeeded, Transient

from .contract import ConnectorContract, Reader, Server, folder_named
from .corpus import PLAIN, numbered

CURSORS_OF_SOMETHING_ELSE = ("5", "{}", "nonsense", "null")
ODD_ID = PLAIN.replace(b"<plain@", b"<it's+odd&@")


class Sender(Protocol):
    """What sends mail."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def send(self, sender: str, recipients: list[str], raw: bytes) -> Handover: ...


class Service(Server, Protocol):
    """The owner's hands on the account, and the bad days of the service."""

    @property
    def sent(self) -> list[bytes]:
        """The mails that were sent."""

    def sender(self) -> Sender:
        """What sends, not open yet."""

    def cut(self, octets: int) -> None:
        """End answers after so many octets until all is well again; after -1 not even their status comes."""

    def refuse(self, seconds: int) -> None:
        """Be too busy for the next request, for so long."""

    def forget_cursors(self) -> None:
        """Forget what was told so far."""

    def stumble_over(self, remote_id: str) -> None:
        """Have a mail that the service cannot give."""

    def close_account(self) -> None:
        """Take back the right to sign in."""

    def mend(self) -> None:
        """Let all be well again."""


class WebContract(ConnectorContract):
    """The suite; the subclass has a fixture ``server`` that is a ``Service``."""

    # -- faults -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("octets", [-1, 0, 1, 40])
    def test_a_cut_answer_is_never_a_short_list(self, server: Service, reader: Reader, octets: int) -> None:
        for raw in numbered(3):
            server.deliver(raw)
        server.cut(octets)
        with pytest.raises(Transient):
            reader.changes()
        with pytest.raises(Transient):
            reader.changes()  # the session is over
        server.mend()
        with closing(_opened(server)) as connector:
            assert len(Reader(connector).all_added()) == 3

    def test_a_busy_service_says_for_how_long(self, server: Service, reader: Reader) -> None:
        server.refuse(90)
        with pytest.raises(Transient) as caught:
            reader.changes()
        assert (caught.value.cause, caught.value.retry_after) == ("throttled", 90)

    def test_what_the_service_forgot_is_found_by_difference(self, server: Service, reader: Reader) -> None:
        server.deliver(PLAIN)
        reader.all_added()
        server.deliver(PLAIN)
        server.forget_cursors()
        with pytest.raises(CursorExpired):
            reader.changes()
        reader.cursor = None
        assert len(reader.reconcile().present or ()) == 2
        server.deliver(PLAIN)
        assert len(reader.all_added()) == 1

    @pytest.mark.parametrize("cursor", CURSORS_OF_SOMETHING_ELSE)
    def test_a_cursor_of_something_else_is_expired(self, reader: Reader, cursor: str) -> None:
        reader.cursor = cursor
        with pytest.raises(CursorExpired):
            reader.changes()

    def test_one_mail_that_the_service_stumbles_over_costs_one(self, server: Service, reader: Reader) -> None:
        for raw in numbered(3):
            server.deliver(raw)
        ids = reader.all_added()
        server.stumble_over(ids[1])
        with closing(_opened(server)) as connector:
            results = connector.envelopes(reader.folder, "", ids)
        assert [type(result) for result in results] == [Envelope, FetchFailure, Envelope]
        assert isinstance(results[1], FetchFailure) and not results[1].gone

    @pytest.mark.parametrize("mails", [1, 3])
    def test_a_service_that_stumbles_over_all_of_them_blames_no_mail(
        self, server: Service, reader: Reader, mails: int
    ) -> None:
        for raw in numbered(mails):
            server.deliver(raw)
        ids = reader.all_added()
        for remote_id in ids:
            server.stumble_over(remote_id)
        with closing(_opened(server)) as connector, pytest.raises(Transient) as caught:
            connector.envelopes(reader.folder, "", ids)
        assert caught.value.cause == "protocol"

    def test_a_sign_in_that_was_lost_and_found_goes_on(self, server: Service, reader: Reader) -> None:
        server.deliver(PLAIN)
        reader.all_added()
        server.close_account()
        with pytest.raises(SignInNeeded):
            _opened(server)
        server.deliver(PLAIN)
        server.mend()
        with closing(_opened(server)) as connector:
            reader.connector = connector
            assert len(reader.all_added()) == 1

    @pytest.mark.parametrize("remote_id", ["a/b c+d=", 'x"<&>'])
    def test_an_id_that_never_was_is_a_value(self, server: Service, reader: Reader, remote_id: str) -> None:
        server.deliver(PLAIN)
        [known] = reader.all_added()
        for results in (
            reader.connector.envelopes(reader.folder, "", [known, remote_id]),
            list(reader.connector.contents(reader.folder, "", [known, remote_id], whole=True)),
        ):
            assert sorted(isinstance(result, FetchFailure) for result in results) == [False, True]

    def test_an_odd_folder_is_an_error_of_that_folder(self, connector: Connector) -> None:
        with pytest.raises(FolderGone):
            connector.changes(Folder('a/b" <&>+c=', "Odd", "other"), None, None, 10)

    # -- sending ------------------------------------------------------------------------------------------------

    @pytest.fixture
    def sender(self, server: Service) -> Iterator[Sender]:
        made = server.sender()
        made.open()
        yield made
        made.close()

    def test_a_sent_mail_is_found_again(self, server: Service, sender: Sender, connector: Connector) -> None:
        assert _find(connector, "<it's+odd&@example.com>") == []
        sender.send("ann@example.com", ["bob@example.org"], ODD_ID)
        [remote_id] = _find(connector, "<it's+odd&@example.com>")
        assert server.sent == [ODD_ID]
        assert connector.raw(folder_named(connector, "Sent"), "", remote_id) == ODD_ID

    def test_recipients_that_nobody_else_shall_see_become_bcc(self, server: Service, sender: Sender) -> None:
        sender.send("ann@example.com", ["bob@example.org", "eve@example.org", "dan@example.org"], PLAIN)
        assert server.sent == [b"Bcc: eve@example.org, dan@example.org\r\n" + PLAIN]

    def test_after_a_send_without_an_answer_the_mail_is_found(self, server: Service, sender: Sender) -> None:
        server.cut(-1)
        with pytest.raises(OutcomeUnknown):
            sender.send("ann@example.com", ["bob@example.org"], PLAIN)
        server.mend()
        with closing(_opened(server)) as connector:
            assert len(_find(connector, "<plain@example.com>")) == len(server.sent) == 1

    def test_what_a_busy_service_refused_was_not_sent(self, server: Service, sender: Sender) -> None:
        server.refuse(9)
        with pytest.raises(Transient) as caught:
            sender.send("ann@example.com", ["bob@example.org"], PLAIN)
        assert (caught.value.cause, caught.value.retry_after) == ("throttled", 9) and not server.sent


class ExchangeContract(WebContract):
    """What mailboxes of Exchange do besides, whichever way they are read."""

    newest_first_after_a_break = False

    def test_an_idle_folder_costs_one_request(self, reader: Reader) -> None:
        reader.all_added()
        before = reader.connector.round_trips  # type: ignore[attr-defined]
        assert reader.changes().unchanged
        assert reader.connector.round_trips - before == 1  # type: ignore[attr-defined]

    def test_a_denied_folder_costs_that_folder(self, server: Service, connector: Connector) -> None:
        server.deny("Sent")  # type: ignore[attr-defined]
        with pytest.raises(FolderGone) as caught:
            Reader(connector, "Sent").changes()
        assert caught.value.cause == "folder_denied"
        assert not Reader(connector).changes().added

    def test_a_long_answer_that_is_cut_is_no_answer(self, server: Service, connector: Connector) -> None:
        server.cut(700)
        with pytest.raises(Transient):
            connector.folders()

    def test_a_sent_mail_gets_a_header_from_its_properties(self, server: Service, connector: Connector) -> None:
        server.deliver(PLAIN.replace(b"Hello", b"=?utf-8?q?Gr=C3=BC=C3=9Fe?="), "Sent")
        reader = Reader(connector, "Sent")
        [envelope] = connector.envelopes(reader.folder, "", reader.changes().added)
        assert isinstance(envelope, Envelope)
        lines = envelope.header.decode().split("\r\n")
        assert "From: Ann <ann@example.com>" in lines and "To: bob@example.org" in lines
        assert "Message-ID: <plain@example.com>" in lines and "Date: Mon, 02 Mar 2026 10:00:00 +0000" in lines
        assert "Subject: =?utf-8?b?R3LDvMOfZQ==?=" in lines


def _opened(server: Service) -> Connector:
    connector = server.connector()
    connector.open()
    return connector


def _find(connector: Connector, message_id: str) -> list[str]:
    found: list[str] = connector.find(folder_named(connector, "Sent"), message_id)[1]  # type: ignore[attr-defined]
    return found
