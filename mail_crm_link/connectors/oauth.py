"""Sign-in at the provider by OAuth 2.0, as web applications do it (RFC 6749 with PKCE, RFC 7636; advice of RFC 9700).

::

    consent_url ──► the owner's browser ──► redirect with a code ──► redeem ──┐
                                   refresh token ──► refresh ─────────────────┼──► Tokens ──► revoke
                 statement signed by a service account ──► assert_identity ───┘

The libraries of the providers are not used here: they repeat failed requests in a sleep of their own and drop what
the server said about when to come back, so neither "try later" nor "ask the owner" could be told from one another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from .errors import ConnectorError, NotAllowed, ProviderBroken, SignInNeeded, Transient
from .http import failure, retry_after

TIMEOUT = 10.0
LIFETIME = 3600.0
"""Seconds for which an access token is good when the server does not say (RFC 6749, 5.1)."""

# What the error codes of RFC 6749 (5.2), OpenID Connect and the two large providers ask for.
_CONSENT_GONE = {"invalid_grant", "interaction_required", "consent_required", "login_required"}
_CLIENT_WRONG = {"invalid_client", "unauthorized_client", "redirect_uri_mismatch", "deleted_client", "disabled_client"}
_SCOPE_REFUSED = {"invalid_scope", "admin_policy_enforced", "org_internal", "access_denied"}
# What a person answers with no, too.
_DECLINED = _CONSENT_GONE | {"access_denied"}
# https://learn.microsoft.com/entra/identity-platform/reference-error-codes: the code of the protocol tells neither that
# the tenant in the settings is none, or not this application's, nor that an administrator has to agree.
_TENANT_WRONG = re.compile(r"AADSTS(50059|50194|90002|900023)\b")
_SECRET_WRONG = re.compile(r"AADSTS(7000215|7000222)\b")
_ADMINISTRATOR_NEEDED = re.compile(r"AADSTS9009[345]\b")
CONSENT_CAUSES = frozenset(
    {
        "api_off",
        "code_expired",
        "consent_expired",
        "consent_forbidden",
        "consent_partial",
        "consent_refused",
        "oauth_client",
        "wrong_account",
    }
)
"""Causes of what goes wrong at the authorization server, and not at the one that has the mail."""

_PASSING = {"temporarily_unavailable", "server_error", "slow_down"}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of an authorization server; ``revoke`` is "" where it has none."""

    authorize: str
    token: str
    revoke: str = ""


GOOGLE = Endpoints(
    "https://accounts.google.com/o/oauth2/v2/auth",
    "https://oauth2.googleapis.com/token",
    "https://oauth2.googleapis.com/revoke",
)
MICROSOFT_AUTHORITY = "https://login.microsoftonline.com"
"""Of the worldwide cloud; national clouds have their own."""


def microsoft(authority: str = MICROSOFT_AUTHORITY, tenant: str = "common") -> Endpoints:
    """The endpoints of the Microsoft identity platform, v2.0. It has none to revoke one application's tokens."""
    root = f"{authority.rstrip('/')}/{tenant}/oauth2/v2.0"
    return Endpoints(f"{root}/authorize", f"{root}/token")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token endpoint gave.

    :param access: the access token
    :param refresh: a refresh token to be kept instead of the last one; "" when that stays good
    :param seconds: for how long the access token is good
    :param scopes: what the owner agreed to; empty when the server does not say, which means all that was asked for
    :param claims: of the ID token, if there was one
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    seconds: float
    scopes: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict)

    def addresses(self) -> frozenset[str]:
        """The account's addresses according to the ID token, lower case."""
        names = (self.claims.get(claim) for claim in ("email", "preferred_username", "upn"))
        return frozenset(name.lower() for name in names if isinstance(name, str) and "@" in name)


def new_verifier() -> str:
    """A secret that proves that who redeems the code is who asked for it (RFC 7636, 4.1)."""
    return secrets.token_urlsafe(64)


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class OAuth:
    """One application at one authorization server.

    :param redirect: the address to which the browser comes back, exactly as it is registered
    """

    def __init__(self, endpoints: Endpoints, client_id: str, client_secret: str, redirect: str) -> None:
        self._endpoints = endpoints
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect = redirect

    def consent_url(
        self, scopes: Sequence[str], state: str, verifier: str, login_hint: str = "", **parameters: str
    ) -> str:
        """Where the owner's browser goes to agree.

        :param parameters: further ones that the provider knows
        """
        query = {
            "client_id": self._client_id,
            "redirect_uri": self._redirect,
            "response_type": "code",
            "scope": " ".join(scopes),
            "state": state,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            **({"login_hint": login_hint} if login_hint else {}),
            **parameters,
        }
        return f"{self._endpoints.authorize}?{urlencode(query)}"

    def redeem(self, code: str, verifier: str) -> Tokens:
        """Exchange the code that the browser brought back.

        :raises SignInNeeded: the code was used already, or is too old
        :raises NotAllowed: the server does not know this application
        :raises Transient: the server cannot answer at the moment
        """
        try:
            return self._tokens(
                grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=self._redirect
            )
        except SignInNeeded as error:
            # There is no consent yet that could have been taken back.
            raise SignInNeeded("The code is not good any more", error.detail, cause="code_expired") from error

    def refresh(self, refresh_token: str, scopes: Sequence[str] = ()) -> Tokens:
        """A new access token; a new refresh token too, when the server rotates them.

        :param scopes: fewer or other ones of those agreed to; left out, the same
        :raises SignInNeeded: the owner took the consent back, or it expired
        """
        scope = {"scope": " ".join(scopes)} if scopes else {}
        return self._tokens(grant_type="refresh_token", refresh_token=refresh_token, **scope)

    def assert_identity(self, assertion: str) -> Tokens:
        """An access token for a signed statement of who asks (RFC 7523, 2.1)."""
        return self._tokens(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=assertion)

    def identify(self, scopes: Sequence[str]) -> Tokens:
        """An access token for the application itself (RFC 6749, 4.4)."""
        return self._tokens(grant_type="client_credentials", scope=" ".join(scopes))

    def revoke(self, token: str) -> bool:
        """Have the server forget a token and all that came of it (RFC 7009); whether it offers that.

        A token that it does not know any more is revoked, too.
        """
        if not self._endpoints.revoke:
            return False
        answer = _post(self._endpoints.revoke, {"token": token})
        if answer.status_code not in (200, 400):
            raise _refusal(answer)
        return True

    def check(self, scopes: Sequence[str] = ()) -> None:
        """Find out whether the server knows this application, by a code that it cannot have given.

        :param scopes: of the application itself, for servers that look at the code before they look at the secret; not
            that they are granted matters, but what is said of the secret
        :raises NotAllowed: id, secret or redirect address are not those that are registered
        """
        with suppress(SignInNeeded):
            self.redeem("no-code-was-given", new_verifier())
        if scopes:
            self._check_secret(scopes)

    def _check_secret(self, scopes: Sequence[str]) -> None:
        try:
            self.identify(scopes)
        except ConnectorError as error:
            if _SECRET_WRONG.search(error.detail):
                raise

    def _tokens(self, **form: str) -> Tokens:
        answer = _post(self._endpoints.token, {**self._credentials(), **form})
        if answer.status_code != 200:
            raise _refusal(answer)
        return _tokens_of(_json(answer), self._client_id)

    def _credentials(self) -> dict[str, str]:
        return {"client_id": self._client_id, "client_secret": self._client_secret} if self._client_secret else {}


def _post(url: str, form: Mapping[str, str]) -> requests.Response:
    """:raises Transient: no answer"""
    try:
        # A redirect would take the secrets of the form elsewhere.
        return requests.post(url, form, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise failure(error, urlsplit(url).hostname or url) from error


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def consent_refusal(code: str, text: str) -> ConnectorError:
    """What the browser brings back in place of a code means (RFC 6749, 4.1.2.1).

    :param text: the ``error_description``
    """
    detail = f"{code} {text}".strip()
    if code in _PASSING:
        return Transient("The sign-in server cannot serve", detail)
    if code in _CLIENT_WRONG or code in ("invalid_request", "unsupported_response_type"):
        return NotAllowed("The sign-in server does not know this application", detail, cause="oauth_client")
    if code in _DECLINED and not _ADMINISTRATOR_NEEDED.search(text):
        return SignInNeeded("Consent refused", detail, cause="consent_refused")
    return NotAllowed("Consent not possible", detail, cause="consent_forbidden")


def _refusal(answer: requests.Response) -> ConnectorError:
    """What an error of the token endpoint means."""
    content = _json(answer)
    code, text = str(content.get("error", "")), str(content.get("error_description", ""))
    detail = f"{answer.status_code} {code} {text}".strip()
    if answer.status_code == 429 or answer.status_code >= 500 or code in _PASSING:
        cause = "throttled" if answer.status_code == 429 else "unavailable"
        return Transient(
            "The sign-in server cannot serve",
            detail,
            cause=cause,
            retry_after=retry_after(answer.headers.get("Retry-After")),
        )
    if code in _CONSENT_GONE:
        return SignInNeeded("The consent is not valid any more", detail, cause="consent_expired")
    if code in _CLIENT_WRONG or _TENANT_WRONG.search(text):
        return NotAllowed("The sign-in server does not know this application", detail, cause="oauth_client")
    if code in _SCOPE_REFUSED:
        return NotAllowed("These rights cannot be had", detail, cause="consent_forbidden")
    return ProviderBroken("The sign-in server gave no token", detail, cause="protocol")


def _tokens_of(content: Mapping[str, Any], client_id: str) -> Tokens:
    access = content.get("access_token")
    if not isinstance(access, str) or not access:
        raise ProviderBroken("The sign-in server gave no token", "no access_token in its answer")
    return Tokens(
        access,
        str(content.get("refresh_token") or ""),
        _lifetime(content.get("expires_in")),
        frozenset(str(content.get("scope") or "").split()),
        _claims(content.get("id_token"), client_id),
    )


def _lifetime(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return LIFETIME


def _claims(id_token: Any, client_id: str) -> Mapping[str, Any]:
    """Claims of an ID token for us.

    Its signature is not checked: it comes from the token endpoint itself, whose certificate stands for it
    (OpenID Connect Core, 3.1.3.7, 6).
    """
    try:
        payload = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    audience = claims.get("aud") if isinstance(claims, dict) else None
    return (
        claims if audience is not None and client_id in ([audience] if isinstance(audience, str) else audience) else {}
    )
