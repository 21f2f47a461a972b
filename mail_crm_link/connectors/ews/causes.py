"""What the server means when it refuses, in a response message or in what the library raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import http
from ..errors import ConnectorError, ProviderBroken, SignInNeeded
from ..exchange import CODES
from ..refusals import Verdict
from . import xml

if TYPE_CHECKING:
    from .session import Account

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
    detail = f"{code} {xml.value(message, 'm:MessageText')}".strip()
    return CODES.get(code.lower(), _OTHER).told(detail, seconds)


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
    if isinstance(error, library.EWSError) and name.startswith("Error"):
        detail = f"{name} {error}"
        return CODES.get(name.lower(), _OTHER).told(detail, getattr(error, "back_off", None) or wait)
    return ProviderBroken(f"{host} does not answer as Exchange does", f"{name} {error}", cause="not_exchange")
