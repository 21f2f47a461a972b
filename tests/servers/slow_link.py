"""A long way to a server: every octet arrives late, in order, and only so many a second."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from types import TracebackType

_PIECE = 16 * 1024
_IN_FLIGHT = 512
"""Pieces under way at once: as much as sockets with large buffers take."""


class SlowLink:
    """Context manager that passes connections on to ``host:port``.

    :param latency: seconds that every octet is under way, in each direction
    :param rate: octets a second, in each direction
    :ivar octets: how many the server sent
    """

    def __init__(self, host: str, port: int, latency: float = 0.04, rate: float = 4e6) -> None:
        self._target = (host, port)
        self._latency = latency
        self._rate = rate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = "127.0.0.1"
        self.port: int = self._listener.getsockname()[1]
        self.octets = 0

    def __enter__(self) -> SlowLink:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _shut(self._listener)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                server = socket.create_connection(self._target)
                for connection in (client, server):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._pass_on(client, server, False)
                self._pass_on(server, client, True)

    def _pass_on(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        under_way: queue.Queue[tuple[float, bytes]] = queue.Queue(_IN_FLIGHT)
        for part, arguments in ((self._take, (source, under_way, counted)), (self._deliver, (under_way, sink))):
            threading.Thread(target=part, args=arguments, daemon=True).start()

    def _take(self, source: socket.socket, under_way: queue.Queue[tuple[float, bytes]], counted: bool) -> None:
        free_at = 0.0
        piece = b"-"
        while piece:
            try:
                piece = source.recv(_PIECE)
            except OSError:
                piece = b""
            self.octets += len(piece) if counted else 0
            free_at = max(free_at, time.monotonic()) + len(piece) / self._rate
            under_way.put((free_at + self._latency, piece))

    def _deliver(self, under_way: queue.Queue[tuple[float, bytes]], sink: socket.socket) -> None:
        piece = b"-"
        while piece:
            arrival, piece = under_way.get()
            time.sleep(max(0.0, arrival - time.monotonic()))
            try:
                sink.sendall(piece)
            except OSError:
                piece = b""
        _shut(sink)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()
