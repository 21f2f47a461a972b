"""The EWS server answers as Microsoft's pages show, asked by plain SOAP as those pages write it.

Each test names its page below https://learn.microsoft.com/exchange/client-developer/web-service-reference; values are
ours.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import requests

from .ews import NAMESPACES, EWSServer

ADDRESS = "ann@example.com"
MIME = (
    b"From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Hi\r\nMessage-ID: <1@example.com>\r\n\r\nHello\r\n"
)

ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
               xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"
               xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">
  <soap:Header><t:RequestServerVersion Version="Exchange2013"/></soap:Header>
  <soap:Body>{body}</soap:Body>
</soap:Envelope>"""


@pytest.fixture
def server() -> Iterator[EWSServer]:
    with EWSServer() as running:
        running.mailbox(ADDRESS).deliver(MIME)
        yield running


def ask(server: EWSServer, body: str) -> Element:
    answer = requests.post(
        server.endpoint,
        ENVELOPE.format(body=body).encode(),
        headers={"Content-Type": "text/xml; charset=utf-8"},
        auth=(server.login, server.password),
        timeout=5,
    )
    message = ElementTree.fromstring(answer.content).find("s:Body/*/m:ResponseMessages/*", NAMESPACES)
    assert message is not None
    return message


def folder(name: str) -> str:
    mailbox = f"<t:Mailbox><t:EmailAddress>{ADDRESS}</t:EmailAddress></t:Mailbox>"
    return f'<t:DistinguishedFolderId Id="{name}">{mailbox}</t:DistinguishedFolderId>'


def synchronise(server: EWSServer, state: str = "") -> Element:
    return ask(
        server,
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
        f"<m:SyncFolderId>{folder('inbox')}</m:SyncFolderId><m:SyncState>{state}</m:SyncState>"
        "<m:MaxChangesReturned>10</m:MaxChangesReturned></m:SyncFolderItems>",
    )


def test_nobody_without_a_password(server: EWSServer) -> None:
    answer = requests.post(server.endpoint, b"", timeout=5)
    assert answer.status_code == 401 and "Basic" in answer.headers["WWW-Authenticate"]


def test_syncfolderitems(server: EWSServer) -> None:
    """syncfolderitems-operation: what there is, then what changed, each with a state."""
    first = synchronise(server)
    assert first.get("ResponseClass") == "Success"
    assert first.findtext("m:IncludesLastItemInRange", "", NAMESPACES) == "true"
    created = first.find("m:Changes/t:Create/t:Message/t:ItemId", NAMESPACES)
    assert created is not None and created.get("Id") and created.get("ChangeKey")
    state = first.findtext("m:SyncState", "", NAMESPACES)
    (mail,) = server.mailbox(ADDRESS).mails.values()
    server.mailbox(ADDRESS).mark(mail, True)
    second = synchronise(server, state)
    assert second.findtext("m:Changes/t:ReadFlagChange/t:IsRead", "", NAMESPACES) == "true"
    server.mailbox(ADDRESS).remove(mail)
    third = synchronise(server, second.findtext("m:SyncState", "", NAMESPACES))
    deleted = third.find("m:Changes/t:Delete/t:ItemId", NAMESPACES)
    assert deleted is not None and deleted.get("Id") == created.get("Id")


def test_responsecode(server: EWSServer) -> None:
    """responsecode: an error is an answer, too."""
    refused = synchronise(server, "forgotten")
    assert refused.get("ResponseClass") == "Error"
    assert refused.findtext("m:ResponseCode", "", NAMESPACES) == "ErrorInvalidSyncStateData"


def test_getitem(server: EWSServer) -> None:
    """getitem-operation: the MIME content in base64."""
    created = synchronise(server).find("m:Changes/t:Create/t:Message/t:ItemId", NAMESPACES)
    assert created is not None
    message = ask(
        server,
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>"
        f'</m:ItemShape><m:ItemIds><t:ItemId Id="{created.get("Id")}"/></m:ItemIds></m:GetItem>',
    )
    content = message.findtext("m:Items/t:Message/t:MimeContent", "", NAMESPACES)
    assert base64.b64decode(content) == MIME


def test_createitem(server: EWSServer) -> None:
    """createitem-operation: sent, and saved among the sent items."""
    content = base64.b64encode(MIME).decode()
    message = ask(
        server,
        f'<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:SavedItemFolderId>{folder("sentitems")}'
        f'</m:SavedItemFolderId><m:Items><t:Message><t:MimeContent CharacterSet="UTF-8">{content}</t:MimeContent>'
        "</t:Message></m:Items></m:CreateItem>",
    )
    assert message.findtext("m:ResponseCode", "", NAMESPACES) == "NoError" and server.sent == [MIME]


def test_finditem(server: EWSServer) -> None:
    """finditem-operation: by Message-ID, and how many there are."""
    message = ask(
        server,
        '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>'
        '<m:IndexedPageItemView MaxEntriesReturned="1" Offset="0" BasePoint="Beginning"/><m:Restriction><t:IsEqualTo>'
        '<t:FieldURI FieldURI="message:InternetMessageId"/><t:FieldURIOrConstant>'
        '<t:Constant Value="&lt;1@example.com&gt;"/>'
        f"</t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds>{folder('inbox')}</m:ParentFolderIds>"
        "</m:FindItem>",
    )
    root = message.find("m:RootFolder", NAMESPACES)
    assert root is not None and root.get("TotalItemsInView") == "1"
