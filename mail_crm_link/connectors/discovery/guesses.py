"""Servers by the names that most of them have, as far as they answer there with a certificate that is valid for it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Literal

from ..errors import ConnectorError
from ..mail_server import Security
from ..network import Network
from .servers import Address, Found, Server

Protocol = Literal["imap", "smtp"]
Ports = Mapping[tuple[Protocol, Security], int]

PORTS: Ports = {("imap", "ssl"): 993, ("imap", "starttls"): 143, ("smtp", "ssl"): 465, ("smtp", "starttls"): 587}
_NAMES: Mapping[Protocol, tuple[str, ...]] = {"imap": ("imap.", "mail.", ""), "smtp": ("smtp.", "mail.", "")}
_GREETING: Mapping[Protocol, bytes] = {"imap": b"* OK", "smtp": b"220"}
_LINE_OCTETS = 2048


@dataclass(frozen=True, slots=True)
class Guesses:
    """Tries servers out.

    :param executor: tries them at the same time
    """

    network: Network
    ssl_context: ssl.SSLContext
    executor: Executor
    ports: Ports

    def of(self, address: Address, hosts: Iterable[str], seconds: float) -> Found | None:
        """The first IMAP server that answers, with the first SMTP server that does.

        :param hosts: names that are worth a try before the usual ones
        """
        deadline = time.monotonic() + seconds
        names = tuple(hosts)
        outgoing = self._tried("smtp", address, names, seconds)
        incoming = _first(self._tried("imap", address, names, seconds), deadline)
        if incoming is None:
            return None
        return Found("imap", incoming, _first(outgoing, deadline), address.text, "guess")

    def outgoing(self, address: Address, hosts: Iterable[str], seconds: float) -> Server | None:
        """The first SMTP server that answers."""
        deadline = time.monotonic() + seconds
        return _first(self._tried("smtp", address, tuple(hosts), seconds), deadline)

    def _tried(
        self, protocol: Protocol, address: Address, hosts: tuple[str, ...], seconds: float
    ) -> list[Future[Server | None]]:
        return [
            self.executor.submit(self._answering, protocol, server, seconds)
            for server in self._candidates(protocol, address, hosts)
        ]

    def _candidates(self, protocol: Protocol, address: Address, hosts: tuple[str, ...]) -> Iterator[Server]:
        usual = tuple(prefix + address.domain for prefix in _NAMES[protocol])
        securities: tuple[Security, ...] = ("ssl", "starttls")
        for security in securities:
            for host in dict.fromkeys(hosts + usual):
                yield Server(host, self.ports[protocol, security], security)

    def _answering(self, protocol: Protocol, server: Server, seconds: float) -> Server | None:
        """The server, if it speaks this protocol over TLS with a certificate for its name."""
        try:
            with self.network.connect(server.host, server.port, seconds) as connected:
                if server.security == "ssl":
                    return server if self._greets_over_tls(protocol, server, connected) else None
                return server if self._starts_tls(protocol, server, connected) else None
        except (OSError, ConnectorError, ValueError):
            return None

    def _greets_over_tls(self, protocol: Protocol, server: Server, connected: socket.socket) -> bool:
        with self.ssl_context.wrap_socket(connected, server_hostname=server.host) as encrypted:
            return _line(encrypted).startswith(_GREETING[protocol])

    def _starts_tls(self, protocol: Protocol, server: Server, connected: socket.socket) -> bool:
        if not _line(connected).startswith(_GREETING[protocol]):
            return False
        if protocol == "imap":
            connected.sendall(b"a STARTTLS\r\n")
            ready = _line(connected).startswith(b"a OK")
        else:
            connected.sendall(b"EHLO localhost\r\n")
            while _line(connected)[3:4] == b"-":
                pass
            connected.sendall(b"STARTTLS\r\n")
            ready = _line(connected).startswith(b"220")
        if not ready:
            return False
        self.ssl_context.wrap_socket(connected, server_hostname=server.host).close()
        return True


def _line(connected: socket.socket) -> bytes:
    """A line, octet by octet: what follows it belongs to TLS."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _LINE_OCTETS:
        octet = connected.recv(1)
        if not octet:
            break
        line += octet
    return line


def _first(tried: list[Future[Server | None]], deadline: float) -> Server | None:
    for future in tried:
        try:
            server = future.result(timeout=max(0.0, deadline - time.monotonic()))
        except FutureTimeout:
            continue
        if server is not None:
            return server
    return None
