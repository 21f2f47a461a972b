"""A private submission server that takes, refuses or breaks off as a test wants it, and remembers what it took."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

# It warns of every server that offers a sign-in without encryption.
logging.getLogger("mail.log").setLevel(logging.ERROR)

PASSWORD = "correct-horse"


@dataclass(frozen=True)
class Taken:
    """A mail that the server took."""

    sender: str
    recipients: list[str]
    raw: bytes
    login: str


@dataclass
class Behaviour:
    """What the server does with the next mails.

    :param recipients: address → answer to RCPT, instead of taking it
    :param mail: answer to the mail itself, instead of taking it
    :param cut: ``"before"`` or ``"after"`` it took the mail, the connection breaks instead of an answer
    """

    recipients: dict[str, str] = field(default_factory=dict)
    mail: str = ""
    cut: str = ""


class Submission:
    """Context manager around one server on a loopback port.

    :param on_taken: called with each mail that it took, for instance to file it
    :param mechanisms: which of LOGIN and PLAIN sign in; with none nobody has to
    :param takes_token: whether an access token is one of an account's; only then tokens are asked for
    :param tls: ``ssl`` context; with ``starttls`` for STARTTLS, else for TLS from the start
    """

    def __init__(
        self,
        on_taken: Callable[[Taken], None] = lambda taken: None,
        tls: ssl.SSLContext | None = None,
        starttls: bool = False,
        size: int = 30_000_000,
        password: str = PASSWORD,
        mechanisms: Collection[str] = ("LOGIN", "PLAIN"),
        takes_token: Callable[[str, str], bool] | None = None,
    ) -> None:
        self.host = "127.0.0.1"
        self.password = password
        self.taken: list[Taken] = []
        self.behaviour = Behaviour()
        self.attempts = 0
        self.challenged: list[Any] = []
        self.on_taken = on_taken
        self._takes_token = takes_token
        options: dict[str, Any] = {"data_size_limit": size, "auth_require_tls": False}
        if takes_token:
            self.auth_XOAUTH2 = self._take_token
            mechanisms = ()
        else:
            options |= {"authenticator": self._authenticate}
        options |= {"auth_exclude_mechanism": {"LOGIN", "PLAIN"}.difference(mechanisms)}
        if tls and starttls:
            options |= {"tls_context": tls, "require_starttls": True}
        self._controller = Controller(
            self, hostname=self.host, port=_free_port(), ssl_context=tls if tls and not starttls else None, **options
        )
        self.port: int = self._controller.port

    def __enter__(self) -> Submission:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password.decode() == self.password
        session.login = data.login.decode() if good else ""
        return AuthResult(success=good, handled=good)

    async def _take_token(self, server: SMTP, arguments: list[str]) -> AuthResult:
        """XOAUTH2: who is refused is told why, and has to answer with nothing before it is over."""
        user, authorization, *_rest = base64.b64decode(arguments[1]).decode().split("\1")
        login, token = user.removeprefix("user="), authorization.removeprefix("auth=Bearer ")
        assert self._takes_token is not None and server.session is not None
        server.session.login = login
        if self._takes_token(login, token):
            return AuthResult(success=True, auth_data=login)
        reason = b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'
        self.challenged.append(await server.challenge_auth(reason))
        return AuthResult(success=False, handled=False)

    # -- aiosmtpd's hooks ---------------------------------------------------------------------------------------

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.behaviour.recipients.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.attempts += 1
        if self.behaviour.cut == "before":
            server.transport.abort()
            return "421 gone"
        if self.behaviour.mail:
            return self.behaviour.mail
        taken = Taken(
            envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content, getattr(session, "login", "")
        )
        await asyncio.get_running_loop().run_in_executor(None, self._take, taken)
        if self.behaviour.cut == "after":
            server.transport.abort()
            return "421 gone"
        return "250 taken"

    def _take(self, taken: Taken) -> None:
        self.taken.append(taken)
        self.on_taken(taken)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
