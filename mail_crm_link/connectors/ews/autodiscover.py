"""The web services of an address, as its company's autodiscover service tells them to who signs in there.

POX autodiscover ([MS-OXDSCLI], https://learn.microsoft.com/exchange/client-developer/exchange-web-services/pox-autodiscover)::

    autodiscover.company.com, company.com ─ who asks without a sign-in is told how to sign in
                    │
                    └─ signed in ─► settings ──► address of the web services
                                 ─► redirectUrl, 302 ──► ask there
                                 ─► redirectAddr ──► ask for that address

Servers of 2016 and later tell it without a password, see ``connectors.discovery``; this is the way of the older ones.
The password goes to hosts of the address's own domain that show its certificate, and to where these lead by https.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from .. import http
from ..errors import ConnectorError, NotAllowed, ProviderBroken, SignInNeeded, Transient
from . import xml
from .session import Account, guarded_session

SECONDS = 9.0
"""For all hosts together, so that whoever waits has an answer within ten."""

MOST_OCTETS = 256 * 1024
MOST_REDIRECTS = 5
ADDRESS = "https://{host}/autodiscover/autodiscover.xml"

_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
_NAMESPACES = {"o": f"{_OUTLOOK}/responseschema/2006a"}
# From outside and from within the company's network; the names of mail programs' protocols.
_PROTOCOLS = ("EXPR", "EXCH")
_REDIRECTS = (301, 302, 307, 308)


def find(account: Account, address: str = ADDRESS, seconds: float = SECONDS) -> str:
    """The address of the web services.

    :param account: who asks; its ``server`` does not matter
    :param address: of the service at a ``{host}``
    :raises SignInNeeded: a service is there and refuses the sign-in
    :raises ConnectorError: there is no service, or it does not say
    """
    began = time.monotonic()
    domain = account.mailbox.rpartition("@")[2]
    try:
        # What hangs leaves time for the other.
        first = _Search(account, began + seconds * 0.6)
        return first.ask(address.format(host=f"autodiscover.{domain}"), account.mailbox)
    except SignInNeeded:
        # Every further try counts for the lock of the account.
        raise
    except ConnectorError:
        return _Search(account, began + seconds).ask(address.format(host=domain), account.mailbox)


class _Search:
    """The way from one host to the settings."""

    def __init__(self, account: Account, deadline: float) -> None:
        self._account = account
        self._deadline = deadline
        self._steps = MOST_REDIRECTS

    def ask(self, url: str, mailbox: str) -> str:
        """The address of the web services of ``mailbox``, by the service at ``url``."""
        self._steps -= 1
        if self._steps < 0:
            raise ProviderBroken("Autodiscover leads around in circles", url, cause="not_exchange")
        status, location, body = self._answer(url, _request(mailbox))
        if status in _REDIRECTS and location:
            return self.ask(self._led(url, urljoin(url, location)), mailbox)
        response = _response(url, status, body)
        if elsewhere := _text(response, "RedirectUrl"):
            return self.ask(self._led(url, elsewhere), mailbox)
        if other := _text(response, "RedirectAddr"):
            return self.ask(url, other)
        return _services(url, response)

    @staticmethod
    def _led(url: str, target: str) -> str:
        """:raises NotAllowed: the password would leave unencrypted"""
        if urlsplit(target).scheme != "https" and urlsplit(url).scheme == "https":
            raise NotAllowed("Autodiscover leads away from https", target, cause="not_encrypted")
        return target

    def _answer(self, url: str, request: bytes) -> tuple[int, str, bytes]:
        """Status, where it leads, and content."""
        host = replace(self._account, server=url)
        host.check()
        fuse = http.Fuse()
        session = guarded_session(host, fuse)
        session.verify = host.verify
        try:
            with fuse.burning(self._left):
                return self._asked(session, host, url, request)
        except (OSError, ValueError) as error:
            raise http.failure(error, host.host) from error
        finally:
            session.close()
            fuse.close()

    def _asked(self, session: Any, host: Account, url: str, request: bytes) -> tuple[int, str, bytes]:
        response = self._post(session, url, request)
        if response.status_code == 401:
            session.auth = self._sign_in(response)
            response = self._post(session, url, request)
        if response.status_code == 401:
            raise SignInNeeded(f"{host.host} refused the sign-in", cause="wrong_password")
        body = b"".join(self._bounded(response))
        return response.status_code, response.headers.get("Location", ""), body

    @property
    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _post(self, session: Any, url: str, request: bytes) -> Any:
        left = self._left
        if left <= 0:
            raise Transient("Autodiscover takes too long", url, cause="timeout")
        return session.post(url, data=request, timeout=left, allow_redirects=False, stream=True)

    def _sign_in(self, response: Any) -> Any:
        """The best of the ways to sign in that are offered."""
        list(self._bounded(response))  # NTLM goes on on the same connection
        transport = http.library("exchangelib.transport")
        try:
            kind = transport.get_auth_method_from_response(response)
        except http.library("exchangelib.errors").UnauthorizedError as error:
            raise NotAllowed("The server takes no passwords", str(error), cause="basic_auth_off") from error
        return transport.get_auth_instance(kind, username=self._account.login, password=self._account.password)

    def _bounded(self, response: Any) -> Iterator[bytes]:
        octets = 0
        for chunk in response.iter_content(16 * 1024):
            octets += len(chunk)
            if octets > MOST_OCTETS or time.monotonic() > self._deadline:
                raise ProviderBroken("Autodiscover answers too much or too slowly", cause="not_exchange")
            yield chunk


def _request(mailbox: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{_OUTLOOK}/requestschema/2006"><Request>'
        f"<EMailAddress>{xml.text(mailbox)}</EMailAddress><AcceptableResponseSchema>{_NAMESPACES['o']}"
        "</AcceptableResponseSchema></Request></Autodiscover>"
    ).encode()


def _response(url: str, status: int, body: bytes) -> Any:
    """:raises ProviderBroken: it is none"""
    etree = http.library("lxml.etree")
    try:
        # Entities of a foreign document are not looked up.
        found = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ProviderBroken("There is no autodiscover service", f"{url}: {status}", cause="not_exchange") from error
    return found


def _text(response: Any, name: str) -> str:
    found = response.findtext(f".//o:Account/o:{name}", "", _NAMESPACES)
    return str(found).strip()


def _services(url: str, response: Any) -> str:
    """:raises ProviderBroken: there are none; the server says why"""
    addresses = {
        protocol.findtext("o:Type", "", _NAMESPACES): protocol.findtext("o:EwsUrl", "", _NAMESPACES)
        for protocol in response.iterfind(".//o:Account/o:Protocol", _NAMESPACES)
    }
    found = next((addresses[name] for name in _PROTOCOLS if addresses.get(name)), "")
    if not found:
        said = " ".join(each.text or "" for each in response.iter() if str(each.tag).endswith("}Message"))
        raise ProviderBroken("Autodiscover names no web services", f"{url}: {said}", cause="not_exchange")
    return str(found).strip()
