"""Handing over a mail to a provider's submission server (RFC 6409), and what its answers mean.

::

    connect ─► EHLO ─► STARTTLS ─► EHLO ─► AUTH ─► MAIL ─► RCPT … ─► DATA ─► the mail ─► 250 taken
       └───────────────── Transient, SignInNeeded, NotAllowed ────────┘         │
                                     Undeliverable (5xx to MAIL, RCPT, DATA)    └─► silence: OutcomeUnknown

Until DATA is answered nothing was sent, so everything before may be done again. Once the mail is under way only the
server knows what became of it.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from .base import Handover
from .errors import (
    ConnectorError,
    NotAllowed,
    OutcomeUnknown,
    ProviderBroken,
    SignInNeeded,
    Transient,
    Undeliverable,
)
from .mail_server import Account, Security
from .network import Network, broken
from .sasl import Credentials, Mechanism, Token, by_password, by_token, with_fresh_token
from .wire import BUFFER, MIB, Limit, Wire

TIMEOUT = 30.0
HANDOVER_TIMEOUT = 90.0
"""Seconds to wait for the word whether a mail was taken. RFC 5321 (4.5.3.2.6) allows servers ten minutes, because who
gives up early sends the mail twice; here nothing is sent again before the outcome is known."""

REPLY = Limit(MIB, 2)

_CHALLENGE = 334
_DATA_EXPECTED = 354
_TOO_LARGE = re.compile(r"\b5\.3\.4\b|(too|exceeds?).{0,40}(large|big|size)|size.{0,20}(limit|exceed)", re.IGNORECASE)
_FOREIGN_SENDER = re.compile(
    r"send as this sender|send ?as ?denied|sender address\b.{0,20}(not allowed|rejected)", re.IGNORECASE
)
# Codes of refusals for good, for what passes by tomorrow.
_SPENT = re.compile(
    r"daily\b.{0,20}(limit|quota) exceeded|reached your daily limit|submission ?quota ?exceeded", re.IGNORECASE
)


class _Client(smtplib.SMTP):
    """The library's client on a connection of ours; it names itself by its address, as mail programs do."""

    def __init__(self, account: Account) -> None:
        self._account = account
        super().__init__(timeout=account.timeout, local_hostname="localhost")
        self._host = account.host  # the name that a certificate has to carry

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        account = self._account
        connection = account.network.connect(host, port, timeout)
        self.local_hostname = _literal(connection.getsockname()[0])
        if account.security == "ssl":
            return account.tls.wrap_socket(connection, server_hostname=host)
        return connection

    def getreply(self) -> tuple[int, bytes]:
        """See ``smtplib.SMTP.getreply``."""
        if self.file is None:
            assert self.sock is not None
            self._wire = Wire(self.sock, self.timeout, REPLY)
            self.file = io.BufferedReader(self._wire, BUFFER)
        self._wire.begin(REPLY, self.timeout)
        return super().getreply()


class SMTPConnector:
    """One account of a submission server.

    :param security: ``ssl`` (implicit TLS), ``starttls`` (refused where it is not offered) or ``none``
    :param token: gives access tokens, which are used instead of the password
    :param timeout: seconds to wait for the connection and for every answer
    :param network: which servers may be connected to
    :param ssl_context: which certificates are good; those the system trusts if left out
    """

    def __init__(
        self,
        host: str,
        port: int,
        security: Security,
        login: str,
        password: str,
        *,
        token: Token | None = None,
        timeout: float = TIMEOUT,
        network: Network | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        credentials = Credentials(login, password, token)
        self._account = Account(host, port, security, credentials, timeout, network or Network(), ssl_context)
        self._client: _Client | None = None

    # -- session ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect and sign in; nothing is sent.

        :raises SignInNeeded: the owner has to enter or renew credentials
        :raises NotAllowed: the account or our own settings forbid it
        :raises Transient: the network or the server fails at the moment
        :raises ProviderBroken: what answers does not speak SMTP
        """
        with_fresh_token(self._open)

    def _open(self, another_token: bool) -> None:
        self.close()
        account = self._account
        account.network.check_encryption(account.security, account.host)
        self._client = _Client(account)
        try:
            with self._guarded():
                self._connect(self._client)
                self._secure(self._client)
                self._sign_in(self._client, another_token)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave. Never raises, and may be called at any time and twice."""
        client, self._client = self._client, None
        if client is None or client.sock is None:
            return
        try:
            client.quit()
        except (smtplib.SMTPException, OSError):
            client.close()

    def _connect(self, client: _Client) -> None:
        account = self._account
        try:
            code, greeting = client.connect(account.host, account.port)
        except smtplib.SMTPResponseException as error:
            raise ProviderBroken(f"{account.host} does not speak SMTP", str(error), cause="not_smtp") from error
        if code == -1:
            raise ProviderBroken(f"{account.host} does not speak SMTP", _text(greeting), cause="not_smtp")
        if code != 220:
            raise _refusal(code, greeting)
        client.ehlo_or_helo_if_needed()

    def _secure(self, client: _Client) -> None:
        if self._account.security != "starttls":
            return
        if not client.has_extn("starttls"):
            raise NotAllowed("The server does not offer STARTTLS", cause="no_starttls")
        code, words = client.starttls(context=self._account.tls)
        if code != 220:
            raise _refusal(code, words)
        client.ehlo_or_helo_if_needed()

    def _sign_in(self, client: _Client, another_token: bool) -> None:
        """Sign in where the server knows how to; one that wants it and cannot yet says so at MAIL."""
        account, credentials = self._account, self._account.credentials
        secret = credentials.secret(another_token)
        offered = client.esmtp_features.get("auth", "").upper().split()
        mechanism: Mechanism | None
        if credentials.token:
            mechanism = by_token(credentials.login, secret, offered, account.host, account.port)
        elif not offered:
            return
        elif not (mechanism := by_password(credentials.login, secret, offered)):
            self._sign_in_otherwise(client, secret)
            return
        code, words = _authenticated(client, mechanism)
        if code not in (235, 503):
            raise self._sign_in_refusal(code, f"{_text(words)} {mechanism.reason}".strip(), secret)

    def _sign_in_otherwise(self, client: _Client, password: str) -> None:
        """Leave it to the library, which knows the older mechanisms, in ASCII only."""
        try:
            client.login(self._account.credentials.login, password)
        except smtplib.SMTPAuthenticationError as error:
            raise self._sign_in_refusal(error.smtp_code, _text(error.smtp_error), password) from None
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException):
            raise
        except (smtplib.SMTPException, UnicodeEncodeError) as error:
            raise NotAllowed("No way to sign in that the server offers", str(error), cause="basic_auth_off") from None

    def _sign_in_refusal(self, code: int, text: str, secret: str) -> ConnectorError:
        return sign_in_refusal(code, text, secret, self._account.credentials, self._account.host)

    # -- sending ------------------------------------------------------------------------------------------------

    @property
    def size_limit(self) -> int | None:
        """Octets of the largest mail that the server takes (RFC 1870); ``None`` where it does not say."""
        sizes = self._connected().esmtp_features.get("size", "").split()
        return int(sizes[0]) or None if sizes and sizes[0].isdecimal() else None

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, handing_over: Callable[[], None] = lambda: None
    ) -> Handover:
        """Hand over a mail.

        :param sender: address that bounces go to
        :param recipients: addresses, each once
        :param raw: the mail, lines ending in CRLF
        :param handing_over: called when the server waits for the mail; from then on the outcome can be unknown
        :raises Undeliverable: sender, mail or all recipients are refused for good
        :raises Transient: nothing was sent, later it may be
        :raises OutcomeUnknown: the server may have taken it, or not
        """
        client = self._connected()
        self._check_size(raw)
        with self._guarded():
            self._announce(client, sender, recipients, raw)
            handover = self._recipients(client, recipients)
            code, words = client.docmd("DATA")
            if code != _DATA_EXPECTED:
                raise _mail_refusal(code, words, sender)
        handing_over()
        self._hand_over(client, raw, sender)
        return handover

    def _check_size(self, raw: bytes) -> None:
        limit = self.size_limit
        if limit is not None and len(raw) > limit:
            raise Undeliverable("The mail is too large", f"{len(raw)} > {limit}", cause="mail_too_large")

    def _announce(self, client: _Client, sender: str, recipients: Sequence[str], raw: bytes) -> None:
        options = []
        if client.has_extn("size"):
            options.append(f"SIZE={len(raw)}")
        if client.has_extn("8bitmime") and not raw.isascii():
            options.append("BODY=8BITMIME")
        if not "".join((sender, *recipients)).isascii():
            if not client.has_extn("smtputf8"):
                raise Undeliverable("An address is not ASCII", cause="no_smtputf8")
            client.command_encoding = "utf-8"
            options.append("SMTPUTF8")
        code, words = client.mail(sender, options)
        if code != 250:
            raise _mail_refusal(code, words, sender)

    def _recipients(self, client: _Client, recipients: Sequence[str]) -> Handover:
        answers = {recipient: client.rcpt(recipient) for recipient in recipients}
        told = {recipient: (code, _text(words)) for recipient, (code, words) in answers.items()}
        deferred = {one: text for one, (code, text) in told.items() if 400 <= code < 500}
        refused = {one: text for one, (code, text) in told.items() if code >= 500}
        if len(deferred) + len(refused) == len(recipients):
            raise _all_refused(refused, deferred)
        return Handover(refused, deferred)

    def _hand_over(self, client: _Client, raw: bytes, sender: str) -> None:
        """Send the mail, and wait for the word whether it was taken."""
        try:
            assert client.sock is not None
            client.timeout = HANDOVER_TIMEOUT
            client.sock.settimeout(HANDOVER_TIMEOUT)
            client.send(_dotted(raw))
            code, words = client.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise OutcomeUnknown("The connection broke while the mail was handed over", str(error)) from error
        if code == -1:
            raise OutcomeUnknown("The server's answer to the mail cannot be understood", _text(words))
        if code != 250:
            raise _mail_refusal(code, words, sender)

    # -- plumbing -----------------------------------------------------------------------------------------------

    def _connected(self) -> _Client:
        if self._client is None:
            raise Transient("The connector is not open", cause="disconnected")
        return self._client

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Everything before the mail itself: a connection that breaks here has sent nothing."""
        try:
            yield
        except smtplib.SMTPServerDisconnected as error:
            # The library tells of a time-out in words only.
            cause = "timeout" if "timed out" in str(error) else "disconnected"
            raise Transient("The connection broke", str(error), cause=cause) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPException as error:
            raise ProviderBroken("The server answered against the protocol", str(error)) from error
        except OSError as error:
            raise broken(error, self._account.host) from error


def _literal(address: str) -> str:
    """An address as EHLO wants it of a machine without a name (RFC 5321, 4.1.3)."""
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _dotted(raw: bytes) -> bytes:
    """A mail as DATA carries it (RFC 5321, 4.5.2)."""
    lines = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines) + b".\r\n"


def _text(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())


def _authenticated(client: _Client, mechanism: Mechanism) -> tuple[int, bytes]:
    """The server's last word on a sign-in (RFC 4954, 4)."""
    first = f" {_encoded(mechanism.respond())}" if mechanism.begins else ""
    code, words = client.docmd("AUTH", mechanism.name + first)
    while code == _CHALLENGE:
        code, words = client.docmd(_encoded(mechanism.respond(_decoded(words))))
    return code, words


def _encoded(response: bytes | None) -> str:
    return "*" if response is None else base64.b64encode(response).decode()


def _decoded(challenge: bytes) -> bytes:
    try:
        return base64.b64decode(challenge)
    except binascii.Error:
        return challenge


def sign_in_refusal(code: int, text: str, secret: str, credentials: Credentials, host: str) -> ConnectorError:
    """What a refused sign-in means."""
    if code == 538:
        return NotAllowed("The server takes no password on this connection", text, cause="plain_login_off")
    error = credentials.refusal(text, secret, host)
    if code < 500 and not isinstance(error, Transient):
        return Transient("The server cannot sign anybody in", error.detail)
    return error


def _refusal(code: int, words: bytes | str) -> ConnectorError:
    """What a refusal before MAIL means."""
    text = f"{code} {_text(words)}"
    if code == 530 or "starttls" in text.lower():
        return NotAllowed("The server wants encryption or a sign-in first", text, cause="plain_login_off")
    if 400 <= code < 500:
        return Transient("The server cannot serve at the moment", text)
    return ProviderBroken("The server refused", text)


def _mail_refusal(code: int, words: bytes | str, sender: str) -> ConnectorError:
    """What a refusal of MAIL, DATA or the mail means."""
    text = f"{code} {_text(words)}"
    if _SPENT.search(text):
        return Transient("The server takes no more mail today", text, cause="throttled")
    if 400 <= code < 500:
        return Transient("The server does not take the mail at the moment", text)
    if code in (530, 535):
        return SignInNeeded("The server wants a sign-in", text)
    if code == 552 or _TOO_LARGE.search(text):
        return Undeliverable("The mail is too large", text, cause="mail_too_large")
    refused_sender = code == 553 or _FOREIGN_SENDER.search(text) or (sender and sender.lower() in text.lower())
    return Undeliverable("The mail is refused", text, cause="sender_refused" if refused_sender else "mail_refused")


def _all_refused(refused: dict[str, str], deferred: dict[str, str]) -> ConnectorError:
    if deferred:
        return Transient("The recipients are not taken at the moment", "; ".join(deferred.values()))
    words = "; ".join(f"{address}: {text}" for address, text in refused.items())
    return Undeliverable("All recipients are refused", words, cause="recipients_refused", recipients=refused)
