"""Submission servers that mean harm: what they say without an end, and what they repeat."""

from __future__ import annotations

import base64
import itertools
import ssl
import time
from collections.abc import Iterator

import pytest
from servers.canned_imap import Answer, CannedImap
from servers.certificates import issue, server_context

from mail_crm_link.connectors.errors import ConnectorError, OutcomeUnknown
from mail_crm_link.connectors.smtp import SMTPConnector

SECRET = "s3cret pass"
# The first word of a command is what IMAP calls its tag.
EHLO = r"\[127"
AUTH = "PLAIN"
HELLO: dict[str, Answer] = {
    EHLO: b"250-canned\r\n250 AUTH PLAIN\r\n",
    AUTH: b"235 welcome\r\n",
    "FROM|TO": b"250 ok\r\n",
}


def endless_reply() -> Iterator[bytes]:
    return itertools.repeat(b"220-and another one\r\n" * 1000)


def endless_line() -> Iterator[bytes]:
    return itertools.chain([b"250-"], itertools.repeat(b"x" * 65536))


def drip() -> Iterator[bytes]:
    while True:
        yield b"2"
        time.sleep(0.02)


def drip_lines() -> Iterator[bytes]:
    while True:
        yield b"220-wait\r\n"
        time.sleep(0.02)


def failure(answers: dict[str, Answer], greeting: Answer = b"220 hello\r\n") -> ConnectorError:
    with CannedImap({**HELLO, **answers}, greeting) as server:
        connector = SMTPConnector("127.0.0.1", server.port, "none", "ann", SECRET, timeout=0.4)
        with pytest.raises(ConnectorError) as caught:
            connector.open()
        connector.close()
    return caught.value


@pytest.mark.timeout(30)
@pytest.mark.parametrize("endless", [endless_reply, endless_line, drip, drip_lines])
@pytest.mark.parametrize("step", ["", EHLO, AUTH])
def test_a_reply_without_an_end(step: str, endless: Answer) -> None:
    error = failure({step: endless}) if step else failure({}, endless)
    assert error.cause in ("timeout", "disconnected", "protocol", "not_smtp", "wrong_password")


@pytest.mark.timeout(30)
def test_a_reply_to_the_mail_without_an_end_leaves_the_outcome_open() -> None:
    answers = {**HELLO, "": b"354 go on\r\n"}
    with CannedImap(answers, b"220 hello\r\n") as server:
        connector = SMTPConnector("127.0.0.1", server.port, "none", "ann", SECRET, timeout=2)
        connector.open()
        with pytest.raises(OutcomeUnknown):
            connector.send("a@b.example", ["c@d.example"], b"x\r\n", lambda: server.answers.update({"": endless_reply}))
        connector.close()


@pytest.mark.parametrize(
    "said",
    [
        f"535 no AUTH {SECRET}",
        "535 " + base64.b64encode(f"\0ann\0{SECRET}".encode()).decode(),
        "454 " + base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_what_is_repeated_is_not_logged(said: str) -> None:
    error = failure({AUTH: said.encode() + b"\r\n"})
    assert SECRET not in str(error) and base64.b64encode(SECRET.encode()).decode()[:12] not in str(error)
    assert "***" in error.detail


def test_text_before_tls_counts_for_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Somebody on the way says that there is no sign-in, so that the mail goes out without one."""
    files = issue(tmp_path_factory.mktemp("certificates"))
    context = ssl.create_default_context(cafile=str(files.authority))
    answers: dict[str, Answer] = {EHLO: b"250-canned\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", AUTH: b"235 welcome\r\n"}
    with CannedImap({**answers, "": b"220 begin\r\n250 no sign-in here\r\n"}, b"220 hello\r\n") as server:
        server.context = server_context(files)
        connector = SMTPConnector("localhost", server.port, "starttls", "ann", SECRET, timeout=1, ssl_context=context)
        connector.open()
        connector.close()
        assert any(command.startswith("PLAIN") for command in server.commands)
