"""Finding servers, against a name server, web servers and mail servers on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from servers.dripping import IN_THE_BODY, IN_THE_HEADER, dripping
from servers.internet import Internet, over_tls, silent, starting_tls

from mail_crm_link.connectors.discovery import Discovery, DomainNames, Server, known_provider, provider_of_host
from mail_crm_link.connectors.discovery.providers import KNOWN
from mail_crm_link.connectors.discovery.web import Unanswered, Web
from mail_crm_link.connectors.network import Network

DOMAIN = "mill.example"
ADDRESS = f"anna@{DOMAIN}"
NAMES = (DOMAIN, f"*.{DOMAIN}", "*.hoster.example", "list.example")
OWN_FILE = f"https://autoconfig.{DOMAIN}/mail/config-v1.1.xml"
LIST = "https://list.example/v1.1/"


@pytest.fixture
def internet() -> Iterator[Internet]:
    with Internet(*NAMES) as running:
        yield running


def search(internet: Internet, **options: Any) -> Discovery:
    names = DomainNames(internet.resolver())
    return Discovery(internet.network, names, internet.trust(), ispdb=LIST, **options)


def file(*servers: str) -> str:
    return f'<clientConfig version="1.1"><emailProvider id="x">{"".join(servers)}</emailProvider></clientConfig>'


def server(
    kind: str, host: str, port: int, socket_type: str = "SSL", user: str = "%EMAILADDRESS%", type_: str = ""
) -> str:
    protocol = type_ or {"incoming": "imap", "outgoing": "smtp"}[kind]
    return (
        f'<{kind}Server type="{protocol}"><hostname>{host}</hostname><port>{port}</port>'
        f"<socketType>{socket_type}</socketType><username>{user}</username>"
        f"<authentication>password-cleartext</authentication></{kind}Server>"
    )


BOTH = (server("incoming", "imap.%EMAILDOMAIN%", 993), server("outgoing", "smtp.mill.example", 587, "STARTTLS"))


# -- known domains ------------------------------------------------------------------------------------------------


def test_every_known_provider_is_found_by_each_of_its_domains_without_a_network() -> None:
    nowhere = Discovery(Network(allowed=("nothing.invalid",)))
    for provider in KNOWN:
        for domain in provider.domains:
            found = nowhere.find(f"Anna.Meyer@{domain.upper()}")
            assert found is not None and found.provider is provider and found.source == "known", domain
            assert found.login == f"Anna.Meyer@{domain.upper()}"


def test_known_servers_are_encrypted_and_their_keys_and_domains_unique() -> None:
    assert len({provider.key for provider in KNOWN}) == len(KNOWN)
    domains = [domain for provider in KNOWN for domain in provider.domains]
    assert len(set(domains)) == len(domains)
    for provider in KNOWN:
        servers = (provider.incoming, provider.outgoing)
        assert all(server and server.security != "none" for server in servers) or provider.sign_in == "impossible"
        assert provider.help_url.startswith("https://") or provider.sign_in == "password"


def test_a_tenant_of_microsoft_is_microsoft() -> None:
    provider = known_provider("mill.onmicrosoft.com")
    assert provider is not None and provider.key == "microsoft365"


def test_a_known_server_tells_whose_it_is() -> None:
    provider = provider_of_host("IMAP.gmail.com")
    assert provider is not None and provider.key == "gmail"
    assert provider_of_host("imap.mill.example") is None


@pytest.mark.parametrize("text", ["", "anna", "anna@", "@mill.example", "anna@mill", f"anna@{'x' * 70}.example"])
def test_what_is_no_address_is_not_searched_for(text: str) -> None:
    with pytest.raises(ValueError):
        Discovery(Network()).find(text)


# -- records ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exchanger", "key"),
    [
        ("aspmx.l.google.com.", "gmail"),
        ("smtp.google.com.", "gmail"),
        ("mill-example.mail.protection.outlook.com.", "microsoft365"),
        ("mill-example.a-v1.mx.microsoft.", "microsoft365"),
        ("mill-example.olc.protection.outlook.com.", "outlook"),
        ("mx00.kundenserver.de.", "ionos_de"),
        ("smtpin.rzone.de.", "strato"),
        ("in1-smtp.messagingengine.com.", "fastmail"),
        ("mx.zoho.eu.", "zoho_eu"),
        ("mx.zoho.com.", "zoho"),
        ("mail.protonmail.ch.", "proton"),
        ("mx02.mail.icloud.com.", "icloud"),
    ],
)
def test_the_mx_record_tells_who_serves_a_company(internet: Internet, exchanger: str, key: str) -> None:
    internet.records[DOMAIN, "MX"] = ["20 backup.mill.example.", f"10 {exchanger}"]
    found = search(internet).find(ADDRESS)
    assert found is not None and found.provider is not None
    assert (found.provider.key, found.source) == (key, "mx")


def test_service_records_name_the_servers(internet: Internet) -> None:
    internet.records[f"_imaps._tcp.{DOMAIN}", "SRV"] = [
        "20 1 993 second.mill.example.",
        "10 1 1993 first.mill.example.",
    ]
    internet.records[f"_submission._tcp.{DOMAIN}", "SRV"] = ["0 1 587 out.mill.example."]
    found = search(internet).find(ADDRESS)
    assert found is not None
    assert found.incoming == Server("first.mill.example", 1993, "ssl")
    assert found.outgoing == Server("out.mill.example", 587, "starttls")
    assert (found.source, found.login) == ("srv", ADDRESS)


def test_a_service_record_can_say_that_there_is_none(internet: Internet) -> None:
    internet.records[f"_imaps._tcp.{DOMAIN}", "SRV"] = ["0 0 0 ."]
    internet.records[f"_imap._tcp.{DOMAIN}", "SRV"] = ["0 0 143 imap.mill.example."]
    found = search(internet).find(ADDRESS)
    assert found is not None and found.incoming == Server("imap.mill.example", 143, "starttls")


# -- autoconfig ---------------------------------------------------------------------------------------------------


def test_the_domains_own_file_is_read(internet: Internet) -> None:
    internet.web(f"autoconfig.{DOMAIN}")
    pop = server("incoming", "pop.mill.example", 995, type_="pop3")
    plain = server("incoming", "old.mill.example", 143, "plain")
    internet.page(OWN_FILE, file(pop, plain, server("incoming", "imap.%EMAILDOMAIN%", 993, user="%EMAILLOCALPART%")))
    internet.mail_server(f"smtp.{DOMAIN}", 465, over_tls(b"220 smtp.mill.example"))
    found = search(internet).find(ADDRESS)
    assert found is not None
    assert found.incoming == Server("imap.mill.example", 993, "ssl")
    assert (found.login, found.source) == ("anna", "autoconfig")
    assert found.outgoing == Server("smtp.mill.example", 465, "ssl"), "what the file does not name is tried out"
    assert f"{OWN_FILE}?emailaddress=anna%40mill.example" in internet.asked


def test_the_file_may_be_at_its_well_known_place_behind_a_redirect(internet: Internet) -> None:
    internet.web(DOMAIN, f"www.{DOMAIN}")
    well_known = "/.well-known/autoconfig/mail/config-v1.1.xml"
    internet.page(f"https://{DOMAIN}{well_known}", "", 301, Location=f"https://www.{DOMAIN}{well_known}")
    internet.page(f"https://www.{DOMAIN}{well_known}", file(*BOTH))
    found = search(internet).find(ADDRESS)
    assert found is not None and found.outgoing == Server("smtp.mill.example", 587, "starttls")


def test_a_redirect_to_an_unencrypted_page_is_not_followed(internet: Internet) -> None:
    internet.web(f"autoconfig.{DOMAIN}")
    internet.web(f"www.{DOMAIN}", scheme="http")
    internet.page(OWN_FILE, "", 302, Location=f"http://www.{DOMAIN}/file.xml")
    internet.page(f"http://www.{DOMAIN}/file.xml", file(*BOTH))
    assert search(internet, seconds=3).find(ADDRESS) is None


def test_a_redirect_to_this_machine_itself_is_not_followed(internet: Internet) -> None:
    internet.web("first", scheme="http")
    internet.web("second", scheme="http")
    first, second = internet.network.places.values()
    web = Web(Network(trusted=(("127.0.0.1", first),), private=False, local=True))
    internet.page(f"http://127.0.0.1:{first}/file", "", 302, Location=f"http://localhost:{second}/shutdown")
    with pytest.raises(Unanswered):
        web.get(f"http://127.0.0.1:{first}/file", 3)
    assert internet.asked == [f"http://127.0.0.1:{first}/file"]


def test_a_file_without_encryption_counts_for_servers_of_the_domain_only(internet: Internet) -> None:
    internet.web(f"autoconfig.{DOMAIN}", scheme="http")
    place = f"http://autoconfig.{DOMAIN}/mail/config-v1.1.xml"
    internet.page(place, file(server("incoming", "imap.stranger.example", 993), BOTH[1]))
    assert search(internet, seconds=3).find(ADDRESS) is None
    internet.page(place, file(*BOTH))
    found = search(internet).find(ADDRESS)
    assert found is not None and found.source == "autoconfig"


def test_the_list_of_providers_hears_of_the_domain_and_not_of_the_person(internet: Internet) -> None:
    internet.web("list.example")
    internet.page(f"{LIST}{DOMAIN}", file(*BOTH))
    found = search(internet).find(ADDRESS)
    assert found is not None and found.source == "ispdb"
    assert all("anna" not in address for address in internet.asked if "list.example" in address)


def test_the_list_may_know_the_company_that_takes_the_mail(internet: Internet) -> None:
    internet.records[DOMAIN, "MX"] = ["10 mx1.hoster.example."]
    internet.web("list.example")
    internet.page(f"{LIST}hoster.example", file(server("incoming", "imap.hoster.example", 993)))
    found = search(internet).find(ADDRESS)
    assert found is not None and found.incoming == Server("imap.hoster.example", 993, "ssl")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Not found</html>",
        b"<clientConfig>",
        b'<!DOCTYPE x [<!ENTITY a "imap.mill.example">]>' + file(server("incoming", "&a;", 993)).encode(),
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + file(server("incoming", "&a;", 993)).encode(),
        file(server("incoming", "imap.mill.example", 99999)).encode(),
        file(server("incoming", "imap.mill.example", 143, "plain")).encode(),
        b"x" * 300_000,
    ],
    ids=["empty", "page", "broken", "entity", "file", "port", "plain", "large"],
)
def test_a_file_that_is_none_is_none(internet: Internet, body: bytes) -> None:
    internet.web(f"autoconfig.{DOMAIN}")
    internet.page(OWN_FILE, body)
    assert search(internet, seconds=3).find(ADDRESS) is None


# -- Exchange -----------------------------------------------------------------------------------------------------


def test_an_exchange_server_tells_its_web_services(internet: Internet) -> None:
    internet.web(f"autodiscover.{DOMAIN}")
    answer = '{"Protocol":"EWS","Url":"https://mail.mill.example/EWS/Exchange.asmx"}'
    internet.page(f"https://autodiscover.{DOMAIN}/autodiscover/autodiscover.json", answer)
    found = search(internet).find(ADDRESS)
    assert found is not None
    assert (found.connector, found.exchange, found.source) == ("ews", "mail.mill.example", "autodiscover")


def test_an_older_exchange_server_shows_itself_by_its_sign_in(internet: Internet) -> None:
    internet.web(DOMAIN)
    internet.page(f"https://{DOMAIN}/autodiscover/autodiscover.xml", "", 401, WWW_Authenticate="NTLM")
    found = search(internet).find(ADDRESS)
    assert found is not None and (found.connector, found.exchange) == ("ews", DOMAIN)


def test_another_web_server_with_a_sign_in_is_no_exchange(internet: Internet) -> None:
    internet.web(DOMAIN)
    internet.page(f"https://{DOMAIN}/autodiscover/autodiscover.xml", "", 401, WWW_Authenticate='Basic realm="Shop"')
    assert search(internet, seconds=3).find(ADDRESS) is None


def test_an_exchange_that_moved_online_is_microsoft_365(internet: Internet) -> None:
    internet.records[f"_autodiscover._tcp.{DOMAIN}", "SRV"] = ["0 0 443 exchange.mill.example."]
    internet.web(f"exchange.{DOMAIN}")
    answer = '{"Protocol":"EWS","Url":"https://outlook.office365.com/EWS/Exchange.asmx"}'
    internet.page(f"https://exchange.{DOMAIN}/autodiscover/autodiscover.json", answer)
    found = search(internet).find(ADDRESS)
    assert found is not None and found.provider is not None and found.provider.key == "microsoft365"


def test_an_unencrypted_redirect_names_a_server_and_no_more(internet: Internet) -> None:
    internet.web(f"autodiscover.{DOMAIN}", scheme="http")
    internet.web(f"hoster.{DOMAIN}")
    place = f"http://autodiscover.{DOMAIN}/autodiscover/autodiscover.xml"
    internet.page(place, "", 302, Location="https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml")
    found = search(internet).find(ADDRESS)
    assert found is not None and found.provider is not None and found.provider.key == "microsoft365"
    internet.page(place, "", 302, Location=f"https://hoster.{DOMAIN}/autodiscover/autodiscover.xml")
    internet.page(f"https://hoster.{DOMAIN}/autodiscover/autodiscover.xml", "", 401, WWW_Authenticate="NTLM")
    found = search(internet).find(ADDRESS)
    assert found is not None and (found.connector, found.exchange) == ("ews", f"hoster.{DOMAIN}")
    internet.page(place, "", 302, Location=f"http://hoster.{DOMAIN}/autodiscover/autodiscover.xml")
    assert search(internet, seconds=3).find(ADDRESS) is None


# -- guesses ------------------------------------------------------------------------------------------------------


def test_usual_names_count_when_they_answer(internet: Internet) -> None:
    internet.mail_server(f"mail.{DOMAIN}", 993, over_tls(b"* OK ready"))
    internet.mail_server(f"imap.{DOMAIN}", 143, starting_tls(b"* OK ready", b"a OK begin TLS"))
    internet.mail_server(f"smtp.{DOMAIN}", 587, starting_tls(b"220 ready", b"250-hello\r\n250 STARTTLS", b"220 go"))
    found = search(internet).find(ADDRESS)
    assert found is not None and found.source == "guess"
    assert found.incoming == Server("mail.mill.example", 993, "ssl"), "TLS from the start comes before STARTTLS"
    assert found.outgoing == Server("smtp.mill.example", 587, "starttls")


def test_a_guess_needs_a_certificate_for_its_name_and_the_right_protocol(internet: Internet) -> None:
    with Internet("other.example") as stranger:
        stranger.mail_server(f"imap.{DOMAIN}", 993, over_tls(b"* OK ready"))
        internet.network.places.update(stranger.network.places)
        internet.mail_server(f"mail.{DOMAIN}", 993, over_tls(b"220 a web server"))
        internet.mail_server(f"mail.{DOMAIN}", 143, starting_tls(b"* OK ready", b"a NO not here"))
        assert search(internet, seconds=3).find(ADDRESS) is None


@pytest.mark.parametrize("said", [IN_THE_HEADER, IN_THE_BODY])
def test_an_answer_that_comes_too_slowly_is_none(said: bytes) -> None:
    began = time.monotonic()
    with dripping(said) as origin, pytest.raises(Unanswered):
        Web(Network()).get(origin, 0.5)
    assert time.monotonic() - began < 2


def test_silent_servers_do_not_hold_the_search_up(internet: Internet) -> None:
    for host in (f"autoconfig.{DOMAIN}", DOMAIN, f"autodiscover.{DOMAIN}", "list.example"):
        internet.mail_server(host, 443, silent)
    for host in (f"imap.{DOMAIN}", f"mail.{DOMAIN}", DOMAIN):
        internet.mail_server(host, 993, silent)
    start = time.monotonic()
    assert search(internet, seconds=2).find(ADDRESS) is None
    assert time.monotonic() - start < 2.5


def test_what_is_known_early_is_not_held_up_by_what_is_trusted_less(internet: Internet) -> None:
    internet.mail_server(f"imap.{DOMAIN}", 993, silent)
    internet.records[DOMAIN, "MX"] = ["10 aspmx.l.google.com."]
    start = time.monotonic()
    assert search(internet).find(ADDRESS)
    assert time.monotonic() - start < 2


def test_hosts_within_a_private_network_are_not_asked(internet: Internet) -> None:
    """With the real rules for servers: every name here resolves to loopback."""
    internet.web("localhost")
    names = DomainNames(internet.resolver())
    private = Network(private=False)
    internet.records["_imaps._tcp.x.localhost", "SRV"] = []
    assert Discovery(private, names, internet.trust(), seconds=3).find("anna@x.localhost") is None
    assert internet.asked == []
