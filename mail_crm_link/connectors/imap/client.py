"""imapclient over a connection that somebody else made, and that takes no more from a server than it should.

Whoever runs the server decides what it answers, and anybody may run one. So every answer has a limit of octets and of
time: a line without end, ten million folders, a literal larger than the memory or one octet now and then all end in an
error, and none of them in a worker that is gone.
"""

from __future__ import annotations

import imaplib
import io
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from imapclient import IMAPClient, SocketTimeout

LONGEST_LINE = 1_000_000
LINE_COST = 100
"""Octets of memory that a line takes beyond its own."""

SLOWEST = 1024
"""Octets a second; a server may take longer for an answer as long as it is not slower on the whole."""

KEPT_LINES = 100_000
KEPT_ANSWERS = frozenset({"BYE", "CAPABILITY", "EXPUNGE", "VANISHED"})
"""What may be looked at after the next command was sent; a server that talks unasked does not fill the memory."""

MIB = 1024 * 1024


class Limit(NamedTuple):
    """What an answer may have: octets in memory, and time in multiples of the connection's time-out."""

    octets: int
    timeouts: int


ANSWER = Limit(8 * MIB, 2)
LIMITS = {
    "FETCH": Limit(256 * MIB, 20),
    "LIST": Limit(32 * MIB, 4),
    "STATUS": Limit(8 * MIB, 4),
    "UID": Limit(256 * MIB, 20),
}
"""For each command that has another limit than ``ANSWER``. All that is said before the sign-in is one answer."""


class Wire(io.RawIOBase):
    """The octets of a connection, counted and timed.

    :param timeout: seconds to wait for anything at all
    :ivar received: octets since the connection began
    """

    def __init__(self, connected: socket.socket, timeout: float) -> None:
        self.connection = connected
        self.received = 0
        self._timeout = timeout
        self.begin(ANSWER)

    def begin(self, limit: Limit) -> None:
        """Await the next answer."""
        self.connection.settimeout(self._timeout)
        self._limit = limit
        self._begun = time.monotonic()
        self._octets = 0

    def charge(self, octets: int) -> None:
        """Count octets of memory.

        :raises imaplib.IMAP4.abort: the answer has too many
        """
        self._octets += octets
        if self._octets > self._limit.octets:
            raise imaplib.IMAP4.abort(f"unexpected amount: more than {self._limit.octets} bytes in one answer")

    def check_literal(self, octets: int) -> None:
        """Refuse what is announced, before room is made for it.

        :raises imaplib.IMAP4.abort: it is too large
        """
        if self._octets + octets > self._limit.octets:
            raise imaplib.IMAP4.abort(f"unexpected amount: a literal of {octets} bytes")

    def readable(self) -> bool:
        """See ``io.IOBase.readable``."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See ``io.RawIOBase.readinto``.

        :raises TimeoutError: nothing came in time, or too slowly
        """
        self.connection.settimeout(min(self._timeout, self._left()))
        count = self.connection.recv_into(buffer)
        self.received += count
        self.charge(count)
        return count

    def _left(self) -> float:
        longest = self._limit.timeouts * self._timeout
        patience = min(longest, 2 * self._timeout + self._octets / SLOWEST)
        left = self._begun + patience - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        return left


class _Protocol(imaplib.IMAP4):
    """imaplib's protocol on a socket that is there already; imaplib itself would resolve the host and connect."""

    def __init__(self, host: str, port: int, connected: socket.socket, timeout: float) -> None:
        self._wire = Wire(connected, timeout)
        self._reader = io.BufferedReader(self._wire, 64 * 1024)
        self._taken = 0
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._wire.connection

    def readline(self) -> bytes:
        """See ``imaplib.IMAP4.readline``."""
        line = self._reader.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise self.abort(f"unexpected amount: more than {LONGEST_LINE} bytes in one line")
        self._taken += len(line)
        self._wire.charge(LINE_COST)
        return line

    def read(self, size: int) -> bytes:
        """See ``imaplib.IMAP4.read``."""
        self._wire.check_literal(size)
        octets = self._reader.read(size)
        self._taken += len(octets)
        return octets

    def _command(self, name: str, *arguments: Any) -> Any:
        if self.state != "NONAUTH":
            self._wire.begin(LIMITS.get(name, ANSWER))
        self._forget()
        return super()._command(name, *arguments)  # type: ignore[misc]  # typeshed has no such method

    def _forget(self) -> None:
        answers: dict[str, list[Any]] = self.untagged_responses
        self.untagged_responses = {name: answers[name] for name in KEPT_ANSWERS & answers.keys()}
        if sum(map(len, self.untagged_responses.values())) > KEPT_LINES:
            raise self.abort(f"unexpected amount: more than {KEPT_LINES} answers to nothing")

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
