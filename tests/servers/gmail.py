"""The Gmail API on this machine, written from the pages of https://developers.google.com/workspace/gmail/api.

``GmailAccount`` is what people do to their mailbox, ``GmailServer`` what programs ask. Of the search only those words
are known that a mail program needs: ``in:``, ``-in:``, ``after:``, ``larger:``, ``rfc822msgid:`` and words in quotes.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .web_service import WebHandler, WebService

SYSTEM_LABELS = (
    "INBOX",
    "SENT",
    "DRAFT",
    "SPAM",
    "TRASH",
    "UNREAD",
    "STARRED",
    "CATEGORY_UPDATES",
    "CATEGORY_PROMOTIONS",
    "CHAT",
)
FORGOTTEN = 404
_PLACES = {"sent": "SENT", "drafts": "DRAFT", "chats": "CHAT", "inbox": "INBOX"}


@dataclass
class Mail:
    """A mail of the account.

    :param labels: where people see it
    :param fault: the service stumbles over it
    """

    id: str
    raw: bytes
    received: datetime
    labels: set[str]
    thread: str
    fault: bool = False

    def message_id(self) -> str:
        return (message_from_bytes(self.raw)["Message-ID"] or "").strip("<> ")

    def words(self) -> str:
        message = BytesParser(policy=policy.default).parsebytes(self.raw)
        texts = [str(message["Subject"] or "")]
        texts += [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
        return " ".join(re.findall(r"\w+", " ".join(texts).casefold()))


@dataclass
class GmailAccount:
    """One account.

    :param decodes_headers: whether encoded words in header fields come as what they mean
    """

    address: str = "anna@our.example"
    decodes_headers: bool = False
    mails: dict[str, Mail] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=lambda: {label: label for label in SYSTEM_LABELS})
    aliases: list[dict[str, Any]] = field(default_factory=list)
    history: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    history_id: int = 1_000
    oldest: int = 0
    topic: str = ""

    def __post_init__(self) -> None:
        self._numbers = itertools.count(0x18C0_0000_0000_0000, 0x1111)
        self.aliases.append({"sendAsEmail": self.address, "isPrimary": True, "isDefault": True})

    # -- what people do -----------------------------------------------------------------------------------------

    def deliver(
        self, raw: bytes, *labels: str, received: datetime | None = None, thread: str = "", unread: bool = True
    ) -> str:
        """Put a mail into the account; its id."""
        number = f"{next(self._numbers):x}"
        marks = {*(labels or ("INBOX",)), *(["UNREAD"] if unread else [])}
        mail = Mail(number, raw, received or datetime.now(timezone.utc), marks, thread or number)
        self.mails[number] = mail
        self.note("messagesAdded", mail)
        return number

    def delete(self, remote_id: str) -> None:
        """Delete a mail for good."""
        self.note("messagesDeleted", self.mails.pop(remote_id))

    def label(self, remote_id: str, add: str = "", remove: str = "") -> None:
        """Put a label on a mail, or take one off."""
        mail = self.mails[remote_id]
        if add:
            mail.labels.add(add)
            self.note("labelsAdded", mail, [add])
        if remove:
            mail.labels.discard(remove)
            self.note("labelsRemoved", mail, [remove])

    def make_label(self, name: str) -> str:
        """Make a label; its id."""
        number = f"Label_{len(self.labels)}"
        self.labels[number] = name
        return number

    def forget_history(self) -> None:
        """Forget what happened until now, as Google does after a week."""
        self.oldest = self.history_id + 1
        self.history_id += 1

    def note(self, kind: str, mail: Mail, labels: list[str] | None = None) -> None:
        self.history_id += 7
        told: dict[str, Any] = {"message": {"id": mail.id, "threadId": mail.thread, "labelIds": sorted(mail.labels)}}
        if labels is not None:
            told["labelIds"] = labels
        self.history.append((self.history_id, {"id": str(self.history_id), kind: [told]}))

    # -- what programs are told ---------------------------------------------------------------------------------

    def search(self, query: str) -> list[Mail]:
        """The mails that a search finds, newest first; spam and trash only if they are asked for."""
        wanted = list(_criteria(query, self))
        found = [
            mail
            for mail in self.mails.values()
            if mail.labels.isdisjoint({"SPAM", "TRASH"}) and all(criterion(mail) for criterion in wanted)
        ]
        return sorted(found, key=lambda mail: (mail.received, mail.id), reverse=True)


def _criteria(query: str, account: GmailAccount) -> Iterator[Callable[[Mail], bool]]:
    for term in re.findall(r'"[^"]*"|\S+', query):
        name, _colon, value = term.partition(":")
        if term.startswith('"'):
            words = " ".join(re.findall(r"\w+", term.casefold()))
            yield lambda mail, words=words: words in mail.words()
        elif name in ("in", "-in"):
            label, inside = _PLACES[value], name == "in"
            yield lambda mail, label=label, inside=inside: (label in mail.labels) == inside
        elif name == "after":
            yield lambda mail, start=int(value): mail.received.timestamp() >= start + 1
        elif name == "larger":
            yield lambda mail, size=int(value): len(mail.raw) > size
        elif name == "rfc822msgid":
            yield lambda mail, wanted=value: mail.message_id() == wanted
        else:
            raise ValueError(f"unknown search: {term}")


class Answer(Exception):
    """Ends a request with a status and content."""

    def __init__(self, status: int, content: Any = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.content = content
        self.headers = headers or {}


def error(status: int, reason: str, message: str = "", headers: dict[str, str] | None = None) -> Answer:
    """An error as Google words it (https://developers.google.com/workspace/gmail/api/guides/handle-errors)."""
    content = {"error": {"code": status, "message": message or reason, "errors": [{"reason": reason}]}}
    return Answer(status, content, headers)


@dataclass
class GmailServer(WebService):
    """Use as a context manager.

    :param is_good: whether an access token is; all are, if nobody says otherwise
    :param refusal: what the next request is answered, whatever it is
    :param faults: by operation, what it answers instead, once each, by the number of its call (from 1)
    """

    account: GmailAccount = field(default_factory=GmailAccount)
    is_good: Callable[[str], bool] = lambda token: True
    refusal: Answer | None = None
    faults: dict[str, dict[int, Answer]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    batches: list[int] = field(default_factory=list)
    cut_after: int | None = None
    page_size: int = 500

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.origin}/"

    def fail(self, operation: str, call: int, answer: Answer) -> None:
        """Answer otherwise at a call of an operation, counted from now on."""
        self.faults.setdefault(operation, {})[self.calls[operation] + call] = answer

    # -- requests -----------------------------------------------------------------------------------------------

    def handle(self, method: str, target: str, body: bytes, kind: str, token: str) -> Answer:
        """The answer to one request, alone or in a batch."""
        with self._lock:
            try:
                return self._handle(method, target, body, kind, token)
            except Answer as answer:
                return answer

    def _handle(self, method: str, target: str, body: bytes, kind: str, token: str) -> Answer:
        parts = urlsplit(target)
        path = parts.path.replace("/upload/", "/", 1).removeprefix("/gmail/v1/users/me/")
        query = parse_qs(parts.query)
        operation, arguments = _operation(method, path)
        self.calls[operation] += 1
        planned = self.faults.get(operation, {}).pop(self.calls[operation], None) or self.refusal
        self.refusal = None
        if planned is not None:
            raise planned
        if not self.is_good(token):
            raise error(401, "authError", "Invalid Credentials")
        content = getattr(self, f"_{operation}")(query, *arguments, *([body, kind] if method == "POST" else []))
        return Answer(200, content)

    def _profile(self, query: dict[str, list[str]]) -> dict[str, Any]:
        return {
            "emailAddress": self.account.address,
            "messagesTotal": len(self.account.mails),
            "historyId": str(self.account.history_id),
        }

    def _labels(self, query: dict[str, list[str]]) -> dict[str, Any]:
        kinds = ((label, name, "system" if label in SYSTEM_LABELS else "user") for label, name in self._named())
        return {"labels": [{"id": label, "name": name, "type": kind} for label, name, kind in kinds]}

    def _named(self) -> Iterator[tuple[str, str]]:
        return iter(self.account.labels.items())

    def _list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        labels = set(query.get("labelIds", ()))
        found = [mail for mail in self.account.search(query.get("q", [""])[0]) if labels <= mail.labels]
        start = _page_token(query)
        size = min(int(query.get("maxResults", ["100"])[0]), self.page_size)
        page = found[start : start + size]
        answer: dict[str, Any] = {"resultSizeEstimate": min(len(found), 201)}
        if page:
            answer["messages"] = [{"id": mail.id, "threadId": mail.thread} for mail in page]
        if start + size < len(found):
            answer["nextPageToken"] = str(start + size)
        return answer

    def _history(self, query: dict[str, list[str]]) -> dict[str, Any]:
        if not query["startHistoryId"][0].isdecimal():
            raise error(400, "invalidArgument", "Invalid value for startHistoryId")
        start = int(query["startHistoryId"][0])
        if start < self.account.oldest:
            raise error(FORGOTTEN, "notFound", "Requested entity was not found.")
        records = [record for number, record in self.account.history if number > start]
        first = _page_token(query)
        size = min(int(query.get("maxResults", ["100"])[0]), self.page_size)
        answer: dict[str, Any] = {"historyId": str(self.account.history_id)}
        if records[first : first + size]:
            answer["history"] = records[first : first + size]
        if first + size < len(records):
            answer["nextPageToken"] = str(first + size)
        return answer

    def _message(self, query: dict[str, list[str]], remote_id: str) -> dict[str, Any]:
        mail = self._mail(remote_id)
        if mail.fault:
            raise error(500, "backendError")
        form = query.get("format", ["full"])[0]
        answer: dict[str, Any] = {
            "id": mail.id,
            "threadId": mail.thread,
            "labelIds": sorted(mail.labels),
            "internalDate": str(int(mail.received.timestamp() * 1000)),
            "sizeEstimate": len(mail.raw),
            "historyId": str(self.account.history_id),
            "snippet": "",
        }
        if form == "raw":
            answer["raw"] = _encoded(mail.raw)
        elif form == "metadata":
            wanted = {name.lower() for name in query.get("metadataHeaders", [])}
            answer["payload"] = {"headers": self._headers(message_from_bytes(mail.raw), wanted)}
        elif form == "full":
            answer["payload"] = self._payload(message_from_bytes(mail.raw), "", {})
        return answer

    def _mail(self, remote_id: str) -> Mail:
        mail = self.account.mails.get(remote_id)
        if mail is None:
            raise error(404, "notFound", "Requested entity was not found.")
        return mail

    def _headers(self, message: Message, wanted: set[str] | None = None) -> list[dict[str, str]]:
        fields = ((name, str(value)) for name, value in message.raw_items())
        return [
            {"name": name, "value": self._value(value)}
            for name, value in fields
            if wanted is None or name.lower() in wanted
        ]

    def _value(self, value: str) -> str:
        text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return str(make_header(decode_header(text))) if self.account.decodes_headers else text

    def _payload(self, message: Message, part_id: str, contents: dict[str, bytes]) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "partId": part_id,
            "mimeType": message.get_content_type(),
            "filename": _filename(message),
            "headers": self._headers(message),
            "body": {"size": 0},
        }
        if message.is_multipart() and message.get_content_maintype() == "multipart":
            children = enumerate(message.get_payload())
            answer["parts"] = [
                self._payload(child, f"{part_id}.{number}" if part_id else str(number), contents)
                for number, child in children
            ]
            return answer
        content = _content(message)
        contents[part_id] = content
        answer["body"]["size"] = len(content)
        if answer["filename"] or message.get_content_maintype() != "text":
            answer["body"]["attachmentId"] = f"attachment-{part_id}-{time.time_ns()}"
        else:
            answer["body"]["data"] = _encoded(content)
        return answer

    def _attachment(self, query: dict[str, list[str]], remote_id: str, attachment_id: str) -> dict[str, Any]:
        contents: dict[str, bytes] = {}
        self._payload(message_from_bytes(self._mail(remote_id).raw), "", contents)
        content = contents[attachment_id.split("-")[1]]
        return {"size": len(content), "data": _encoded(content)}

    def _send(self, query: dict[str, list[str]], body: bytes, kind: str) -> dict[str, Any]:
        thread = ""
        if kind.startswith("multipart/"):
            described, mail = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body).get_payload()
            thread = json.loads(described.get_payload(decode=True))["threadId"]
            # What stands between the lines of a part is the mail, whatever the parser makes of it.
            body = body.split(b"message/rfc822", 1)[1].split(b"\n\n", 1)[1].rpartition(b"\n--")[0]
        if not (message_from_bytes(body)["To"] or message_from_bytes(body)["Bcc"]):
            raise error(400, "invalidArgument", "Recipient address required")
        # Gmail's own mails have CRLF, whatever was sent.
        raw = re.sub(rb"\r?\n", b"\r\n", body)
        number = self.account.deliver(raw, "SENT", thread=thread, unread=False)
        return {"id": number, "threadId": self.account.mails[number].thread, "labelIds": ["SENT"]}

    def _send_as(self, query: dict[str, list[str]]) -> dict[str, Any]:
        return {"sendAs": self.account.aliases}

    def _watch(self, query: dict[str, list[str]], body: bytes, kind: str) -> dict[str, Any]:
        self.account.topic = json.loads(body)["topicName"]
        until = int((time.time() + 7 * 86400) * 1000)
        return {"historyId": str(self.account.history_id), "expiration": str(until)}

    def _stop(self, query: dict[str, list[str]], body: bytes, kind: str) -> None:
        self.account.topic = ""

    # -- batches ------------------------------------------------------------------------------------------------

    def batch(self, body: bytes, kind: str, token: str) -> tuple[str, bytes]:
        """Content type and body of the answer to a batch (https://developers.google.com/workspace/gmail/api/guides/batch)."""
        parts = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body).get_payload()
        self.batches.append(len(parts))
        answers = []
        for part in parts:
            request = part.get_payload()
            line, _end, rest = request.partition("\n")
            method, target, _version = line.split(" ")
            inner = message_from_bytes(rest.encode())
            authorization = inner["authorization"]
            answer = self.handle(method, target, b"", "", authorization.partition(" ")[2] if authorization else token)
            answers.append(_batch_part(part["Content-ID"], answer))
        return "multipart/mixed; boundary=batch_end", "".join([*answers, "--batch_end--\r\n"]).encode()


def _batch_part(content_id: str, answer: Answer) -> str:
    headers = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    return (
        f"--batch_end\r\nContent-Type: application/http\r\nContent-ID: {content_id.replace('<', '<response-')}\r\n\r\n"
        f"HTTP/1.1 {answer.status} X\r\nContent-Type: application/json; charset=UTF-8\r\n{headers}\r\n"
        f"{json.dumps(answer.content)}\r\n"
    )


def _operation(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    routes = (
        ("GET", r"profile", "profile"),
        ("GET", r"labels", "labels"),
        ("GET", r"messages", "list"),
        ("POST", r"messages/send", "send"),
        ("GET", r"messages/([^/]+)", "message"),
        ("GET", r"messages/([^/]+)/attachments/([^/]+)", "attachment"),
        ("GET", r"history", "history"),
        ("GET", r"settings/sendAs", "send_as"),
        ("POST", r"watch", "watch"),
        ("POST", r"stop", "stop"),
    )
    for verb, pattern, operation in routes:
        match = re.fullmatch(pattern, path)
        if match and verb == method:
            return operation, match.groups()
    raise error(404, "notFound", f"no such method: {method} {path}")


def _page_token(query: dict[str, list[str]]) -> int:
    try:
        return int(query.get("pageToken", ["0"])[0])
    except ValueError:
        raise error(400, "invalidArgument", "Invalid pageToken") from None


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


def _content(message: Message) -> bytes:
    if message.get_content_maintype() == "message":
        [inner] = message.get_payload()
        return inner.as_bytes()
    return message.get_payload(decode=True) or b""


def _filename(message: Message) -> str:
    name = message.get_filename() or ""
    return str(make_header(decode_header(name))) if name else ""


class _Handler(WebHandler):
    service: GmailServer

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.sent())

    def _serve(self, body: bytes) -> None:
        token = self.headers.get("Authorization", "").partition(" ")[2]
        kind = self.headers.get("Content-Type", "")
        if urlsplit(self.path).path == "/batch":
            self._batch(body, kind, token)
            return
        method = self.headers.get("X-HTTP-Method-Override", self.command)
        target = self.path if method == self.command else f"{self.path}?{body.decode()}"
        answer = self.service.handle(method, target, body, kind, token)
        content = b"" if answer.content is None else json.dumps(answer.content).encode()
        self._answer(answer.status, {"Content-Type": "application/json; charset=UTF-8", **answer.headers}, content)

    def _batch(self, body: bytes, kind: str, token: str) -> None:
        self.service.calls["batch"] += 1
        planned = self.service.faults.get("batch", {}).pop(self.service.calls["batch"], None)
        if planned is not None:
            self._answer(planned.status, planned.headers, json.dumps(planned.content).encode())
            return
        kind, content = self.service.batch(body, kind, token)
        self._answer(200, {"Content-Type": kind}, content)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        cut = self.service.cut_after
        self.reply(status, headers, body, None if cut is None or 0 < len(body) <= cut else cut or -1)


GmailServer.handler = _Handler
