"""The Graph server answers as Microsoft's pages show, asked by plain requests as those pages write them.

Each sample names its page below https://learn.microsoft.com/graph, what is sent, and the form of the answer; values are
ours. What a page leaves out was not made up here.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from .graph import GraphServer

MIME = (
    b"From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Hi\r\nMessage-ID: <1@example.com>\r\n\r\nHello\r\n"
)
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with GraphServer() as running:
        running.mailbox("ann@example.com").deliver(MIME)
        yield running


def ask(server: GraphServer, method: str, path: str, **options: Any) -> requests.Response:
    address = path if path.startswith("http") else server.endpoint + path
    headers = {"Authorization": f"Bearer {server.token}", **options.pop("headers", {})}
    return requests.request(method, address, headers=headers, timeout=5, **options)


def the_mail(server: GraphServer, **headers: str) -> dict[str, Any]:
    found = ask(server, "GET", "/me/mailFolders/inbox/messages", headers=headers).json()["value"]
    return dict(found[0])


SAMPLES = [
    ("api/user-list-mailfolders", "/me/mailFolders", {"@odata.context", "value"}),
    (
        "api/mailfolder-get",
        "/me/mailFolders/inbox",
        {"id", "displayName", "parentFolderId", "childFolderCount", "totalItemCount"},
    ),
    ("api/mailfolder-list-messages", "/me/mailFolders/inbox/messages?$count=true", {"@odata.count", "value"}),
    ("api/message-delta", "/me/mailFolders/inbox/messages/delta", {"@odata.deltaLink", "value"}),
    ("api/mailfolder-list-childfolders", "/users/ann@example.com/mailFolders/inbox/childFolders", {"value"}),
]


@pytest.mark.parametrize(("page", "path", "names"), SAMPLES, ids=[sample[0] for sample in SAMPLES])
def test_answers_have_the_form_of_their_page(server: GraphServer, page: str, path: str, names: set[str]) -> None:
    answer = ask(server, "GET", path)
    assert answer.status_code == 200 and names <= answer.json().keys(), page


def test_message_resource(server: GraphServer) -> None:
    """resources/message: headers only on request, addresses within ``emailAddress``."""
    message = the_mail(server)
    assert message["from"] == {"emailAddress": {"name": "Ann", "address": "ann@example.com"}}
    assert message["internetMessageId"] == "<1@example.com>" and "internetMessageHeaders" not in message
    path = "/me/messages/" + requests.utils.quote(message["id"], safe="")
    asked = ask(server, "GET", f"{path}?$select=internetMessageHeaders").json()
    assert {"name": "Subject", "value": "Hi"} in asked["internetMessageHeaders"]


def test_rounds_of_delta(server: GraphServer) -> None:
    """delta-query-messages: two pages of two, then a round with a deletion and a read mail."""
    mailbox = server.mailbox("ann@example.com")
    for _number in range(2):
        mailbox.deliver(MIME)
    two = {"Prefer": "odata.maxpagesize=2"}
    first = ask(server, "GET", "/me/mailFolders/inbox/messages/delta?$select=subject,isRead", headers=two).json()
    assert len(first["value"]) == 2 and "$skiptoken=" in first["@odata.nextLink"]
    assert {"subject", "isRead", "id"} <= first["value"][0].keys()
    second = ask(server, "GET", first["@odata.nextLink"], headers=two).json()
    assert len(second["value"]) == 1 and "$deltatoken=" in second["@odata.deltaLink"]
    gone, read, _other = mailbox.mails.values()
    mailbox.remove(gone)
    mailbox.mark(read, True)
    news = ask(server, "GET", second["@odata.deltaLink"], headers=two).json()["value"]
    assert [entry.get("@removed", entry.get("isRead")) for entry in news] == [{"reason": "deleted"}, True]


def test_an_id_changes_with_a_move_unless_asked_otherwise(server: GraphServer) -> None:
    """outlook-immutable-id, api/message-move."""
    before, kept = the_mail(server)["id"], the_mail(server, **IMMUTABLE)["id"]
    path = f"/me/messages/{requests.utils.quote(before, safe='')}/move"
    moved = ask(server, "POST", path, json={"destinationId": "deleteditems"})
    assert moved.status_code == 201 and moved.json()["id"] != before
    there = ask(server, "GET", "/me/mailFolders/deleteditems/messages", headers=IMMUTABLE).json()["value"]
    assert [message["id"] for message in there] == [kept]


def test_a_batch_has_a_status_for_each_part(server: GraphServer) -> None:
    """json-batching: answers in any order, raw content in base64, 20 at most."""
    path = "/me/messages/" + requests.utils.quote(the_mail(server)["id"], safe="")
    parts = [
        {"id": "1", "method": "GET", "url": f"{path}/$value"},
        {"id": "2", "method": "GET", "url": "/me/messages/none"},
        {"id": "3", "method": "GET", "url": "/me/mailFolders/inbox"},
    ]
    answers = ask(server, "POST", "/$batch", json={"requests": parts}).json()["responses"]
    found = {answer["id"]: answer for answer in answers}
    assert base64.b64decode(found["1"]["body"]) == MIME
    assert (found["2"]["status"], found["2"]["body"]["error"]["code"]) == (404, "ErrorItemNotFound")
    assert found["3"]["body"]["displayName"] == "INBOX"
    many = [{"id": str(number), "method": "GET", "url": "/me/mailFolders"} for number in range(21)]
    assert ask(server, "POST", "/$batch", json={"requests": many}).status_code == 400


def test_mime_is_sent_and_filed(server: GraphServer) -> None:
    """api/user-sendmail, api/message-get: MIME in base64 as text/plain, 202 without content."""
    content = base64.b64encode(MIME)
    answer = ask(server, "POST", "/me/sendMail", data=content, headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.content) == (202, b"")
    path = "/me/mailFolders/sentitems/messages?$filter=internetMessageId eq '<1@example.com>'"
    (copy,) = ask(server, "GET", path).json()["value"]
    assert copy["isRead"] is True
    raw = ask(server, "GET", f"/me/messages/{requests.utils.quote(copy['id'], safe='')}/$value")
    assert raw.content == MIME
    refused = ask(server, "POST", "/me/sendMail", data=b"no base64!", headers={"Content-Type": "text/plain"})
    assert refused.json()["error"]["code"] == "ErrorMimeContentInvalidBase64String"


def test_errors_have_their_form(server: GraphServer) -> None:
    """errors: an object with code, message and innerError; 410 for a token that was forgotten."""
    unknown = requests.get(f"{server.endpoint}/me/mailFolders", timeout=5)
    assert unknown.status_code == 401 and unknown.json()["error"].keys() == {"code", "message", "innerError"}
    link = ask(server, "GET", "/me/mailFolders/inbox/messages/delta").json()["@odata.deltaLink"]
    server.mailbox("ann@example.com").forget_rounds()
    assert ask(server, "GET", link).status_code == 410
