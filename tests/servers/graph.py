"""A mailbox service that answers as Microsoft Graph is documented to, for tests; nobody compared it with the real one.

Written from https://learn.microsoft.com/graph, by page:

======================================  ===============================================================
api/message-delta, delta-query-messages rounds, pages, ``@removed``, order, the 5,000 of ``$filter``
outlook-immutable-id                    ids that change with a move, unless asked otherwise
json-batching, throttling               20 parts, each with its own status; 429 with Retry-After
api/mailfolder-*, resources/mailfolder  well-known names, child folders, paging
resources/message, extended-properties  properties, ``internetMessageHeaders``, MAPI tags
search-query-parameter                  phrases, word by word
api/user-sendmail                       MIME in base64, 202, the copy in Sent Items
api/subscription-post-subscriptions,    the validation token, renewal, what is told and how
change-notifications-lifecycle-events
======================================  ===============================================================
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import re
import secrets
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from .web_service import WebHandler, WebService

Json = dict[str, Any]

FILTER_LIMIT = 5_000
BATCH_LIMIT = 20
PAGE_LIMIT = 1_000
DEFAULT_PAGE = 10
LONGEST_SUBSCRIPTION = timedelta(days=7)

WELL_KNOWN = {
    "inbox": "INBOX",
    "sentitems": "Sent",
    "drafts": "Drafts",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "outbox": "Outbox",
}
_ROLES = {"sent": "sentitems", "archive": "archive", "drafts": "drafts", "junk": "junkemail", "trash": "deleteditems"}
_SENT = ("sentitems", "drafts", "outbox")
_TAG = re.compile(r"'(\w+) (0x[0-9A-Fa-f]+)'")


class Refusal(Exception):
    """An answer with an error object."""

    def __init__(self, status: int, code: str, message: str = "", **headers: str) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"error": {"code": code, "message": message or code, "innerError": {"request-id": "0"}}}
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(slots=True)
class StoredMail:
    """A mail; ``version`` makes the id that changes with a move."""

    key: int
    raw: bytes
    received: datetime
    folder: str
    is_read: bool = False
    version: int = 0
    fault: int = 0


@dataclass(slots=True)
class StoredFolder:
    """A folder; ``events`` are (number, what, key and version of the mail)."""

    remote_id: str
    name: str
    parent: str
    well_known: str = ""
    denied: bool = False
    events: list[tuple[int, str, int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Round:
    """What a token stands for: entries still to come, then the number of the last event they cover."""

    folder: str
    upto: int
    query: Mapping[str, str]
    entries: tuple[tuple[str, int], ...]
    tracked: frozenset[int] | None = None


class Mailbox:
    """The server's side of one mailbox: what people do to it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.proxy_addresses: list[str] | None = [f"SMTP:{address}"]
        self.folders: dict[str, StoredFolder] = {}
        self.mails: dict[int, StoredMail] = {}
        self.rounds: dict[str, Round] = {}
        self.partial_changes = True
        self.rich_delta = True
        self.delta_headers = True
        self.filter_limit = FILTER_LIMIT
        self._numbers = itertools.count(1)
        self._clock = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=1)
        for well_known, name in WELL_KNOWN.items():
            self.create_folder(name, well_known=well_known)

    def create_folder(self, name: str, parent: str = "", well_known: str = "") -> StoredFolder:
        """Make a folder; ``parent`` is an id."""
        remote_id = f"AAMk-{secrets.token_urlsafe(18)}="
        self.folders[remote_id] = StoredFolder(remote_id, name, parent, well_known)
        return self.folders[remote_id]

    def folder(self, key: str) -> StoredFolder:
        """By id, well-known name, or the name for people."""
        for folder in self.folders.values():
            if key in (folder.remote_id, folder.name) or (folder.well_known and key.lower() == folder.well_known):
                return folder
        raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")

    def deliver(
        self, raw: bytes, folder: str = "inbox", received: datetime | None = None, is_read: bool = False
    ) -> StoredMail:
        """Put a mail into a folder; one second after the one before, unless told."""
        self._clock += timedelta(seconds=1)
        target = self.folder(folder)
        mail = StoredMail(next(self._numbers), raw, received or self._clock, target.remote_id, is_read)
        self.mails[mail.key] = mail
        self._note(target.remote_id, "new", mail)
        return mail

    def remove(self, mail: StoredMail) -> None:
        """Delete a mail for good."""
        del self.mails[mail.key]
        self._note(mail.folder, "gone", mail)

    def move(self, mail: StoredMail, target: str) -> None:
        """Move a mail; its immutable id stays."""
        self._note(mail.folder, "gone", mail)
        mail.folder, mail.version = self.folder(target).remote_id, mail.version + 1
        self._note(mail.folder, "new", mail)

    def mark(self, mail: StoredMail, seen: bool) -> None:
        """Mark as read or unread."""
        mail.is_read = seen
        self._note(mail.folder, "flag", mail)

    def forget_rounds(self) -> None:
        """Have all delta links expire."""
        self.rounds.clear()

    def _note(self, folder: str, what: str, mail: StoredMail) -> None:
        self.folders[folder].events.append((next(self._numbers), what, mail.key, mail.version))

    def last_event(self) -> int:
        """The number of whatever happened last."""
        return max((events[-1][0] for each in self.folders.values() if (events := each.events)), default=0)

    def mail(self, remote_id: str) -> StoredMail:
        """By either kind of id."""
        for mail in self.mails.values():
            if remote_id in (immutable_id(mail), mutable_id(mail)):
                return mail
        raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")

    def mails_of(self, folder: str) -> list[StoredMail]:
        """Newest first."""
        mails = [mail for mail in self.mails.values() if mail.folder == folder]
        return sorted(mails, key=lambda mail: (mail.received, mail.key), reverse=True)


def immutable_id(mail: StoredMail) -> str:
    """The id that stays; with signs that must be encoded in a path."""
    return f"AAkA/{mail.key:08d}+x="


def mutable_id(mail: StoredMail) -> str:
    """The id that changes when the mail moves."""
    return f"AAMk/{mail.key:08d}.{mail.version}="


@dataclass(slots=True)
class Asked:
    """A request as the service sees it, alone or within a batch."""

    method: str
    path: str
    query: Mapping[str, str]
    prefer: str
    body: Any = None
    content_type: str = ""

    @property
    def wants_immutable(self) -> bool:
        """Whether it asked for ids that stay."""
        return 'idtype="immutableid"' in self.prefer.lower()

    @property
    def page_size(self) -> int:
        """Entries of a page."""
        asked = re.search(r"odata\.maxpagesize=(\d+)", self.prefer)
        return min(int(asked[1]) if asked else DEFAULT_PAGE, PAGE_LIMIT)


@dataclass(slots=True)
class Subscribed:
    """A subscription somebody made."""

    remote_id: str
    mailbox: str
    body: Json
    renewals: int = 0


class GraphServer(WebService):
    """The service on this machine; a context manager.

    Faults are given by the number of the request, from 1: ``fail[3] = Refusal(…)``, ``cut[4] = 100`` octets
    of the answer come, or not even its status for -1;
    ``throttled`` parts of the next batch are refused; ``accepts`` says which tokens are good, ``token`` alone
    unless told.
    """

    def __init__(self) -> None:
        self.mailboxes: dict[str, Mailbox] = {}
        self.token = "token-1"
        self.accepts: Callable[[str], bool] = lambda token: token == self.token
        self.expires_at: set[int] = set()
        self.fail: dict[int, Refusal] = {}
        self.cut: dict[int, int] = {}
        self.throttled: list[str] = []
        self.calls = 0
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.refreshes = 0
        self.subscriptions: dict[str, Subscribed] = {}
        self.sent: list[bytes] = []
        self.signed_in = "ann@example.com"
        self.lock = threading.RLock()

    @property
    def endpoint(self) -> str:
        """Its address with the version."""
        return f"{self.origin}/v1.0"

    def mailbox(self, address: str) -> Mailbox:
        """That of ``address``, made when it is first asked for here."""
        return self.mailboxes.setdefault(address, Mailbox(address))

    def give_token(self, fresh: bool) -> str:
        """What a sign-in library would do."""
        if fresh:
            self.refreshes += 1
            self.token = f"token-{self.refreshes + 1}"
        return self.token

    def expire_token(self) -> None:
        """Accept another one from now on; a refresh gets it."""
        self.token = f"{self.token}-expired"

    # -- notifications ------------------------------------------------------------------------------------------

    def notify(self, **values: str) -> list[int]:
        """Tell all subscribers of a change, or of ``lifecycleEvent``; the statuses of their answers."""
        return [self._notify(each, values) for each in self.subscriptions.values()]

    def _notify(self, subscribed: Subscribed, values: Mapping[str, str]) -> int:
        key = "lifecycleNotificationUrl" if "lifecycleEvent" in values else "notificationUrl"
        told = {
            "subscriptionId": subscribed.remote_id,
            "subscriptionExpirationDateTime": subscribed.body["expirationDateTime"],
            "clientState": subscribed.body["clientState"],
            **({"changeType": "created", "resource": "Users/0/Messages/0"} if key == "notificationUrl" else {}),
            **values,
        }
        body = json.dumps({"value": [told]}).encode()
        return _post(subscribed.body[key], body, "application/json")[0]

    def _validate(self, address: str) -> None:
        token = f"Validation: Testing client application reachability for {secrets.token_hex(4)} &+"
        mark = "&" if "?" in address else "?"
        status, content_type, body = _post(f"{address}{mark}validationToken={quote(token)}", b"", "text/plain")
        if status != 200 or not content_type.startswith("text/plain") or body != token:
            raise Refusal(400, "ValidationError", "Subscription validation request failed.")

    # -- answers ------------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Status and object (or octets, or nothing) for a request."""
        if asked.path == "/subscriptions" or asked.path.startswith("/subscriptions/"):
            return self._subscription(asked)
        mailbox, rest = self._addressed(asked.path)
        for method, pattern, respond in _ROUTES:
            if asked.method == method and (found := re.fullmatch(pattern, rest)):
                return respond(self, mailbox, asked, *map(unquote, found.groups()))
        raise Refusal(400, "BadRequest", f"Resource not found for the segment '{rest}'.")

    def _addressed(self, path: str) -> tuple[Mailbox, str]:
        if path == "/me" or path.startswith("/me/"):
            return self.mailboxes[self.signed_in], path[3:]
        if found := re.match(r"/users/([^/]+)(/.*|$)", path):
            address = unquote(found[1])
            if address not in self.mailboxes:
                raise Refusal(404, "ErrorInvalidUser", f"The requested user '{address}' is invalid.")
            return self.mailboxes[address], found[2]
        raise Refusal(400, "BadRequest", path)

    def batch(self, body: Json) -> Json:
        """The answers to the parts, in another order than asked."""
        parts = body.get("requests", [])
        if not 0 < len(parts) <= BATCH_LIMIT or len({part["id"] for part in parts}) != len(parts):
            raise Refusal(400, "BadRequest", "Invalid batch payload format.")
        throttled, self.throttled = self.throttled, []
        answers = [self._part(part, throttled[n] if n < len(throttled) else "") for n, part in enumerate(parts)]
        return {"responses": answers[::-1]}

    def _part(self, part: Json, retry_after: str) -> Json:
        try:
            if retry_after:
                raise Refusal(429, "ApplicationThrottled", "Too many", Retry_After=retry_after)
            split = urlsplit(part["url"])
            prefer = {name.lower(): value for name, value in part.get("headers", {}).items()}.get("prefer", "")
            status, body = self.answer(Asked(part["method"], split.path, _query(split.query), prefer))
            headers = {"Content-Type": "application/json"}
        except Refusal as refusal:
            status, body, headers = refusal.status, refusal.body, refusal.headers
        if isinstance(body, bytes):
            body, headers = base64.b64encode(body).decode(), {"Content-Type": "text/plain"}
        return {"id": part["id"], "status": status, "headers": headers, "body": body}

    def _subscription(self, asked: Asked) -> tuple[int, Any]:
        if asked.path == "/subscriptions" and asked.method == "POST":
            return self._subscribe(asked.body)
        remote_id = asked.path.split("/")[2]
        subscribed = self.subscriptions.get(remote_id)
        if subscribed is None:
            raise Refusal(404, "ResourceNotFound", "The object was not found.")
        if asked.method == "DELETE":
            del self.subscriptions[remote_id]
            return 204, None
        if asked.method == "PATCH":
            _check_expiry(asked.body["expirationDateTime"])
            subscribed.body |= asked.body
            subscribed.renewals += 1
        return 200, {"id": remote_id, **subscribed.body}

    def _subscribe(self, body: Json) -> tuple[int, Json]:
        _check_expiry(body["expirationDateTime"])
        mailbox, _rest = self._addressed("/" + body["resource"].lstrip("/"))
        for key in ("notificationUrl", "lifecycleNotificationUrl"):
            if key in body:
                self._validate(body[key])
        subscribed = Subscribed(secrets.token_hex(8), mailbox.address, dict(body))
        self.subscriptions[subscribed.remote_id] = subscribed
        return 201, {"id": subscribed.remote_id, **body}


def _check_expiry(text: str) -> None:
    if datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.now(timezone.utc) > LONGEST_SUBSCRIPTION:
        raise Refusal(400, "InvalidRequest", "Subscription expiration can only be 10080 minutes in the future.")


def _post(address: str, body: bytes, content_type: str) -> tuple[int, str, str]:
    request = urllib.request.Request(address, body, {"Content-Type": content_type}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers.get("Content-Type", ""), response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, "", ""


# -- folders ----------------------------------------------------------------------------------------------------


def _folders(server: GraphServer, mailbox: Mailbox, asked: Asked, parent: str = "") -> tuple[int, Json]:
    above = mailbox.folder(parent).remote_id if parent else ""
    found = [_folder_object(mailbox, each) for each in mailbox.folders.values() if each.parent == above]
    return 200, _paged(server, asked, found)


def _folder(server: GraphServer, mailbox: Mailbox, asked: Asked, key: str) -> tuple[int, Json]:
    return 200, _folder_object(mailbox, mailbox.folder(key))


def _folder_object(mailbox: Mailbox, folder: StoredFolder) -> Json:
    children = [each for each in mailbox.folders.values() if each.parent == folder.remote_id]
    return {
        "id": folder.remote_id,
        "displayName": folder.name,
        "parentFolderId": folder.parent or "root",
        "childFolderCount": len(children),
        "totalItemCount": len(mailbox.mails_of(folder.remote_id)),
    }


def _paged(server: GraphServer, asked: Asked, values: list[Json]) -> Json:
    """A page by ``$top`` and ``$skip``."""
    top, skip = int(asked.query.get("$top", DEFAULT_PAGE)), int(asked.query.get("$skip", 0))
    page: Json = {"@odata.context": "", "value": values[skip : skip + top]}
    if asked.query.get("$count") == "true":
        page["@odata.count"] = len(values)
    if skip + top < len(values):
        query = "&".join(f"{name}={value}" for name, value in {**asked.query, "$skip": str(skip + top)}.items())
        page["@odata.nextLink"] = f"{server.endpoint}{asked.path}?{query}"
    return page


# -- mails ------------------------------------------------------------------------------------------------------


def _messages(server: GraphServer, mailbox: Mailbox, asked: Asked, folder: str) -> tuple[int, Json]:
    mails = [mail for mail in mailbox.mails_of(mailbox.folder(folder).remote_id) if _matches(mail, asked.query)]
    return 200, _paged(server, asked, [_message_object(mailbox, mail, asked, asked.query) for mail in mails])


def _matches(mail: StoredMail, query: Mapping[str, str]) -> bool:
    if "$search" in query:
        words = _words(query["$search"].strip('"').replace('\\"', ""))
        return f" {words} " in f" {_words(mail.raw.decode('utf-8', 'replace'))} "
    condition = query.get("$filter", "")
    if found := re.fullmatch(r"receivedDateTime (ge|gt) (\S+)", condition):
        since = datetime.fromisoformat(found[2].replace("Z", "+00:00"))
        return mail.received >= since if found[1] == "ge" else mail.received > since
    if found := re.fullmatch(r"internetMessageId eq '(.*)'", condition):
        return _field(_parsed(mail), "Message-ID") == found[1].replace("''", "'")
    if condition:
        raise Refusal(400, "ErrorInvalidUrlQueryFilter", condition)
    return True


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _message(server: GraphServer, mailbox: Mailbox, asked: Asked, remote_id: str) -> tuple[int, Json]:
    return 200, _message_object(mailbox, _sound(mailbox.mail(remote_id)), asked, asked.query)


def _value(server: GraphServer, mailbox: Mailbox, asked: Asked, remote_id: str) -> tuple[int, bytes]:
    return 200, _sound(mailbox.mail(remote_id)).raw


def _sound(mail: StoredMail) -> StoredMail:
    if mail.fault:
        raise Refusal(mail.fault, "ErrorInternalServerError", "An internal server error occurred.")
    return mail


def _patch(server: GraphServer, mailbox: Mailbox, asked: Asked, remote_id: str) -> tuple[int, Json]:
    mail = mailbox.mail(remote_id)
    mailbox.mark(mail, asked.body["isRead"])
    return 200, _message_object(mailbox, mail, asked, {})


def _move(server: GraphServer, mailbox: Mailbox, asked: Asked, remote_id: str) -> tuple[int, Json]:
    mail = mailbox.mail(remote_id)
    mailbox.move(mail, asked.body["destinationId"])
    return 201, _message_object(mailbox, mail, asked, {})


def _delete(server: GraphServer, mailbox: Mailbox, asked: Asked, remote_id: str) -> tuple[int, None]:
    """To the bin, and from the bin for good."""
    mail = mailbox.mail(remote_id)
    bin_id = mailbox.folder("deleteditems").remote_id
    if mail.folder == bin_id:
        mailbox.remove(mail)
    else:
        mailbox.move(mail, bin_id)
    return 204, None


def _permanent_delete(server: GraphServer, mailbox: Mailbox, asked: Asked, remote_id: str) -> tuple[int, None]:
    mailbox.remove(mailbox.mail(remote_id))
    return 204, None


def _send_mail(server: GraphServer, mailbox: Mailbox, asked: Asked) -> tuple[int, None]:
    if asked.content_type != "text/plain":
        raise Refusal(400, "BadRequest", "Only MIME is understood here.")
    try:
        raw = base64.b64decode(asked.body, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Refusal(400, "ErrorMimeContentInvalidBase64String", str(error)) from error
    server.sent.append(raw)
    mailbox.deliver(raw, "sentitems", datetime.now(timezone.utc).replace(microsecond=0), is_read=True)
    return 202, None


def _message_object(mailbox: Mailbox, mail: StoredMail, asked: Asked, query: Mapping[str, str]) -> Json:
    remote_id = immutable_id(mail) if asked.wants_immutable else mutable_id(mail)
    properties = _properties(mailbox, mail)
    selected = query.get("$select")
    if selected:
        properties = {name: value for name, value in properties.items() if name in selected.split(",")}
    else:
        properties.pop("internetMessageHeaders", None)
    if tags := _TAG.findall(query.get("$expand", "")):
        extended = _extended(mail)
        properties["singleValueExtendedProperties"] = [
            {"id": f"{kind} {hex(int(number, 16))}", "value": extended[int(number, 16)]}
            for kind, number in tags
            if extended.get(int(number, 16))
        ]
    return {"@odata.etag": f'W/"{mail.version}"', **properties, "id": remote_id}


def _extended(mail: StoredMail) -> dict[int, str]:
    message = _parsed(mail)
    return {
        0x0E08: str(len(mail.raw)),
        0x1042: _field(message, "In-Reply-To"),
        0x1039: _field(message, "References"),
    }


def _properties(mailbox: Mailbox, mail: StoredMail) -> Json:
    message = _parsed(mail)
    senders = _recipients(message, "From")
    properties: Json = {
        "isRead": mail.is_read,
        "parentFolderId": mail.folder,
        "receivedDateTime": _moment(mail.received),
        "sentDateTime": _moment(_sent(message) or mail.received),
        "subject": _decoded(_field(message, "Subject")),
        "from": senders[0] if senders else None,
        "sender": (_recipients(message, "Sender") or senders or [None])[0],
        "replyTo": _recipients(message, "Reply-To"),
        "toRecipients": _recipients(message, "To"),
        "ccRecipients": _recipients(message, "Cc"),
        "bccRecipients": _recipients(message, "Bcc"),
        "internetMessageId": _field(message, "Message-ID"),
        "conversationIndex": _field(message, "Thread-Index") or "AQHcAAAA",
    }
    if mailbox.folders[mail.folder].well_known not in _SENT:
        properties["internetMessageHeaders"] = [
            {"name": name, "value": str(value)} for name, value in message.raw_items()
        ]
    return properties


def _parsed(mail: StoredMail) -> Message:
    return message_from_bytes(mail.raw)


def _field(message: Message, name: str) -> str:
    return next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "").strip()


def _decoded(text: str) -> str:
    try:
        return str(make_header(decode_header(text)))
    except (LookupError, ValueError):
        return text


def _recipients(message: Message, name: str) -> list[Json]:
    found = getaddresses([_field(message, name)])
    return [{"emailAddress": {"name": _decoded(label) or address, "address": address}} for label, address in found]


def _sent(message: Message) -> datetime | None:
    try:
        return parsedate_to_datetime(_field(message, "Date")).astimezone(timezone.utc)
    except (TypeError, ValueError):
        return None


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


# -- delta ------------------------------------------------------------------------------------------------------


def _delta(server: GraphServer, mailbox: Mailbox, asked: Asked, folder_key: str) -> tuple[int, Json]:
    folder = mailbox.folder(folder_key)
    if folder.denied:
        raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    token = asked.query.get("$skiptoken") or asked.query.get("$deltatoken")
    if token is None:
        state = _first_round(mailbox, folder, asked.query)
    elif token not in mailbox.rounds:
        raise Refusal(410, "SyncStateNotFound", "The sync state generation is not found; the full sync is required.")
    else:
        state = mailbox.rounds[token]
        if "$deltatoken" in asked.query:
            state = _next_round(mailbox, state)
    return 200, _delta_page(server, mailbox, asked, state)


def _first_round(mailbox: Mailbox, folder: StoredFolder, query: Mapping[str, str]) -> Round:
    if not mailbox.rich_delta and ("$expand" in query or "internetMessageHeaders" in query.get("$select", "")):
        raise Refusal(400, "ErrorInvalidUrlQuery", "The query is not supported with change tracking.")
    if query.get("$orderby") not in (None, "receivedDateTime desc") or "$search" in query:
        raise Refusal(400, "ErrorInvalidUrlQuery", "not supported")
    mails = [mail for mail in mailbox.mails_of(folder.remote_id) if _matches(mail, query)]
    if "$orderby" not in query:
        mails.sort(key=lambda mail: mail.key)
    tracked = None
    if "$filter" in query:
        mails = mails[: mailbox.filter_limit]
        tracked = frozenset(mail.key for mail in mails) if len(mails) == mailbox.filter_limit else None
    entries = tuple(("new", mail.key) for mail in mails)
    return Round(folder.remote_id, mailbox.last_event(), query, entries, tracked)


def _next_round(mailbox: Mailbox, state: Round) -> Round:
    """The last word on each mail that something happened to since."""
    folder = mailbox.folders[state.folder]
    words: dict[int, str] = {}
    for number, what, key, _version in folder.events:
        if number > state.upto and (state.tracked is None or key in state.tracked):
            words[key] = "new" if what == "flag" and words.get(key) == "new" else what
    entries = tuple((what, key) for key, what in words.items())
    return Round(state.folder, mailbox.last_event(), state.query, entries, state.tracked)


def _delta_page(server: GraphServer, mailbox: Mailbox, asked: Asked, state: Round) -> Json:
    page, rest = state.entries[: asked.page_size], state.entries[asked.page_size :]
    token = secrets.token_urlsafe(12)
    mailbox.rounds[token] = Round(state.folder, state.upto, state.query, rest, state.tracked)
    kind, parameter = ("nextLink", "$skiptoken") if rest else ("deltaLink", "$deltatoken")
    values = [_entry(mailbox, asked, state, what, key) for what, key in page]
    return {
        "@odata.context": "",
        "value": [value for value in values if value],
        f"@odata.{kind}": f"{server.endpoint}{asked.path}?{parameter}={token}",
    }


def _entry(mailbox: Mailbox, asked: Asked, state: Round, what: str, key: int) -> Json | None:
    mail = mailbox.mails.get(key)
    if mail is None or mail.folder != state.folder:
        gone = StoredMail(key, b"", datetime.now(timezone.utc), state.folder)
        if what == "new":
            return None
        return {
            "id": immutable_id(gone) if asked.wants_immutable else mutable_id(gone),
            "@removed": {"reason": "deleted"},
        }
    whole = _message_object(mailbox, mail, asked, state.query)
    if not mailbox.delta_headers:
        whole.pop("internetMessageHeaders", None)
    if what == "flag" and mailbox.partial_changes:
        return {"id": whole["id"], "isRead": mail.is_read, "parentFolderId": mail.folder}
    return whole


def _user(server: GraphServer, mailbox: Mailbox, asked: Asked) -> tuple[int, Json]:
    """https://learn.microsoft.com/graph/api/user-get: only what was selected, for who has the right."""
    if mailbox.proxy_addresses is None:
        raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    known: Json = {"mail": mailbox.address, "proxyAddresses": mailbox.proxy_addresses}
    return 200, {name: known[name] for name in asked.query.get("$select", "").split(",") if name in known}


_ROUTES: tuple[tuple[str, str, Callable[..., tuple[int, Any]]], ...] = (
    ("GET", r"", _user),
    ("GET", r"/mailFolders", _folders),
    ("GET", r"/mailFolders/([^/]+)", _folder),
    ("GET", r"/mailFolders/([^/]+)/childFolders", _folders),
    ("GET", r"/mailFolders/([^/]+)/messages", _messages),
    ("GET", r"/mailFolders/([^/]+)/messages/delta", _delta),
    ("GET", r"/messages/([^/]+)", _message),
    ("GET", r"/messages/([^/]+)/\$value", _value),
    ("PATCH", r"/messages/([^/]+)", _patch),
    ("POST", r"/messages/([^/]+)/move", _move),
    ("DELETE", r"/messages/([^/]+)", _delete),
    ("POST", r"/messages/([^/]+)/permanentDelete", _permanent_delete),
    ("POST", r"/sendMail", _send_mail),
)


def _query(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


class _Handler(WebHandler):
    service: GraphServer

    def do_GET(self) -> None:
        service = self.service
        sent = self.sent()
        with service.lock:
            service.calls += 1
            number = service.calls
            service.asked.append((self.command, self.path, dict(self.headers)))
            try:
                status, body, headers = self._answer(number, sent)
            except Refusal as refusal:
                status, body, headers = refusal.status, refusal.body, refusal.headers
        self._reply(status, body, headers, service.cut.get(number))

    do_POST = do_PATCH = do_DELETE = do_GET

    def _answer(self, number: int, sent: bytes) -> tuple[int, Any, Mapping[str, str]]:
        service = self.service
        if number in service.expires_at:
            service.expire_token()
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not service.accepts(token):
            raise Refusal(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        if number in service.fail:
            raise service.fail[number]
        split = urlsplit(self.path)
        path = split.path.removeprefix("/v1.0")
        content_type = (self.headers.get("Content-Type") or "").partition(";")[0]
        body = json.loads(sent) if content_type == "application/json" and sent else sent
        if path == "/$batch":
            return 200, service.batch(body), {}
        prefer = self.headers.get("Prefer", "")
        status, answer = service.answer(Asked(self.command, path, _query(split.query), prefer, body, content_type))
        return status, answer, {}

    def _reply(self, status: int, body: Any, headers: Mapping[str, str], cut: int | None) -> None:
        octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = "text/plain" if isinstance(body, bytes) else "application/json"
        self.reply(status, {**headers, "Content-Type": kind}, octets, cut)


GraphServer.handler = _Handler


def calls_by_kind(server: GraphServer) -> Counter[str]:
    """How often which kind of request was made."""
    return Counter(_kind(method, path) for method, path, _headers in server.asked)


def _kind(method: str, path: str) -> str:
    for name in ("$batch", "/delta", "/$value", "/sendMail", "$count"):
        if name in path:
            return name.strip("/$")
    return method
