"""A small Internet on loopback: names, a name server, web servers and mail servers, by name and port."""

from __future__ import annotations

import socket
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rrset
from dns.resolver import Resolver

from mail_crm_link.connectors.errors import Transient
from mail_crm_link.connectors.network import Network

from .certificates import issue


@dataclass(frozen=True)
class LoopbackNetwork(Network):
    """Reaches the named hosts, which all stand here; other names do not resolve.

    :param places: port here, by host and the port that is asked for
    """

    places: dict[tuple[str, int], int] = field(default_factory=dict)

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        if (host, port) not in self.places:
            raise Transient(f"No connection to {host}", cause="host_unknown")
        return socket.create_connection(("127.0.0.1", self.places[host, port]), timeout)


class Internet:
    """What stands in it is added by its methods; everything ends with the context."""

    def __init__(self, *names: str) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.pages: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.network = LoopbackNetwork()
        self._folder = tempfile.TemporaryDirectory(prefix="internet-")
        self._files = issue(Path(self._folder.name), names=names or ("localhost",))
        self._stops: list[Callable[[], None]] = [self._folder.cleanup]

    def __enter__(self) -> Internet:
        return self

    def __exit__(self, *_error: object) -> None:
        for stop in reversed(self._stops):
            stop()

    def trust(self) -> ssl.SSLContext:
        """A client context that trusts this Internet's authority and no other."""
        return ssl.create_default_context(cafile=str(self._files.authority))

    def _server_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._files.certificate, self._files.key)
        return context

    def _run(self, server: socketserver.BaseServer) -> None:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self._stops.append(lambda: (server.shutdown(), server.server_close()))  # type: ignore[arg-type,func-returns-value]

    # -- names --------------------------------------------------------------------------------------------------

    def resolver(self) -> Resolver:
        """A resolver that asks the name server here, which knows ``records``."""
        server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _name_handler(self.records))
        self._run(server)
        resolver = Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = server.server_address[1]
        return resolver

    # -- web ----------------------------------------------------------------------------------------------------

    def web(self, *hosts: str, scheme: str = "https") -> None:
        """Serve ``pages``, by their address without the query, at the hosts."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _page_handler(self, scheme))
        if scheme == "https":
            server.socket = self._server_context().wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._run(server)
        for host in hosts:
            self.network.places[host, {"https": 443, "http": 80}[scheme]] = server.server_port

    def page(self, address: str, body: bytes | str, status: int = 200, **headers: str) -> None:
        """Put a page there; ``_`` in names of headers stands for ``-``."""
        raw = body.encode() if isinstance(body, str) else body
        self.pages[address] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)

    # -- mail ---------------------------------------------------------------------------------------------------

    def mail_server(self, host: str, port: int, dialogue: Callable[[Any, Callable[[Any], Any]], None]) -> None:
        """Let ``dialogue`` talk at this port; it gets the socket, and what puts TLS on it."""
        context = self._server_context()

        def encrypt(plain: socket.socket) -> ssl.SSLSocket:
            return context.wrap_socket(plain, server_side=True)

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    dialogue(self.request, encrypt)
                except OSError:
                    pass

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self._run(server)
        self.network.places[host, port] = server.server_address[1]


def _name_handler(records: dict[tuple[str, str], list[str]]) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            octets, connected = self.request
            query = dns.message.from_wire(octets)
            question = query.question[0]
            name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            known = records.get((name, kind))
            if known:
                answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, known))
            connected.sendto(answer.to_wire(), self.client_address)

    return Handler


def _page_handler(internet: Internet, scheme: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = f"{scheme}://{self.headers['Host']}{self.path}"
            internet.asked.append(address)
            status, headers, body = internet.pages.get(address.partition("?")[0], (404, {}, b"nothing here"))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


def over_tls(greeting: bytes) -> Callable[[Any, Callable[[Any], Any]], None]:
    """A dialogue: TLS first, then a greeting."""

    def dialogue(plain: Any, encrypt: Callable[[Any], Any]) -> None:
        with encrypt(plain) as encrypted:
            encrypted.sendall(greeting + b"\r\n")
            encrypted.recv(1)

    return dialogue


def starting_tls(*answers: bytes) -> Callable[[Any, Callable[[Any], Any]], None]:
    """A dialogue: a greeting, an answer to each command, then TLS."""

    def dialogue(plain: Any, encrypt: Callable[[Any], Any]) -> None:
        greeting, *others = answers
        plain.sendall(greeting + b"\r\n")
        for answer in others:
            plain.recv(1024)
            plain.sendall(answer + b"\r\n")
        encrypt(plain).close()

    return dialogue


def silent(plain: Any, _encrypt: Callable[[Any], Any]) -> None:
    """A dialogue in which the server says nothing until the client goes."""
    plain.recv(1)


@contextmanager
def internet(*names: str) -> Iterator[Internet]:
    """An Internet whose certificates are for ``names``."""
    with Internet(*names) as running:
        yield running
