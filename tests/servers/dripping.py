"""A web server whose answers never end: one octet after the other, fast enough for every time-out of a socket."""

from __future__ import annotations

import contextlib
import itertools
import socketserver
import threading
import time
from collections.abc import Iterator

IN_THE_HEADER = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
IN_THE_BODY = IN_THE_HEADER + b"Content-Length: 1000000\r\n\r\n"
PAUSE = 0.05
OCTETS = 100
"""So that whoever waits for the end is told from who does not, and waits for some seconds only."""


@contextlib.contextmanager
def dripping(said: bytes) -> Iterator[str]:
    """The origin of such a server.

    :param said: what it says at once
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):  # clients hang up
                self.wfile.write(said)
                for octet in itertools.islice(itertools.cycle(b"X-More: yes\r\n"), OCTETS):
                    self.wfile.write(bytes([octet]))
                    time.sleep(PAUSE)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
