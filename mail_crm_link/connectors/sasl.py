"""Sign-in to IMAP and SMTP servers by SASL (RFC 4422): with a password, or with an access token of the provider.

::

    offered mechanisms ──► Mechanism ──► respond(challenge) …   ──► signed in
                                              │
                  a challenge more: the server's reason, as JSON ──► the last response ──► refused

Who is refused with an access token is refused for what the server saw in it: it may have expired early, so another
one is tried once, on another connection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from .errors import ConnectorError, NotAllowed, SignInNeeded, without_password
from .refusals import login_refusal

Token = Callable[[bool], str]
"""Gives an access token; with ``True`` another one than the last, which was refused."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PASSWORD_CAUSES = frozenset({"wrong_password", "app_password", "basic_auth_off", "plain_login_off"})
Connection = TypeVar("Connection")


class TokenRefused(SignInNeeded):
    """The server did not take the access token."""

    default_cause = "token_refused"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs in, and with what.

    :param token: gives access tokens; without it the password counts
    """

    login: str
    password: str = field(default="", repr=False)
    token: Token | None = field(default=None, repr=False)

    def signature(self) -> tuple[str, ...]:
        """What changes when somebody enters something else, and not by itself as tokens do."""
        return (self.login, self.password, "token" if self.token else "password")

    def secret(self, another: bool) -> str:
        """The password, or an access token.

        :param another: the last token was refused
        :raises SignInNeeded: it cannot be sent, or the owner has to agree once more
        """
        secret = self.token(another) if self.token else self.password
        if _CONTROL.search(self.login + secret):
            raise SignInNeeded("Login or password has a control character")
        return secret

    def refusal(self, text: str, secret: str, host: str) -> ConnectorError:
        """What a refused sign-in means.

        :param text: the server's words
        """
        error = login_refusal(without_password(text, self.login, secret), host)
        if self.token and error.cause in _PASSWORD_CAUSES:
            return TokenRefused(error.message, error.detail)
        return error


def with_fresh_token(connect: Callable[[bool], Connection]) -> Connection:
    """Sign in, and once more with another access token if the first one is refused.

    :param connect: makes a connection; takes whether another token is needed than the last
    """
    try:
        return connect(False)
    except TokenRefused:
        return connect(True)


class Mechanism:
    """One exchange of a mechanism.

    :param name: as servers offer it
    :param responses: what is said to the server's challenges, one after the other
    :param last: said to a challenge more, which tells why the sign-in fails; ``None`` breaks it off
    :param begins: whether the first response is sent without being asked for, where the protocol can
    :ivar reason: what that challenge told
    """

    def __init__(self, name: str, responses: Iterable[str], last: bytes | None = None, begins: bool = True) -> None:
        self.name = name
        self.begins = begins
        self.reason = ""
        self._responses = [response.encode() for response in responses]
        self._last = last

    def respond(self, challenge: bytes = b"") -> bytes | None:
        """The response to a challenge, neither of them encoded; ``None`` to break off."""
        if self._responses:
            return self._responses.pop(0)
        self.reason = _reason(challenge)
        return self._last


def _reason(challenge: bytes) -> str:
    """Why a token is refused: ``{"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"}``."""
    text = challenge.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return " ".join(f"{key}={value}" for key, value in found.items()) if isinstance(found, dict) else text


def by_password(login: str, password: str, offered: Collection[str]) -> Mechanism | None:
    """The exchange for a password; texts beyond ASCII go as UTF-8 (RFC 4616, 2). ``None``: nothing is offered."""
    if "PLAIN" in offered:
        return plain(login, password)
    return Mechanism("LOGIN", (login, password), begins=False) if "LOGIN" in offered else None


def plain(login: str, password: str) -> Mechanism:
    """RFC 4616."""
    return Mechanism("PLAIN", (f"\0{login}\0{password}",))


def by_token(login: str, token: str, offered: Collection[str], host: str, port: int) -> Mechanism:
    """The exchange for an access token; the providers document XOAUTH2, RFC 7628 made a standard of it.

    https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth

    :raises NotAllowed: the server offers neither
    """
    if "XOAUTH2" in offered:
        return Mechanism("XOAUTH2", (f"user={login}\1auth=Bearer {token}\1\1",), last=b"")
    if "OAUTHBEARER" in offered:
        # RFC 5801, 4: these two would end the name.
        name = login.replace("=", "=3D").replace(",", "=2C")
        response = f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"
        return Mechanism("OAUTHBEARER", (response,), last=b"\1")
    raise NotAllowed("The server takes no access token", cause="token_unknown")
