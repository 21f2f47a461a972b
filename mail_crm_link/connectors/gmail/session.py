"""Requests to the Gmail API: one by one or in batches, within the quota, and what refusals mean.

The quota is in units a minute; each method has its price. When a session has spent the minute's units it ends with
``Transient`` and says when to go on: who sleeps holds a worker, and who goes on is refused.
"""

from __future__ import annotations

import copy
import functools
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..errors import ConnectorError, NotAllowed, ProviderBroken, SignInNeeded, Transient
from ..http import failure, library, retry_after

TIMEOUT = 30.0
BATCH = 50
"""Requests of a batch; Google allows 100 and advises against more than 50."""

MINUTE = 60.0
UNITS = 6_000
"""Units a minute and user of new projects; older ones have more."""

# https://developers.google.com/workspace/gmail/api/reference/quota; the dearer of the prices that were published.
PRICES: Mapping[str, int] = {
    "attachment": 20,
    "history": 2,
    "labels": 1,
    "list": 5,
    "message": 20,
    "profile": 1,
    "send": 100,
    "settings": 1,
    "watch": 100,
}

_THROTTLED = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RESOURCE_EXHAUSTED"}
)
_SCOPE = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_API_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_FORBIDDEN = frozenset({"domainPolicy", "forbidden"})
_RETRY_AFTER = re.compile(r"retry after (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that is none; what it means may depend on the request.

    :param reasons: Google's codes
    """

    status: int
    reasons: frozenset[str]
    detail: str
    wait: float | None = None

    def __str__(self) -> str:
        return f"{self.status} {self.detail}"

    @property
    def is_throttling(self) -> bool:
        return self.status == 429 or (self.status == 403 and not _THROTTLED.isdisjoint(self.reasons))


@dataclass(slots=True)
class _Budget:
    """The units of a minute; ``clock`` in seconds, ascending."""

    units: int
    clock: Callable[[], float]
    spent: int = 0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def spend(self, units: int) -> None:
        """:raises Transient: this minute has no such number left"""
        elapsed = self.clock() - self.began
        if elapsed >= MINUTE:
            self.began, self.spent, elapsed = self.clock(), 0, 0.0
        if self.spent and self.spent + units > self.units:
            raise Transient(
                "The units of this minute are spent", f"{self.spent}", cause="throttled", retry_after=MINUTE - elapsed
            )
        self.spent += units


class Session:
    """One session of one account.

    :param url: the root of the API; batches and uploads go to the same
    :param token: gives access tokens, called with whether the last one was refused
    :param units: what may be spent a minute
    """

    def __init__(
        self,
        url: str,
        token: Callable[[bool], str],
        units: int = UNITS,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = url.partition("://")[2].partition("/")[0]
        self._budget = _Budget(units, clock)
        self._http = _authorized_http(token, timeout)
        self.service = _service(url, self._http)
        self.users = self.service.users()

    def close(self) -> None:
        """Leave; never raises."""
        self._http.close()

    def call(self, price: str, request: Any) -> dict[str, Any]:
        """The answer to one request.

        :raises Refusal: the request cannot be answered, and the caller knows why
        :raises ConnectorError: anything else
        """
        self._budget.spend(PRICES[price])
        with self._guarded():
            answer: Any = request.execute(http=self._http, num_retries=0)
        if answer and not isinstance(answer, dict):
            # The library hands on what is no JSON as it is.
            raise ProviderBroken("An answer is no object", repr(answer)[:200])
        return answer or {}

    def batches(
        self, price: str, ids: Sequence[str], request: Callable[[str], Any]
    ) -> Iterator[dict[str, dict[str, Any] | Refused]]:
        """Answers by id, a batch at a time."""
        for start in range(0, len(ids), BATCH):
            yield self._batch(price, ids[start : start + BATCH], request)

    def _batch(
        self, price: str, ids: Sequence[str], request: Callable[[str], Any]
    ) -> dict[str, dict[str, Any] | Refused]:
        answers: dict[str, dict[str, Any] | Refused] = {}

        def take(request_id: str, answer: dict[str, Any], error: Exception | None) -> None:
            is_answer = error is None and isinstance(answer, dict)
            answers[request_id] = answer if is_answer else _refused(error)

        self._budget.spend(PRICES[price] * len(ids))
        batch = self.service.new_batch_http_request(callback=take)
        for one in ids:
            batch.add(request(one), request_id=one)
        with self._guarded():
            batch.execute(http=self._http)
        return answers

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Give what the libraries raise its meaning, but for refusals that depend on the request."""
        errors = library("googleapiclient.errors")
        try:
            yield
        except errors.HttpError as error:
            raise meaning(_refused(error)) from error
        except errors.BatchError as error:
            raise ProviderBroken("The answer to a batch cannot be read", str(error)) from error
        except library("requests").RequestException as error:
            raise failure(error, self._host) from error
        except (ValueError, KeyError) as error:
            # KeyError: a batch was answered in part.
            raise ProviderBroken("An answer cannot be read", repr(error)) from error


class Client:
    """What asks in the name of an account, in one session at a time.

    :param new_session: makes one
    """

    def __init__(self, new_session: Callable[[], Session]) -> None:
        self._new_session = new_session
        self._session: Session | None = None

    def open(self) -> None:
        """Get ready; nobody is asked for anything yet."""
        self.close()
        self._session = self._new_session()

    def close(self) -> None:
        """Leave. Never raises, and may be called at any time and twice."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    @property
    def _opened(self) -> Session:
        if self._session is None:
            raise Transient("The connector is not open", cause="disconnected")
        return self._session

    def _call(self, price: str, request: Any) -> dict[str, Any]:
        """The answer to a request that nothing about a mail can make fail."""
        try:
            return self._opened.call(price, request)
        except Refusal as refusal:
            raise ProviderBroken("Gmail refuses", str(refusal)) from refusal


class Refusal(Exception):
    """Carries a ``Refused`` that has no meaning of its own through the guard."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(str(refused))
        self.refused = refused


def meaning(refused: Refused) -> Exception:
    """The error that a refusal means whatever was asked for; else ``Refusal``."""
    return general(refused) or Refusal(refused)


def general(refused: Refused) -> ConnectorError | None:
    """What a refusal means whatever was asked for, if it does."""
    text = str(refused)
    if refused.is_throttling:
        return Transient("Too many requests", text, cause="throttled", retry_after=refused.wait)
    if refused.status >= 500:
        return Transient("Gmail cannot serve at the moment", text, cause="unavailable", retry_after=refused.wait)
    if refused.status == 401:
        return SignInNeeded("Gmail does not accept the access token", text, cause="consent_expired")
    if not _SCOPE.isdisjoint(refused.reasons):
        return SignInNeeded("A right is missing", text, cause="consent_partial")
    if not _API_OFF.isdisjoint(refused.reasons):
        return NotAllowed("The Gmail API is not switched on for this application", text, cause="api_off")
    if refused.status == 403 or not _FORBIDDEN.isdisjoint(refused.reasons):
        return NotAllowed("The organisation does not allow it", text, cause="consent_forbidden")
    if "failedPrecondition" in refused.reasons or "FAILED_PRECONDITION" in refused.reasons:
        return NotAllowed("The account has no Gmail", text, cause="mail_off")
    return None


def _refused(error: Any) -> Refused:
    """What an ``HttpError`` of the library says; another error has no answer of the server."""
    response = getattr(error, "resp", None)
    if response is None:
        return Refused(500, frozenset(), repr(error))
    try:
        content = json.loads(error.content)["error"]
        reasons = {content.get("status", ""), *(each.get("reason", "") for each in content.get("errors", ()))}
        reasons |= {each.get("reason", "") for each in content.get("details", ())}
        detail = str(content.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        reasons, detail = set(), ""
    wait = retry_after(response.get("retry-after")) or _named_wait(detail)
    return Refused(int(response.status), frozenset(map(str, reasons)), detail, wait)


def _named_wait(words: str) -> float | None:
    """Seconds until the time that is named: ``User-rate limit exceeded.  Retry after 2026-03-01T20:54:01.318Z``."""
    named = _RETRY_AFTER.search(words)
    if not named:
        return None
    until = datetime.strptime(named[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return max(until.timestamp() - time.time(), 0.0)


# -- the libraries, loaded when they are needed --------------------------------------------------------------------


class _Transport:
    """What Google's library takes for httplib2, which sends a request again when a connection breaks: a mail, too."""

    def __init__(self, timeout: float) -> None:
        self._session = library("requests").Session()
        self._timeout = timeout

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_options: Any
    ) -> tuple[Any, bytes]:
        """Header and content of the answer."""
        answer = self._session.request(
            method, uri, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
        )
        head = library("httplib2").Response({**answer.headers, "status": str(answer.status_code)})
        head.reason = answer.reason
        return head, answer.content

    def close(self) -> None:
        self._session.close()


def _authorized_http(token: Callable[[bool], str], timeout: float) -> Any:
    base: Any = library("google.auth.credentials").Credentials

    class TokenCredentials(base):  # type: ignore[misc]
        """Asks for a token before every request: whoever gives them knows when they end."""

        def refresh(self, request: Any) -> None:
            self.token = token(True)

        def before_request(self, request: Any, method: str, url: str, headers: dict[str, str]) -> None:
            self.token = token(False)
            self.apply(headers)

    return library("google_auth_httplib2").AuthorizedHttp(TokenCredentials(), _Transport(timeout))


def _service(url: str, authorized: Any) -> Any:
    """The API's methods at an address.

    The library's option for another address leaves batches and uploads where they were; the address in the
    description moves them all.
    """
    document = copy.copy(_document())
    document["rootUrl"] = document["baseUrl"] = f"{url.rstrip('/')}/"
    return library("googleapiclient.discovery").build_from_document(document, http=authorized)


@functools.cache
def _document() -> dict[str, Any]:
    """The description of the API that comes with the library; none is fetched."""
    found: dict[str, Any] = json.loads(library("googleapiclient.discovery_cache").get_static_doc("gmail", "v1"))
    return found
