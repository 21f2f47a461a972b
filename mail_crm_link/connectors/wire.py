"""The octets that a server sends, counted and timed.

Whoever runs the server decides what it answers, and anybody may run one. So every answer has a limit of octets and of
time: a line without end, ten million folders, a literal larger than the memory or one octet now and then all end in an
error, and none of them in a worker that is gone.
"""

from __future__ import annotations

import io
import socket
import time
from typing import Any, NamedTuple

MIB = 1024 * 1024
BUFFER = 64 * 1024
SLOWEST = 1024
"""Octets a second; a server may take longer for an answer as long as it is not slower on the whole."""


class Limit(NamedTuple):
    """What an answer may have: octets in memory, and time in multiples of the connection's time-out."""

    octets: int
    timeouts: int


class Excess(OSError):
    """A server sends more than anybody could want; the connection is of no use any more."""


class Wire(io.RawIOBase):
    """What is read from a connection.

    :param timeout: seconds to wait for anything at all
    :ivar received: octets since the connection began
    """

    def __init__(self, connection: socket.socket, timeout: float, limit: Limit) -> None:
        self.connection = connection
        self.received = 0
        self.begin(limit, timeout)

    def begin(self, limit: Limit, timeout: float) -> None:
        """Await the next answer."""
        self.connection.settimeout(timeout)
        self._timeout = timeout
        self._limit = limit
        self._begun = time.monotonic()
        self._octets = 0

    def charge(self, octets: int) -> None:
        """Count octets of memory.

        :raises Excess: the answer has too many
        """
        self._octets += octets
        if self._octets > self._limit.octets:
            raise Excess(f"more than {self._limit.octets} octets in one answer")

    def check(self, octets: int) -> None:
        """Refuse what is announced, before room is made for it.

        :raises Excess: it is too large
        """
        if self._octets + octets > self._limit.octets:
            raise Excess(f"{octets} octets announced")

    def readable(self) -> bool:
        """See ``io.IOBase.readable``."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See ``io.RawIOBase.readinto``.

        :raises TimeoutError: nothing came in time, or too slowly
        :raises Excess: the answer has too many octets
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
            raise TimeoutError("timed out: the answer takes too long")
        return left
