"""An authorization server on this machine, written from RFC 6749, 7009 and 7636 and the providers' pages on them.

Whoever comes to ``/authorize`` is sent back at once, as ``plan`` says what the person did there.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .web_service import WebHandler, WebService


@dataclass
class Grant:
    """What a code or a refresh token stands for."""

    account: str
    scope: str
    challenge: str = ""
    redirect: str = ""


@dataclass
class AuthorizationServer(WebService):
    """Use as a context manager; settings may be changed while it runs.

    :param account: who signs in there
    :param plan: ``consent``, ``refuse``, ``forbidden`` (by the organisation), ``expired`` (its code is too old)
        or ``fewer`` (one right left out)
    :param visits: ``plan`` and ``account`` of the next visits, where they are others
    :param replays: the browser brings the answer back twice, as by a click on "back"
    :param rotates: each refresh makes the refresh token void and gives another
    :param faults: answers of the token endpoint before it works again: (status, headers)
    """

    account: str = "anna@our.example"
    client_id: str = "client-1"
    client_secret: str = "secret-1"
    redirects: set[str] = field(default_factory=set)
    plan: str = "consent"
    visits: list[dict[str, str]] = field(default_factory=list)
    rotates: bool = False
    replays: bool = False
    lifetime: float = 3600.0
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    codes: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    access_tokens: dict[str, Grant] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    service_accounts: dict[str, RSAPublicKey] = field(default_factory=dict)
    domain: str = "our.example"
    returned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self.origin

    def take_back(self) -> None:
        """The owner takes every consent back in the account's settings."""
        self.refresh_tokens.clear()
        self.access_tokens.clear()

    def forget_access(self) -> None:
        """All access tokens expire; the consent stays."""
        self.access_tokens.clear()

    # -- what the endpoints do ----------------------------------------------------------------------------------

    def authorize(self, query: dict[str, str]) -> tuple[int, str]:
        """Status, and where the browser goes or what is wrong with the request."""
        self.asked.append(query)
        redirect = query.get("redirect_uri", "")
        if query.get("client_id") != self.client_id:
            return 401, "invalid_client"
        if redirect not in self.redirects:
            return 400, "redirect_uri_mismatch"
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            return 400, "invalid_request"
        answer = self._answer(query)
        back = f"{redirect}?{urlencode({**answer, 'state': query.get('state', '')})}"
        self.returned.append(back)
        return 302, back

    def _answer(self, query: dict[str, str]) -> dict[str, str]:
        visit = {"plan": self.plan, "account": self.account, **(self.visits.pop(0) if self.visits else {})}
        plan = visit["plan"]
        if plan == "refuse":
            return {"error": "access_denied"}
        if plan == "forbidden":
            # https://learn.microsoft.com/entra/identity-platform/reference-error-codes
            words = "AADSTS90094: The grant requires administrator permissions."
            return {"error": "access_denied", "error_description": words}
        scope = query["scope"]
        if plan == "fewer":
            scope = scope.rpartition(" ")[0]
        code = f"code-{next(self._numbers)}"
        if plan != "expired":
            self.codes[code] = Grant(visit["account"], scope, query["code_challenge"], query["redirect_uri"])
        return {"code": code, "scope": scope}

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and content of the token endpoint's answer."""
        with self._lock:
            self.calls[form.get("grant_type", "")] += 1
            if self.faults:
                status, headers = self.faults.pop(0)
                return status, headers, {}
            return self._token(form)

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, str], dict[str, Any]]:
        if form.get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return self._assert(form.get("assertion", ""))
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return 401, {}, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            return self._redeem(form)
        if form["grant_type"] == "refresh_token":
            return self._refresh(form)
        if form["grant_type"] == "client_credentials":
            return 200, {}, self._tokens(Grant("", form["scope"]), False)
        return 400, {}, {"error": "unsupported_grant_type"}

    def _assert(self, assertion: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        """RFC 7523: a service account speaks for one of the accounts of its domain."""
        signed, _dot, signature = assertion.rpartition(".")
        claims = json.loads(_unpadded(signed.split(".")[1]))
        key = self.service_accounts.get(claims["iss"])
        try:
            assert key is not None and claims["aud"] == f"{self.url}/token" and claims["exp"] > time.time()
            key.verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (AssertionError, InvalidSignature):
            return 400, {}, {"error": "invalid_grant", "error_description": "Invalid JWT"}
        if not claims["sub"].endswith(f"@{self.domain}"):
            return 401, {}, {"error": "unauthorized_client"}
        return 200, {}, self._tokens(Grant(claims["sub"], claims["scope"]), False)

    def _redeem(self, form: dict[str, str]) -> tuple[int, dict[str, str], dict[str, Any]]:
        grant = self.codes.pop(form["code"], None)
        if grant is None or grant.redirect != form.get("redirect_uri"):
            return 400, {}, {"error": "invalid_grant", "error_description": "Bad Request"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != grant.challenge:
            return 400, {}, {"error": "invalid_grant", "error_description": "Invalid code verifier."}
        return 200, {}, {**self._tokens(grant, True), "id_token": self._id_token(grant)}

    def _refresh(self, form: dict[str, str]) -> tuple[int, dict[str, str], dict[str, Any]]:
        grant = self.refresh_tokens.get(form["refresh_token"])
        if grant is None:
            return 400, {}, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        if self.rotates:
            del self.refresh_tokens[form["refresh_token"]]
        return 200, {}, self._tokens(grant, self.rotates)

    def _tokens(self, grant: Grant, refresh: bool) -> dict[str, Any]:
        number = next(self._numbers)
        self.access_tokens[f"access-{number}"] = grant
        answer = {
            "access_token": f"access-{number}",
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": grant.scope,
        }
        if refresh:
            self.refresh_tokens[f"refresh-{number}"] = grant
            answer["refresh_token"] = f"refresh-{number}"
        return answer

    def _id_token(self, grant: Grant) -> str:
        claims = {"aud": self.client_id, "email": grant.account, "email_verified": True}
        parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
        return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])

    def introspect(self, form: dict[str, str]) -> dict[str, Any]:
        """RFC 7662: what a mail server asks about the token that somebody signs in with."""
        grant = self.access_tokens.get(form.get("token", ""))
        if grant is None:
            return {"active": False}
        return {"active": True, "username": grant.account, "scope": grant.scope}

    def dovecot_settings(self, folder: Path) -> str:
        """Lines for a Dovecot's configuration with which it takes this server's access tokens.

        :param folder: where a file of that Dovecot's may lie
        """
        details = folder / "oauth2.conf.ext"
        details.write_text(
            f"introspection_mode = post\nintrospection_url = {self.url}/introspect\nusername_attribute = username\n"
            "active_attribute = active\nactive_value = true\n"
        )
        return (
            "auth_mechanisms = plain login xoauth2 oauthbearer\n"
            f"passdb {{\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {details}\n}}\n"
        )

    def revoke(self, form: dict[str, str]) -> int:
        """Status of the revocation endpoint's answer."""
        self.revoked.append(form.get("token", ""))
        known = {**self.refresh_tokens, **self.access_tokens}.get(form.get("token", ""))
        if known is None:
            return 400
        self.refresh_tokens = {key: each for key, each in self.refresh_tokens.items() if each is not known}
        self.access_tokens = {key: each for key, each in self.access_tokens.items() if each is not known}
        return 200


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _twice(target: str) -> bytes:
    """A page that brings the answer to the same place in the background first."""
    script = f"const to = {json.dumps(target)}; fetch(to, {{credentials: 'include', mode: 'no-cors'}})"
    return f"<script>{script}.finally(() => location.assign(to))</script>".encode()


class _Handler(WebHandler):
    service: AuthorizationServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, target = self.service.authorize(query)
        if status == 302 and self.service.replays:
            self.reply(200, {"Content-Type": "text/html"}, _twice(target))
        elif status == 302:
            self.reply(302, {"Location": target})
        else:
            self.reply(status, {"Content-Type": "text/plain"}, target.encode())

    def do_POST(self) -> None:
        body = self.sent().decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if urlsplit(self.path).path == "/revoke":
            self.reply(self.service.revoke(form), {})
            return
        if urlsplit(self.path).path == "/introspect":
            self.reply(200, {"Content-Type": "application/json"}, json.dumps(self.service.introspect(form)).encode())
            return
        status, headers, content = self.service.token(form)
        self.reply(status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode())


AuthorizationServer.handler = _Handler
