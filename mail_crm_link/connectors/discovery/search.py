"""All ways to find the servers of an address, at the same time, for some seconds."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field

from ..network import Network
from . import autoconfig, autodiscover
from .domain_names import DomainNames
from .guesses import PORTS, Guesses, Ports
from .providers import known_provider, provider_of_exchanger
from .servers import Address, Found
from .web import Web

SECONDS = 10.0
# One step must leave time for what depends on it.
STEP_SECONDS = 4.0
_THREADS = 32

Step = Callable[[Address], "Found | None"]


@dataclass(frozen=True)
class Discovery:
    """Finds servers.

    :param network: which hosts may be reached
    :param names: asks name servers
    :param ports: where guessed servers are tried, for tests
    :param web_ports: where https and http are spoken, for tests
    :param ispdb: address of Thunderbird's list of providers
    """

    network: Network
    names: DomainNames = field(default_factory=DomainNames)
    ssl_context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    ports: Ports = field(default_factory=lambda: PORTS)
    web_ports: dict[str, int] = field(default_factory=lambda: {"https": 443, "http": 80})
    ispdb: str = autoconfig.ISPDB
    seconds: float = SECONDS

    def find(self, text: str) -> Found | None:
        """The servers of an address; ``None`` if nothing says what they are. Takes ``seconds`` at most.

        :raises ValueError: it is no address
        """
        address = Address.parse(text)
        provider = known_provider(address.domain)
        if provider is not None:
            return provider.found(address.text, "known")
        executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="discovery")
        try:
            return _Search(self, executor).find(address)
        finally:
            # What is still under way has time limits of its own.
            executor.shutdown(wait=False, cancel_futures=True)


class _Search:
    """One search, until its deadline."""

    def __init__(self, discovery: Discovery, executor: ThreadPoolExecutor) -> None:
        self._discovery = discovery
        self._executor = executor
        self._deadline = time.monotonic() + discovery.seconds
        self._web = Web(discovery.network, discovery.ssl_context, discovery.web_ports)
        self._guesses = Guesses(discovery.network, discovery.ssl_context, executor, discovery.ports)

    def find(self, address: Address) -> Found | None:
        exchangers = self._executor.submit(
            self._discovery.names.exchangers, address.domain, min(STEP_SECONDS, self._left)
        )
        started = [self._executor.submit(step, address) for step in self._steps(address, exchangers)]
        found = next(filter(None, map(self._result, started)), None)
        if found is not None and found.connector == "imap" and found.outgoing is None and found.provider is None:
            return found.with_outgoing(self._guesses.outgoing(address, (), self._seconds))
        return found

    def _steps(self, address: Address, exchangers: Future[list[str]]) -> list[Step]:
        """In the order in which they are trusted."""
        web = self._web
        own = [
            lambda each, place=place: autoconfig.of_domain(web, each, place, self._seconds)
            for place in autoconfig.own_addresses(address)
        ]
        exchange = [
            lambda each, host=host: autodiscover.ask(web, each, host, self._seconds)
            for host in autodiscover.hosts(address)
        ]
        return [
            lambda each: self._of_exchangers(each, exchangers),
            self._of_services,
            *own,
            lambda each: autoconfig.of_list(web, each, each.domain, self._seconds, self._discovery.ispdb),
            lambda each: autoconfig.of_domain_unencrypted(web, each, self._seconds),
            *exchange,
            self._of_autodiscover_service,
            lambda each: autodiscover.ask_unencrypted(web, each, self._seconds),
            lambda each: self._of_hoster(each, exchangers),
            lambda each: self._guesses.of(each, (), self._seconds),
        ]

    def _of_exchangers(self, address: Address, exchangers: Future[list[str]]) -> Found | None:
        providers = map(provider_of_exchanger, self._hosts(exchangers))
        provider = next(filter(None, providers), None)
        return provider.found(address.text, "mx") if provider else None

    def _of_services(self, address: Address) -> Found | None:
        names = self._discovery.names
        incoming = names.incoming(address.domain, self._seconds)
        if incoming is None:
            return None
        return Found("imap", incoming, names.outgoing(address.domain, self._seconds), address.text, "srv")

    def _of_autodiscover_service(self, address: Address) -> Found | None:
        host = self._discovery.names.exchange(address.domain, self._seconds)
        return autodiscover.ask(self._web, address, host, self._seconds) if host else None

    def _of_hoster(self, address: Address, exchangers: Future[list[str]]) -> Found | None:
        """What Thunderbird's list says of the company that takes the domain's mail."""
        for host in self._hosts(exchangers)[:1]:
            hoster = ".".join(host.split(".")[-2:])
            if hoster != address.domain:
                return autoconfig.of_list(self._web, address, hoster, self._seconds, self._discovery.ispdb)
        return None

    def _hosts(self, exchangers: Future[list[str]]) -> list[str]:
        try:
            return exchangers.result(timeout=self._left)
        except FutureTimeout:
            return []

    @property
    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    @property
    def _seconds(self) -> float:
        return min(STEP_SECONDS, self._left)

    def _result(self, future: Future[Found | None]) -> Found | None:
        try:
            return future.result(timeout=self._left)
        except FutureTimeout:
            return None
