"""A mail server that answers as Exchange Web Services are documented to, for tests; nobody compared it with Exchange.

Written from https://learn.microsoft.com/exchange/client-developer/web-service-reference, by page:

==============================  =========================================================================
getfolder, findfolder           distinguished ids, paging, folder classes
syncfolderitems-operation       states, changes by kind, at most 512, ``IncludesLastItemInRange``
getitem-operation               properties, MIME, one response message an item, extended properties
finditem-operation              restrictions, query strings, counts
createitem-operation            ``SendAndSaveCopy`` of MIME
responsecode, ews-throttling    codes, ``BackOffMilliseconds``
exchangeimpersonation           ``ConnectingSID`` in the header, ``ErrorImpersonateUserDenied``
pox-autodiscover                [MS-OXDSCLI]: settings, ``redirectAddr``, ``redirectUrl``, errors
==============================  =========================================================================
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import getaddresses
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

import spnego

from .graph import Mailbox, Refusal, StoredFolder, StoredMail, _decoded, _field, _moment, _parsed, _sent, _words
from .web_service import WebHandler, WebService

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACES = {
    "s": SOAP,
    "m": "http://schemas.microsoft.com/exchange/services/2006/messages",
    "t": "http://schemas.microsoft.com/exchange/services/2006/types",
}
AUTODISCOVER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
MOST_CHANGES = 512
PATH = "/EWS/Exchange.asmx"


class EWSRefusal(Exception):
    """A response message with an error; ``fault`` makes it one of the whole request."""

    def __init__(self, code: str, *, back_off: int = 0, fault: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.back_off = back_off
        self.fault = fault


def item_id(mail: StoredMail, version: int | None = None) -> str:
    """The id of a mail; another one after each move, and with signs of base64."""
    return f"AAMk/{mail.key:08d}+{mail.version if version is None else version}="


@dataclass(frozen=True, slots=True)
class State:
    """What a sync state stands for: changes still to come, then the number of the last event they cover."""

    folder: str
    upto: int
    entries: tuple[tuple[str, int, int], ...] = ()


@dataclass
class EWSServer(WebService):
    """The server on this machine; a context manager.

    :param login: of the only user, who may open all ``mailboxes``
    :param fail: number of the request, from 1 → its answer
    :param cut: number of the request → octets of the answer that come, -1: not even its status
    :param schemes: ways to sign in that are offered
    :param accepts: whether an access token is good, where ``Bearer`` is offered
    :param newest: the newest version of the schema that is understood, if not all are; ``Exchange2010_SP2``
    :param impersonates: the user may act as anybody, also as those whose mailboxes are ``denied``
    :param autodiscover: address → what its autodiscover service tells, see ``_discovered``
    """

    login: str = "OUR\\anna"
    password: str = "secret"
    schemes: tuple[str, ...] = ("Basic",)
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    fail: dict[int, EWSRefusal | int] = field(default_factory=dict)
    cut: dict[int, int] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    accepts: Callable[[str], bool] = lambda token: False
    newest: str = ""
    impersonates: bool = False
    acts_as: str = ""
    autodiscover: dict[str, str] = field(default_factory=dict)
    autodiscover_page: tuple[int, str, bytes] | None = None
    redirect: str = ""
    calls: int = 0
    lock: Any = field(default_factory=threading.RLock)

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"{self.origin}{PATH}"

    def mailbox(self, address: str) -> Mailbox:
        """That of ``address``, made when it is first asked for here."""
        return self.mailboxes.setdefault(address, Mailbox(address))

    def use_ntlm(self, setenv: Callable[[str, str], None]) -> None:
        """Offer NTLM alone; the library that checks it reads its users from a file that the environment names."""
        domain, _, user = self.login.partition("\\")
        with tempfile.NamedTemporaryFile("w", delete=False) as users:
            users.write(f"{domain}:{user}:{self.password}\n")
        setenv("NTLM_USER_FILE", users.name)
        self.schemes = ("NTLM",)

    def forget_states(self) -> None:
        """Have all sync states expire."""
        self.states.clear()

    def check_version(self, envelope: Element) -> None:
        """Refuse a request in a schema of later servers; the names of versions ascend."""
        asked = envelope.find("s:Header/t:RequestServerVersion", NAMESPACES)
        assert asked is not None
        self.versions.append(asked.get("Version", ""))
        if self.newest and self.versions[-1] > self.newest:
            raise EWSRefusal("ErrorInvalidServerVersion", fault=True)

    def impersonate(self, header: Element | None) -> None:
        """Take note in whose name the next request is."""
        sid = None if header is None else header.find("t:ExchangeImpersonation/t:ConnectingSID", NAMESPACES)
        self.acts_as = "" if sid is None else (sid[0].text or "")
        if self.acts_as and not self.impersonates:
            raise EWSRefusal("ErrorImpersonateUserDenied")

    def answer(self, request: Element) -> str:
        """The content of the response's body."""
        operation = request.tag.rpartition("}")[2]
        self.asked.append(operation)
        messages = _OPERATIONS[operation](self, request)
        return (
            f"<m:{operation}Response><m:ResponseMessages>"
            + "".join(_message(operation, message) for message in messages)
            + f"</m:ResponseMessages></m:{operation}Response>"
        )

    # -- finding things -----------------------------------------------------------------------------------------

    def folder(self, request: Element) -> tuple[Mailbox, StoredFolder]:
        """The only folder that a request names."""
        distinguished = request.find(".//t:DistinguishedFolderId", NAMESPACES)
        if distinguished is not None:
            return self.distinguished(distinguished)
        wanted = request.find(".//t:FolderId", NAMESPACES)
        assert wanted is not None
        for mailbox in self.mailboxes.values():
            if folder := mailbox.folders.get(wanted.get("Id", "")):
                if folder.denied:
                    raise EWSRefusal("ErrorAccessDenied")
                return mailbox, folder
        raise EWSRefusal("ErrorInvalidIdMalformed")

    def distinguished(self, element: Element) -> tuple[Mailbox, StoredFolder]:
        """A folder by its distinguished id."""
        mailbox = self.owner(element)
        try:
            return mailbox, mailbox.folder(element.get("Id", ""))
        except Refusal:
            raise EWSRefusal("ErrorFolderNotFound") from None

    def owner(self, element: Element) -> Mailbox:
        """The mailbox that an id names."""
        address = element.findtext("t:Mailbox/t:EmailAddress", "", NAMESPACES)
        if address not in self.mailboxes:
            raise EWSRefusal("ErrorNonExistentMailbox")
        if address in self.denied and address != self.acts_as:
            raise EWSRefusal("ErrorAccessDenied")
        return self.mailboxes[address]

    def mail(self, remote_id: str) -> tuple[Mailbox, StoredMail]:
        """A mail by its id."""
        for mailbox in self.mailboxes.values():
            for mail in mailbox.mails.values():
                if item_id(mail) == remote_id:
                    if mail.fault:
                        raise EWSRefusal("ErrorInternalServerError")
                    return mailbox, mail
        raise EWSRefusal("ErrorItemNotFound")


def _message(operation: str, content: str | EWSRefusal) -> str:
    name = f"m:{operation}ResponseMessage"
    if isinstance(content, EWSRefusal):
        wait = f'<t:Value Name="BackOffMilliseconds">{content.back_off}</t:Value>' if content.back_off else ""
        return (
            f'<{name} ResponseClass="Error"><m:MessageText>Refused.</m:MessageText><m:ResponseCode>{content.code}'
            f"</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:MessageXml>{wait}</m:MessageXml></{name}>"
        )
    return f'<{name} ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{content}</{name}>'


def _fault(refusal: EWSRefusal) -> str:
    return (
        '<s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:'
        f"{refusal.code}</faultcode><faultstring>Refused.</faultstring><detail><e:ResponseCode "
        f'xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">{refusal.code}</e:ResponseCode>'
        '<e:Message xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">Refused.</e:Message>'
        f'<t:MessageXml><t:Value Name="BackOffMilliseconds">{refusal.back_off}</t:Value></t:MessageXml>'
        "</detail></s:Fault>"
    )


# -- folders ----------------------------------------------------------------------------------------------------


def _get_folder(server: EWSServer, request: Element) -> list[str | EWSRefusal]:
    found: list[str | EWSRefusal] = []
    for wanted in request.findall("m:FolderIds/*", NAMESPACES):
        try:
            _mailbox, folder = server.distinguished(wanted)
            found.append(f"<m:Folders><t:Folder><t:FolderId Id={quoteattr(folder.remote_id)}/></t:Folder></m:Folders>")
        except EWSRefusal as refusal:
            found.append(refusal)
    return found


def _find_folder(server: EWSServer, request: Element) -> list[str | EWSRefusal]:
    wanted = request.find(".//t:DistinguishedFolderId", NAMESPACES)
    assert wanted is not None and wanted.get("Id") == "msgfolderroot" and request.get("Traversal") == "Deep"
    mailbox = server.owner(wanted)
    view = request.find("m:IndexedPageFolderView", NAMESPACES)
    assert view is not None
    start, most = int(view.get("Offset", 0)), int(view.get("MaxEntriesReturned", 1000))
    everything = [*map(_folder, mailbox.folders.values()), _CALENDAR]
    page = everything[start : start + most]
    return [
        f'<m:RootFolder TotalItemsInView="{len(everything)}" IncludesLastItemInRange='
        f'"{str(start + most >= len(everything)).lower()}"><t:Folders>{"".join(page)}</t:Folders></m:RootFolder>'
    ]


_CALENDAR = (
    '<t:CalendarFolder><t:FolderId Id="calendar"/><t:ParentFolderId Id="root"/><t:FolderClass>IPF.Appointment'
    "</t:FolderClass><t:DisplayName>Calendar</t:DisplayName></t:CalendarFolder>"
)


def _folder(folder: StoredFolder) -> str:
    return (
        f"<t:Folder><t:FolderId Id={quoteattr(folder.remote_id)}/>"
        f"<t:ParentFolderId Id={quoteattr(folder.parent or 'root')}/><t:FolderClass>IPF.Note</t:FolderClass>"
        f"<t:DisplayName>{escape(folder.name)}</t:DisplayName></t:Folder>"
    )


# -- items ------------------------------------------------------------------------------------------------------


def _sync_items(server: EWSServer, request: Element) -> list[str | EWSRefusal]:
    mailbox, folder = server.folder(request)
    token = request.findtext("m:SyncState", "", NAMESPACES)
    if token and token not in server.states:
        raise EWSRefusal("ErrorInvalidSyncStateData")
    most = int(request.findtext("m:MaxChangesReturned", "", NAMESPACES))
    if not 0 < most <= MOST_CHANGES:
        raise EWSRefusal("ErrorInvalidPropertySet")
    state = server.states[token] if token else _first(mailbox, folder)
    if not state.entries:
        state = _next(mailbox, folder, state)
    page, rest = state.entries[:most], state.entries[most:]
    following = secrets.token_urlsafe(12)
    server.states[following] = State(folder.remote_id, state.upto, rest)
    changes = "".join(_change(mailbox, folder, *entry) for entry in page)
    return [
        f"<m:SyncState>{following}</m:SyncState><m:IncludesLastItemInRange>{str(not rest).lower()}"
        f"</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>"
    ]


def _first(mailbox: Mailbox, folder: StoredFolder) -> State:
    entries = tuple(("new", mail.key, mail.version) for mail in mailbox.mails_of(folder.remote_id))
    return State(folder.remote_id, mailbox.last_event(), entries)


def _next(mailbox: Mailbox, folder: StoredFolder, state: State) -> State:
    """The last word on each id that something happened to since."""
    words: dict[tuple[int, int], str] = {}
    for number, what, key, version in folder.events:
        if number > state.upto:
            words[key, version] = "new" if what == "flag" and words.get((key, version)) == "new" else what
    entries = tuple((what, key, version) for (key, version), what in words.items())
    return State(folder.remote_id, mailbox.last_event(), entries)


def _change(mailbox: Mailbox, folder: StoredFolder, what: str, key: int, version: int) -> str:
    mail = mailbox.mails.get(key)
    identity = f'<t:ItemId Id={quoteattr(f"AAMk/{key:08d}+{version}=")} ChangeKey="CQAA"/>'
    if mail is None or mail.folder != folder.remote_id or mail.version != version:
        return f"<t:Delete>{identity}</t:Delete>"
    seen = f"<t:IsRead>{str(mail.is_read).lower()}</t:IsRead>"
    if what == "flag":
        return f"<t:ReadFlagChange>{identity}{seen}</t:ReadFlagChange>"
    received = f"<t:DateTimeReceived>{_moment(mail.received)}</t:DateTimeReceived>"
    return f"<t:Create><t:Message>{identity}{received}{seen}</t:Message></t:Create>"


def _get_item(server: EWSServer, request: Element) -> list[str | EWSRefusal]:
    fields = {each.get("FieldURI", "") for each in request.iterfind(".//t:FieldURI", NAMESPACES)}
    with_mime = request.findtext(".//t:IncludeMimeContent", "", NAMESPACES) == "true"
    found: list[str | EWSRefusal] = []
    for wanted in request.findall("m:ItemIds/t:ItemId", NAMESPACES):
        try:
            mailbox, mail = server.mail(wanted.get("Id", ""))
            found.append(f"<m:Items>{_item(mailbox, mail, fields, with_mime)}</m:Items>")
        except EWSRefusal as refusal:
            found.append(refusal)
    return found


def _item(mailbox: Mailbox, mail: StoredMail, fields: set[str], with_mime: bool) -> str:
    parts = [f'<t:ItemId Id={quoteattr(item_id(mail))} ChangeKey="CQAA"/>']
    if with_mime:
        content = base64.b64encode(mail.raw).decode()
        parts.append(f'<t:MimeContent CharacterSet="UTF-8">{content}</t:MimeContent>')
    for name, value in _properties(mail).items():
        if any(uri.endswith(f":{name}") for uri in fields) and value:
            parts.append(f"<t:{name}>{value}</t:{name}>")
    if fields - {"item:Size"} and mailbox.folders[mail.folder].well_known not in ("sentitems", "drafts"):
        header = mail.raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        uri = '<t:ExtendedFieldURI PropertyTag="0x7d" PropertyType="String"/>'
        parts.append(f"<t:ExtendedProperty>{uri}<t:Value>{_clean(header)}</t:Value></t:ExtendedProperty>")
    return f"<t:Message>{''.join(parts)}</t:Message>"


def _clean(text: str) -> str:
    return escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "", text))


def _properties(mail: StoredMail) -> Mapping[str, str]:
    message = _parsed(mail)

    def people(name: str) -> str:
        return "".join(
            f"<t:Mailbox><t:Name>{_clean(_decoded(label) or address)}</t:Name>"
            f"<t:EmailAddress>{_clean(address)}</t:EmailAddress></t:Mailbox>"
            for label, address in getaddresses([_field(message, name)])
            if address
        )

    return {
        "Subject": _clean(_decoded(_field(message, "Subject"))),
        "Size": str(len(mail.raw)),
        "DateTimeReceived": _moment(mail.received),
        "DateTimeSent": _moment(_sent(message) or mail.received),
        "InReplyTo": _clean(_field(message, "In-Reply-To")),
        "IsRead": str(mail.is_read).lower(),
        "From": people("From"),
        "Sender": people("Sender") or people("From"),
        "ReplyTo": people("Reply-To"),
        "ToRecipients": people("To"),
        "CcRecipients": people("Cc"),
        "BccRecipients": people("Bcc"),
        "InternetMessageId": _clean(_field(message, "Message-ID")),
        "References": _clean(_field(message, "References")),
        "ConversationIndex": "AQHcAAAA",
    }


def _find_item(server: EWSServer, request: Element) -> list[str | EWSRefusal]:
    mailbox, folder = server.folder(request)
    found = [mail for mail in mailbox.mails_of(folder.remote_id) if _matches(mail, request)]
    view = request.find("m:IndexedPageItemView", NAMESPACES)
    assert view is not None
    items = (f"<t:Message><t:ItemId Id={quoteattr(item_id(mail))}/></t:Message>" for mail in found)
    page = "".join(list(items)[: int(view.get("MaxEntriesReturned", 10))])
    return [
        f'<m:RootFolder IndexedPagingOffset="1" TotalItemsInView="{len(found)}" IncludesLastItemInRange="true">'
        f"<t:Items>{page}</t:Items></m:RootFolder>"
    ]


def _matches(mail: StoredMail, request: Element) -> bool:
    if query := request.findtext("m:QueryString", "", NAMESPACES):
        words = f" {_words(query)} "
        return words in f" {_words(mail.raw.decode('utf-8', 'replace'))} "
    constant = request.find("m:Restriction//t:Constant", NAMESPACES)
    if constant is None:
        return True
    value = constant.get("Value", "")
    if request.find("m:Restriction/t:IsGreaterThanOrEqualTo", NAMESPACES) is not None:
        return mail.received >= datetime.fromisoformat(value.replace("Z", "+00:00"))
    return _field(_parsed(mail), "Message-ID") == value


def _create_item(server: EWSServer, request: Element) -> list[str | EWSRefusal]:
    if request.get("MessageDisposition") != "SendAndSaveCopy":
        raise EWSRefusal("ErrorInvalidRequest")
    mailbox, folder = server.folder(request)
    try:
        raw = base64.b64decode(request.findtext(".//t:MimeContent", "", NAMESPACES), validate=True)
    except (ValueError, binascii.Error):
        raise EWSRefusal("ErrorMimeContentInvalidBase64String") from None
    server.sent.append(raw)
    mailbox.deliver(raw, folder.remote_id, datetime.now(timezone.utc).replace(microsecond=0), is_read=True)
    return ["<m:Items/>"]


_OPERATIONS: dict[str, Callable[[EWSServer, Element], list[str | EWSRefusal]]] = {
    "GetFolder": _get_folder,
    "FindFolder": _find_folder,
    "SyncFolderItems": _sync_items,
    "GetItem": _get_item,
    "FindItem": _find_item,
    "CreateItem": _create_item,
}


class _Handler(WebHandler):
    service: EWSServer
    _context: Any = None
    _challenge = ""

    def do_POST(self) -> None:
        sent = self.sent()
        if not self._is_signed_in():
            offered = f"NTLM {self._challenge}" if self._challenge else ", ".join(self.service.schemes)
            self._reply(401, b"", {"WWW-Authenticate": offered})
            return
        if self.path.lower().startswith("/autodiscover/"):
            self._discover(sent)
            return
        with self.service.lock:
            self.service.calls += 1
            number = self.service.calls
            status, content, headers = self._answer(number, sent)
        self._reply(status, content, headers, self.service.cut.get(number))

    def _is_signed_in(self) -> bool:
        if self.service.schemes == ("NTLM",):
            return self._ntlm()
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme not in self.service.schemes:
            return False
        if scheme == "Bearer":
            return self.service.accepts(credentials)
        expected = base64.b64encode(f"{self.service.login}:{self.service.password}".encode()).decode()
        return credentials == expected

    def _discover(self, sent: bytes) -> None:
        if self.service.autodiscover_page:
            status, location, body = self.service.autodiscover_page
            self._reply(status, body, {"Location": location} if location else {})
            return
        asked = ElementTree.fromstring(sent).findtext(f".//{{{OUTLOOK}/requestschema/2006}}EMailAddress", "")
        self._reply(200, _discovered(self.service.autodiscover.get(asked, "")), {})

    def _ntlm(self) -> bool:
        """The three messages of [MS-NTHT]; the connection stays signed in."""
        if self._context is not None and self._context.complete:
            return True
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme != "NTLM":
            return False
        if self._context is None:
            self._context = spnego.server(protocol="ntlm")
        try:
            self._challenge = base64.b64encode(self._context.step(base64.b64decode(token)) or b"").decode()
        except spnego.exceptions.SpnegoError:
            self._context, self._challenge = None, ""
            return False
        return bool(self._context.complete)

    def _answer(self, number: int, sent: bytes) -> tuple[int, bytes, Mapping[str, str]]:
        planned = self.service.fail.get(number)
        if self.service.redirect:
            return 302, b"", {"Location": self.service.redirect}
        if isinstance(planned, int):
            return planned, b"Service Unavailable", {"Retry-After": "7"}
        envelope = ElementTree.fromstring(sent)
        body = envelope.find("s:Body", NAMESPACES)
        assert body is not None
        operation = body[0].tag.rpartition("}")[2]
        try:
            self.service.check_version(envelope)
            if planned:
                raise planned
            self.service.impersonate(envelope.find("s:Header", NAMESPACES))
            content = self.service.answer(body[0])
        except EWSRefusal as refusal:
            if refusal.fault:
                return 500, _envelope(_fault(refusal), self.service.newest), {}
            message = _message(operation, refusal)
            content = (
                f"<m:{operation}Response><m:ResponseMessages>{message}</m:ResponseMessages></m:{operation}Response>"
            )
        return 200, _envelope(content, self.service.newest), {}

    def _reply(self, status: int, octets: bytes, headers: Mapping[str, str], cut: int | None = None) -> None:
        self.reply(status, {**headers, "Content-Type": "text/xml; charset=utf-8"}, octets, cut)


EWSServer.handler = _Handler


def _discovered(told: str) -> bytes:
    """An answer of POX autodiscover: the address of web services, another ``user@domain`` or ``url:…`` to ask, or
    that nobody is known by this address."""
    if not told:
        content = '<Error Time="12:00:00" Id="1"><ErrorCode>500</ErrorCode><Message>Nobody.</Message></Error>'
        answer = f'<Response xmlns="{AUTODISCOVER}">{content}</Response>'
    elif told.startswith("url:"):
        answer = _account("redirectUrl", f"<RedirectUrl>{escape(told[4:])}</RedirectUrl>")
    elif "@" in told:
        answer = _account("redirectAddr", f"<RedirectAddr>{escape(told)}</RedirectAddr>")
    else:
        within = "<Protocol><Type>EXCH</Type><EwsUrl>https://within.invalid/EWS/Exchange.asmx</EwsUrl></Protocol>"
        outside = f"<Protocol><Type>EXPR</Type><EwsUrl>{escape(told)}</EwsUrl></Protocol>"
        answer = _account("settings", within + outside)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{AUTODISCOVER}">{answer}</Autodiscover>'.encode()
    )


def _account(action: str, content: str) -> str:
    kind = "<AccountType>email</AccountType>"
    account = f"<Account>{kind}<Action>{action}</Action>{content}</Account>"
    return f'<Response xmlns="{OUTLOOK}/responseschema/2006a">{account}</Response>'


def _envelope(content: str, newest: str) -> bytes:
    declared = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in NAMESPACES.items())
    major, minor, build = (14, 3, 123) if newest else (15, 1, 2507)
    version = (
        f'<t:ServerVersionInfo MajorVersion="{major}" MinorVersion="{minor}" MajorBuildNumber="{build}"'
        f' MinorBuildNumber="6" Version="{newest or "V2017_07_11"}"/>'
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {declared}><s:Header>{version}</s:Header>'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()
