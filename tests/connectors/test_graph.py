"""What only Microsoft Graph does: batches, tokens, throttling, ids that stay, and what the service forgets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
from servers.graph import GraphServer, Refusal, calls_by_kind

from mail_crm_link.connectors.base import Envelope, FetchFailure
from mail_crm_link.connectors.errors import (
    ConnectorError,
    NotAllowed,
    OutcomeUnknown,
    ProviderBroken,
    SignInNeeded,
    Transient,
    Undeliverable,
)
from mail_crm_link.connectors.graph import GraphSender, Subscriptions

from .contract import Reader, envelopes_of
from .corpus import PLAIN, numbered
from .graph_mailbox import ADDRESS, GraphMailbox

REPLY = PLAIN.replace(
    b"Subject: Hello",
    b"In-Reply-To: <first@x>\r\nReferences: <zero@x> <first@x>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
)


@pytest.fixture
def service() -> Iterator[GraphServer]:
    with GraphServer() as running:
        yield running


@pytest.fixture
def server(service: GraphServer) -> GraphMailbox:
    made = GraphMailbox(service)
    assert made.mailbox
    return made


def opened(server: GraphMailbox, mailbox: str = "") -> Any:
    connector = server.connector(mailbox)
    connector.open()
    return connector


# -- round trips ------------------------------------------------------------------------------------------------


def test_envelopes_of_a_first_listing_come_with_their_ids(server: GraphMailbox) -> None:
    for raw in numbered(300):
        server.deliver(raw)
    reader = Reader(opened(server))
    before = reader.connector.round_trips
    page = reader.changes(limit=500)
    assert len(envelopes_of(reader.connector.envelopes(reader.folder, "", page.added))) == 300
    assert reader.connector.round_trips - before == 2  # the page, and the count of the window


def test_a_new_mail_costs_one_request_and_its_count(server: GraphMailbox) -> None:
    server.deliver(PLAIN)
    reader = Reader(opened(server))
    reader.all_added()
    server.deliver(PLAIN)
    before = reader.connector.round_trips
    page = reader.changes()
    reader.connector.envelopes(reader.folder, "", page.added)
    assert len(page.added) == 1 and reader.connector.round_trips - before == 2


def test_folders_cost_a_batch_a_level(server: GraphMailbox) -> None:
    customers = server.mailbox.create_folder("Customers", server.mailbox.folder("inbox").remote_id)
    server.mailbox.create_folder("Berlin", customers.remote_id)
    server.mailbox.create_folder("Old drafts", server.mailbox.folder("deleteditems").remote_id)
    connector = opened(server)
    folders = {folder.name: folder for folder in connector.folders()}
    assert calls_by_kind(server.service)["batch"] == 3
    assert folders["INBOX/Customers/Berlin"].role == "other"
    assert folders["Deleted Items/Old drafts"].role == "trash"
    assert not folders["Outbox"].selectable


def test_contents_cost_two_requests_for_twenty_mails(server: GraphMailbox) -> None:
    for raw in numbered(20):
        server.deliver(raw)
    reader = Reader(opened(server))
    ids = reader.all_added()
    before = reader.connector.round_trips
    contents = list(reader.connector.contents(reader.folder, "", ids, whole=False))
    assert sorted(content.raw for content in contents) == sorted(numbered(20))
    assert reader.connector.round_trips - before == 2


# -- what the service tells -------------------------------------------------------------------------------------


def test_every_request_asks_for_ids_that_stay(server: GraphMailbox) -> None:
    server.deliver(PLAIN)
    reader = Reader(opened(server))
    (remote_id,) = reader.all_added()
    list(reader.connector.contents(reader.folder, "", [remote_id], whole=True))
    assert all('IdType="ImmutableId"' in headers["Prefer"] for _method, _path, headers in server.service.asked)


def test_a_mail_keeps_its_id_when_it_moves(server: GraphMailbox) -> None:
    server.deliver(PLAIN)
    connector = opened(server)
    inbox, sent = Reader(connector), Reader(connector, "Sent")
    (remote_id,) = inbox.all_added()
    sent.all_added()
    server.move(remote_id, "INBOX", "Sent")
    assert sent.all_added() == [remote_id]
    assert inbox.changes().vanished == (remote_id,)


def test_away_and_back_is_there(server: GraphMailbox) -> None:
    server.deliver(PLAIN)
    reader = Reader(opened(server))
    (remote_id,) = reader.all_added()
    server.move(remote_id, "INBOX", "Sent")
    server.move(remote_id, "Sent", "INBOX")
    news = reader.changes()
    assert news.vanished == () and news.added == (remote_id,)


def test_what_the_service_keeps_no_header_of_gets_one_from_properties(server: GraphMailbox) -> None:
    server.deliver(REPLY, "Sent")
    reader = Reader(opened(server), "Sent")
    page = reader.changes()
    (envelope,) = envelopes_of(reader.connector.envelopes(reader.folder, "", page.added))
    lines = envelope.header.decode().split("\r\n")
    assert "From: Ann <ann@example.com>" in lines and "To: bob@example.org" in lines
    assert "Message-ID: <plain@example.com>" in lines and "Date: Mon, 02 Mar 2026 10:00:00 +0000" in lines
    assert "In-Reply-To: <first@x>" in lines and "References: <zero@x> <first@x>" in lines
    assert "Subject: =?utf-8?b?R3LDvMOfZQ==?=" in lines
    assert envelope.size == len(REPLY)


def test_a_listing_without_headers_makes_no_newsletter_a_letter(server: GraphMailbox) -> None:
    server.mailbox.delta_headers = False
    server.deliver(b"List-Id: <news.example.com>\r\n" + PLAIN)
    reader = Reader(opened(server))
    (envelope,) = envelopes_of(reader.connector.envelopes(reader.folder, "", reader.all_added()))
    assert b"List-Id: <news.example.com>" in envelope.header


def test_more_than_five_thousand_mails_of_the_window_are_all_listed(server: GraphMailbox) -> None:
    server.mailbox.filter_limit = 5
    for raw in numbered(12):
        server.deliver(raw)
    reader = Reader(
        opened(server), since=server.mailbox.mails_of(server.mailbox.folder("inbox").remote_id)[-1].received
    )
    assert len(reader.all_added()) == 12
    server.deliver(PLAIN)
    assert len(reader.all_added()) == 1


def test_links_are_renewed_once_a_day(server: GraphMailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(opened(server))
    reader.all_added()
    assert reader.changes().unchanged
    tomorrow = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    before = reader.cursor
    assert not reader.changes().unchanged and reader.cursor != before
    assert reader.changes().unchanged


def test_a_shared_mailbox_is_read_by_its_address(server: GraphMailbox) -> None:
    server.service.mailbox("team@example.com").deliver(PLAIN)
    reader = Reader(opened(server, "team@example.com"))
    assert len(reader.all_added()) == 1
    assert all(path.startswith("/v1.0/users/team@") for _m, path, _h in server.service.asked if "batch" not in path)


# -- faults -----------------------------------------------------------------------------------------------------


def test_two_throttled_parts_of_twenty_cost_these_two(server: GraphMailbox) -> None:
    for raw in numbered(20):
        server.deliver(raw)
    ids = Reader(opened(server)).all_added()
    reader = Reader(opened(server))
    server.service.throttled = ["7", "30"]
    with pytest.raises(Transient) as caught:
        reader.connector.envelopes(reader.folder, "", ids)
    assert caught.value.cause == "throttled" and caught.value.retry_after == 30
    assert [each.remote_id for each in caught.value.kept] == ids[2:]


def test_throttled_contents_keep_what_came(server: GraphMailbox) -> None:
    for raw in numbered(20):
        server.deliver(raw)
    reader = Reader(opened(server))
    ids = reader.all_added()
    server.service.throttled = [formatdate(time.time() + 60, usegmt=True)]
    came = []
    with pytest.raises(Transient) as caught:
        for content in reader.connector.contents(reader.folder, "", ids, whole=False):
            came.append(content)
    assert 50 < (caught.value.retry_after or 0) < 61
    server.service.throttled = ["5"] * 2
    with pytest.raises(Transient):
        came += reader.connector.contents(reader.folder, "", ids, whole=False)


def test_a_link_to_another_server_is_not_followed(server: GraphMailbox) -> None:
    reader = Reader(opened(server))
    reader.all_added()
    assert reader.cursor
    reader.cursor = reader.cursor.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(ProviderBroken):
        reader.changes()


@pytest.mark.parametrize("call", range(1, 9))
def test_an_expired_token_is_renewed_at_any_call(server: GraphMailbox, call: int) -> None:
    for raw in numbered(3):
        server.deliver(raw)
    server.service.expires_at = {call}
    connector = opened(server)
    reader = Reader(connector)
    ids = reader.all_added()
    assert len(list(connector.contents(reader.folder, "", ids, whole=False))) == 3
    assert server.service.refreshes == (1 if call <= server.service.calls - 1 else 0)


def test_a_token_refused_twice_needs_a_sign_in(server: GraphMailbox) -> None:
    server.service.expires_at = {1, 2}
    with pytest.raises(SignInNeeded) as caught:
        opened(server)
    assert caught.value.cause == "consent_expired"


@pytest.mark.parametrize(
    ("refusal", "error", "cause"),
    [
        (Refusal(403, "ErrorAccessDenied"), NotAllowed, "access_denied"),
        (Refusal(404, "MailboxNotEnabledForRESTAPI"), NotAllowed, "mailbox_missing"),
        (Refusal(429, "TooManyRequests", Retry_After="12"), Transient, "throttled"),
        (Refusal(503, "ServiceUnavailable", Retry_After="3"), Transient, "unavailable"),
        (Refusal(500, "ErrorInternalServerError"), Transient, "protocol"),
        (Refusal(400, "BadRequest"), ProviderBroken, "protocol"),
    ],
)
def test_refusals_have_consequences(
    server: GraphMailbox, refusal: Refusal, error: type[ConnectorError], cause: str
) -> None:
    server.service.fail[1] = refusal
    with pytest.raises(error) as caught:
        opened(server)
    assert caught.value.cause == cause


def test_one_mail_the_service_stumbles_over_costs_one_mail(server: GraphMailbox) -> None:
    for raw in numbered(3):
        server.deliver(raw)
    reader = Reader(opened(server))
    ids = reader.all_added()
    server.mailbox.mail(ids[1]).fault = 500
    results = opened(server).envelopes(reader.folder, "", ids)
    assert [type(result) for result in results] == [Envelope, FetchFailure, Envelope]
    assert not results[1].gone
    server.mailbox.mail(ids[0]).fault = server.mailbox.mail(ids[2]).fault = 500
    with pytest.raises(Transient):
        opened(server).envelopes(reader.folder, "", ids)


def test_a_missing_library_is_named(server: GraphMailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "requests", None)
    with pytest.raises(NotAllowed) as caught:
        server.connector().open()
    assert (caught.value.cause, caught.value.detail) == ("library_missing", "requests")


# -- sending and subscribing ------------------------------------------------------------------------------------


def send(server: GraphMailbox, raw: bytes, *recipients: str) -> None:
    sender = GraphSender(server.account())
    sender.open()
    sender.send("ann@example.com", recipients, raw)
    sender.close()


@pytest.mark.parametrize(
    ("refusal", "error", "cause"),
    [
        (Refusal(403, "ErrorSendAsDenied"), NotAllowed, "send_denied"),
        (Refusal(400, "ErrorInvalidRecipients"), Undeliverable, "mail_refused"),
        (Refusal(413, "RequestEntityTooLarge"), Undeliverable, "mail_too_large"),
        (Refusal(400, "ErrorMessageSizeExceeded"), Undeliverable, "mail_too_large"),
        (Refusal(200, "not accepted"), OutcomeUnknown, "outcome_unknown"),
        (Refusal(429, "TooManyRequests", Retry_After="5"), Transient, "throttled"),
        (Refusal(403, "ErrorSubmissionQuotaExceeded"), Transient, "throttled"),
        (Refusal(504, "GatewayTimeout"), OutcomeUnknown, "outcome_unknown"),
    ],
)
def test_a_refused_send_has_a_consequence(
    server: GraphMailbox, refusal: Refusal, error: type[ConnectorError], cause: str
) -> None:
    server.service.fail[1] = refusal
    with pytest.raises(error) as caught:
        send(server, PLAIN)
    assert caught.value.cause == cause


def test_a_mail_larger_than_a_request_is_refused_before_it_is_handed_over(server: GraphMailbox) -> None:
    with pytest.raises(Undeliverable) as caught:
        send(server, PLAIN + b"x" * 3_200_000)
    assert caught.value.cause == "mail_too_large" and not calls_by_kind(server.service)["sendMail"]
    send(server, PLAIN + b"x" * 3_100_000)
    assert len(server.sent) == 1


def test_sender_addresses_are_those_of_smtp(server: GraphMailbox) -> None:
    proxies = [f"SMTP:{ADDRESS}", "smtp:Sales@example.com", "x500:/o=Example/cn=ann", "SIP:ann@example.com"]
    server.mailbox.proxy_addresses = proxies
    sender = GraphSender(server.account())
    sender.open()
    assert sender.aliases() == [ADDRESS, "sales@example.com"]
    server.mailbox.proxy_addresses = None
    with pytest.raises(NotAllowed):
        sender.aliases()
    sender.close()


def test_a_subscription_that_nobody_answers_for_is_refused(server: GraphMailbox) -> None:
    with Subscriptions(server.account()) as subscriptions, pytest.raises(ConnectorError):
        subscriptions.create(server.service.endpoint, server.service.endpoint, "secret")
    assert not server.service.subscriptions and ADDRESS in server.service.mailboxes


def test_a_forgotten_subscription_is_told(server: GraphMailbox) -> None:
    with Subscriptions(server.account()) as subscriptions:
        assert subscriptions.renew("gone") is None
        subscriptions.delete("gone")
