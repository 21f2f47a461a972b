"""Exchange servers, by autodiscover: the part of it that answers without a password.

Exchange 2016 and later tell the address of their web services as JSON (``autodiscover.json``, protocol ``EWS``); older
ones only show themselves by the sign-in that ``autodiscover.xml`` demands.
"""

from __future__ import annotations

import json
from urllib.parse import quote, urlsplit

from .providers import KNOWN
from .servers import Address, Found, lies_below
from .web import Answer, Unanswered, Web

_JSON = "https://{host}/autodiscover/autodiscover.json?Email={address}&Protocol=EWS&RedirectCount=1"
_XML = "https://{host}/autodiscover/autodiscover.xml"
_PLAIN = "http://autodiscover.{domain}/autodiscover/autodiscover.xml"
_ONLINE = ("outlook.com", "office365.com", "office.com", "office365.us", "partner.outlook.cn")
# What Exchange offers for the sign-in; a web server with another login page offers Basic at most.
_WINDOWS_SIGN_IN = ("ntlm", "negotiate")


def hosts(address: Address) -> list[str]:
    """Where the service of a domain may be."""
    return [f"autodiscover.{address.domain}", address.domain]


def ask(web: Web, address: Address, host: str, seconds: float) -> Found | None:
    """What the autodiscover service at ``host`` says, if there is one."""
    try:
        answer = web.get(_JSON.format(host=host, address=quote(address.text)), seconds)
        server = _exchange_host(answer)
        if server:
            return _found(server, address)
        answer = web.get(_XML.format(host=host), seconds)
    except Unanswered:
        return None
    return _found(host, address) if _is_exchange(answer) else None


def ask_unencrypted(web: Web, address: Address, seconds: float) -> Found | None:
    """What the service says that a redirect leads to which anybody on the way could have written.

    So the domain points at a server whose certificate is not for the domain, as Microsoft 365 has it ([MS-OXDISCO],
    3.1.5.4). People are shown the server before they enter a password.
    """
    try:
        target = urlsplit(web.location(_PLAIN.format(domain=address.domain), seconds))
    except (Unanswered, ValueError):
        return None
    if target.scheme != "https" or not target.hostname:
        return None
    found = _found(target.hostname, address)
    return found if found.provider else ask(web, address, target.hostname, seconds)


def _exchange_host(answer: Answer) -> str:
    try:
        described = json.loads(answer.body)
        return urlsplit(described["Url"]).hostname or ""
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _is_exchange(answer: Answer) -> bool:
    return answer.status == 401 and any(
        challenge.lower().startswith(_WINDOWS_SIGN_IN) for challenge in answer.challenges
    )


def _found(server: str, address: Address) -> Found:
    if any(lies_below(server, domain) for domain in _ONLINE):
        online = next(provider for provider in KNOWN if provider.key == "microsoft365")
        return online.found(address.text, "autodiscover")
    return Found("ews", None, None, address.text, "autodiscover", exchange=server)
