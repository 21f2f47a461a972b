"""What is found of an address: servers, user name, and what its provider is known for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..mail_server import Security

Connector = Literal["imap", "gmail", "graph", "ews"]
SignIn = Literal["password", "app_password", "browser", "impossible"]
Source = Literal["known", "mx", "srv", "autoconfig", "ispdb", "autodiscover", "guess"]


@dataclass(frozen=True, slots=True)
class Server:
    """Where a protocol is spoken, and how it is encrypted."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """A provider whose mailboxes many people have.

    :param key: short name, for texts and tests
    :param domains: of its addresses
    :param exchangers: ends of the names of its MX hosts, for domains of its customers
    :param sign_in: what its IMAP server takes: the ``password``, an ``app_password``, only a sign-in in the
        ``browser``; ``impossible`` where there is no IMAP server that could be reached from here
    :param connector: what fits best, when it is set up; IMAP is the other way
    :param help_url: where it explains the password for programs, or how to switch IMAP on
    """

    key: str
    name: str
    domains: tuple[str, ...] = ()
    exchangers: tuple[str, ...] = ()
    incoming: Server | None = None
    outgoing: Server | None = None
    sign_in: SignIn = "password"
    connector: Connector = "imap"
    help_url: str = ""

    def found(self, address: str, source: Source) -> Found:
        """What is found of an address of this provider."""
        return Found(self.connector, self.incoming, self.outgoing, address, source, provider=self)


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a discovery.

    :param connector: which of our connectors it is for
    :param incoming: the IMAP server; ``None`` where there is none
    :param login: the user name
    :param source: what told it
    :param provider: the known provider, if it is one
    :param exchange: host name of the Exchange server
    """

    connector: Connector
    incoming: Server | None
    outgoing: Server | None
    login: str
    source: Source
    provider: KnownProvider | None = None
    exchange: str = ""

    def with_outgoing(self, outgoing: Server | None) -> Found:
        return replace(self, outgoing=self.outgoing or outgoing)


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it is typed, and its domain as DNS knows it."""

    text: str
    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """:raises ValueError: it cannot be an address"""
        local, at, domain = text.strip().rpartition("@")
        try:
            ascii_domain = domain.strip(".").encode("idna").decode("ascii").lower()
        except UnicodeError as error:
            raise ValueError(text) from error
        if not (local and at and "." in ascii_domain):
            raise ValueError(text)
        return cls(text.strip(), local, ascii_domain)


def lies_below(host: str, domain: str) -> bool:
    """Whether a host is the domain or a name below it."""
    host, domain = host.rstrip(".").lower(), domain.rstrip(".").lower()
    return host == domain or host.endswith("." + domain)
