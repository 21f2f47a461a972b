"""Where connections may go, and the sockets of those that may.

Whoever names a mail server has this machine connect to it, and this machine stands inside a network that they may not
reach themselves. So a host is judged by its addresses and not by its spelling, and the connection goes to the very
address that was judged: a name that resolves anew, to another address, is asked for nothing (DNS rebinding).

::

    host ──► resolve once ──► each address: named, itself or by its host? ─── yes ─► connect
                                            are only named ones allowed? ──── yes ─► host_not_allowed
                                            is this machine itself meant? ─── yes ─► connect, if `local`
                                            is it in the Internet? ────────── no ──► host_private
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from .errors import ConnectorError, NotAllowed, ProviderBroken, Transient
from .wire import Excess

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

ANYWHERE = "*"

# The registries of special-purpose addresses (RFC 6890): https://www.iana.org/assignments/iana-ipv4-special-registry
# and iana-ipv6-special-registry. Python's `is_global` differs between its versions.
_SPECIAL_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_SPECIAL_IPV6 = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")

# Codes of X509_V_ERR_… (openssl verify(1)).
_CERTIFICATE_CODES = {
    9: "certificate_expired",
    10: "certificate_expired",
    18: "certificate_self_signed",
    2: "certificate_authority",
    19: "certificate_authority",
    20: "certificate_authority",
    21: "certificate_authority",
    62: "certificate_host",
    64: "certificate_host",
}

# What OpenSSL calls it when both sides speak TLS, and none that the other takes (openssl errors(1)).
_OUTDATED = {
    "BAD_SIGNATURE_ALGORITHM",
    "DH_KEY_TOO_SMALL",
    "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED",
    "NO_PROTOCOLS_AVAILABLE",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_SIGNATURE_TYPE",
    "WRONG_SSL_VERSION",
}


@dataclass(frozen=True)
class Network:
    """Which servers may be connected to.

    :param allowed: host names, patterns such as ``*.example.com``, addresses and networks that may be reached; ``*``
        adds all hosts in the Internet, and so does an empty list
    :param trusted: pairs of host and port that may be reached whatever else is said here
    :param private: hosts that ``allowed`` does not name may be outside the Internet, too
    :param local: unless ``allowed`` names hosts, this machine may be reached by its own names, ``localhost`` and the
        addresses of loopback; never by a name that only resolves to them
    :param plain: connections without encryption may leave this machine
    """

    allowed: tuple[str, ...] = ()
    trusted: tuple[tuple[str, int], ...] = ()
    private: bool = True
    local: bool = False
    plain: bool = True

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect to the first permitted address of ``host`` that answers.

        :param timeout: seconds for all its addresses together, and for every later operation on the socket
        :raises NotAllowed: ``host_not_allowed`` or ``host_private``: no address of it may be reached
        :raises Transient: it does not resolve, or does not answer
        """
        try:
            return _first_connection(self._permitted(host, port), timeout)
        except OSError as error:
            raise broken(error, host) from error

    def for_requests(self) -> Network:
        """The same rules for protocols in which this side speaks first.

        A mail server greets before anything is said to it; what listens on this machine for requests would act on one.
        """
        return replace(self, local=False)

    def check_encryption(self, security: str, host: str) -> None:
        """Refuse a connection without encryption that would leave this machine.

        :param security: ``ssl``, ``starttls`` or ``none``
        :raises NotAllowed: ``not_encrypted``
        """
        if security == "none" and not self.plain and not _is_loopback(host):
            raise NotAllowed(f"A connection to {host} without encryption is not allowed", cause="not_encrypted")

    def _permitted(self, host: str, port: int) -> list[tuple[Any, ...]]:
        if self._only_named and not (self._is_named(host, port) or self._networks()):
            # Not even its name is asked for.
            raise _refusal(host, "host_not_allowed")
        found = _resolve(host, port)
        refusals = [self._refused(host, port, ip_address(place[-1][0])) for place in found]
        if all(refusals):
            raise _refusal(host, refusals[0])
        return [place for place, refused in zip(found, refusals, strict=True) if not refused]

    def _refused(self, host: str, port: int, address: IPAddress) -> str:
        """The cause for which a host with this address is refused; "" when it is not."""
        if self._is_named(host, port) or any(_lies_in(address, network) for network in self._networks()):
            return ""
        if self._only_named:
            return "host_not_allowed"
        if self.private or is_public(address) or (self.local and _is_loopback(host)):
            return ""
        return "host_private"

    @property
    def _only_named(self) -> bool:
        return bool(self.allowed) and ANYWHERE not in self.allowed

    def _is_named(self, host: str, port: int) -> bool:
        name = _normalised(host)
        if (name, port) in ((_normalised(trusted), number) for trusted, number in self.trusted):
            return True
        return any(_matches(name, _normalised(entry)) for entry in self.allowed if entry != ANYWHERE)

    def _networks(self) -> list[IPNetwork]:
        return [network for entry in self.allowed if (network := _network(entry))]


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the Internet, also an IPv4 address that is wrapped in an IPv6 address."""
    unwrapped = _unwrapped(address)
    if isinstance(unwrapped, IPv4Address):
        return not any(unwrapped in network for network in _SPECIAL_IPV4)
    return unwrapped in _GLOBAL_IPV6 and not any(unwrapped in network for network in _SPECIAL_IPV6)


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address to which packets for a mapped, 6to4 or NAT64 address go in the end."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _lies_in(address: IPAddress, network: IPNetwork) -> bool:
    return address in network or _unwrapped(address) in network


def _network(entry: str) -> IPNetwork | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def _normalised(host: str) -> str:
    return host.strip().rstrip(".").lower()


def _matches(name: str, entry: str) -> bool:
    """Whether a host name is the entry, or below it: ``*.example.com`` are all names that end so."""
    return name == entry or (entry.startswith("*.") and name.endswith(entry[1:]))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(_normalised(host)).is_loopback
    except ValueError:
        return _normalised(host) == "localhost"


def _refusal(host: str, cause: str) -> NotAllowed:
    return NotAllowed(f"A connection to {host} is not allowed", cause=cause)


def _resolve(host: str, port: int) -> list[tuple[Any, ...]]:
    """What the host resolves to, as `socket.getaddrinfo` tells it.

    :raises OSError: it does not
    """
    if not host:
        raise socket.gaierror(socket.EAI_NONAME, "no host name")
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (UnicodeError, ValueError, OverflowError) as error:
        # A label too long, a NUL, a port too high: such a host cannot exist.
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error


def _first_connection(places: Iterable[tuple[Any, ...]], timeout: float) -> socket.socket:
    """A connection to the first of the resolved places that takes one within ``timeout`` seconds altogether."""
    deadline = time.monotonic() + timeout
    failure: OSError = TimeoutError("no time left")
    for family, kind, protocol, _name, address in places:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(left)
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            connection.settimeout(timeout)
            return connection
    raise failure


def broken(error: OSError, host: str) -> ConnectorError:
    """The error for a failed connection or TLS handshake."""
    if isinstance(error, Excess):
        return ProviderBroken(f"{host} sends too much", str(error), cause="protocol")
    if isinstance(error, ssl.SSLCertVerificationError):
        cause = _CERTIFICATE_CODES.get(error.verify_code, "certificate")
        return Transient(f"The certificate of {host} is not valid", error.verify_message, cause=cause)
    if isinstance(error, ssl.SSLEOFError):
        return Transient(f"{host} closed the connection", str(error), cause="disconnected")
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", "") in _OUTDATED:
        return ProviderBroken(f"{host} knows only outdated encryption", str(error), cause="tls_outdated")
    if isinstance(error, ssl.SSLError):
        return ProviderBroken(f"No TLS with {host}", str(error), cause="tls")
    return Transient(f"No connection to {host}", str(error), cause=_cause(error))


def _cause(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "host_unknown"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionError):
        return "disconnected"
    return "unreachable"
