"""What is Gmail's own: labels, history, batches, the quota, sending."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from servers.gmail import Answer, GmailServer, Mail, error

import mail_crm_link
from mail_crm_link.connectors import http
from mail_crm_link.connectors.base import Content, Envelope
from mail_crm_link.connectors.errors import (
    ConnectorError,
    CursorExpired,
    MailGone,
    NotAllowed,
    OutcomeUnknown,
    ProviderBroken,
    SignInNeeded,
    Transient,
    Undeliverable,
)
from mail_crm_link.connectors.gmail import Alias, GmailSender
from mail_crm_link.connectors.gmail.labels import ALL_MAIL, Choice

from .contract import Reader, envelopes_of
from .corpus import LARGE, PLAIN, numbered
from .gmail_mailbox import GmailMailbox


@pytest.fixture
def service() -> Iterator[GmailServer]:
    with GmailServer() as running:
        yield running


@pytest.fixture
def mailbox(service: GmailServer) -> GmailMailbox:
    return GmailMailbox(service)


@pytest.fixture
def reader(mailbox: GmailMailbox) -> Iterator[Reader]:
    connector = mailbox.connector()
    connector.open()
    yield Reader(connector)
    connector.close()


def again(mailbox: GmailMailbox, reader: Reader) -> Reader:
    """A reader of another session that continues where this one stands."""
    connector = mailbox.connector()
    connector.open()
    successor = Reader(connector, since=reader.since)
    successor.cursor = reader.cursor
    return successor


# -- labels ------------------------------------------------------------------------------------------------------------


def test_a_mail_with_many_labels_is_one_mail(mailbox: GmailMailbox, reader: Reader) -> None:
    offers = mailbox.account.make_label("Customers/Offers")
    remote_id = mailbox.account.deliver(PLAIN, "INBOX", "STARRED", offers)
    assert reader.all_added() == [remote_id]
    mailbox.account.label(remote_id, add="CATEGORY_UPDATES")
    assert reader.changes().added == ()


def test_marks_are_no_folders(mailbox: GmailMailbox, reader: Reader) -> None:
    mailbox.account.make_label("Offers")
    folders = reader.connector.folders()
    tabs = ["Category: Updates", "Category: Promotions"]
    places = ["All Mail", "INBOX", "Sent", "Drafts", "Spam", "Trash", *tabs, "Offers"]
    assert [folder.name for folder in folders] == places
    assert [folder.name for folder in folders if folder.selectable] == ["All Mail"]


def test_drafts_spam_trash_and_chats_are_left_out(mailbox: GmailMailbox, reader: Reader) -> None:
    for label in ("DRAFT", "SPAM", "TRASH", "CHAT"):
        mailbox.account.deliver(PLAIN, label)
    assert reader.all_added() == []
    for label in ("DRAFT", "SPAM", "TRASH", "CHAT"):
        mailbox.account.deliver(PLAIN, label)
    assert reader.changes().added == ()
    assert reader.reconcile().present == frozenset()


def test_the_bin_is_gone_and_out_of_it_is_back(mailbox: GmailMailbox, reader: Reader) -> None:
    remote_id = mailbox.account.deliver(PLAIN)
    reader.all_added()
    mailbox.account.label(remote_id, add="TRASH", remove="INBOX")
    assert reader.changes().vanished == (remote_id,)
    mailbox.account.label(remote_id, add="INBOX", remove="TRASH")
    assert reader.changes().added == (remote_id,)


def test_a_mail_that_became_spam_before_it_was_fetched_is_no_mail(mailbox: GmailMailbox, reader: Reader) -> None:
    remote_id = mailbox.account.deliver(PLAIN)
    reader.all_added()
    mailbox.account.label(remote_id, add="SPAM")
    [failure] = reader.connector.envelopes(reader.folder, "", [remote_id])
    assert not isinstance(failure, Envelope) and failure.gone


def chosen(mailbox: GmailMailbox, *names: str, only: bool) -> Reader:
    """A reader of what its owner chose."""
    connector = mailbox.connector(choice=Choice(frozenset(names), only))
    connector.open()
    return Reader(connector)


def test_labels_that_are_switched_off_stay_out(mailbox: GmailMailbox) -> None:
    private = mailbox.account.make_label("Private")
    mailbox.account.deliver(PLAIN, "INBOX", private)
    business = mailbox.account.deliver(PLAIN, "INBOX")
    reader = chosen(mailbox, private, only=False)
    first = reader.changes()
    assert (first.added, first.expected) == ((business,), 1)
    hidden = mailbox.account.deliver(PLAIN, "INBOX", private)
    assert reader.changes().added == ()
    mailbox.account.label(hidden, remove=private)
    assert reader.changes().added == (hidden,)
    assert reader.reconcile().added == (hidden, business)


def test_only_labels_that_are_switched_on_are_fetched(mailbox: GmailMailbox) -> None:
    customers, offers = (mailbox.account.make_label(name) for name in ("Customers", "Offers"))
    mailbox.account.deliver(PLAIN, "INBOX")
    both = mailbox.account.deliver(PLAIN, "INBOX", customers, offers)
    offer = mailbox.account.deliver(PLAIN, offers)
    reader = chosen(mailbox, customers, offers, only=True)
    first = reader.changes()
    assert (first.added, first.expected) == ((offer, both), 2)
    late = mailbox.account.deliver(PLAIN, "INBOX")
    assert reader.changes().added == ()
    mailbox.account.label(late, add=customers)
    assert reader.changes().added == (late,)


def test_a_choice_takes_nothing_away(mailbox: GmailMailbox, reader: Reader) -> None:
    private = mailbox.account.make_label("Private")
    remote_id = mailbox.account.deliver(PLAIN, "INBOX", private)
    assert reader.all_added() == [remote_id]
    narrower = chosen(mailbox, private, only=False)
    narrower.cursor = reader.cursor
    changes = narrower.reconcile()
    assert (changes.added, changes.present) == ((), {remote_id})


def test_a_label_that_was_put_on_meanwhile_counts(mailbox: GmailMailbox) -> None:
    private = mailbox.account.make_label("Private")
    remote_id = mailbox.account.deliver(PLAIN, "INBOX")
    reader = chosen(mailbox, private, only=False)
    assert reader.all_added() == [remote_id]
    mailbox.account.label(remote_id, add=private)
    [failure] = reader.connector.envelopes(reader.folder, "", [remote_id])
    assert not isinstance(failure, Envelope) and failure.gone


def test_how_many_there_are_is_known_after_the_first_page(mailbox: GmailMailbox, reader: Reader) -> None:
    for raw in numbered(260):
        mailbox.account.deliver(raw)
    mailbox.service.page_size = 90
    assert reader.changes().expected == 201, "Gmail's guess"
    assert reader.changes().expected == 260
    successor = again(mailbox, reader)
    assert successor.changes().expected == 260


def test_sent_is_what_gmail_says(mailbox: GmailMailbox, reader: Reader) -> None:
    mailbox.account.deliver(PLAIN, "SENT", unread=False)
    [envelope] = envelopes_of(reader.connector.envelopes(ALL_MAIL, "", reader.all_added()))
    assert envelope.sent and envelope.seen


@pytest.mark.parametrize("decodes", [True, False])
def test_header_fields_come_with_or_without_encoded_words(mailbox: GmailMailbox, reader: Reader, decodes: bool) -> None:
    mailbox.account.decodes_headers = decodes
    mailbox.account.deliver(PLAIN.replace(b"Hello", b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n and more"))
    [envelope] = envelopes_of(reader.connector.envelopes(ALL_MAIL, "", reader.all_added()))
    subject = "Grüße and more" if decodes else "=?utf-8?q?Gr=C3=BC=C3=9Fe?= and more"
    assert f"Subject: {subject}\r\n".encode() in envelope.header
    assert envelope.header.endswith(b"\r\n\r\n")


# -- history -----------------------------------------------------------------------------------------------------------


def test_history_that_was_forgotten_is_found_by_difference(mailbox: GmailMailbox, reader: Reader) -> None:
    first, second = (mailbox.account.deliver(raw) for raw in numbered(2))
    reader.all_added()
    reader.remember()
    mailbox.account.delete(first)
    mailbox.account.forget_history()
    third = mailbox.account.deliver(PLAIN)
    with pytest.raises(CursorExpired):
        reader.changes()
    assert reader.reconcile().present == {second, third}
    assert reader.changes().unchanged


def test_a_first_listing_goes_on_in_another_session(mailbox: GmailMailbox, reader: Reader) -> None:
    mailbox.service.page_size = 4
    ids = [mailbox.account.deliver(raw) for raw in numbered(11)]
    first = reader.changes(limit=3)
    assert first.more and first.expected == 11
    second = again(mailbox, reader)
    handed = [*first.added, *second.changes(limit=3).added]
    # The last that were handed out are gone, the one before them is still there.
    mailbox.account.delete(handed[-1])
    mailbox.account.delete(handed[-2])
    third = again(mailbox, second)
    rest: list[str] = []
    while True:
        changes = third.changes(limit=3)
        rest += changes.added
        if not changes.more:
            break
    assert [*handed, *rest] == ids[::-1]
    assert changes.doubtful, "mail left meanwhile, and others may have moved past the pages"


def test_a_place_that_is_gone_is_found_by_difference(mailbox: GmailMailbox, reader: Reader) -> None:
    ids = [mailbox.account.deliver(raw) for raw in numbered(6)]
    reader.changes(limit=2)
    for remote_id in ids[-2:]:
        mailbox.account.delete(remote_id)
    second = again(mailbox, reader)
    assert set(second.changes().vanished) == set(ids[-2:])
    with pytest.raises(CursorExpired):
        second.changes()


def test_what_came_during_the_first_listing_comes_before_the_rest(mailbox: GmailMailbox, reader: Reader) -> None:
    for raw in numbered(6):
        mailbox.account.deliver(raw)
    reader.changes(limit=2)
    new = mailbox.account.deliver(PLAIN)
    successor = again(mailbox, reader)
    assert successor.changes(limit=2).added == (new,)
    assert len(successor.all_added(limit=2)) == 4


def test_much_news_comes_in_steps(mailbox: GmailMailbox, reader: Reader) -> None:
    reader.all_added()
    ids = [mailbox.account.deliver(raw) for raw in numbered(7)]
    first = reader.changes(limit=3)
    assert list(first.added) == ids[2::-1] and first.more
    assert sorted([*first.added, *again(mailbox, reader).all_added(limit=3)]) == sorted(ids)


def test_old_mail_that_is_imported_later_stays_outside_the_window(mailbox: GmailMailbox) -> None:
    start = datetime.now(timezone.utc) - timedelta(days=30)
    connector = mailbox.connector()
    connector.open()
    reader = Reader(connector, since=start)
    reader.all_added()
    mailbox.account.deliver(PLAIN, received=start - timedelta(days=300))
    added = reader.changes().added
    [failure] = connector.envelopes(reader.folder, "", added)
    assert not isinstance(failure, Envelope) and failure.gone


def test_a_listing_that_mail_leaves_is_begun_anew(mailbox: GmailMailbox, reader: Reader) -> None:
    ids = [mailbox.account.deliver(raw) for raw in numbered(4)]
    server_list = GmailServer._list

    def disturbed(service: GmailServer, query: dict[str, list[str]]) -> dict[str, object]:
        if ids[-1] in mailbox.account.mails:
            mailbox.account.delete(ids[-1])
        return server_list(service, query)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GmailServer, "_list", disturbed)
        listing = reader.reconcile()
    assert listing.present == set(ids[:-1])


def test_a_listing_that_mail_keeps_leaving_is_in_doubt(mailbox: GmailMailbox, reader: Reader) -> None:
    ids = [mailbox.account.deliver(raw) for raw in numbered(9)]
    server_list = GmailServer._list

    def disturbed(service: GmailServer, query: dict[str, list[str]]) -> dict[str, object]:
        mailbox.account.delete(ids.pop())
        return server_list(service, query)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GmailServer, "_list", disturbed)
        listing = reader.reconcile()
    assert listing.present is None and listing.doubtful


@pytest.mark.parametrize("cursor", ["", "7", "{}", '{"history":"x","place":{},"disturbed":false,"checked":false}'])
def test_a_cursor_that_is_none_of_ours_has_expired(reader: Reader, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        reader.connector.changes(reader.folder, cursor, None, 10)


# -- batches and the quota ---------------------------------------------------------------------------------------------


def test_envelopes_come_in_batches_of_fifty(mailbox: GmailMailbox, reader: Reader) -> None:
    for raw in numbered(120):
        mailbox.account.deliver(raw)
    ids = reader.all_added()
    reader.connector.envelopes(ALL_MAIL, "", ids)
    assert mailbox.service.batches == [50, 50, 20]


def test_of_a_throttled_batch_the_rest_is_kept(mailbox: GmailMailbox, reader: Reader) -> None:
    for raw in numbered(50):
        mailbox.account.deliver(raw)
    ids = reader.all_added()
    for call in (7, 30):
        mailbox.service.fail("message", call, error(429, "rateLimitExceeded", headers={"Retry-After": "30"}))
    with pytest.raises(Transient) as caught:
        reader.connector.envelopes(ALL_MAIL, "", ids)
    assert (caught.value.cause, caught.value.retry_after) == ("throttled", 30.0)
    assert len(caught.value.kept) == 48 and all(isinstance(one, Envelope) for one in caught.value.kept)


def test_of_throttled_contents_the_rest_comes_first(mailbox: GmailMailbox, reader: Reader) -> None:
    for raw in numbered(5):
        mailbox.account.deliver(raw)
    ids = reader.all_added()
    mailbox.service.fail("message", 2, error(403, "userRateLimitExceeded"))
    contents = reader.connector.contents(ALL_MAIL, "", ids, whole=False)
    came = [next(contents) for _number in range(4)]
    assert all(isinstance(one, Content) for one in came)
    with pytest.raises(Transient):
        next(contents)


def test_a_mail_that_gmail_stumbles_over_costs_one(mailbox: GmailMailbox, reader: Reader) -> None:
    for raw in numbered(3):
        mailbox.account.deliver(raw)
    ids = reader.all_added()
    mailbox.service.fail("message", 2, error(500, "backendError"))
    results = reader.connector.envelopes(ALL_MAIL, "", ids)
    assert [isinstance(one, Envelope) for one in results] == [True, False, True]


def test_if_gmail_stumbles_over_all_no_mail_is_to_blame(mailbox: GmailMailbox, reader: Reader) -> None:
    for raw in numbered(3):
        mailbox.account.deliver(raw)
    ids = reader.all_added()
    for call in (1, 2, 3):
        mailbox.service.fail("message", call, error(503, "backendError"))
    with pytest.raises(Transient):
        reader.connector.envelopes(ALL_MAIL, "", ids)


def test_a_service_that_is_away_for_one_request_costs_no_mail(mailbox: GmailMailbox, reader: Reader) -> None:
    for raw in numbered(3):
        mailbox.account.deliver(raw)
    ids = reader.all_added()
    mailbox.service.fail("message", 2, error(503, "backendError", headers={"Retry-After": "9"}))
    with pytest.raises(Transient) as caught:
        reader.connector.envelopes(ALL_MAIL, "", ids)
    assert (caught.value.cause, caught.value.retry_after) == ("unavailable", 9.0)
    assert [one.remote_id for one in caught.value.kept] == [ids[0], ids[2]]


def test_a_batch_that_is_answered_in_part_is_no_answer(
    mailbox: GmailMailbox, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for raw in numbered(3):
        mailbox.account.deliver(raw)
    ids = reader.all_added()
    answer = GmailServer.batch
    first = re.compile(rb"(?s)--batch_end.*?(?=--batch_end)")

    def shortened(service: GmailServer, *request: Any) -> tuple[str, bytes]:
        kind, content = answer(service, *request)
        return kind, first.sub(b"", content, count=1)

    monkeypatch.setattr(GmailServer, "batch", shortened)
    with pytest.raises(ProviderBroken):
        reader.connector.envelopes(ALL_MAIL, "", ids)


def test_a_mail_that_leaves_before_its_text_was_fetched_costs_one(mailbox: GmailMailbox, reader: Reader) -> None:
    # A text with a name is fetched by itself.
    named = LARGE.replace(b"Content-Type: text/plain;", b"Content-Type: text/plain; name=a.txt;")
    gone, stays = mailbox.account.deliver(named), mailbox.account.deliver(LARGE)
    reader.all_added()
    mailbox.service.fail("attachment", 1, error(404, "notFound"))
    contents = {one.remote_id: one for one in reader.connector.contents(ALL_MAIL, "", [gone, stays], whole=False)}
    assert isinstance(contents[stays], Content) and not isinstance(contents[gone], Content)


def test_who_has_spent_the_minute_says_when_to_go_on(mailbox: GmailMailbox) -> None:
    now = [100.0]
    connector = mailbox.connector(units=1_020, clock=lambda: now[0])
    connector.open()
    for raw in numbered(100):
        mailbox.account.deliver(raw)
    ids = Reader(connector).all_added()
    now[0] = 110.0
    with pytest.raises(Transient) as caught:
        connector.envelopes(ALL_MAIL, "", ids)
    assert (caught.value.cause, caught.value.retry_after) == ("throttled", 50.0)
    assert len(caught.value.kept) == 50 and mailbox.service.batches == [50]
    now[0] = 161.0
    assert len(connector.envelopes(ALL_MAIL, "", ids[50:])) == 50


def test_large_mails_are_known_by_one_search(mailbox: GmailMailbox, reader: Reader) -> None:
    ids = [mailbox.account.deliver(raw) for raw in (PLAIN, LARGE, PLAIN)]
    before = mailbox.service.calls["list"]
    contents = list(reader.connector.contents(ALL_MAIL, "", ids, whole=False))
    assert [isinstance(one, Content) and one.raw is None for one in contents] == [False, False, True]
    assert mailbox.service.calls["list"] == before + 1


# -- sign-in -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", range(1, 9))
def test_a_token_that_expires_at_any_call_is_renewed(mailbox: GmailMailbox, call: int) -> None:
    for raw in numbered(3):
        mailbox.account.deliver(raw)
    seen: list[str] = []

    def is_good(token: str) -> bool:
        seen.append(token)
        return token != "token-0" or len(seen) < call

    mailbox.service.is_good = is_good
    connector = mailbox.connector()
    connector.open()
    ids = Reader(connector).all_added()
    assert len(envelopes_of(connector.envelopes(ALL_MAIL, "", ids))) == 3
    assert len(list(connector.contents(ALL_MAIL, "", ids, whole=True))) == 3
    assert sum(mailbox.tokens) == 1


def test_a_token_that_stays_bad_asks_the_owner(mailbox: GmailMailbox) -> None:
    mailbox.service.is_good = lambda token: False
    with pytest.raises(SignInNeeded) as caught:
        mailbox.connector().open()
    assert caught.value.cause == "consent_expired" and "token-" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind", "cause"),
    [
        (error(403, "rateLimitExceeded"), Transient, "throttled"),
        (error(429, "RESOURCE_EXHAUSTED"), Transient, "throttled"),
        (error(503, "backendError"), Transient, "unavailable"),
        (error(403, "insufficientPermissions"), SignInNeeded, "consent_partial"),
        (error(403, "accessNotConfigured"), NotAllowed, "api_off"),
        (error(403, "domainPolicy"), NotAllowed, "consent_forbidden"),
        (error(400, "failedPrecondition", "Mail service not enabled"), NotAllowed, "mail_off"),
        (error(400, "invalidArgument"), ProviderBroken, "protocol"),
        (Answer(502, headers={"Content-Type": "text/html"}), Transient, "unavailable"),
        (Answer(200, "<html>Welcome</html>"), ProviderBroken, "protocol"),
    ],
)
def test_refusals_have_their_consequence(
    mailbox: GmailMailbox, answer: Answer, kind: type[ConnectorError], cause: str
) -> None:
    mailbox.service.fail("profile", 1, answer)
    with pytest.raises(kind) as caught:
        mailbox.connector().open()
    assert caught.value.cause == cause


# -- the network -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", [0, 1, 40, 300])
def test_a_short_answer_is_no_answer(mailbox: GmailMailbox, reader: Reader, octets: int) -> None:
    for raw in numbered(5):
        mailbox.account.deliver(raw)
    ids = reader.all_added()
    mailbox.service.cut_after = octets
    with pytest.raises(Transient):
        reader.reconcile()
    with pytest.raises(Transient):
        reader.connector.envelopes(ALL_MAIL, "", ids)


def test_nobody_there_is_no_answer(mailbox: GmailMailbox) -> None:
    mailbox.service = type("Nowhere", (), {"url": "http://127.0.0.1:9/"})()  # type: ignore[assignment]
    with pytest.raises(Transient) as caught:
        mailbox.connector().open()
    assert caught.value.cause == "refused"


def test_without_its_library_it_says_so(mailbox: GmailMailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(http.importlib, "import_module", missing)
    with pytest.raises(NotAllowed) as caught:
        mailbox.connector().open()
    assert caught.value.cause == "library_missing" and caught.value.detail == "google"


def test_google_s_libraries_wait_until_they_are_needed() -> None:
    root = Path(mail_crm_link.__path__[0])
    code = (
        "import sys, types; package = types.ModuleType('mail_crm_link');"
        f"package.__path__ = [{str(root)!r}]; sys.modules['mail_crm_link'] = package;"
        "import mail_crm_link.connectors.gmail;"
        "print([name for name in sys.modules if name.split('.')[0] in ('google', 'googleapiclient', 'httplib2')])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # Packages that share the namespace of the name may announce it when Python starts.
    assert re.sub(r"'google(\.[a-z]+)?'(, )?", "", loaded.stdout).strip() == "[]"


# -- sending -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def sender(mailbox: GmailMailbox) -> Iterator[GmailSender]:
    with GmailSender(mailbox.token, url=mailbox.service.url) as made:
        yield made


def sent(mailbox: GmailMailbox) -> list[Mail]:
    return [mail for mail in mailbox.account.mails.values() if "SENT" in mail.labels]


def find(mailbox: GmailMailbox, message_id: str) -> list[str]:
    connector = mailbox.connector()
    connector.open()
    return connector.find(ALL_MAIL, message_id)[1]


def test_a_mail_is_sent_as_it_is_and_found(mailbox: GmailMailbox, sender: GmailSender, reader: Reader) -> None:
    reader.all_added()
    assert find(mailbox, "<plain@example.com>") == []
    steps: list[str] = []
    sender.send("anna@our.example", ["bob@example.org"], PLAIN, lambda: steps.append("handing over"))
    [mail] = sent(mailbox)
    assert mail.raw == PLAIN and steps == ["handing over"]
    assert find(mailbox, "<plain@example.com>") == [mail.id]
    [envelope] = envelopes_of(reader.connector.envelopes(ALL_MAIL, "", reader.all_added()))
    assert envelope.sent and envelope.remote_id == mail.id


def test_an_answer_joins_the_thread_of_its_mail(mailbox: GmailMailbox, sender: GmailSender) -> None:
    mailbox.account.deliver(PLAIN, thread="thread-7")
    answer = b"In-Reply-To: <plain@example.com>\r\n" + PLAIN.replace(b"<plain@", b"<answer@")
    sender.send("anna@our.example", ["bob@example.org"], answer)
    [mail] = sent(mailbox)
    assert mail.thread == "thread-7" and mail.raw == answer
    elsewhere = PLAIN.replace(b"\r\n\r\n", b"\r\nIn-Reply-To: <gone@example.com>\r\n\r\n", 1)
    sender.send("anna@our.example", ["bob@example.org"], elsewhere)
    assert sent(mailbox)[1].thread == sent(mailbox)[1].id


def test_a_mail_is_sent_once_though_the_connection_breaks(mailbox: GmailMailbox, sender: GmailSender) -> None:
    sender.aliases()
    mailbox.service.cut_after = 0
    with pytest.raises(OutcomeUnknown):
        sender.send("anna@our.example", ["bob@example.org"], PLAIN)
    mailbox.service.cut_after = None
    assert len(sent(mailbox)) == 1
    assert find(mailbox, "<plain@example.com>")


def test_after_an_answer_that_cannot_be_read_nobody_knows(mailbox: GmailMailbox, sender: GmailSender) -> None:
    mailbox.service.fail("send", 1, Answer(200, "<html>Welcome</html>"))
    with pytest.raises(OutcomeUnknown):
        sender.send("anna@our.example", ["bob@example.org"], PLAIN)


def test_a_mail_that_is_too_large_is_told_from_others(mailbox: GmailMailbox, sender: GmailSender) -> None:
    mailbox.service.fail("send", 1, error(413, "uploadTooLarge", "Request Entity Too Large"))
    with pytest.raises(Undeliverable) as caught:
        sender.send("anna@our.example", ["bob@example.org"], PLAIN)
    assert caught.value.cause == "mail_too_large"


def test_a_time_that_is_named_in_words_is_waited_for(mailbox: GmailMailbox, sender: GmailSender) -> None:
    until = datetime.now(timezone.utc) + timedelta(minutes=15)
    words = f"User-rate limit exceeded.  Retry after {until:%Y-%m-%dT%H:%M:%S}.318Z (Mail sending)"
    mailbox.service.fail("send", 1, error(429, "rateLimitExceeded", words))
    with pytest.raises(Transient) as caught:
        sender.send("anna@our.example", ["bob@example.org"], PLAIN)
    assert caught.value.cause == "throttled" and 890 < (caught.value.retry_after or 0) <= 900


def test_a_large_mail_is_sent(mailbox: GmailMailbox, sender: GmailSender) -> None:
    sender.send("anna@our.example", ["bob@example.org"], LARGE * 20)
    assert sent(mailbox)[0].raw.startswith(LARGE)


def test_a_mail_to_nobody_is_refused(sender: GmailSender) -> None:
    with pytest.raises(Undeliverable) as caught:
        sender.send("anna@our.example", [], b"Subject: Hello\r\n\r\nHello")
    assert caught.value.cause == "mail_refused"


def test_only_confirmed_addresses_are_senders(mailbox: GmailMailbox, sender: GmailSender) -> None:
    mailbox.account.aliases += [
        {"sendAsEmail": "sales@our.example", "displayName": "Sales", "verificationStatus": "accepted"},
        {"sendAsEmail": "new@our.example", "verificationStatus": "pending"},
    ]
    assert sender.aliases() == [Alias("anna@our.example", "", True), Alias("sales@our.example", "Sales", False)]


def test_a_watch_is_good_for_a_week_at_most(mailbox: GmailMailbox, sender: GmailSender) -> None:
    until = sender.watch("projects/p/topics/mail")
    assert mailbox.account.topic == "projects/p/topics/mail"
    assert timedelta(days=6) < until - datetime.now(timezone.utc) <= timedelta(days=7)
    sender.unwatch()
    assert mailbox.account.topic == ""


def test_a_mail_that_is_gone_has_no_parts(reader: Reader) -> None:
    with pytest.raises(MailGone):
        reader.connector.part(ALL_MAIL, "", "gone", "1")
