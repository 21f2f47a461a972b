"""A TCP proxy that fails on purpose: after so many octets, in either direction, in the way networks fail."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

Direction = Literal["to_client", "to_server"]
Action = Literal["close", "reset", "stall"]
Rewrite = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Fault:
    """After ``after`` octets in one direction of a connection, the connection ends, breaks, or falls silent."""

    action: Action
    after: int
    direction: Direction = "to_client"


class FaultProxy:
    """Context manager that passes connections on to ``host:port``, and fails as ``fault`` says.

    :ivar fault: what happens to connections opened from now on; ``None`` for nothing
    :ivar latency: seconds that every piece of traffic is late, in each direction
    :ivar rewrite: changes what the server sends, line by line
    :ivar connections: how many were opened so far
    :ivar octets: sent to clients over all connections
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.host = "127.0.0.1"
        self.port = 0
        self.fault: Fault | None = None
        self.latency = 0.0
        self.rewrite: Rewrite | None = None
        self.connections = 0
        self.octets = 0
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> FaultProxy:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
        for thread in self._threads:
            thread.join(timeout=5)

    def up(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.host, self.port))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self._start(self._accept, self._listener)

    def down(self) -> None:
        """Stop listening, and cut all connections: the server is away."""
        if self._listener is not None:
            _shut(self._listener)
            self._listener = None
        for connection in self._open:
            _shut(connection)
        self._open.clear()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _address = listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            self.connections += 1
            self._open += [client, server]
            fault = self.fault
            self._start(self._pump, server, client, "to_client", fault)
            self._start(self._pump, client, server, "to_server", fault)

    def _pump(self, source: socket.socket, sink: socket.socket, direction: Direction, fault: Fault | None) -> None:
        left = fault.after if fault and fault.direction == direction else None
        lines = _Lines(self.rewrite if direction == "to_client" else None)
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                time.sleep(self.latency)
                octets = lines.rewritten(octets)
                if left is not None and len(octets) >= left:
                    self._send(sink, octets[:left], direction)
                    _fail(fault, source, sink)
                    return
                left = None if left is None else left - len(octets)
                self._send(sink, octets, direction)
        _shut(source)
        _shut(sink)

    def _send(self, sink: socket.socket, octets: bytes, direction: Direction) -> None:
        sink.sendall(octets)
        if direction == "to_client":
            self.octets += len(octets)


class _Lines:
    """Rewrites whole lines, which may come in pieces."""

    def __init__(self, rewrite: Rewrite | None) -> None:
        self._rewrite = rewrite
        self._rest = b""

    def rewritten(self, octets: bytes) -> bytes:
        if self._rewrite is None:
            return octets
        *lines, self._rest = (self._rest + octets).split(b"\r\n")
        return b"".join(self._rewrite(line) + b"\r\n" for line in lines)


def _fail(fault: Fault | None, source: socket.socket, sink: socket.socket) -> None:
    if fault is None or fault.action == "stall":
        return  # both stay open, and nothing comes any more
    if fault.action == "reset":
        for connection in (source, sink):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        return
    _shut(source)
    _shut(sink)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()
