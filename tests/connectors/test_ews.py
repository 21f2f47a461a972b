"""What only Exchange does: sign-in, SOAP faults, back-off, states that are forgotten, hosts that may not be asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from servers.dripping import IN_THE_BODY, IN_THE_HEADER, dripping
from servers.ews import _OPERATIONS, EWSRefusal, EWSServer

from mail_crm_link.connectors.errors import (
    ConnectorError,
    NotAllowed,
    OutcomeUnknown,
    ProviderBroken,
    SignInNeeded,
    Transient,
    Undeliverable,
)
from mail_crm_link.connectors.ews import Account, EWSConnector, EWSSender, find_server, session
from mail_crm_link.connectors.network import Network

from .contract import Reader, envelopes_of
from .corpus import PLAIN, numbered
from .ews_mailbox import ADDRESS, EWSMailbox


@pytest.fixture
def server() -> Iterator[EWSMailbox]:
    with EWSServer() as running:
        yield EWSMailbox(running)


def opened(mailbox_of: EWSMailbox, **values: Any) -> EWSConnector:
    connector = mailbox_of.connector(**values)
    connector.open()
    return connector


# -- round trips ------------------------------------------------------------------------------------------------


def test_five_hundred_mails_cost_seven_operations(server: EWSMailbox) -> None:
    for raw in numbered(500):
        server.deliver(raw)
    reader = Reader(opened(server))
    before = reader.connector.round_trips  # type: ignore[attr-defined]
    page = reader.changes(limit=500)
    assert len(envelopes_of(reader.connector.envelopes(reader.folder, "", page.added))) == 500
    assert reader.connector.round_trips - before == 7  # type: ignore[attr-defined]


def test_more_changes_than_the_server_tells_at_once(server: EWSMailbox) -> None:
    for raw in numbered(1100):
        server.deliver(raw)
    reader = Reader(opened(server))
    assert len(reader.all_added(limit=2_000)) == 1100
    reader.cursor = None
    assert len(reader.reconcile().present or ()) == 1100


# -- what the server tells --------------------------------------------------------------------------------------


def test_folders_that_hold_no_mail_are_not_selectable(server: EWSMailbox) -> None:
    server.mailbox.create_folder("Customers", server.mailbox.folder("inbox").remote_id)
    folders = {folder.name: folder for folder in opened(server).folders()}
    assert folders["INBOX/Customers"].role == "other" and folders["INBOX/Customers"].selectable
    assert not folders["Outbox"].selectable and "Calendar" not in folders


def test_another_s_mailbox_is_read_as_a_delegate(server: EWSMailbox) -> None:
    server.service.mailbox("team@our.example").deliver(PLAIN)
    assert len(Reader(opened(server, mailbox="team@our.example")).all_added()) == 1
    server.service.denied.add("team@our.example")
    with pytest.raises(NotAllowed) as caught:
        opened(server, mailbox="team@our.example")
    assert caught.value.cause == "access_denied"
    with pytest.raises(NotAllowed) as caught:
        opened(server, mailbox="nobody@our.example")
    assert caught.value.cause == "mailbox_missing"


# -- sign-in ----------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_the_owner_s_matter(server: EWSMailbox) -> None:
    with pytest.raises(SignInNeeded) as caught:
        opened(server, password="guessed")
    assert caught.value.cause == "wrong_password" and "guessed" not in str(caught.value)


def test_signing_in_by_ntlm(server: EWSMailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    server.service.use_ntlm(monkeypatch.setenv)
    server.deliver(PLAIN)
    assert len(Reader(opened(server)).all_added()) == 1
    with pytest.raises(SignInNeeded):
        opened(server, password="guessed")


def test_a_password_stays_out_of_what_is_shown() -> None:
    assert "hunter2" not in repr(Account(ADDRESS, "mail.our.example", "anna", "hunter2"))


@pytest.mark.parametrize(
    "host", ["outlook.office365.com", "https://outlook.office365.com/EWS/Exchange.asmx", "outlook.office365.us"]
)
def test_exchange_online_is_led_elsewhere(host: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        EWSConnector(Account(ADDRESS, host, "anna", "x")).open()
    assert caught.value.cause == "exchange_online"


# -- where connections go ---------------------------------------------------------------------------------------


def test_a_server_within_the_network_is_refused(server: EWSMailbox) -> None:
    with pytest.raises(NotAllowed) as caught:
        opened(server, network=Network(private=False))
    assert caught.value.cause == "host_private" and not server.service.calls


def test_a_password_does_not_leave_without_encryption() -> None:
    account = Account(ADDRESS, "http://192.0.2.1/EWS/Exchange.asmx", "anna", "x", network=Network(plain=False))
    with pytest.raises(NotAllowed) as caught:
        EWSConnector(account).open()
    assert caught.value.cause == "not_encrypted"


def test_a_redirect_is_not_followed(server: EWSMailbox) -> None:
    with EWSServer() as other:
        other.mailbox(ADDRESS)
        server.service.redirect = other.endpoint
        with pytest.raises(ConnectorError):
            opened(server)
        assert other.calls == 0


@pytest.mark.parametrize("place", ["nowhere.invalid", "http://127.0.0.1:1/EWS/Exchange.asmx"])
def test_a_server_that_is_not_there(server: EWSMailbox, place: str) -> None:
    with pytest.raises(Transient) as caught:
        opened(server, server=place)
    assert caught.value.cause in ("host_unknown", "refused")


def test_something_else_than_exchange(server: EWSMailbox) -> None:
    server.service.fail = dict.fromkeys(range(1, 20), 404)
    with pytest.raises(ProviderBroken) as caught:
        opened(server)
    assert caught.value.cause == "not_exchange"


@pytest.mark.parametrize("library", ["exchangelib", "lxml.etree"])
def test_a_missing_library_is_named(server: EWSMailbox, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(NotAllowed) as caught:
        opened(server)
    assert (caught.value.cause, caught.value.detail) == ("library_missing", library.partition(".")[0])


def test_an_older_server_is_asked_in_its_own_schema(server: EWSMailbox) -> None:
    server.service.newest = "Exchange2010_SP2"
    server.deliver(PLAIN)
    reader = Reader(opened(server))
    assert len(envelopes_of(reader.connector.envelopes(reader.folder, "", reader.all_added()))) == 1
    send(server, PLAIN)
    assert len(server.service.sent) == 1
    # Found once a session.
    assert [each for each in server.service.versions if each > server.service.newest] == ["Exchange2013"] * 2


# -- faults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [True, False], ids=["fault", "message"])
def test_a_busy_server_says_for_how_long(server: EWSMailbox, fault: bool) -> None:
    server.service.fail[1] = EWSRefusal("ErrorServerBusy", back_off=90_000, fault=fault)
    with pytest.raises(Transient) as caught:
        opened(server)
    assert (caught.value.cause, caught.value.retry_after) == ("throttled", 90)


def test_a_server_away_says_when_it_is_back(server: EWSMailbox) -> None:
    server.service.fail[1] = 503
    with pytest.raises(Transient) as caught:
        opened(server)
    assert caught.value.retry_after == 7


def of_three(server: EWSMailbox) -> tuple[Reader, list[str]]:
    """A reader of three mails, and their ids."""
    for raw in numbered(3):
        server.deliver(raw)
    reader = Reader(opened(server))
    return reader, list(reader.all_added())


def test_an_answer_in_part_is_no_answer(server: EWSMailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, ids = of_three(server)
    get_item = _OPERATIONS["GetItem"]
    monkeypatch.setitem(_OPERATIONS, "GetItem", lambda service, request: get_item(service, request)[1:])
    with pytest.raises(ProviderBroken):
        reader.connector.envelopes(reader.folder, "", ids)


def test_a_refusal_of_all_is_told_once(server: EWSMailbox) -> None:
    reader, ids = of_three(server)
    server.service.fail[server.service.calls + 1] = EWSRefusal("ErrorServerBusy", back_off=9_000)
    with pytest.raises(Transient) as caught:
        reader.connector.envelopes(reader.folder, "", ids)
    assert caught.value.retry_after == 9


def test_what_came_before_the_server_was_busy_is_kept(server: EWSMailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, ids = of_three(server)
    get_item = _OPERATIONS["GetItem"]

    def busy(service: EWSServer, request: Any) -> list[str | EWSRefusal]:
        first, _second, third = get_item(service, request)
        return [first, EWSRefusal("ErrorServerBusy", back_off=9_000), third]

    monkeypatch.setitem(_OPERATIONS, "GetItem", busy)
    with pytest.raises(Transient) as caught:
        reader.connector.envelopes(reader.folder, "", ids)
    assert [one.remote_id for one in caught.value.kept] == [ids[0], ids[2]]


def test_a_server_that_is_busy_at_a_folder_s_name_does_not_change_what_it_is_for(
    server: EWSMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = opened(server)
    get_folder = _OPERATIONS["GetFolder"]

    def busy(service: EWSServer, request: Any) -> list[str | EWSRefusal]:
        return [*get_folder(service, request)[:-1], EWSRefusal("ErrorServerBusy", back_off=9_000)]

    monkeypatch.setitem(_OPERATIONS, "GetFolder", busy)
    with pytest.raises(Transient):
        connector.folders()


@pytest.mark.parametrize("said", [IN_THE_HEADER, IN_THE_BODY])
def test_an_answer_that_comes_too_slowly(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(session.Session.one, "__defaults__", (0.5,))
    began = time.monotonic()
    with dripping(said) as origin:
        with pytest.raises(Transient) as caught:
            EWSConnector(Account(ADDRESS, f"{origin}/EWS/Exchange.asmx", "anna", "x", timeout=3)).open()
        assert caught.value.cause == "timeout"
        with pytest.raises(Transient) as caught:
            find_server(Account(ADDRESS, "", "anna", "x"), origin, seconds=0.5)
        assert caught.value.cause == "timeout" and time.monotonic() - began < 4


def test_an_answer_larger_than_the_memory(server: EWSMailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MOST_OCTETS", 100_000)
    server.deliver(PLAIN + b"x" * 100_000)
    reader = Reader(opened(server))
    with pytest.raises(ProviderBroken):
        reader.connector.raw(reader.folder, "", reader.all_added()[0])


# -- sending ----------------------------------------------------------------------------------------------------


def send(server: EWSMailbox, raw: bytes, *recipients: str) -> None:
    sender = EWSSender(server.account())
    sender.open()
    try:
        sender.send(ADDRESS, recipients, raw)
    finally:
        sender.close()


@pytest.mark.parametrize(
    ("refusal", "error", "cause"),
    [
        (EWSRefusal("ErrorSendAsDenied"), NotAllowed, "send_denied"),
        (EWSRefusal("ErrorInvalidRecipients"), Undeliverable, "mail_refused"),
        (EWSRefusal("ErrorMessageSizeExceeded"), Undeliverable, "mail_too_large"),
        (413, Undeliverable, "mail_too_large"),
        (200, OutcomeUnknown, "outcome_unknown"),
        (404, ProviderBroken, "not_exchange"),
        (EWSRefusal("ErrorServerBusy", back_off=5000), Transient, "throttled"),
        (EWSRefusal("ErrorSubmissionQuotaExceeded"), Transient, "throttled"),
        (EWSRefusal("ErrorInternalServerError"), OutcomeUnknown, "outcome_unknown"),
    ],
)
def test_a_refused_send_has_a_consequence(
    server: EWSMailbox, refusal: EWSRefusal | int, error: type[ConnectorError], cause: str
) -> None:
    server.service.fail[1] = refusal
    with pytest.raises(error) as caught:
        send(server, PLAIN)
    assert caught.value.cause == cause
