"""The ways into Exchange: tokens, service accounts, and the autodiscover service that says which server it is."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from servers.ews import EWSServer

from mail_crm_link.connectors.errors import NotAllowed, ProviderBroken, SignInNeeded, Transient
from mail_crm_link.connectors.ews import EWSConnector, find_server
from mail_crm_link.connectors.ews.autodiscover import MOST_OCTETS
from mail_crm_link.connectors.network import Network

from .contract import Reader
from .corpus import PLAIN
from .ews_mailbox import ADDRESS, EWSMailbox

SERVICES = "https://mail.our.example/EWS/Exchange.asmx"


@pytest.fixture
def server() -> Iterator[EWSMailbox]:
    with EWSServer() as running:
        yield EWSMailbox(running)


# -- tokens ---------------------------------------------------------------------------------------------------------


class Tokens:
    """Gives tokens, and accepts the newest."""

    def __init__(self, service: EWSServer) -> None:
        self.number = 1
        self.accepted = "token-1"
        service.schemes = ("Bearer",)
        service.accepts = lambda token: token == self.accepted

    def __call__(self, fresh: bool) -> str:
        self.number += fresh
        return f"token-{self.number}"


def test_who_has_a_token_needs_no_password(server: EWSMailbox) -> None:
    server.deliver(PLAIN)
    connector = server.connector(password="", token=Tokens(server.service))
    connector.open()
    assert len(Reader(connector).all_added()) == 1


def test_a_token_that_ended_is_renewed_once(server: EWSMailbox) -> None:
    tokens = Tokens(server.service)
    connector = server.connector(password="", token=tokens)
    connector.open()
    reader = Reader(connector)
    server.deliver(PLAIN)
    tokens.accepted = "token-2"
    assert len(reader.all_added()) == 1 and tokens.number == 2


def test_a_token_that_stays_bad_asks_the_owner(server: EWSMailbox) -> None:
    tokens = Tokens(server.service)
    tokens.accepted = ""
    with pytest.raises(SignInNeeded) as caught:
        server.connector(password="", token=tokens).open()
    assert (
        caught.value.cause == "consent_expired" and "token-" not in f"{caught.value} {server.account(token=tokens)!r}"
    )


def test_a_server_that_takes_tokens_alone_says_so(server: EWSMailbox) -> None:
    server.service.schemes = ("Bearer",)
    with pytest.raises(NotAllowed) as caught:
        server.connector().open()
    assert caught.value.cause == "basic_auth_off"


# -- service accounts -----------------------------------------------------------------------------------------------


def test_a_service_account_reads_and_sends_in_the_owner_s_name(server: EWSMailbox) -> None:
    server.service.impersonates = True
    server.service.denied.add(ADDRESS)
    server.deliver(PLAIN)
    account = server.account(impersonates=True)
    connector = EWSConnector(account)
    connector.open()
    assert len(Reader(connector).all_added()) == 1
    assert server.service.acts_as == ADDRESS
    with pytest.raises(NotAllowed) as caught:
        EWSConnector(replace(account, impersonates=False)).open()
    assert caught.value.cause == "access_denied"


def test_an_account_without_that_right_is_refused(server: EWSMailbox) -> None:
    with pytest.raises(NotAllowed) as caught:
        server.connector(impersonates=True).open()
    assert caught.value.cause == "access_denied"


# -- autodiscover ---------------------------------------------------------------------------------------------------


def discovered(server: EWSMailbox, seconds: float = 5, **values: object) -> str:
    """What is found when every host is this machine."""
    return find_server(server.account(**values), f"{server.service.origin}/autodiscover/autodiscover.xml", seconds)


@pytest.mark.parametrize("scheme", ["Basic", "NTLM"])
def test_the_server_is_told_to_who_signs_in(server: EWSMailbox, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    if scheme == "NTLM":
        server.service.use_ntlm(monkeypatch.setenv)
    server.service.autodiscover[ADDRESS] = SERVICES
    assert discovered(server) == SERVICES


def test_another_address_and_another_server_are_asked(server: EWSMailbox) -> None:
    with EWSServer() as other:
        other.autodiscover["anna@within.example"] = SERVICES
        server.service.autodiscover = {
            ADDRESS: "anna@within.example",
            "anna@within.example": f"url:{other.origin}/autodiscover/autodiscover.xml",
        }
        assert discovered(server) == SERVICES


def test_a_redirect_is_followed_and_circles_are_left(server: EWSMailbox) -> None:
    with EWSServer() as other:
        other.autodiscover[ADDRESS] = SERVICES
        server.service.autodiscover_page = (302, f"{other.origin}/autodiscover/autodiscover.xml", b"")
        assert discovered(server) == SERVICES
    server.service.autodiscover_page = (302, f"{server.service.origin}/autodiscover/autodiscover.xml", b"")
    with pytest.raises(ProviderBroken):
        discovered(server)


def test_redirects_obey_the_rules_of_the_network(server: EWSMailbox) -> None:
    server.service.autodiscover_page = (302, "http://10.1.2.3/autodiscover/autodiscover.xml", b"")
    port = int(server.service.origin.rpartition(":")[2])
    network = Network(trusted=(("127.0.0.1", port),), private=False)
    with pytest.raises(NotAllowed) as caught:
        discovered(server, network=network)
    assert caught.value.cause == "host_private"
    with pytest.raises(NotAllowed) as caught:
        discovered(server, network=replace(network, plain=False))
    assert caught.value.cause == "not_encrypted"


def test_this_machine_itself_is_asked_for_nothing(server: EWSMailbox) -> None:
    server.service.autodiscover[ADDRESS] = SERVICES
    with pytest.raises(NotAllowed) as caught:
        discovered(server, network=Network(private=False, local=True))
    assert caught.value.cause == "host_private"


def test_a_wrong_password_is_tried_once(server: EWSMailbox) -> None:
    server.service.autodiscover[ADDRESS] = SERVICES
    with pytest.raises(SignInNeeded) as caught:
        discovered(server, password="guessed")
    assert caught.value.cause == "wrong_password" and "guessed" not in str(caught.value)


@pytest.mark.parametrize(
    "page",
    [
        None,
        (200, "", b"<html><p>Welcome"),
        (404, "", b""),
        (200, "", b"<x/>" + b" " * MOST_OCTETS),
        (200, "", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'),
    ],
    ids=["nobody is known", "a web page", "nothing", "too much", "an entity"],
)
def test_what_names_no_server_is_no_server(server: EWSMailbox, page: tuple[int, str, bytes] | None) -> None:
    server.service.autodiscover_page = page
    with pytest.raises(ProviderBroken) as caught:
        discovered(server)
    assert caught.value.cause == "not_exchange"


def test_who_does_not_answer_is_not_waited_for(server: EWSMailbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Transient) as caught:
            find_server(server.account(), f"http://127.0.0.1:{silent.getsockname()[1]}/", seconds=1)
    assert time.monotonic() - began < 3 and caught.value.cause == "timeout"
