"""Errors by consequence: what has to happen next, whatever the provider said.

==================  =======================================================================
``Transient``       try again later, by itself; ``retry_after`` if the server named a time
``SignInNeeded``    ask the owner; nothing is tried again before
``NotAllowed``      tell the owner; the account or its provider forbids it
``CursorExpired``   list the folder completely and take the difference
``FolderGone``      leave this folder alone, go on with the others
``MailGone``        leave this mail alone, go on with the others
``ProviderBroken``  tell the administrator; the server answers against its protocol
``Undeliverable``   tell the author; this mail will not be taken as it is
``OutcomeUnknown``  find out whether the mail was taken, before it is sent again
==================  =======================================================================

``cause`` says why, as one of ``CAUSES``, for the sentence shown to people. ``detail`` is the server's own text, for
the log and the administrator. Neither ever holds a password or a token.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

CAUSES: dict[str, str] = {
    "host_unknown": "the host name does not resolve",
    "host_not_allowed": "the host is not on the administrator's list",
    "host_private": "the host is within a private network",
    "not_encrypted": "the connection would leave this machine without encryption",
    "refused": "nothing listens on that port",
    "unreachable": "no route to the host",
    "timeout": "no answer in time",
    "disconnected": "the connection broke",
    "unavailable": "the server says that it cannot serve at the moment",
    "throttled": "too many requests or too much traffic",
    "too_many_connections": "too many connections of this account at once",
    "over_quota": "the mailbox is full",
    "certificate_expired": "the TLS certificate has expired, or is not valid yet",
    "certificate_self_signed": "the TLS certificate is signed by nobody but itself",
    "certificate_authority": "the TLS certificate is signed by an authority that we do not know",
    "certificate_host": "the TLS certificate belongs to another host name",
    "certificate": "the TLS certificate is not valid for another reason",
    "tls": "no TLS on that port",
    "tls_outdated": "no common version of TLS, or keys too weak to be taken",
    "no_starttls": "the server does not offer STARTTLS",
    "no_idle": "the server does not tell of new mail by itself",
    "not_imap": "what answers on that port does not speak IMAP",
    "wrong_password": "login or password is wrong",
    "app_password": "the provider wants a password made for this application",
    "basic_auth_off": "the provider does not accept passwords, sign-in in the browser is needed",
    "web_login": "the provider wants the owner to sign in on its web page first",
    "smtp_off": "sending by SMTP is switched off for this account",
    "imap_off": "IMAP is switched off for this account",
    "account_locked": "the account is locked or suspended",
    "plain_login_off": "the server does not accept passwords without encryption",
    "token_refused": "the server does not take the provider's access token",
    "token_unknown": "the server knows no sign-in by access token",
    "code_expired": "what the browser brought back from the provider is too old, or was used already",
    "consent_expired": "the owner's consent was taken back or has expired",
    "consent_refused": "the owner did not agree on the provider's page",
    "consent_forbidden": "the organisation's administrator does not let people agree to this",
    "consent_partial": "the owner left out a right that is needed",
    "wrong_account": "the consent is one of another account",
    "oauth_client": "the provider does not know this application, or not with this secret",
    "not_exchange": "what answers there does not speak Exchange Web Services",
    "no_autodiscover": "no autodiscover service names the Exchange server of the address",
    "exchange_online": "Exchange Online has no Exchange Web Services any more; Microsoft Graph takes their place",
    "library_missing": "a library that the provider needs is not installed",
    "api_off": "the provider's interface is not switched on for this application",
    "mail_off": "the account has no mail at this provider",
    "access_denied": "the permission was not granted, or was taken back",
    "mailbox_missing": "the account has no mailbox there",
    "send_denied": "the account may not send with this sender",
    "folder_missing": "the folder does not exist",
    "folder_denied": "no permission to read the folder",
    "mail_missing": "the mail or the part of it does not exist",
    "uidvalidity": "the server numbered the folder's mail anew",
    "cursor_expired": "the provider forgot the point to continue from",
    "protocol": "an answer against the protocol",
    "not_smtp": "what answers on that port does not speak SMTP",
    "sender_refused": "the server does not take mail from this address of this account",
    "recipients_refused": "the server takes the mail for none of its recipients",
    "mail_refused": "the server does not take this mail",
    "mail_too_large": "the mail is larger than the server takes",
    "no_smtputf8": "the server does not take addresses beyond ASCII",
    "outcome_unknown": "the connection broke after the mail was handed over",
}
"""Every code that ``ConnectorError.cause`` may be, and what it means."""


class ConnectorError(Exception):
    """Base of all that a connector raises.

    :param message: what failed, in English, for the log
    :param cause: a key of ``CAUSES``
    :param detail: the server's own words

    ``kept`` has results that came before it, where a method returns all of them at once.
    """

    default_cause: ClassVar[str] = "protocol"

    def __init__(self, message: str, detail: str = "", *, cause: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.cause = cause or self.default_cause
        self.kept: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.message}: {self.detail}" if self.detail else self.message


class Transient(ConnectorError):
    """Works again later, by itself.

    :param retry_after: seconds after which the server wants to be asked again, ``None`` if it named none
    """

    default_cause = "unavailable"

    def __init__(self, message: str, detail: str = "", *, cause: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, detail, cause=cause)
        self.retry_after = retry_after


class SignInNeeded(ConnectorError):
    """The owner has to enter or renew credentials."""

    default_cause = "wrong_password"


class NotAllowed(ConnectorError):
    """The provider, its administrator or our own security settings forbid it."""

    default_cause = "imap_off"


class CursorExpired(ConnectorError):
    """The point to continue from is void; only a complete listing tells what happened."""

    default_cause = "cursor_expired"


class FolderGone(ConnectorError):
    """This folder is not there or may not be read; the others may well be."""

    default_cause = "folder_missing"


class MailGone(ConnectorError):
    """This mail, or this part of it, is not there any more."""

    default_cause = "mail_missing"


class ProviderBroken(ConnectorError):
    """The server answers against its protocol; waiting will not help."""

    default_cause = "protocol"


class Undeliverable(ConnectorError):
    """This mail is refused for good; it has to be changed before it is sent again.

    :param recipients: address → the server's words, for those that it refuses
    """

    default_cause = "mail_refused"

    def __init__(
        self, message: str, detail: str = "", *, cause: str = "", recipients: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, detail, cause=cause)
        self.recipients = dict(recipients or {})


class OutcomeUnknown(ConnectorError):
    """The connection ended between the mail's last octet and the server's word whether it took it."""

    default_cause = "outcome_unknown"


def without_password(text: str, login: str, password: str) -> str:
    """What a server said, for ``detail``; some repeat the sign-in that they refuse, in one form or another."""
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    forms = (quoted, password, _base64(password), _base64(f"\0{login}\0{password}"))
    for form in filter(None, forms):
        text = text.replace(form, "***")
    return text


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
