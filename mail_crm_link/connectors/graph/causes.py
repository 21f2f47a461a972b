"""What the service means when it refuses, by status and error code.

https://learn.microsoft.com/graph/errors; codes that begin with ``Error`` are those of Exchange
(https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import (
    ConnectorError,
    CursorExpired,
    MailGone,
    NotAllowed,
    ProviderBroken,
    SignInNeeded,
    Transient,
    Undeliverable,
)
from ..http import TOO_LARGE, retry_after
from ..refusals import Verdict

_THROTTLED = Verdict(Transient, "throttled")
_GONE = Verdict(MailGone, "mail_missing")
_EXPIRED = Verdict(CursorExpired, "cursor_expired")
_NO_MAILBOX = Verdict(NotAllowed, "mailbox_missing")
_DENIED = Verdict(NotAllowed, "access_denied")
_SIGN_IN = Verdict(SignInNeeded, "consent_expired")
_AWAY = Verdict(Transient, "unavailable")
_TOO_LARGE = Verdict(Undeliverable, "mail_too_large")

_CODES: dict[str, Verdict] = {
    "syncstatenotfound": _EXPIRED,
    "syncstateinvalid": _EXPIRED,
    "resyncrequired": _EXPIRED,
    "errorinvalidsyncstatedata": _EXPIRED,
    "erroritemnotfound": _GONE,
    "errorfoldernotfound": _GONE,
    "errorinvalididmalformed": _GONE,
    "errorinvalididempty": _GONE,
    "itemnotfound": _GONE,
    "mailboxnotenabledforrestapi": _NO_MAILBOX,
    "mailboxnotsupportedforrestapi": _NO_MAILBOX,
    "errornonexistentmailbox": _NO_MAILBOX,
    "errorinvaliduser": _NO_MAILBOX,
    "request_resourcenotfound": _NO_MAILBOX,
    "erroraccessdenied": _DENIED,
    "erroraccountdisabled": Verdict(NotAllowed, "account_locked"),
    "erroraccountsuspend": Verdict(NotAllowed, "account_locked"),
    "errorsendasdenied": Verdict(NotAllowed, "send_denied"),
    "errormessagesizeexceeded": _TOO_LARGE,
    "errorquotaexceeded": Verdict(Transient, "over_quota"),
    "errorserverbusy": _THROTTLED,
    "errorsubmissionquotaexceeded": _THROTTLED,
    "errorexceededconnectioncount": _THROTTLED,
    "applicationthrottled": _THROTTLED,
    "toomanyrequests": _THROTTLED,
    "invalidauthenticationtoken": _SIGN_IN,
    "errorinternalservertransienterror": _AWAY,
    "errormailboxstoreunavailable": _AWAY,
    "errormailboxmoveinprogress": _AWAY,
    "errortimeoutexpired": _AWAY,
}

_STATUSES: dict[int, Verdict] = {
    401: _SIGN_IN,
    403: _DENIED,
    404: _GONE,
    408: _AWAY,
    410: _EXPIRED,
    TOO_LARGE: _TOO_LARGE,
    429: _THROTTLED,
    # Also what the service answers when it cannot make MIME of one mail.
    500: Verdict(Transient, "protocol"),
    507: Verdict(Transient, "over_quota"),
}


def refusal(status: int, body: Any, headers: Mapping[str, str]) -> ConnectorError:
    """The error for an answer that is none.

    :param body: of the answer, parsed as far as it is JSON
    """
    code, message = _error_of(body)
    verdict = _CODES.get(code.lower()) or _STATUSES.get(status) or _general(status)
    detail = f"{status} {code} {message}".strip()
    if issubclass(verdict.error, Transient):
        wait = retry_after(_header(headers, "retry-after"))
        return Transient("The service refused", detail, cause=verdict.cause, retry_after=wait)
    return verdict.error("The service refused", detail, cause=verdict.cause)


def _general(status: int) -> Verdict:
    return _AWAY if status >= 500 else Verdict(ProviderBroken, "protocol")


def _error_of(body: Any) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code") or ""), str(error.get("message") or "")


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)
