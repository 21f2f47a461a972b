"""Waiting for news of mailboxes on a real server."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from servers.canned_imap import CannedImap
from servers.dovecot import Account, Dovecot

from mail_crm_link.connectors.errors import ConnectorError, Transient
from mail_crm_link.connectors.imap import IMAPConnector
from mail_crm_link.sync import watcher
from mail_crm_link.sync.watcher import Target, Watcher

MAIL = b"From: a@b.example\r\nSubject: Hello\r\n\r\nHello\r\n"


class Watched:
    """A watcher at work, and what it told."""

    def __init__(self) -> None:
        self.targets: dict[int, Target] = {}
        self.news: list[int] = []
        self.watched: dict[int, bool] = {}

    def add(self, key: int, account: Account, password: str = "", **options: object) -> None:
        dovecot = account.dovecot
        password = password or dovecot.password
        security, port = ("ssl", dovecot.tls_port) if options else ("none", dovecot.port)
        connector = IMAPConnector("127.0.0.1", port, security, account.user, password, timeout=5, **options)  # type: ignore[arg-type]
        self.targets[key] = Target(password, connector.idle)

    def until(self, condition: Callable[[], bool], seconds: float = 10) -> float:
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, "it did not happen"
            time.sleep(0.01)
        return time.monotonic() - start

    def state(self, key: int, watched: bool) -> None:
        self.watched[key] = watched


@contextmanager
def watching(watched: Watched) -> Iterator[None]:
    stop = threading.Event()
    running = Watcher(lambda: dict(watched.targets), watched.news.append, watched.state)
    thread = threading.Thread(target=running.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "LIST_SECONDS", 0.2)
    monkeypatch.setattr(watcher, "SPACING_SECONDS", 0.2)
    monkeypatch.setattr(watcher, "LOOP_SECONDS", 0.05)
    monkeypatch.setattr(watcher, "pause", lambda error, *_others: 0.3 if isinstance(error, Transient) else None)


def test_new_mail_is_told_within_two_seconds(dovecot: Dovecot) -> None:
    account, watched = Account(dovecot), Watched()
    watched.add(7, account)
    with watching(watched):
        watched.until(lambda: watched.news == [7])
        account.imap().append("INBOX", "", "", MAIL)
        assert watched.until(lambda: watched.news == [7, 7]) < 2


def test_over_tls_too(dovecot: Dovecot) -> None:
    account, watched = Account(dovecot), Watched()
    watched.add(7, account, ssl_context=dovecot.ssl_context())
    with watching(watched):
        watched.until(lambda: watched.news == [7])
        account.imap().append("INBOX", "", "", MAIL)
        assert watched.until(lambda: watched.news == [7, 7]) < 2


def test_many_mailboxes_need_one_thread(dovecot: Dovecot) -> None:
    accounts = {key: Account(dovecot) for key in range(60)}
    watched = Watched()
    for key, account in accounts.items():
        watched.add(key, account)
    before = threading.active_count()
    with watching(watched):
        watched.until(lambda: sorted(watched.news) == sorted(accounts), 60)
        assert threading.active_count() <= before + 1 + watcher.SIGN_INS
        for key in (3, 30, 59):
            accounts[key].imap().append("INBOX", "", "", MAIL)
        assert watched.until(lambda: sorted(watched.news[60:]) == [3, 30, 59]) < 2


def test_hundreds_of_mailboxes_are_told_of_within_two_seconds() -> None:
    count, arrived, watched = 300, threading.Event(), Watched()

    def idling() -> Iterator[bytes]:
        yield b"+ idling\r\n"
        arrived.wait(120)
        yield b"* 4 EXISTS\r\n"

    capability = b"* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK done\r\n"
    with CannedImap({"CAPABILITY": capability, "IDLE": idling}) as server:
        for key in range(count):
            connector = IMAPConnector("127.0.0.1", server.port, "none", f"user{key}", "secret", timeout=30)
            watched.targets[key] = Target("", connector.idle)
        with watching(watched):
            watched.until(lambda: len(watched.news) == count, 90)
            arrived.set()
            assert watched.until(lambda: len(watched.news) == 2 * count) < 2
    assert sorted(watched.news) == sorted([*range(count), *range(count)])


def test_a_wait_is_renewed_and_goes_on(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "RENEWAL_SECONDS", 0.2)
    account, watched = Account(dovecot), Watched()
    watched.add(7, account)
    with watching(watched):
        watched.until(lambda: watched.news == [7])
        time.sleep(1)
        account.imap().append("INBOX", "", "", MAIL)
        watched.until(lambda: len(watched.news) >= 2, 2)
        assert watched.watched == {7: True}


def test_a_wait_that_is_not_renewed_is_over() -> None:
    answers = iter([b"+ idling\r\n", b"W1 BAD not now\r\n"])
    capability = b"* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK done\r\n"
    with CannedImap({"CAPABILITY": capability, "IDLE": lambda: [next(answers)], "$": b""}) as server:
        idle = IMAPConnector("127.0.0.1", server.port, "none", "ann", "secret", timeout=5).idle()
        idle.renew()
        assert select.select([idle], [], [], 5)[0]
        with pytest.raises(Transient):
            idle.news()
        idle.close()


def test_a_server_that_restarts_is_watched_again() -> None:
    with Dovecot() as dovecot:
        account, watched = Account(dovecot), Watched()
        watched.add(7, account)
        with watching(watched):
            watched.until(lambda: watched.watched.get(7) is True)
            dovecot.stop()
            # Its processes go on with their connections for some ten seconds.
            watched.until(lambda: watched.watched[7] is False, seconds=60)
            dovecot.start()
            watched.until(lambda: watched.watched[7] is True)
            told = len(watched.news)
            account.imap().append("INBOX", "", "", MAIL)
            watched.until(lambda: len(watched.news) > told)


def test_a_refused_sign_in_rests_until_it_changes(dovecot: Dovecot) -> None:
    tries: list[str] = []
    account, watched = Account(dovecot), Watched()
    watched.add(7, account, password="wrong")
    refusing = watched.targets[7]

    def connect() -> object:
        tries.append("wrong")
        return refusing.connect()

    watched.targets[7] = Target(refusing.signature, connect)  # type: ignore[arg-type]
    with watching(watched):
        watched.until(lambda: bool(tries))
        time.sleep(1.5)
        assert tries == ["wrong"]
        watched.add(7, account)
        watched.until(lambda: watched.watched.get(7) is True)


def test_a_mailbox_that_is_not_wanted_any_more_is_left(dovecot: Dovecot) -> None:
    account, watched = Account(dovecot), Watched()
    watched.add(7, account)
    with watching(watched):
        watched.until(lambda: watched.watched.get(7) is True)
        watched.targets.clear()
        watched.until(lambda: watched.watched[7] is False)


def test_an_unreachable_server_is_tried_again_and_the_others_do_not_wait(dovecot: Dovecot) -> None:
    tries: list[float] = []

    def unreachable() -> object:
        tries.append(time.monotonic())
        raise Transient("away", cause="refused")

    account, watched = Account(dovecot), Watched()
    watched.targets[1] = Target("", unreachable)  # type: ignore[arg-type]
    watched.add(7, account)
    with watching(watched):
        watched.until(lambda: watched.watched.get(7) is True)
        watched.until(lambda: len(tries) >= 3)


def test_a_fault_of_ours_costs_one_mailbox(dovecot: Dovecot) -> None:
    def faulty() -> object:
        raise ZeroDivisionError

    account, watched = Account(dovecot), Watched()
    watched.targets[1] = Target("", faulty)  # type: ignore[arg-type]
    watched.add(7, account)
    with watching(watched):
        watched.until(lambda: watched.watched.get(7) is True)


def test_a_server_without_idle_says_so() -> None:
    with Dovecot(capability="IMAP4rev1") as dovecot:
        account = Account(dovecot)
        connector = IMAPConnector("127.0.0.1", dovecot.port, "none", account.user, dovecot.password, timeout=5)
        with pytest.raises(ConnectorError) as raised:
            connector.idle()
        assert raised.value.cause == "no_idle"
