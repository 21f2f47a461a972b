"""What Pub/Sub pushes when a watched account changed, and the proof that Google sent it.

https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions: the request carries an ID token of the service
account that the subscription names, signed by Google, for the audience that the subscription names.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from ..http import library

CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
KEPT = 3600.0
"""Seconds for which Google's certificates are kept; it changes them within days."""

TIMEOUT = 10.0
SKEW = 10
"""Seconds by which Google's clock and this one may differ."""

_certificates: dict[str, tuple[float, Mapping[str, str]]] = {}


def is_genuine(token: str, audience: str, account: str, url: str = CERTIFICATES) -> bool:
    """Whether a token is Google's, for us, of this service account, and not over.

    :param audience: what the subscription names, usually the address that it pushes to
    :param account: address of the service account that the subscription names
    :param url: where Google's certificates are
    """
    if not _claims_fit(token, audience, account):
        # Nobody has this server ask Google for the price of a made-up request.
        return False
    try:
        library("google.auth.jwt").decode(
            token, certs=_known_certificates(url), audience=audience, clock_skew_in_seconds=SKEW
        )
    except (ValueError, library("requests").RequestException):
        return False
    return True


def _claims_fit(token: str, audience: str, account: str) -> bool:
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, RecursionError):
        return False
    if not isinstance(claims, dict):
        return False
    named = claims.get("email") == account and claims.get("email_verified") is True
    return named and claims.get("aud") == audience and claims.get("iss") in ISSUERS


def _known_certificates(url: str) -> Mapping[str, str]:
    fetched, certificates = _certificates.get(url, (0.0, {}))
    if not certificates or time.monotonic() - fetched > KEPT:
        answer = library("requests").get(url, timeout=TIMEOUT, allow_redirects=False)
        answer.raise_for_status()
        certificates = answer.json()
        _certificates[url] = (time.monotonic(), certificates)
    return certificates


def address(body: bytes) -> str:
    """The account that a notification is about; "" when it is none."""
    try:
        told: Any = json.loads(base64.b64decode(json.loads(body)["message"]["data"]))
        return str(told["emailAddress"]).lower()
    except (ValueError, KeyError, TypeError):
        return ""
