"""One signed-in connection to an IMAP server, and the few read-only commands that we use.

imapclient connects, signs in, encodes folder names and parses; commands whose answers it would hide (message sets,
untagged VANISHED, several STATUS at once) go through the imaplib connection that it holds.

A connection that failed once is never used again, because a late answer would be taken for the next one's.
"""

from __future__ import annotations

import imaplib
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from imapclient.datetime_util import parse_to_datetime
from imapclient.exceptions import LoginError, ProtocolError
from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.response_parser import parse_fetch_response, parse_response

from ..errors import ConnectorError, NotAllowed, ProviderBroken, Transient, without_password
from ..mail_server import Account
from ..network import broken
from ..sasl import Mechanism, by_password, by_token, plain, with_fresh_token
from . import causes
from .causes import Verdict
from .client import Client
from .cursor import Status, uid_sets

Answer = dict[bytes, Any]

CLIENT_ID = {"name": "mail_crm_link"}
PIPELINE = 50
"""STATUS commands sent before the first answer is read; more could fill both sides' buffers."""

SET_LIMIT = 7_000
"""Octets of a message set; Dovecot takes lines of 8,192."""

_HEADER_FIELDS = re.compile(rb"BODY\[HEADER\.FIELDS \([^)]*\)\]", re.IGNORECASE)
_APPENDED = re.compile(r"APPENDUID (\d+) (\d+)\b", re.IGNORECASE)
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
# What nearly all answers with one literal look like: the library, which reads character by character, is asked about
# the others.
_PLAIN_ANSWER = re.compile(
    rb"(?P<seq>\d+) \((?:(?:UID \d+|RFC822\.SIZE \d+|INTERNALDATE \"[^\"]+\"|FLAGS \([^()\"{}]*\)) )+"
    rb"(?P<body>BODY\[(?:HEADER)?\]) \{\d+\}"
)
_ITEM = re.compile(rb"(UID|RFC822\.SIZE|INTERNALDATE|FLAGS) (?:(\d+)|\"([^\"]+)\"|\(([^()\"{}]*)\))")
NONSENSE = (ValueError, TypeError, LookupError, RecursionError)
"""What reading raises that meets something else than the protocol."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder as LIST shows it: its decoded name, attributes in lower case, and the separator of its levels."""

    name: str
    attributes: frozenset[str]
    separator: str


class Refused(ProviderBroken):
    """The server answered NO or BAD; the connection is fine."""


class Unreadable(ProviderBroken):
    """The answer about one mail cannot be parsed; the connection is fine."""


@contextmanager
def _understood(command: str) -> Iterator[None]:
    """Guard the reading of an answer that arrived."""
    try:
        yield
    except (*NONSENSE, AttributeError, ProtocolError) as error:
        raise _nonsense(command, error) from error


def _nonsense(command: str, error: Exception) -> ProviderBroken:
    return ProviderBroken(f"The server's answer to {command} cannot be read", repr(error))


class Session:
    """A connection from sign-in to log-out. Every method raises ``Transient`` when it breaks.

    :param another_token: the last access token was refused
    :ivar selected: name of the folder that is open
    :ivar searches_numbers: whether the server is known to understand sequence numbers within UID SEARCH
    :ivar condstore: whether it counts modifications; ``qresync``: whether it also says what vanished
    """

    @classmethod
    def signed_in(cls, account: Account) -> Session:
        """A new session.

        :raises ConnectorError: the sign-in is refused, see ``connectors.errors``
        """
        return with_fresh_token(lambda another: cls(account, another))

    def __init__(self, account: Account, another_token: bool = False) -> None:
        self._account = account
        self._client: Client | None = None
        self.selected = ""
        self.searches_numbers = True
        self._client = self._connect()
        try:
            self._secure()
            self._sign_in(another_token)
            self._introduce()
        except BaseException:
            self.drop()
            raise

    # -- connection ---------------------------------------------------------------------------------------------

    def _socket(self) -> socket.socket:
        account = self._account
        connected = account.network.connect(account.host, account.port, account.timeout)
        try:
            account.network.check_encryption(account.security, account.host)
            if account.security == "ssl":
                return self._account.tls.wrap_socket(connected, server_hostname=account.host)
        except BaseException:
            connected.close()
            raise
        return connected

    def _connect(self) -> Client:
        account = self._account
        try:
            client = Client(account.host, account.port, self._socket, account.security == "ssl", account.timeout)
        except OSError as error:
            raise broken(error, account.host) from error
        except (imaplib.IMAP4.error, ValueError) as error:
            raise self._bad_greeting(error) from error
        # imapclient logs every line, which costs five sixths of the time of a download, and prepares the LOGIN too.
        client._imap.debug = 0
        client.normalise_times = False
        return client

    def _bad_greeting(self, error: Exception) -> ConnectorError:
        text = _text_of(error)
        if "socket error" in text:
            return Transient(f"{self._account.host} closed the connection", text, cause="disconnected")
        if "BYE" in text:
            return causes.refusal(text, Verdict(Transient, "unavailable"))
        return ProviderBroken(f"{self._account.host} does not speak IMAP", text, cause="not_imap")

    def _secure(self) -> None:
        if self._imap.state != "NONAUTH":
            # A greeting of PREAUTH leaves no way to STARTTLS and none to say who we are (RFC 9051, 11.2).
            raise ProviderBroken("The server signed us in before we asked", cause="protocol")
        if self._account.security != "starttls":
            return
        if not self._has("STARTTLS"):
            raise NotAllowed("The server does not offer STARTTLS", cause="no_starttls")
        with self._guarded("STARTTLS"):
            self._client_or_fail().starttls(self._account.tls)

    def _sign_in(self, another_token: bool) -> None:
        account = self._account
        secret = account.credentials.secret(another_token)
        try:
            with self._guarded("LOGIN"):
                self._give(secret)
        except Refused as error:
            raise account.credentials.refusal(error.detail, secret, account.host) from None
        except ConnectorError as error:
            error.detail = without_password(error.detail, account.credentials.login, secret)
            raise error from None

    def _give(self, secret: str) -> None:
        """Sign in with a password or an access token, in the way that the server offers.

        :raises NotAllowed: it offers none
        """
        account, login = self._account, self._account.credentials.login
        offered = self._mechanisms()
        if account.credentials.token:
            self._authenticate(by_token(login, secret, offered, account.host, account.port))
        elif (login + secret).isascii() and not self._has("LOGINDISABLED"):
            # LOGIN is ASCII only (RFC 9051, 6.2.3), and saves a round trip.
            self._login(login, secret)
        elif mechanism := by_password(login, secret, offered):
            self._authenticate(mechanism)
        elif self._has("LOGINDISABLED"):
            cause = "basic_auth_off" if {"XOAUTH2", "OAUTHBEARER"} & offered else "plain_login_off"
            raise NotAllowed("The server takes no password on this connection", cause=cause)
        else:
            self._authenticate(plain(login, secret))

    def _mechanisms(self) -> set[str]:
        names = (name.decode("ascii", "replace").upper() for name in self._client_or_fail().capabilities())
        return {name.removeprefix("AUTH=") for name in names if name.startswith("AUTH=")}

    def _login(self, login: str, password: str) -> None:
        try:
            self._client_or_fail().login(login, password)
        except LoginError as error:
            # imapclient calls a broken connection a failed login too; the password is not to blame for that.
            original = error.__context__ or error
            if isinstance(original, imaplib.IMAP4.abort):
                raise original from None
            raise Refused("LOGIN", _text_of(original)) from None

    def _authenticate(self, mechanism: Mechanism) -> None:
        try:
            self._imap.authenticate(mechanism.name, mechanism.respond)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise Refused(mechanism.name, f"{_text_of(error)} {mechanism.reason}".strip()) from None

    def _introduce(self) -> None:
        client = self._client_or_fail()
        with self._guarded("CAPABILITY"):
            # What a server can do often grows with the sign-in.
            client._cached_capabilities = None
            client.capabilities()
        if self._has("ID"):
            # Some providers refuse to open folders for a program without a name.
            self._tolerated("ID", "(" + " ".join(f'"{key}" "{value}"' for key, value in CLIENT_ID.items()) + ")")
        self._enable()

    def _enable(self) -> None:
        self.qresync = self._has("QRESYNC") and self._has("ENABLE") and self._tolerated("ENABLE", "QRESYNC")
        # Before the first EXAMINE, or Dovecot does not tell HIGHESTMODSEQ.
        self.condstore = self.qresync or self._has("CONDSTORE")
        if self.condstore and not self.qresync and self._has("ENABLE"):
            self._tolerated("ENABLE", "CONDSTORE")

    def drop(self) -> None:
        """Close the connection without a word."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client._imap.shutdown()
            except OSError:
                pass

    def close(self) -> None:
        """Log out. Never raises."""
        if self._client is None:
            return
        try:
            self._imap.logout()
        except (imaplib.IMAP4.error, OSError):
            pass
        self.drop()

    # -- commands -----------------------------------------------------------------------------------------------

    def list_folders(self, statuses: bool) -> tuple[list[Listed], dict[str, Status]]:
        """All folders, and with ``statuses`` the numbers of each that tells them: one round trip, or few."""
        with_status = statuses and self._has("LIST-STATUS")
        options = self._list_options(with_status)
        try:
            answers = self._command("LIST", '""', '"*"', *options)
        except Refused:
            with_status = False
            answers = self._command("LIST", '""', '"*"')
        folders = _parse_list(answers)
        if with_status:
            return folders, _parse_statuses(self._untagged("STATUS"))
        names = [folder.name for folder in folders if "\\noselect" not in folder.attributes]
        return folders, self._statuses(names) if statuses else {}

    def _list_options(self, with_status: bool) -> list[str]:
        options = []
        if self._has("SPECIAL-USE") and self._has("LIST-EXTENDED"):
            options.append("SPECIAL-USE")
        if with_status:
            options.append(f"STATUS {self._status_items()}")
        return [f"RETURN ({' '.join(options)})"] if options else []

    def _status_items(self) -> str:
        # Without CONDSTORE the number of unread mails is the only sign of changed flags.
        return f"(UIDVALIDITY UIDNEXT MESSAGES {'HIGHESTMODSEQ' if self.condstore else 'UNSEEN'})"

    def status(self, name: str) -> Status:
        """The numbers of a folder that is not selected.

        :raises FolderGone: it is not there, or may not be read
        """
        try:
            answers = self._command("STATUS", self._quoted(name), self._status_items())
        except Refused as error:
            raise causes.folder_refusal(error.detail) from None
        statuses = list(_parse_statuses(answers).values())
        if not statuses:
            raise ProviderBroken("No answer to STATUS", name)
        return statuses[-1]

    def _statuses(self, names: Sequence[str]) -> dict[str, Status]:
        found: dict[str, Status] = {}
        for start in range(0, len(names), PIPELINE):
            with self._guarded("STATUS"):
                self._pipeline_status(names[start : start + PIPELINE])
            found.update(_parse_statuses(self._untagged("STATUS")))
        return found

    def _pipeline_status(self, names: Sequence[str]) -> None:
        imap, items = self._imap, self._status_items()
        tags = [imap._command("STATUS", self._quoted(name), items) for name in names]
        for tag in tags:
            try:
                imap._command_complete("STATUS", tag)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                continue  # BAD to one folder; its own STATUS will say why

    def examine(self, name: str) -> Status:
        """Open a folder read-only.

        :raises FolderGone: it is not there, or may not be read
        """
        self.selected = ""
        try:
            with self._guarded("EXAMINE"):
                kind, answer = self._imap.select(self._quoted(name), True)
            if kind != "OK":
                raise Refused("EXAMINE", _joined(answer))
        except Refused as error:
            raise causes.folder_refusal(error.detail) from None
        self.selected = name
        return self._examined()

    @_understood("EXAMINE")
    def _examined(self) -> Status:
        numbers = self._imap.untagged_responses
        if "UIDVALIDITY" not in numbers or "EXISTS" not in numbers:
            raise ProviderBroken("EXAMINE told no UIDVALIDITY", self.selected)
        uidvalidity, messages, uidnext, modseq = (
            int(numbers.get(key, [b"0"])[-1] or 0) for key in ("UIDVALIDITY", "EXISTS", "UIDNEXT", "HIGHESTMODSEQ")
        )
        return Status(uidvalidity, uidnext, messages, modseq if self.condstore else 0)

    def await_news(self) -> tuple[socket.socket, bytes]:
        """Wait for news of the selected folder by IDLE: the socket is the caller's from now on, to read and to write.

        :return: the socket, and what the server said already
        :raises NotAllowed: ``no_idle``: the server does not know how
        """
        if not self._has("IDLE"):
            raise NotAllowed("The server does not know IDLE", cause="no_idle")
        with self._guarded("IDLE"):
            waiting: tuple[socket.socket, bytes] = self._imap.await_news()
        return waiting

    def leave(self) -> None:
        """Deselect, because STATUS of the selected folder may be stale (RFC 9051, 6.3.11).

        CLOSE removes nothing from a folder opened by EXAMINE (RFC 9051, 6.4.1).
        """
        if self.selected:
            self.selected = ""
            # pymap refuses CLOSE of a folder opened by EXAMINE; then STATUS has to do as it is.
            self._tolerated("UNSELECT" if self._has("UNSELECT") else "CLOSE")
            self._imap.state = "AUTH"

    def search(self, criteria: str, literal: bytes | None = None) -> list[int]:
        """The UIDs for which ``criteria`` hold, ascending.

        :param literal: ends the criteria; for text that is not ASCII
        """
        self._imap.literal = literal
        self._command("UID", "SEARCH", criteria)
        return _parse_search(self._untagged("SEARCH"))

    def fetch(self, message_set: str, items: str, uid: bool = True) -> Iterator[tuple[int, Answer | Unreadable]]:
        """Fetch ``items`` (with UID) of a set, as pairs of UID and answer; one answer that cannot be parsed costs one.

        :raises Refused: the server will not, maybe because of one of the mails
        """
        lines = self._command(*(["UID"] if uid else []), "FETCH", message_set, items) or self._untagged("FETCH")
        for group in _groups(lines):
            number, answer = _parse_fetch(group)
            if number:
                yield number, answer

    def fetch_all(self, uids: Sequence[int], items: str) -> Iterator[Iterator[tuple[int, Answer | Unreadable]]]:
        """Fetch ``items`` of all ``uids``, in as many commands as their line length needs."""
        return (self.fetch(message_set, items) for message_set in self.sets(uids))

    def sets(self, uids: Sequence[int]) -> list[str]:
        """Message sets that fit into commands."""
        return uid_sets(list(uids), SET_LIMIT)

    def vanished(self) -> list[str]:
        """Message sets of VANISHED answers to the last command (RFC 7162, 3.2.10)."""
        lines = [line.decode("ascii", "replace") for line in self._untagged("VANISHED")]
        return [line.replace("(EARLIER)", "").strip() for line in lines]

    def append(self, name: str, raw: bytes) -> tuple[str, str] | None:
        """Put a mail that was read into a folder.

        :return: UIDVALIDITY and UID it has there, ``None`` where the server does not say (RFC 4315)
        :raises FolderGone: it is not there, or may not be written
        """
        try:
            with self._guarded("APPEND"):
                kind, answer = self._imap.append(self._quoted(name), r"(\Seen)", None, raw)
            if kind != "OK":
                raise Refused("APPEND", _joined(answer))
        except Refused as error:
            raise causes.folder_refusal(error.detail) from None
        place = _APPENDED.search(_joined(answer)) or _APPENDED.search(_joined(self._untagged("APPENDUID")))
        return (place[1], place[2]) if place else None

    def refresh(self) -> None:
        """Have the server notice what others did to the selected folder."""
        self._command("NOOP")

    def disturbed(self) -> bool:
        """Whether mail left the selected folder since this was last asked; sequence numbers shifted then."""
        return bool(self._untagged("EXPUNGE") + self._untagged("VANISHED"))

    # -- plumbing -----------------------------------------------------------------------------------------------

    @property
    def _imap(self) -> Any:
        return self._client_or_fail()._imap

    def _client_or_fail(self) -> Any:
        if self._client is None:
            raise Transient(f"The connection to {self._account.host} is closed", cause="disconnected")
        return self._client

    def _has(self, capability: str) -> bool:
        return bool(self._client_or_fail().has_capability(capability))

    def _quoted(self, name: str) -> str:
        quoted: bytes = self._client_or_fail()._normalise_folder(name)
        return quoted.decode("ascii")

    def _tolerated(self, name: str, *arguments: str) -> bool:
        try:
            self._command(name, *arguments)
        except Refused:
            return False
        return True

    def _command(self, name: str, *arguments: str) -> list[Any]:
        imap = self._imap
        for answer in ("LIST", "STATUS", "SEARCH", "FETCH"):
            # A refused command leaves its answers behind; the next must not find them.
            imap.untagged_responses.pop(answer, None)
        with self._guarded(name):
            kind, answer_text = imap._simple_command(name, *arguments)
        if kind != "OK":
            raise Refused(name, _joined(answer_text))
        return self._untagged(name)

    def _untagged(self, name: str) -> list[Any]:
        return [line for line in self._imap.untagged_responses.pop(name, []) if line is not None]

    @contextmanager
    def _guarded(self, command: str) -> Iterator[None]:
        try:
            yield
        except imaplib.IMAP4.abort as error:
            self.drop()
            raise _broken(_text_of(error)) from error
        except imaplib.IMAP4.error as error:
            text = _text_of(error)
            if "command error: BAD" in text:
                raise Refused(command, text) from None
            self.drop()
            raise ProviderBroken(command, text) from error
        except OSError as error:
            self.drop()
            raise broken(error, self._account.host) from error
        except NONSENSE as error:
            # imaplib believes every number and every letter that it is told.
            self.drop()
            raise _nonsense(command, error) from error


def _broken(text: str) -> ConnectorError:
    """The error for a connection that ended, or that cannot be understood any more."""
    if text.startswith("unexpected") or "=> unexpected" in text:
        return ProviderBroken("The server answered against the protocol", text)
    return causes.refusal(text, Verdict(Transient, "disconnected"))


def _text_of(error: BaseException) -> str:
    return " ".join(
        argument.decode("utf-8", "replace") if isinstance(argument, bytes) else str(argument) for argument in error.args
    )


def _joined(lines: Sequence[Any]) -> str:
    return " ".join(line.decode("utf-8", "replace") for line in lines if isinstance(line, bytes))


def _name(token: Any) -> str:
    """A folder name of a parsed answer; digits only come as a number."""
    if isinstance(token, int):
        return str(token)
    try:
        return str(decode_utf7(token))
    except UnicodeError:
        return bytes(token).decode("latin-1")  # no name that can be asked for, and no reason to stop


@_understood("SEARCH")
def _parse_search(lines: list[Any]) -> list[int]:
    words = b" ".join(line for line in lines if isinstance(line, bytes)).partition(b"(")[0]
    return sorted({int(word) for word in words.split()})


@_understood("LIST")
def _parse_list(lines: list[Any]) -> list[Listed]:
    tokens = parse_response([line for line in lines if line])
    folders = []
    for attributes, separator, name in zip(tokens[::3], tokens[1::3], tokens[2::3], strict=True):
        lower = frozenset(attribute.decode("ascii", "replace").lower() for attribute in attributes)
        folders.append(Listed(_name(name), lower, (separator or b"").decode("ascii", "replace")))
    return folders


@_understood("STATUS")
def _parse_statuses(lines: list[Any]) -> dict[str, Status]:
    tokens = parse_response([line for line in lines if line])
    return {_name(name): _parse_status(items) for name, items in zip(tokens[::2], tokens[1::2], strict=True)}


def _parse_status(items: tuple[Any, ...]) -> Status:
    numbers = {key.upper(): value for key, value in zip(items[::2], items[1::2], strict=True)}
    keys = (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES", b"HIGHESTMODSEQ", b"UNSEEN")
    return Status(*(int(numbers.get(key, 0)) for key in keys))


def _groups(lines: list[Any]) -> Iterator[list[Any]]:
    """Split what imaplib collected into answers: tuples with literals, and the bytes that end each answer."""
    group: list[Any] = []
    for line in lines:
        group.append(line)
        if isinstance(line, bytes):
            yield group
            group = []


def _parse_fetch(group: list[Any]) -> tuple[int, Answer | Unreadable]:
    """Parse one FETCH answer; 0 as UID for what the server told unasked."""
    head = group[0]
    if isinstance(head, tuple):
        # The parser reads character by character, and the server repeats all names of fields for every mail.
        group = [(_HEADER_FIELDS.sub(b"BODY[HEADER]", head[0]), head[1]), *group[1:]]
        if plain := _plain_answer(group):
            return plain.pop(b"UID"), plain
    try:
        ((number, answer),) = parse_fetch_response(group, normalise_times=False).items()
    except (*NONSENSE, ProtocolError) as error:
        return _uid_of(group), Unreadable("FETCH", repr(error))
    return (number if _uid_of(group) else 0), answer


def _plain_answer(group: list[Any]) -> Answer | None:
    """The answer with its UID, as the library would read it; None where only the library can."""
    plain = _PLAIN_ANSWER.fullmatch(group[0][0])
    if plain is None or group[1:] != [b")"]:
        return None
    answer: Answer = {b"SEQ": int(plain["seq"]), plain["body"]: group[0][1]}
    for name, number, date, flags in _ITEM.findall(group[0][0]):
        answer[name] = int(number) if number else _moment(date) if date else tuple(flags.split())
    return answer if b"UID" in answer else None


def _moment(text: bytes) -> datetime | None:
    try:
        moment: datetime = parse_to_datetime(text, normalise=False)
    except ValueError:
        return None
    return moment


def _uid_of(group: list[Any]) -> int:
    for line in group:
        match = _UID.search(line if isinstance(line, bytes) else line[0])
        if match:
            return int(match.group(1))
    return 0


def utc(moment: datetime | None) -> datetime:
    """An INTERNALDATE in UTC; 1970 where the server's was none."""
    return moment.astimezone(timezone.utc) if moment is not None else _EPOCH
