"""A web service on this machine, as the servers of tests are."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, TypeVar

AnyService = TypeVar("AnyService", bound="WebService")


class WebHandler(BaseHTTPRequestHandler):
    """Answers in the name of ``service``."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 10
    service: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests read what they need from the server's own lists."""

    def sent(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status: int, headers: Mapping[str, str], octets: bytes = b"", cut: int | None = None) -> None:
        """Answer.

        :param cut: octets of the answer after which the connection ends, -1 before its status
        """
        if cut is not None:
            self.close_connection = True
            if cut < 0:
                return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(octets))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(octets if cut is None else octets[:cut])


class WebService:
    """Use as a context manager; it listens while the context lasts.

    :cvar handler: what answers the requests
    """

    handler: ClassVar[type[WebHandler]]

    def __enter__(self: AnyService) -> AnyService:
        handler = type("Handler", (self.handler,), {"service": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def origin(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self._http.server_port}"
