"""What goes wrong before there is a session, told apart (bad input: host, port, password, TLS, greeting)."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator

import pytest
from servers.canned_imap import CannedImap
from servers.dovecot import Dovecot, free_port

from mail_crm_link.connectors.errors import CAUSES, ConnectorError, NotAllowed, ProviderBroken, SignInNeeded, Transient
from mail_crm_link.connectors.imap import IMAPConnector
from mail_crm_link.connectors.imap.causes import Verdict, login_refusal, refusal
from mail_crm_link.connectors.mail_server import Security

SECRET = "s3cret pass"


def failure(
    port: int,
    security: Security = "none",
    host: str = "127.0.0.1",
    password: str = SECRET,
    context: ssl.SSLContext | None = None,
    timeout: float = 5.0,
) -> ConnectorError:
    connector = IMAPConnector(host, port, security, "ann", password, timeout=timeout, ssl_context=context)
    with pytest.raises(ConnectorError) as caught:
        connector.open()
    connector.close()
    error = caught.value
    assert error.cause in CAUSES
    assert password not in f"{error}{error.detail}{error!r}{connector.__dict__}"
    return error


def test_wrong_password(dovecot: Dovecot) -> None:
    error = failure(dovecot.port)
    assert isinstance(error, SignInNeeded) and error.cause == "wrong_password"


def test_a_password_beyond_ascii_is_sent_as_utf_8() -> None:
    with Dovecot(password="pässwörd✓") as umlauts:
        connector = IMAPConnector("127.0.0.1", umlauts.port, "none", "ann", "pässwörd✓", timeout=5)
        connector.open()
        assert connector.folders()
        connector.close()


@pytest.mark.parametrize("password", ["a\r\nA1 DELETE INBOX", "a\0b", "a\nb"])
def test_a_password_cannot_carry_a_command(dovecot: Dovecot, password: str) -> None:
    assert failure(dovecot.port, password=password).cause == "wrong_password"


def test_a_server_that_repeats_the_password_does_not_bring_it_into_the_log() -> None:
    with CannedImap({"LOGIN": b'{tag} NO refused: LOGIN ann "s3cret pass"\r\n'}) as server:
        assert failure(server.port).detail == 'refused: LOGIN ann "***"'


def test_quotes_and_backslashes_in_a_password_are_part_of_it(dovecot: Dovecot) -> None:
    assert failure(dovecot.port, password='a"b\\c').cause == "wrong_password"


def test_unknown_host() -> None:
    assert failure(143, host="mail.invalid").cause == "host_unknown"


def test_wrong_port() -> None:
    assert failure(free_port()).cause == "refused"


def test_a_server_that_greets_and_hangs() -> None:
    with CannedImap({"CAPABILITY": b""}) as server:
        begun = time.monotonic()
        error = failure(server.port, timeout=0.3)
        assert error.cause == "timeout" and isinstance(error, Transient)
        assert time.monotonic() - begun < 2


def test_a_server_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert failure(silent.getsockname()[1], timeout=0.3).cause == "timeout"
        assert failure(silent.getsockname()[1], "ssl", timeout=0.3).cause == "timeout"


@pytest.mark.parametrize(
    ("greeting", "cause", "kind"),
    [
        (b"220 mail.example.com ESMTP\r\n", "not_imap", ProviderBroken),
        (b"+OK POP3 ready\r\n", "not_imap", ProviderBroken),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not_imap", ProviderBroken),
        (b"* BYE Too many connections\r\n", "too_many_connections", Transient),
        (b"* PREAUTH welcome back\r\n", "protocol", ProviderBroken),
        (b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\r\n", "plain_login_off", NotAllowed),
    ],
)
def test_greetings(greeting: bytes, cause: str, kind: type[ConnectorError]) -> None:
    capability = (
        {"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK done\r\n"} if b"DISABLED" in greeting else {}
    )
    with CannedImap(capability, greeting) as server:
        error = failure(server.port)
        assert error.cause == cause and isinstance(error, kind)
        assert not any(command.startswith("LOGIN") for command in server.commands)


def test_a_connection_that_breaks_during_login_does_not_blame_the_password() -> None:
    with CannedImap({"LOGIN": b"HANG UP"}) as server:
        error = failure(server.port)
        assert isinstance(error, Transient) and error.cause == "disconnected"


def test_starttls_is_refused_where_it_is_not_offered() -> None:
    with CannedImap() as server:
        error = failure(server.port, "starttls")
        assert isinstance(error, NotAllowed) and error.cause == "no_starttls"
        assert not any(command.startswith("LOGIN") for command in server.commands)


def test_tls_on_a_port_without_it(dovecot: Dovecot) -> None:
    assert failure(dovecot.port, "ssl").cause == "tls"


def test_no_tls_on_a_port_with_it(dovecot: Dovecot) -> None:
    assert failure(dovecot.tls_port, "none", timeout=0.3).cause in ("timeout", "disconnected", "not_imap")


@pytest.fixture(scope="module", params=["expired", "wrong_host", "self_signed"])
def bad_certificate(request: pytest.FixtureRequest) -> Iterator[tuple[str, Dovecot]]:
    with Dovecot(certificate=request.param) as running:
        yield request.param, running


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_bad_certificates_are_refused_before_the_password_is_sent(
    bad_certificate: tuple[str, Dovecot], security: Security
) -> None:
    kind, server = bad_certificate
    port = server.tls_port if security == "ssl" else server.port
    error = failure(port, security, "localhost", server.password, server.ssl_context())
    causes = {
        "expired": "certificate_expired",
        "wrong_host": "certificate_host",
        "self_signed": "certificate_self_signed",
    }
    assert error.cause == causes[kind]
    assert "Login" not in server.log()


def test_an_authority_that_the_system_does_not_know_is_not_trusted(dovecot: Dovecot) -> None:
    assert failure(dovecot.tls_port, "ssl", "localhost").cause == "certificate_authority"


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_good_certificates_are_good(dovecot: Dovecot, security: Security) -> None:
    port = dovecot.tls_port if security == "ssl" else dovecot.port
    connector = IMAPConnector(
        "localhost", port, security, "ann", dovecot.password, timeout=5, ssl_context=dovecot.ssl_context()
    )
    connector.open()
    assert connector.folders()
    connector.close()


@pytest.mark.parametrize(
    ("text", "host", "kind", "cause"),
    [
        ("[AUTHENTICATIONFAILED] Authentication failed.", "mail.example.com", SignInNeeded, "wrong_password"),
        ("Login failed", "mail.example.com", SignInNeeded, "wrong_password"),
        ("what a day", "mail.example.com", SignInNeeded, "wrong_password"),
        ("[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "imap.gmail.com", SignInNeeded, "app_password"),
        (
            "[ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833",
            "imap.gmail.com",
            SignInNeeded,
            "app_password",
        ),
        ("[ALERT] Please log in via your web browser: https://…", "imap.gmail.com", SignInNeeded, "web_login"),
        ("[WEBALERT https://…] Web login required. (Failure)", "imap.gmail.com", SignInNeeded, "web_login"),
        ("[ALERT] Your account is not enabled for IMAP use.", "imap.gmail.com", NotAllowed, "imap_off"),
        ("[ALERT] Too many simultaneous connections. (Failure)", "imap.gmail.com", Transient, "too_many_connections"),
        ("[OVERQUOTA] Account exceeded command or bandwidth limits.", "imap.gmail.com", Transient, "throttled"),
        ("LOGIN failed.", "outlook.office365.com", NotAllowed, "basic_auth_off"),
        ("LogonDenied-BasicAuthBlocked", "outlook.office365.com", NotAllowed, "basic_auth_off"),
        ("User is authenticated but not connected.", "outlook.office365.com", Transient, "unavailable"),
        ("[AUTHENTICATIONFAILED] LOGIN Invalid credentials", "imap.mail.yahoo.com", SignInNeeded, "app_password"),
        ("[LIMIT] LOGIN Rate limit hit.", "imap.mail.yahoo.com", Transient, "throttled"),
        ("[SERVERBUG] LOGIN Server error - Please try again later", "imap.mail.yahoo.com", Transient, "unavailable"),
        ("[AUTHENTICATIONFAILED] Authentication Failed", "imap.mail.me.com", SignInNeeded, "app_password"),
        ("You are yet to enable IMAP for your account.", "imap.zoho.com", NotAllowed, "imap_off"),
        ("[UNAVAILABLE] Temporary authentication failure.", "mail.example.com", Transient, "unavailable"),
        ("[PRIVACYREQUIRED] Plaintext authentication disallowed", "mail.example.com", NotAllowed, "plain_login_off"),
        ("[CONTACTADMIN] Ask the administrator", "mail.example.com", NotAllowed, "account_locked"),
    ],
)
def test_refused_logins(text: str, host: str, kind: type[ConnectorError], cause: str) -> None:
    error = login_refusal(text, host)
    assert (type(error), error.cause) == (kind, cause)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Request is throttled. Suggested Backoff Time: 4500 milliseconds", 4.5),
        ("[LIMIT] Too many commands, try again in 10 minutes", 600.0),
        ("[LIMIT] Slow down", None),
    ],
)
def test_throttling_names_its_time(text: str, seconds: float | None) -> None:
    error = refusal(text, Verdict(ProviderBroken, "protocol"))
    assert isinstance(error, Transient) and (error.cause, error.retry_after) == ("throttled", seconds)
