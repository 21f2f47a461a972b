"""Requests to one mailbox: tokens, batches, and links that stay with the service."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from .. import http
from ..errors import ConnectorError, ProviderBroken, Transient
from . import causes
from .clouds import ENDPOINT

BATCH = 20
"""Requests in a batch (https://learn.microsoft.com/graph/json-batching)."""

TIMEOUT = 30.0

_IMMUTABLE = 'IdType="ImmutableId"'
"""An id stays when its mail moves (https://learn.microsoft.com/graph/outlook-immutable-id)."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox and the right to read it.

    :param token: returns an access token; with ``True`` a fresh one, because the last was refused
    :param mailbox: address or id of the mailbox; "" for that of whoever signed in. A shared mailbox and one that is
        read by the application's own permission have to be named
    :param endpoint: address of the service with its version
    """

    token: Callable[[bool], str]
    mailbox: str = ""
    endpoint: str = ENDPOINT
    timeout: float = TIMEOUT

    @property
    def root(self) -> str:
        """Where the mailbox is, relative to the endpoint."""
        return f"/users/{quote(self.mailbox, safe='@')}" if self.mailbox else "/me"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request of a batch."""

    status: int
    body: Any
    headers: Mapping[str, str]

    def error(self) -> ConnectorError | None:
        """What it says against the request, if it does."""
        return None if self.status < 300 else causes.refusal(self.status, self.body, self.headers)

    def json(self) -> Json:
        """The answer's object.

        :raises ConnectorError: the request was refused
        """
        if error := self.error():
            raise error
        if not isinstance(self.body, dict):
            raise ProviderBroken("A part of a batch is no object", repr(self.body)[:200])
        return self.body

    def octets(self) -> bytes | None:
        """The answer of a request for raw content; ``None`` when it was not passed on octet by octet."""
        try:
            return base64.b64decode(self.body or "", validate=True)
        except (TypeError, ValueError, binascii.Error):
            return None


class Session:
    """Requests in the name of an account. ``close`` may be called at any time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._requests: Any = None
        self.round_trips = 0

    def open(self) -> None:
        """Get ready; nothing is sent yet.

        :raises NotAllowed: the library is missing
        """
        self._requests = http.library("requests").Session()

    def close(self) -> None:
        """Let go of connections."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None

    @property
    def root(self) -> str:
        """Path of the mailbox."""
        return self._account.root

    def get(self, url: str, **prefer: str) -> Json:
        """An object.

        :param url: a path below the endpoint, or a link that the service gave
        :param prefer: preferences, ``odata_maxpagesize="50"``
        """
        return _object(self._send("GET", url, prefer=prefer))

    def pages(self, url: str, **prefer: str) -> Iterator[Json]:
        """An object and those that it continues with."""
        while url:
            page = self.get(url, **prefer)
            yield page
            url = page.get("@odata.nextLink", "")

    def octets(self, url: str) -> bytes:
        """Raw content."""
        content: bytes = self._send("GET", url).content
        return content

    def post(self, url: str, body: Json) -> Json:
        """Send; the object that is the answer."""
        return self._sent("POST", url, body)

    def submit(self, url: str, octets: bytes, content_type: str) -> int:
        """Send what is no object; the status of the answer."""
        status: int = self._send("POST", url, data=octets, content_type=content_type).status_code
        return status

    def patch(self, url: str, body: Json) -> Json:
        """Change; the object that is the answer."""
        return self._sent("PATCH", url, body)

    def delete(self, url: str) -> None:
        """Remove."""
        self._send("DELETE", url)

    def batch(self, urls: Sequence[str]) -> list[Reply]:
        """The answers to GET requests, in the order of ``urls``, whatever each of them is."""
        replies: list[Reply] = []
        for start in range(0, len(urls), BATCH):
            replies += self._batch(urls[start : start + BATCH])
        return replies

    def _batch(self, urls: Sequence[str]) -> list[Reply]:
        replies = self._batch_once(range(len(urls)), urls)
        refused = [number for number, reply in replies.items() if reply.status == 401]
        if refused:
            self._account.token(True)
            replies |= self._batch_once(refused, urls)
        return [replies[number] for number in range(len(urls))]

    def _batch_once(self, numbers: Sequence[int], urls: Sequence[str]) -> dict[int, Reply]:
        headers = {"Prefer": _IMMUTABLE}
        parts = [{"id": str(number), "method": "GET", "url": urls[number], "headers": headers} for number in numbers]
        answer = self.post("/$batch", {"requests": parts})
        try:
            found = {
                int(part["id"]): Reply(int(part["status"]), part.get("body"), part.get("headers") or {})
                for part in answer["responses"]
            }
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderBroken("A batch was answered against the protocol", repr(error)) from error
        if missing := set(numbers) - found.keys():
            raise ProviderBroken("A batch was answered in part", f"{len(missing)} of {len(numbers)} are missing")
        return found

    # -- plumbing -----------------------------------------------------------------------------------------------

    def _sent(self, method: str, url: str, body: Json) -> Json:
        return _object(self._send(method, url, data=json.dumps(body), content_type="application/json"))

    def _send(
        self,
        method: str,
        url: str,
        *,
        prefer: Mapping[str, str] | None = None,
        data: Any = None,
        content_type: str = "",
    ) -> Any:
        headers = {"Prefer": _preferences(prefer or {}), "Accept": "*/*"}
        if content_type:
            headers["Content-Type"] = content_type
        address = self._address(url)
        response = self._once(method, address, headers, data, fresh=False)
        if response.status_code == 401:
            response = self._once(method, address, headers, data, fresh=True)
        if response.status_code >= 300:
            raise causes.refusal(response.status_code, _parsed(response), response.headers)
        return response

    def _once(self, method: str, address: str, headers: Mapping[str, str], data: Any, *, fresh: bool) -> Any:
        if self._requests is None:
            raise Transient("The session is closed", cause="disconnected")
        exceptions = http.library("requests").exceptions
        token = self._account.token(fresh)
        self.round_trips += 1
        try:
            # The token goes to no other server: redirects are not followed, and a .netrc does not replace it.
            return self._requests.request(
                method,
                address,
                headers=dict(headers),
                data=data,
                auth=http.bearer(lambda: token),
                timeout=self._account.timeout,
                allow_redirects=False,
            )
        except exceptions.RequestException as error:
            self.close()
            raise http.failure(error, urlsplit(self._account.endpoint).hostname or "") from error

    def _address(self, url: str) -> str:
        """The full address of a path, or of a link that the service gave."""
        if url.startswith("/"):
            return self._account.endpoint.rstrip("/") + url
        ours, theirs = urlsplit(self._account.endpoint), urlsplit(url)
        if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc):
            raise ProviderBroken("The service links to another server", f"{theirs.scheme}://{theirs.netloc}")
        return url


def _preferences(wanted: Mapping[str, str]) -> str:
    return ", ".join([_IMMUTABLE, *(f"{name.replace('_', '.')}={value}" for name, value in wanted.items())])


def _parsed(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _object(response: Any) -> Json:
    parsed = _parsed(response)
    if not isinstance(parsed, dict):
        raise ProviderBroken("The service answers without an object", str(response.text)[:200])
    return parsed
