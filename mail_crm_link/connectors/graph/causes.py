"""What the service means when it refuses, by status and error code.

https://learn.microsoft.com/graph/errors; codes that begin with ``Error`` are those of Exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ConnectorError, NotAllowed, ProviderBroken, SignInNeeded, Transient
from ..exchange import AWAY, CODES, DENIED, EXPIRED, GONE, NO_MAILBOX, THROTTLED, TOO_LARGE
from ..http import CONTENT_TOO_LARGE, retry_after
from ..refusals import Verdict

_SIGN_IN = Verdict(SignInNeeded, "consent_expired")

_CODES: dict[str, Verdict] = {
    **CODES,
    # Asked for in the same way as mails.
    "errorfoldernotfound": GONE,
    "errorsyncfoldernotfound": GONE,
    "syncstatenotfound": EXPIRED,
    "syncstateinvalid": EXPIRED,
    "resyncrequired": EXPIRED,
    "itemnotfound": GONE,
    "mailboxnotenabledforrestapi": NO_MAILBOX,
    "mailboxnotsupportedforrestapi": NO_MAILBOX,
    "errorinvaliduser": NO_MAILBOX,
    "request_resourcenotfound": NO_MAILBOX,
    "erroraccountsuspend": Verdict(NotAllowed, "account_locked"),
    "applicationthrottled": THROTTLED,
    "toomanyrequests": THROTTLED,
    "invalidauthenticationtoken": _SIGN_IN,
}

_STATUSES: dict[int, Verdict] = {
    401: _SIGN_IN,
    403: DENIED,
    404: GONE,
    408: AWAY,
    410: EXPIRED,
    CONTENT_TOO_LARGE: TOO_LARGE,
    429: THROTTLED,
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
    return verdict.told(f"{status} {code} {message}".strip(), retry_after(_header(headers, "retry-after")))


def _general(status: int) -> Verdict:
    return AWAY if status >= 500 else Verdict(ProviderBroken, "protocol")


def _error_of(body: Any) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code") or ""), str(error.get("message") or "")


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)
