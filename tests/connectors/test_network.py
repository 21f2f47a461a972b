"""Which servers may be connected to (F4): judged by address, once, and connected to at the address that was judged."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from mail_crm_link.connectors import network
from mail_crm_link.connectors.errors import NotAllowed, Transient
from mail_crm_link.connectors.network import Network, is_public

CAREFUL = Network(private=False, plain=False)

INSIDE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "64:ff9b::a01:203",
    "64:ff9b:1::1",
    "100::1",
    "2001:0:53aa:64c:0:fbff:f5fe:fdfc",
    "2001:db8::1",
    "2002:a01:203::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = [
    "8.8.8.8",
    "100.128.0.1",
    "172.32.0.1",
    "193.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "2606:4700::1111",
    "2a00:1450:4001::6c",
]
SPELLINGS = ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0"]


@pytest.fixture
def port() -> Iterator[int]:
    """A port of 127.0.0.1 where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


class Names:
    """A resolver that answers one after the other, and counts its questions."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_options: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        addresses = self.answers.pop(0)
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port))
            for family, address in zip(families, addresses, strict=True)
        ]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> type[Names]:
    class Installed(Names):
        def __init__(self, *answers: list[str]) -> None:
            super().__init__(*answers)
            monkeypatch.setattr(network.socket, "getaddrinfo", self)

    return Installed


def refusal(place: Network, host: str, port: int = 993) -> str:
    """The cause for which the host is refused."""
    with pytest.raises(NotAllowed) as caught:
        place.connect(host, port, 1)
    return caught.value.cause


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_within_a_network_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", SPELLINGS)
def test_loopback_is_refused_however_it_is_spelt(host: str, port: int) -> None:
    assert refusal(CAREFUL, host, port) == "host_private"


@pytest.mark.parametrize("host", SPELLINGS)
def test_loopback_is_reached_where_nothing_is_said_against_it(host: str, port: int) -> None:
    Network().connect(host, port, 1).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_this_machine_may_be_reached_by_its_own_names(host: str, port: int) -> None:
    place = Network(private=False, local=True)
    place.connect(host, port, 1).close()
    assert refusal(replace(place, allowed=("mail.example.com",)), host, port) == "host_not_allowed"


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0", "::ffff:127.0.0.1"])
def test_this_machine_is_not_reached_by_other_spellings(host: str, port: int) -> None:
    assert refusal(Network(private=False, local=True), host, port) == "host_private"


@pytest.mark.parametrize("entry", ["127.0.0.1", "localhost", "LocalHost.", "127.0.0.0/8", "127.0.0.1/8"])
def test_a_private_host_may_be_named(entry: str, port: int) -> None:
    Network(allowed=("*", entry), private=False).connect("localhost", port, 1).close()


@pytest.mark.parametrize("entry", ["mail.lan", "10.0.0.0/8", "*", "*.localhost", "host"])
def test_another_one_that_is_named_does_not_count(entry: str, port: int) -> None:
    assert refusal(Network(allowed=("*", entry), private=False), "localhost", port) == "host_private"


def test_a_server_that_an_administrator_entered_is_trusted_at_that_port_alone(port: int) -> None:
    place = Network(allowed=("mail.example.com",), trusted=(("localhost", port),), private=False)
    place.connect("LOCALHOST", port, 1).close()
    assert refusal(place, "localhost", port + 1) == "host_not_allowed"


def test_a_list_allows_nothing_else(names: type[Names]) -> None:
    resolver = names()
    place = Network(allowed=("imap.example.com", "*.example.org"))
    for host in (
        "imap.example.net",
        "example.org",
        "evil-example.org",
        "imap.example.com.evil.net",
        "imapxexample.com",
    ):
        assert refusal(place, host) == "host_not_allowed"
    assert not resolver.asked


def test_a_listed_network_is_looked_for_by_address(names: type[Names]) -> None:
    place = Network(allowed=("10.1.0.0/16", "*.example.org"), private=False)
    names(["10.2.0.1"], ["8.8.8.8"])
    assert refusal(place, "mail.lan") == "host_not_allowed"
    assert refusal(place, "dns.google") == "host_not_allowed"


def test_the_connection_goes_to_the_address_that_was_judged(
    names: type[Names], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes between two questions (DNS rebinding) is asked for once."""
    resolver = names(["8.8.8.8"], ["127.0.0.1"])
    reached: list[Any] = []
    monkeypatch.setattr(network.socket.socket, "connect", lambda _socket, address: reached.append(address))
    CAREFUL.connect("rebinding.example", port, 1).close()
    assert (reached, resolver.asked) == ([("8.8.8.8", port)], ["rebinding.example"])
    assert refusal(CAREFUL, "rebinding.example", port) == "host_private"


def test_only_the_permitted_ones_of_several_addresses_are_tried(
    names: type[Names], monkeypatch: pytest.MonkeyPatch
) -> None:
    names(["127.0.0.1", "2606:4700::1111", "::ffff:127.0.0.1", "fe80::1"])
    reached: list[Any] = []
    monkeypatch.setattr(network.socket.socket, "connect", lambda _socket, address: reached.append(address[0]))
    CAREFUL.connect("mixed.example", 993, 1).close()
    assert reached == ["2606:4700::1111"]


def test_the_next_address_is_tried_where_one_does_not_answer(names: type[Names], port: int) -> None:
    names(["127.0.0.2", "127.0.0.1"])
    connection = Network().connect("two.example", port, 1)
    assert connection.getpeername() == ("127.0.0.1", port)
    assert connection.gettimeout() == 1
    connection.close()


@pytest.mark.parametrize(
    "host", ["", "a" * 300, "a..b", "mail\0.example", "mail.invalid", "ä" * 80, "a b", "127.0.0.1\r\n"]
)
def test_what_is_no_host_is_not_found(host: str) -> None:
    with pytest.raises(Transient) as caught:
        CAREFUL.connect(host, 993, 1)
    assert caught.value.cause == "host_unknown"


@pytest.mark.parametrize("port", [-1, 0, 70_000])
def test_what_is_no_port_is_an_error_of_ours(port: int) -> None:
    with pytest.raises(Transient):
        Network().connect("127.0.0.1", port, 1)


@pytest.mark.parametrize(
    ("security", "host", "allowed"),
    [
        ("none", "mail.example.com", False),
        ("none", "10.1.2.3", False),
        ("none", "localhost.example.com", False),
        ("none", "127.0.0.1", True),
        ("none", "::1", True),
        ("none", "localhost", True),
        ("starttls", "mail.example.com", True),
        ("ssl", "mail.example.com", True),
    ],
)
def test_passwords_leave_this_machine_encrypted(security: str, host: str, allowed: bool) -> None:
    Network(plain=True).check_encryption(security, host)
    if allowed:
        CAREFUL.check_encryption(security, host)
        return
    with pytest.raises(NotAllowed) as caught:
        CAREFUL.check_encryption(security, host)
    assert caught.value.cause == "not_encrypted"
