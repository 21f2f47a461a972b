"""HTTP through requests, as the web services need it; the library is loaded when a connection is opened."""

from __future__ import annotations

import importlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Any

from . import network
from .errors import ConnectorError, NotAllowed, ProviderBroken, Transient
from .network import Network

CONTENT_TOO_LARGE = 413
"""Status of what refuses a request for its size (RFC 9110, 15.5.14)."""


def library(name: str) -> Any:
    """Load a library that not every installation has.

    :raises NotAllowed: ``library_missing``; ``detail`` names it
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotAllowed(
            "A Python library is not installed", name.partition(".")[0], cause="library_missing"
        ) from error


class Fuse:
    """Ends the connection over which an answer takes too long: time-outs of a socket begin anew with every octet."""

    def __init__(self) -> None:
        self._handle: socket.socket | None = None
        self._blown = False

    def watch(self, connection: socket.socket) -> None:
        """Watch this connection from now on, whatever TLS makes of it."""
        self.close()
        self._handle = connection.dup()
        if self._blown:
            self._blow()

    @contextmanager
    def burning(self, seconds: float) -> Iterator[None]:
        """Leave so much time.

        :raises TimeoutError: it was too little, whatever else came of it: an answer that ends within its header looks
            like an empty one
        """
        timer = threading.Timer(max(seconds, 0.0), self._blow)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            if self._blown:
                raise TimeoutError("The answer takes too long")

    def _blow(self) -> None:
        self._blown = True
        if handle := self._handle:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Watch nothing any more."""
        handle, self._handle = self._handle, None
        if handle:
            handle.close()


def read(response: Any, most: int) -> None:
    """Read the content of an answer into it.

    :raises ProviderBroken: it has more than so many octets
    """
    content = bytearray()
    for chunk in response.iter_content(64 * 1024):
        content += chunk
        if len(content) > most:
            response.close()
            raise ProviderBroken("The server sends too much", f"more than {most} octets")
    # Where the library would put what it reads without a limit.
    response._content = bytes(content)


def guarded_adapter(rules: Network, fuse: Fuse) -> Any:
    """An adapter of requests whose connections, redirected ones too, go only where ``rules`` permit.

    :param fuse: watches the last of them
    """
    requests = library("requests")
    connection = library("urllib3.connection")
    pool = library("urllib3.connectionpool")

    def guarded(base: Any) -> Any:
        def connect(self: Any) -> Any:
            connected = rules.for_requests().connect(self.host, self.port, float(self.timeout))
            fuse.watch(connected)
            return connected

        return type(f"Guarded{base.__name__}", (base,), {"_new_conn": connect})

    def pool_of(base: Any, connections: Any) -> Any:
        return type(f"Guarded{base.__name__}", (base,), {"ConnectionCls": guarded(connections)})

    def send(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return requests.adapters.HTTPAdapter.send(self, *arguments, **options)
        except ConnectorError as error:
            # Libraries above know what to do with errors of their own kind.
            raise requests.ConnectionError(error) from error

    adapter = type("GuardedAdapter", (requests.adapters.HTTPAdapter,), {"send": send})(max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = {
        "http": pool_of(pool.HTTPConnectionPool, connection.HTTPConnection),
        "https": pool_of(pool.HTTPSConnectionPool, connection.HTTPSConnection),
    }
    return adapter


def bearer(token: Callable[[], str]) -> Callable[[Any], Any]:
    """Have requests sign in by an access token (RFC 6750, 2.1), asked for with every request."""

    def authorise(request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {token()}"
        return request

    return authorise


def failure(error: BaseException, host: str) -> ConnectorError:
    """The error for a request that got no answer, or not the whole of it."""
    for reason in reasons(error):
        if isinstance(reason, ConnectorError):
            return reason
        if isinstance(reason, ssl.SSLError | OSError) and not _is_wrapped(reason):
            return network.broken(reason, host)
    is_late = any("timeout" in type(reason).__name__.lower() for reason in reasons(error))
    return Transient(f"No answer from {host}", str(error), cause="timeout" if is_late else "disconnected")


def _is_wrapped(reason: BaseException) -> bool:
    """Errors of the libraries are OSErrors, too, and tell nothing that what they wrap does not."""
    return type(reason).__module__.partition(".")[0] in ("requests", "urllib3")


def reasons(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, by all the ways in which the libraries pass it on."""
    waiting, seen = [error], set()
    while waiting:
        reason = waiting.pop(0)
        if id(reason) not in seen:
            seen.add(id(reason))
            yield reason
            others = (getattr(reason, "reason", None), reason.__cause__, reason.__context__, *reason.args)
            waiting.extend(other for other in others if isinstance(other, BaseException))


def retry_after(text: str | None) -> float | None:
    """Seconds of a Retry-After header, which may be a date (RFC 9110, 10.2.3)."""
    if not text:
        return None
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None
