"""imapclient over a connection that somebody else made, and that takes no more from a server than it should."""

from __future__ import annotations

import imaplib
import io
import socket
import ssl
from collections.abc import Callable
from typing import Any

from imapclient import IMAPClient, SocketTimeout

from ..wire import BUFFER, MIB, Excess, Limit, Wire

LONGEST_LINE = 1_000_000
LINE_COST = 100
"""Octets of memory that a line takes beyond its own."""

KEPT_LINES = 100_000
KEPT_ANSWERS = frozenset({"BYE", "CAPABILITY", "EXPUNGE", "VANISHED"})
"""What may be looked at after the next command was sent; a server that talks unasked does not fill the memory."""

ANSWER = Limit(8 * MIB, 2)
LIMITS = {
    "FETCH": Limit(256 * MIB, 20),
    "LIST": Limit(32 * MIB, 4),
    "STATUS": Limit(8 * MIB, 4),
    "UID": Limit(256 * MIB, 20),
}
"""For each command that has another limit than ``ANSWER``. All that is said before the sign-in is one answer."""


class _Protocol(imaplib.IMAP4):
    """imaplib's protocol on a socket that is there already; imaplib itself would resolve the host and connect."""

    def __init__(self, host: str, port: int, connected: socket.socket, timeout: float) -> None:
        self._wire = Wire(connected, timeout, ANSWER)
        self._reader = io.BufferedReader(self._wire, BUFFER)
        self._timeout = timeout
        self._taken = 0
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._wire.connection

    def readline(self) -> bytes:
        """See ``imaplib.IMAP4.readline``."""
        line = self._reader.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise Excess(f"more than {LONGEST_LINE} octets in one line")
        self._taken += len(line)
        self._wire.charge(LINE_COST)
        return line

    def read(self, size: int) -> bytes:
        """See ``imaplib.IMAP4.read``."""
        self._wire.check(size)
        octets = self._reader.read(size)
        self._taken += len(octets)
        return octets

    def _command(self, name: str, *arguments: Any) -> Any:
        if self.state != "NONAUTH":
            self._wire.begin(LIMITS.get(name, ANSWER), self._timeout)
        self._forget()
        return super()._command(name, *arguments)  # type: ignore[misc]  # typeshed has no such method

    def await_news(self) -> tuple[socket.socket, bytes]:
        """Send IDLE, and hand over the connection for whoever waits on it; with what was received ahead.

        :raises imaplib.IMAP4.error: the server refuses
        """
        tag = self._command("IDLE")
        while self._get_response() is not None:
            if self.tagged_commands.get(tag):
                raise self.error(f"command error: BAD IDLE {self.tagged_commands[tag]}")
        return self._wire.connection, self._reader.read(self._wire.received - self._taken)

    def _forget(self) -> None:
        answers: dict[str, list[Any]] = self.untagged_responses
        self.untagged_responses = {name: answers[name] for name in KEPT_ANSWERS & answers.keys()}
        if sum(map(len, self.untagged_responses.values())) > KEPT_LINES:
            raise Excess(f"more than {KEPT_LINES} answers to nothing")

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        """See ``imaplib.IMAP4.starttls``.

        What was said without TLS counts for nothing afterwards, because anybody on the way could say it (RFC 9051,
        6.2.1).

        :raises imaplib.IMAP4.error: the server refuses, or goes on without TLS
        """
        kind, answer = self._simple_command("STARTTLS")
        if kind != "OK":
            raise self.error(f"STARTTLS => {answer}")
        if self._wire.received != self._taken:
            raise self.abort("unexpected text before TLS")
        context = ssl_context or ssl.create_default_context()
        self.sock = self._wire.connection = context.wrap_socket(self.sock, server_hostname=self.host)
        self.untagged_responses = {}
        self._tls_established = True
        self._get_capabilities()
        return kind, answer


class Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """imapclient, which takes the socket from ``connect``, connected and with TLS where it has to be.

    :param encrypted: whether ``connect`` returns a socket with TLS
    :param timeout: seconds to wait for anything the server sends
    """

    def __init__(
        self, host: str, port: int, connect: Callable[[], socket.socket], encrypted: bool, timeout: float
    ) -> None:
        self._connect = connect
        super().__init__(host, port, ssl=encrypted, timeout=SocketTimeout(timeout, timeout))

    def _create_IMAP4(self) -> imaplib.IMAP4:
        connected = self._connect()
        try:
            return _Protocol(self.host, self.port, connected, self._timeout.read)
        except BaseException:
            connected.close()
            raise
