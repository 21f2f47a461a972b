"""MX and SRV records. Without dnspython, or without a name server, there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..mail_server import Security
from .servers import Server

if TYPE_CHECKING:
    from dns.resolver import Resolver

# RFC 8314, 3.2 and 5.1, and RFC 6186, 3: implicit TLS is preferred, a server without encryption is not looked for.
_INCOMING: tuple[tuple[str, Security], ...] = (("_imaps", "ssl"), ("_imap", "starttls"))
_OUTGOING: tuple[tuple[str, Security], ...] = (("_submissions", "ssl"), ("_submission", "starttls"))


class DomainNames:
    """Asks name servers.

    :param resolver: a resolver of dnspython; the machine's own if left out
    """

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._resolver = resolver

    def exchangers(self, domain: str, seconds: float) -> list[str]:
        """Names of the hosts that take the domain's mail, the preferred one first; none if nobody says so."""
        records = sorted(self._records(domain, "MX", seconds), key=lambda record: int(record.preference))
        return [name for record in records if (name := _name(record.exchange))]

    def incoming(self, domain: str, seconds: float) -> Server | None:
        """The domain's IMAP server, as its SRV records name it."""
        return self._service(_INCOMING, domain, seconds)

    def outgoing(self, domain: str, seconds: float) -> Server | None:
        """The domain's submission server, as its SRV records name it."""
        return self._service(_OUTGOING, domain, seconds)

    def exchange(self, domain: str, seconds: float) -> str:
        """The host of the domain's Exchange autodiscover service, as its SRV record names it; "" if none does."""
        service = self._service((("_autodiscover", "ssl"),), domain, seconds)
        return service.host if service else ""

    def _service(self, kinds: tuple[tuple[str, Security], ...], domain: str, seconds: float) -> Server | None:
        for service, security in kinds:
            records = self._records(f"{service}._tcp.{domain}", "SRV", seconds)
            # A target of "." says that there is no such service (RFC 2782).
            offered = [record for record in records if _name(record.target)]
            if offered:
                best = min(offered, key=lambda record: (int(record.priority), -int(record.weight)))
                return Server(_name(best.target), int(best.port), security)
        return None

    def _records(self, name: str, kind: str, seconds: float) -> list[Any]:
        try:
            from dns.exception import DNSException
            from dns.resolver import Resolver
        except ImportError:
            return []
        try:
            resolver = self._resolver or Resolver()
            return list(resolver.resolve(name, kind, lifetime=seconds))
        except (DNSException, OSError, ValueError):
            # No such name, no network, no /etc/resolv.conf: nobody says it.
            return []


def _name(name: object) -> str:
    return str(name).rstrip(".").lower()
