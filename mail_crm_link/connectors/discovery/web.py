"""Small downloads from servers that nobody vouches for: bounded in size, time, number and place."""

from __future__ import annotations

import http.client
import ssl
import time
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from ..errors import ConnectorError
from ..http import Fuse
from ..network import Network

MOST_OCTETS = 256 * 1024
MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"https": 443, "http": 80}
_HEADERS = {"User-Agent": "mail_crm_link", "Accept": "*/*"}


class Unanswered(Exception):
    """Nothing usable came, for whatever reason: the search goes on elsewhere."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: its status, its body, and what it wants a sign-in to look like."""

    status: int
    body: bytes
    challenges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Web:
    """Downloads.

    :param network: which hosts may be reached; redirects obey it, too
    :param ports: where the protocols are spoken, for servers of tests
    """

    network: Network
    ssl_context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    ports: dict[str, int] = field(default_factory=lambda: dict(_PORTS))

    def get(self, address: str, seconds: float) -> Answer:
        """Download ``address``, within ``seconds`` altogether.

        A redirect is followed, but never away from https.

        :raises Unanswered: see there
        """
        deadline = time.monotonic() + seconds
        for _redirect in range(MOST_REDIRECTS + 1):
            answer, location = self._tried(address, deadline)
            if not location:
                return answer
            target = urljoin(address, location)
            if urlsplit(target).scheme != "https" and urlsplit(address).scheme == "https":
                raise Unanswered(f"{address} leads away from https")
            address = target
        raise Unanswered(f"{address}: too many redirects")

    def location(self, address: str, seconds: float) -> str:
        """Where ``address`` redirects to, "" where it does not; nothing is followed.

        :raises Unanswered: see there
        """
        _answer, location = self._tried(address, time.monotonic() + seconds)
        return urljoin(address, location) if location else ""

    def _tried(self, address: str, deadline: float) -> tuple[Answer, str]:
        try:
            return self._once(address, deadline)
        except (OSError, ssl.SSLError, http.client.HTTPException, ConnectorError, ValueError) as error:
            raise Unanswered(f"{address}: {error}") from error

    def _once(self, address: str, deadline: float) -> tuple[Answer, str]:
        parts = urlsplit(address)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise Unanswered(f"{address} is no address of the web")
        fuse = Fuse()
        with closing(fuse), fuse.burning(deadline - time.monotonic()):
            connection = self._connection(parts.scheme, parts.hostname, parts.port, deadline, fuse)
            try:
                target = parts.path + (f"?{parts.query}" if parts.query else "")
                connection.request("GET", target or "/", headers={"Host": parts.netloc, **_HEADERS})
                answer, location = _answered(connection.getresponse(), deadline)
            finally:
                connection.close()
        return answer, location

    def _connection(
        self, scheme: str, host: str, port: int | None, deadline: float, fuse: Fuse
    ) -> http.client.HTTPConnection:
        port = port or self.ports[scheme]
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        connected = self.network.for_requests().connect(host, port, seconds)
        fuse.watch(connected)
        if scheme == "https":
            try:
                connected = self.ssl_context.wrap_socket(connected, server_hostname=host)
            except BaseException:
                connected.close()
                raise
        connection = http.client.HTTPConnection(host, port)
        connection.sock = connected
        return connection


def _answered(response: http.client.HTTPResponse, deadline: float) -> tuple[Answer, str]:
    """What a server answers, and where it leads."""
    location = response.getheader("Location", "") if response.status in _REDIRECTS else ""
    challenges = tuple(response.headers.get_all("WWW-Authenticate", []))
    return Answer(response.status, _body(response, deadline), challenges), location


def _body(response: http.client.HTTPResponse, deadline: float) -> bytes:
    body = b""
    while chunk := response.read1(16 * 1024):
        body += chunk
        if len(body) > MOST_OCTETS or time.monotonic() > deadline:
            raise Unanswered("the answer is too large or too slow")
    return body
