"""A TCP proxy that fails on purpose: after so many octets, in either direction, in the way networks fail."""

from __future__ import annotations

import contextlib
import selectors
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
        for connection in self._open:
            connection.close()

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
            # Closing it would leave the thread that serves it waiting for ever.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

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
            self._start(self._serve, client, server, self.fault)

    def _serve(self, client: socket.socket, server: socket.socket, fault: Fault | None) -> None:
        """Pass on both directions in one thread: a socket that another one reads from cannot be reset."""
        flows: dict[socket.socket, _Flow] = {
            server: _Flow(client, "to_client", fault, self.rewrite),
            client: _Flow(server, "to_server", fault, None),
        }
        with contextlib.suppress(OSError), selectors.DefaultSelector() as selector:
            for source in flows:
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _events in selector.select():
                    if not self._pass_on(key.fileobj, flows[key.fileobj]):  # type: ignore[arg-type,index]
                        _fail(fault, client, server)
                        return
        _shut(client)
        _shut(server)

    def _pass_on(self, source: socket.socket, flow: _Flow) -> bool:
        """Pass on what there is; whether the connection goes on."""
        octets = source.recv(65536)
        time.sleep(self.latency)
        passed = flow.passed(octets)
        flow.sink.sendall(passed)
        if flow.direction == "to_client":
            self.octets += len(passed)
        return bool(octets) and flow.left != 0


class _Flow:
    """One direction of a connection."""

    def __init__(self, sink: socket.socket, direction: Direction, fault: Fault | None, rewrite: Rewrite | None) -> None:
        self.sink = sink
        self.direction = direction
        self.left = fault.after if fault and fault.direction == direction else None
        self._lines = _Lines(rewrite)

    def passed(self, octets: bytes) -> bytes:
        octets = self._lines.rewritten(octets)
        if self.left is not None:
            octets = octets[: self.left]
            self.left -= len(octets)
        return octets


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


def _fail(fault: Fault | None, *connections: socket.socket) -> None:
    if fault is not None and fault.action == "stall":
        return  # both stay open, and nothing comes any more
    for connection in connections:
        if fault is not None and fault.action == "reset":
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        else:
            _shut(connection)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()
