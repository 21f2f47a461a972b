"""Servers that mean harm (F4): what they say before TLS, without an end, or against all sense."""

from __future__ import annotations

import itertools
import random
import resource
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers.canned_imap import ANSWERS, GREETING, Answer, CannedImap
from servers.certificates import CertificateFiles, issue, server_context

from mail_crm_link.connectors.base import FetchFailure, Folder
from mail_crm_link.connectors.errors import ConnectorError, ProviderBroken, Transient
from mail_crm_link.connectors.imap import IMAPConnector, client, content
from mail_crm_link.connectors.wire import Limit

MIB = 1024 * 1024
INBOX = Folder("INBOX", "INBOX", "inbox")
CAPABILITY = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK done\r\n"


def drip() -> Iterator[bytes]:
    """One octet now and then, which never is a line."""
    while True:
        yield b"x"
        time.sleep(0.02)


def drip_lines() -> Iterator[bytes]:
    while True:
        yield b"* OK still here\r\n"
        time.sleep(0.02)


def endless_line() -> Iterator[bytes]:
    yield b"* OK "
    yield from itertools.repeat(b"x" * 65536)


def endless_lines() -> Iterator[bytes]:
    return itertools.repeat(b"* OK and another one\r\n" * 1000)


def endless_folders() -> Iterator[bytes]:
    for number in itertools.count():
        yield b"".join(b'* LIST () "/" "folder %d"\r\n' % (number * 1000 + each) for each in range(1000))


def endless_continuations() -> Iterator[bytes]:
    return itertools.repeat(b"+ \r\n" * 1000)


def announced(size: bytes) -> bytes:
    return b"* LIST () NIL {%s}\r\n" % size


def failure(
    answers: dict[str, Answer] | None = None, greeting: Answer = GREETING, password: str = "pw", timeout: float = 0.3
) -> ConnectorError:
    """What signing in and listing the folders ends with."""
    with CannedImap(answers, greeting) as server:
        connector = IMAPConnector("127.0.0.1", server.port, "none", "ann", password, timeout=timeout)
        with pytest.raises(ConnectorError) as caught:
            connector.open()
            connector.folders()
        connector.close()
    return caught.value


@pytest.fixture
def bounded() -> Iterator[None]:
    """The test needs less than a minute and 300 MiB."""
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.monotonic() - begun < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("endless", [endless_line, endless_lines])
@pytest.mark.parametrize("command", ["", "CAPABILITY", "LOGIN", "LIST"])
def test_an_answer_without_an_end(command: str, endless: Answer) -> None:
    error = failure({command: endless}, timeout=5) if command else failure(greeting=endless, timeout=5)
    assert isinstance(error, ProviderBroken)
    assert error.message.endswith("sends too much")


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("slow", [drip, drip_lines])
@pytest.mark.parametrize("command", ["", "CAPABILITY", "LOGIN", "LIST"])
def test_an_answer_that_comes_too_slowly(command: str, slow: Answer) -> None:
    """Each octet comes in time, the answer never does."""
    error = failure({command: slow}) if command else failure(greeting=slow)
    assert isinstance(error, Transient) and error.cause == "timeout"


def test_a_sign_in_that_is_drawn_out() -> None:
    """What is said before the sign-in has one limit, not one for each answer."""

    def late() -> Iterator[bytes]:
        for _ in range(5):
            time.sleep(0.09)
            yield b"* OK wait\r\n"
        yield b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"

    assert failure({"CAPABILITY|LOGIN": late}).cause == "timeout"


@pytest.mark.usefixtures("bounded")
def test_a_server_that_asks_for_the_password_for_ever() -> None:
    assert isinstance(failure({"AUTHENTICATE": endless_continuations}, password="pä"), ConnectorError)


@pytest.mark.usefixtures("bounded")
def test_ten_million_folders() -> None:
    error = failure({"LIST": endless_folders}, timeout=5)
    assert isinstance(error, ProviderBroken) and "octets in one answer" in error.detail


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("size", [b"1000000000000", b"9" * 5000, b"99999999999999999999"])
def test_a_literal_larger_than_the_memory(size: bytes) -> None:
    """Room for it would be made before its first octet came."""
    assert isinstance(failure({"LIST": announced(size)}), ProviderBroken)


@pytest.mark.usefixtures("bounded")
def test_a_mail_that_is_larger_than_the_server_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.LIMITS, "UID", Limit(MIB, 20))
    answers: dict[str, Answer] = {
        r"UID FETCH.*SIZE": b"* 1 FETCH (UID 3 RFC822.SIZE 9)\r\n{tag} OK done\r\n",
        r"UID FETCH.*BODY": lambda: itertools.chain(
            [b"* 1 FETCH (UID 3 BODY[] {9999999}\r\n"], itertools.repeat(b"x" * 65536)
        ),
    }
    with CannedImap(answers) as server:
        connector = IMAPConnector("127.0.0.1", server.port, "none", "ann", "pw", timeout=0.3)
        connector.open()
        with pytest.raises(ProviderBroken, match="9999999 octets announced"):
            list(connector.contents(INBOX, "7", ["3"], whole=True))
        connector.close()


def test_a_mail_too_large_for_this_machine_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "LARGEST", 1000)
    answers: dict[str, Answer] = {
        r"UID FETCH.*SIZE": b"* 2 FETCH (UID 2 RFC822.SIZE 1001)\r\n"
        b"* 3 FETCH (UID 3 RFC822.SIZE 5)\r\n{tag} OK done\r\n",
        r"UID FETCH 3 .*BODY": b"* 3 FETCH (UID 3 BODY[] {5}\r\nhello)\r\n{tag} OK done\r\n",
    }
    with CannedImap(answers) as server:
        connector = IMAPConnector("127.0.0.1", server.port, "none", "ann", "pw", timeout=1)
        connector.open()
        large, small = connector.contents(INBOX, "7", ["2", "3"], whole=True)
        assert isinstance(large, FetchFailure) and large.remote_id == "2"
        assert not isinstance(small, FetchFailure) and small.raw == b"hello"
        assert not any(command.startswith("UID FETCH 2 (UID BODY") for command in server.commands)
        connector.close()


def test_a_server_that_talks_unasked_is_not_remembered() -> None:
    chatter = b"* STATUS x (UIDNEXT 4)\r\n* FOO bar\r\n" * 1000
    with CannedImap({"NOOP": chatter + b"{tag} OK done\r\n"}) as server:
        connector = IMAPConnector("127.0.0.1", server.port, "none", "ann", "pw", timeout=1)
        connector.open()
        session = connector._session
        assert session is not None
        for _ in range(3):
            session.refresh()
        assert sum(map(len, session._imap.untagged_responses.values())) < 3000
        connector.close()


# -- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    directory: Path = tmp_path_factory.mktemp("certificates")
    return issue(directory)


@contextmanager
def secured(files: CertificateFiles, answers: dict[str, Answer]) -> Iterator[tuple[CannedImap, IMAPConnector]]:
    """A server that can STARTTLS, and a connection to it that was not opened yet."""
    trusting = ssl.create_default_context(cafile=str(files.authority))
    with CannedImap(answers, context=server_context(files)) as server:
        connector = IMAPConnector("localhost", server.port, "starttls", "ann", "pw", timeout=1, ssl_context=trusting)
        yield server, connector
        connector.close()


def test_starttls_works(files: CertificateFiles) -> None:
    with secured(files, {"CAPABILITY": CAPABILITY, "STARTTLS": b"{tag} OK begin\r\n"}) as (server, connector):
        connector.open()
        assert server.commands.index("STARTTLS") < server.commands.index('LOGIN ann "pw"')


@pytest.mark.parametrize(
    "injected", [b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", b"* OK hello\r\n", b"x", b"* PREAUTH welcome\r\n"]
)
def test_text_between_starttls_and_tls_ends_the_connection(files: CertificateFiles, injected: bytes) -> None:
    """Anybody on the way may have added it."""
    answers: dict[str, Answer] = {"CAPABILITY": CAPABILITY, "STARTTLS": b"{tag} OK begin\r\n" + injected}
    with secured(files, answers) as (server, connector):
        with pytest.raises(ConnectorError) as caught:
            connector.open()
        assert "unexpected text before TLS" in caught.value.detail
        assert server.commands == ["CAPABILITY", "STARTTLS"]


@pytest.mark.parametrize("answer", [b"{tag} NO not today\r\n", b"{tag} BAD what\r\n", b"* BYE\r\n", b"HANG UP"])
def test_a_refused_starttls_sends_no_password(files: CertificateFiles, answer: bytes) -> None:
    with CannedImap({"CAPABILITY": CAPABILITY, "STARTTLS": answer}) as server:
        connector = IMAPConnector("localhost", server.port, "starttls", "ann", "pw", timeout=1)
        with pytest.raises(ConnectorError):
            connector.open()
        assert not any("pw" in command for command in server.commands)


def test_what_was_said_without_tls_counts_for_nothing(files: CertificateFiles) -> None:
    """Somebody on the way says that the server takes no LOGIN, and that mail is gone; the server does not say so."""
    lies = b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n* VANISHED (EARLIER) 1:9\r\n"
    first = iter([lies + b"{tag} OK done\r\n"])
    answers: dict[str, Answer] = {
        "CAPABILITY": lambda: [next(first, CAPABILITY)],
        "STARTTLS": lies + b"{tag} OK begin\r\n",
    }
    with secured(files, answers) as (server, connector):
        connector.open()
        assert 'LOGIN ann "pw"' in server.commands
        assert connector._session is not None and not connector._session.disturbed()


# -- nonsense -------------------------------------------------------------------------------------------------------

FETCHED = (
    b'* 3 FETCH (UID 3 RFC822.SIZE 5 INTERNALDATE "01-Jan-2026 10:00:00 +0000" FLAGS ()'
    b" BODY[HEADER.FIELDS (FROM)] {5}\r\nhello)\r\n{tag} OK done\r\n"
)
SENSE: dict[str, bytes] = {
    **ANSWERS,
    "UID FETCH": FETCHED,
    "FETCH": FETCHED,
    "LOGIN": b"* CAPABILITY IMAP4rev1 LIST-STATUS LIST-EXTENDED SPECIAL-USE CONDSTORE ENABLE QRESYNC ID\r\n"
    b"{tag} OK done\r\n",
    "ENABLE|ID|UNSELECT": b"{tag} OK done\r\n",
}
BITS = (
    *(bit.encode() for bit in '{ } ( ) [ ] " \\ * NIL -1 99999999999999999999 OK'.split()),
    b"{99999}\r\n",
    b"{" + b"9" * 5000 + b"}\r\n",
    b"\xff\xfe",
    b"\0",
    b"\r\n",
    b"+ \r\n",
    b"{tag} NO\r\n",
    b"* BYE no\r\n",
    b"* LIST\r\n",
    b"* STATUS INBOX 5\r\n",
    b"* 1 FETCH (UID)\r\n",
    b"* OK [UIDVALIDITY x]\r\n",
)


def spoilt(chance: random.Random, answer: bytes) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(answer))
        answer = answer[:at] + chance.choice((b"", chance.choice(BITS))) + answer[at + chance.randint(0, 6) :]
    return answer


def everything(connector: IMAPConnector) -> None:
    since = None
    connector.open()
    for folder in connector.folders():
        changes = connector.changes(folder, None, since, 10)
        connector.envelopes(folder, changes.uidvalidity, changes.added)
        list(connector.contents(folder, changes.uidvalidity, changes.added, whole=True))
        connector.reconcile(folder, changes.cursor, since)
        connector.changes(folder, changes.cursor, since, 10)


@pytest.mark.parametrize("seed", range(10))
def test_nonsense_ends_in_an_error_of_ours(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        command = chance.choice(["", *SENSE])
        answers: dict[str, Answer] = dict(SENSE)
        if command:
            answers[command] = spoilt(chance, SENSE[command])
        with CannedImap(answers, GREETING if command else spoilt(chance, GREETING)) as server:
            connector = IMAPConnector("127.0.0.1", server.port, "none", "ann", "pw", timeout=0.1)
            try:
                everything(connector)
            except ConnectorError:
                pass
            finally:
                connector.close()


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("LIST", b'* LIST () "/" \r\n'),
        ("LIST", b'* LIST A "/" B\r\n'),
        ("LIST", b'* LIST (1) "/" x\r\n'),
        ("LIST", b"* LIST " + b"(" * 5000 + b"\r\n"),
        ("STATUS", b"* STATUS INBOX 5\r\n"),
        ("STATUS", b"* STATUS INBOX (UIDNEXT x)\r\n"),
        ("STATUS", b"* STATUS INBOX ((A) (B))\r\n"),
        ("CAPABILITY", b"* CAPABILITY IMAP4rev1 \xff\r\n"),
    ],
)
def test_what_imaplib_and_imapclient_stumble_over(command: str, answer: bytes) -> None:
    assert isinstance(failure({command: answer + b"{tag} OK done\r\n"}), ProviderBroken)
