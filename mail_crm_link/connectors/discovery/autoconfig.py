"""Thunderbird's configuration files (draft-ietf-mailmaint-autoconfig), of the domain itself and of Thunderbird's list.

The domain's own file may come without encryption, as the draft has it. Whoever sits in between could then name servers
of theirs, so such a file counts only as far as its servers belong to the domain and are encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from lxml import etree

from ..mail_server import Security
from .providers import provider_of_host
from .servers import Address, Found, Server, Source, lies_below
from .web import Unanswered, Web

ISPDB = "https://autoconfig.thunderbird.net/v1.1/"
_OWN = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)
_OWN_UNENCRYPTED = "http://autoconfig.{domain}/mail/config-v1.1.xml"

_SECURITY: dict[str, Security] = {"SSL": "ssl", "STARTTLS": "starttls"}
_AUTHENTICATION = {"password-cleartext", "password-encrypted", "plain", "secure", "oauth2", ""}


@dataclass(frozen=True, slots=True)
class _Entry:
    server: Server
    login: str


def own_addresses(address: Address) -> list[str]:
    """Where the file of the address's own domain may be, with encryption."""
    return [place.format(domain=address.domain, address=quote(address.text)) for place in _OWN]


def of_domain(web: Web, address: Address, place: str, seconds: float) -> Found | None:
    """What the domain's own file says, at one of ``own_addresses``."""
    return _download(web, address, place, seconds, "autoconfig")


def of_domain_unencrypted(web: Web, address: Address, seconds: float) -> Found | None:
    """What the domain's own file says, downloaded without encryption; nothing if it leads away from the domain."""
    found = _download(web, address, _OWN_UNENCRYPTED.format(domain=address.domain), seconds, "autoconfig")
    if found is None or not all(lies_below(server.host, address.domain) for server in _servers(found)):
        return None
    return found


def of_list(web: Web, address: Address, domain: str, seconds: float, ispdb: str = ISPDB) -> Found | None:
    """What Thunderbird's list of providers says of a domain; only the domain's name goes there."""
    return _download(web, address, ispdb + quote(domain), seconds, "ispdb")


def _servers(found: Found) -> list[Server]:
    return [server for server in (found.incoming, found.outgoing) if server]


def _download(web: Web, address: Address, place: str, seconds: float, source: Source) -> Found | None:
    try:
        answer = web.get(place, seconds)
    except Unanswered:
        return None
    return parse(answer.body, address, source) if answer.status == 200 else None


def parse(xml: bytes, address: Address, source: Source) -> Found | None:
    """What a configuration file says; ``None`` if it is none, or names no encrypted IMAP server.

    The file comes from strangers: no entities, no DTD, nothing from the network.
    """
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    incoming = next(_entries(root, "incomingServer", "imap", address), None)
    if incoming is None:
        return None
    outgoing = next(_entries(root, "outgoingServer", "smtp", address), None)
    provider = provider_of_host(incoming.server.host)
    return Found(
        provider.connector if provider else "imap",
        incoming.server,
        outgoing.server if outgoing else None,
        incoming.login,
        source,
        provider,
    )


def _entries(root: etree._Element, tag: str, kind: str, address: Address) -> Iterator[_Entry]:
    """Usable servers, in the order that the provider prefers."""
    for element in root.iterfind(f"emailProvider/{tag}"):
        if element.get("type", "").lower() != kind:
            continue
        security = _SECURITY.get(_text(element, "socketType", address).upper())
        host, port = _text(element, "hostname", address), _text(element, "port", address)
        methods = {(each.text or "").strip().lower() for each in element.iterfind("authentication")} or {""}
        if security and host and port.isdecimal() and 0 < int(port) < 65536 and methods & _AUTHENTICATION:
            yield _Entry(Server(host.lower(), int(port), security), _text(element, "username", address) or address.text)


def _text(element: etree._Element, tag: str, address: Address) -> str:
    text = (element.findtext(tag) or "").strip()
    for placeholder, value in (
        ("%EMAILADDRESS%", address.text),
        ("%EMAILLOCALPART%", address.local),
        ("%EMAILDOMAIN%", address.domain),
    ):
        text = text.replace(placeholder, value)
    return text
