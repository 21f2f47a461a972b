"""What the server means when it refuses, by response code.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import http
from ..errors import (
    ConnectorError,
    CursorExpired,
    FolderGone,
    MailGone,
    NotAllowed,
    ProviderBroken,
    SignInNeeded,
    Transient,
    Undeliverable,
)
from ..refusals import Verdict
from . import xml

if TYPE_CHECKING:
    from .session import Account

_GONE = Verdict(MailGone, "mail_missing")
_FOLDER_GONE = Verdict(FolderGone, "folder_missing")
_EXPIRED = Verdict(CursorExpired, "cursor_expired")
_NO_MAILBOX = Verdict(NotAllowed, "mailbox_missing")
_LOCKED = Verdict(NotAllowed, "account_locked")
_AWAY = Verdict(Transient, "unavailable")
_THROTTLED = Verdict(Transient, "throttled")

_CODES = {
    "ErrorInvalidSyncStateData": _EXPIRED,
    "ErrorItemNotFound": _GONE,
    "ErrorInvalidIdMalformed": _GONE,
    "ErrorInvalidIdEmpty": _GONE,
    "ErrorInvalidId": _GONE,
    "ErrorFolderNotFound": _FOLDER_GONE,
    "ErrorSyncFolderNotFound": _FOLDER_GONE,
    "ErrorAccessDenied": Verdict(NotAllowed, "access_denied"),
    "ErrorImpersonateUserDenied": Verdict(NotAllowed, "access_denied"),
    "ErrorNonExistentMailbox": _NO_MAILBOX,
    "ErrorNoRespondingCASInDestinationSite": _AWAY,
    "ErrorMailboxConfiguration": _NO_MAILBOX,
    "ErrorAccountDisabled": _LOCKED,
    "ErrorPasswordExpired": Verdict(SignInNeeded, "wrong_password"),
    "ErrorPasswordChangeRequired": Verdict(SignInNeeded, "wrong_password"),
    "ErrorSendAsDenied": Verdict(NotAllowed, "send_denied"),
    "ErrorMessageSizeExceeded": Verdict(Undeliverable, "mail_too_large"),
    "ErrorQuotaExceeded": Verdict(Transient, "over_quota"),
    "ErrorServerBusy": _THROTTLED,
    "ErrorSubmissionQuotaExceeded": _THROTTLED,
    "ErrorExceededConnectionCount": Verdict(Transient, "too_many_connections"),
    "ErrorExceededSubscriptionCount": _THROTTLED,
    "ErrorTooManyObjectsOpened": _THROTTLED,
    "ErrorInternalServerTransientError": _AWAY,
    "ErrorMailboxMoveInProgress": _AWAY,
    "ErrorMailboxStoreUnavailable": _AWAY,
    "ErrorMailboxFailover": _AWAY,
    "ErrorConnectionFailed": _AWAY,
    "ErrorTimeoutExpired": Verdict(Transient, "timeout"),
    "ErrorInternalServerError": Verdict(Transient, "protocol"),
}
_OTHER = Verdict(ProviderBroken, "protocol")


def refusal(message: Any) -> ConnectorError | None:
    """The error that a response message stands for, ``None`` for one that is a success."""
    if message.get("ResponseClass") != "Error":
        return None
    code = xml.value(message, "m:ResponseCode").strip()
    wait = next(
        (
            each.text
            for each in xml.all_of(message, "m:MessageXml/t:Value")
            if each.get("Name") == "BackOffMilliseconds"
        ),
        None,
    )
    seconds = float(wait) / 1000 if wait and wait.isdecimal() else None
    return _error(code, f"{code} {xml.value(message, 'm:MessageText')}".strip(), seconds)


def _error(code: str, detail: str, seconds: float | None) -> ConnectorError:
    verdict = _CODES.get(code, _OTHER)
    if issubclass(verdict.error, Transient):
        return Transient("The server refused", detail, cause=verdict.cause, retry_after=seconds)
    return verdict.error("The server refused", detail, cause=verdict.cause)


def failure(error: Exception, account: Account, wait: float | None = None) -> ConnectorError:
    """The error for what the library raises.

    :param wait: seconds after which the server wants to be asked again
    """
    host = account.host
    library = http.library("exchangelib.errors")
    name = type(error).__name__
    if isinstance(error, library.UnauthorizedError):
        cause = "wrong_password" if account.token is None else "consent_expired"
        return SignInNeeded("The server refused the sign-in", str(error), cause=cause)
    if any(isinstance(reason, OSError | ConnectorError) for reason in http.reasons(error)):
        return http.failure(error, host)
    if name in _CODES:
        return _error(name, f"{name} {error}", getattr(error, "back_off", None) or wait)
    if isinstance(error, library.EWSError) and name.startswith("Error"):
        return _error(name, f"{name} {error}", None)
    return ProviderBroken(f"{host} does not answer as Exchange does", f"{name} {error}", cause="not_exchange")
