"""Operations on one mailbox, through exchangelib: it signs in, negotiates the version, and speaks SOAP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .. import http
from ..errors import ConnectorError, NotAllowed, ProviderBroken, SignInNeeded, Transient, Undeliverable
from ..network import Network
from ..wire import MIB
from . import causes, xml

TIMEOUT = 60.0
PATIENCE = 90.0
"""Seconds for a whole answer; ``MAIL_PATIENCE`` where mails come or go as they are."""

MAIL_PATIENCE = 600.0
MOST_OCTETS = 256 * MIB
PATH = "/EWS/Exchange.asmx"
SCHEMA = "Exchange2013"
"""The version in which a server is asked first; the names of versions ascend."""

_ONLINE = ("outlook.com", "office365.com", "office.com", "office365.us", "outlook.cn", "partner.outlook.cn")

# Ways to sign in that take a password, as a server offers them.
_BY_PASSWORD = ("basic", "digest", "ntlm")


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox on an Exchange server.

    :param mailbox: its address
    :param server: host, or the whole address of its web services
    :param login: ``DOMAIN\\user``, a user principal name, or the address
    :param impersonates: the login is a service account with the right to act as others
    :param unverified: hosts that may show any certificate; only by an administrator's word
    :param token: signs in by OAuth, in place of login and password: returns an access token; with ``True`` a fresh
        one, because the last was refused
    """

    mailbox: str
    server: str
    login: str
    password: str = field(repr=False)
    impersonates: bool = False
    unverified: frozenset[str] = frozenset()
    timeout: float = TIMEOUT
    network: Network = Network()
    token: Callable[[bool], str] | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        """Address of the web services."""
        server = self.server.strip()
        return server if "://" in server else f"https://{server.rstrip('/')}{PATH}"

    @property
    def host(self) -> str:
        """The host of the web services."""
        try:
            return urlsplit(self.endpoint).hostname or ""
        except ValueError:
            return ""

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the web services."""
        parts = urlsplit(self.endpoint)
        try:
            port = parts.port
        except ValueError:
            port = None
        return self.host, port or (80 if parts.scheme == "http" else 443)

    @property
    def security(self) -> str:
        """``ssl`` or ``none``."""
        return "none" if urlsplit(self.endpoint).scheme == "http" else "ssl"

    @property
    def verify(self) -> bool:
        """Whether the server has to show a good certificate."""
        return self.host not in self.unverified

    def check(self) -> None:
        """Refuse a server before it is asked for anything.

        :raises NotAllowed: ``exchange_online`` or ``not_encrypted``
        """
        host = self.host.lower()
        if any(host == domain or host.endswith(f".{domain}") for domain in _ONLINE):
            raise NotAllowed("Exchange Online takes no Exchange Web Services", host, cause="exchange_online")
        self.network.check_encryption(self.security, host)


class Session:
    """Operations in the name of an account. ``close`` may be called at any time.

    :ivar status: of the last answer that could not be read
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._protocol: Any = None
        self._fuse = http.Fuse()
        self._access_token = ""
        self.round_trips = 0
        self.status = 0

    @property
    def mailbox(self) -> str:
        """Its address."""
        return self._account.mailbox

    def open(self) -> None:
        """Get ready; nothing is sent yet.

        :raises NotAllowed: the library is missing, or the host is none that may be asked
        """
        self._account.check()
        self.close()
        self._fuse = http.Fuse()
        self._protocol = _protocol(self._account, lambda: self._access_token, self._fuse)

    def close(self) -> None:
        """Let go of connections."""
        if self._protocol is not None:
            self._protocol.close()
            self._protocol = None
        self._fuse.close()

    def ask(self, operation: str, content: str, count: int = 1, seconds: float = PATIENCE) -> list[Any]:
        """The response messages of an operation, whatever each of them says.

        :param content: the operation's element, see ``xml``
        :param count: messages that there have to be: fewer would give mails the content of others
        :param seconds: for the whole answer
        """
        messages = self._asked(operation, content, seconds)
        if len(messages) == count:
            return messages
        refusals = filter(None, map(causes.refusal, messages))
        raise next(refusals, ProviderBroken(f"{operation} was answered in part", f"{len(messages)} of {count}"))

    def _asked(self, operation: str, content: str, seconds: float) -> list[Any]:
        if self._protocol is None:
            raise Transient("The session is closed", cause="disconnected")
        try:
            return self._ask(operation, content, seconds)
        except SignInNeeded:
            if self._account.token is None:
                raise
        # Access tokens end; the one that was used was refused.
        self._account.token(True)
        self.open()
        return self._ask(operation, content, seconds)

    def _ask(self, operation: str, content: str, seconds: float) -> list[Any]:
        etree = http.library("lxml.etree")
        if self._account.token is not None:
            # Not within the library, which logs what goes wrong there.
            self._access_token = self._account.token(False)
        self.round_trips += 1
        try:
            with self._fuse.burning(seconds):
                asked = _operation(operation, self._protocol, self._account)
                return list(asked(etree.fromstring(xml.document(content))))
        except ConnectorError:
            self.close()
            raise
        except _known_errors() as error:
            protocol, account = self._protocol, self._account
            self.status = protocol.status
            self.close()
            if protocol.refuses_passwords and account.token is None:
                raise NotAllowed("The server takes no passwords", str(error), cause="basic_auth_off") from error
            if protocol.status == http.CONTENT_TOO_LARGE:
                raise Undeliverable("The request is too large", str(error), cause="mail_too_large") from error
            raise causes.failure(error, account, http.retry_after(protocol.retry_after)) from error

    def one(self, operation: str, content: str, seconds: float = PATIENCE) -> Any:
        """The only response message of an operation.

        :raises ConnectorError: it is a refusal
        """
        (message,) = self.ask(operation, content, seconds=seconds)
        if error := causes.refusal(message):
            raise error
        return message


def _known_errors() -> tuple[type[Exception], ...]:
    errors = http.library("exchangelib.errors")
    return (errors.EWSError, http.library("requests").RequestException, OSError, ValueError, LookupError)


def guarded_session(account: Account, fuse: http.Fuse) -> Any:
    """A session of requests whose connections go only where the account may.

    :param fuse: watches them
    """
    session = http.library("requests").Session()
    # Neither a proxy nor a .netrc of this machine comes between.
    session.trust_env = False
    session.headers.update(http.library("exchangelib.transport").DEFAULT_HEADERS)
    for scheme in ("https://", "http://"):
        session.mount(scheme, http.guarded_adapter(account.network, fuse))
    return session


def _protocol(account: Account, access_token: Callable[[], str], fuse: http.Fuse) -> Any:
    """The library's protocol object; not the shared one that it keeps by address and login, password included."""
    library = http.library("exchangelib")
    protocols = http.library("exchangelib.protocol")

    def raw_session(self: Any, *_arguments: Any, **_options: Any) -> Any:
        session = guarded_session(account, fuse)
        session.verify = account.verify
        session.hooks["response"].append(lambda response, **_options: note(self, response))
        return session

    def create_session(self: Any) -> Any:
        session = protocols.Protocol.create_session(self)
        if account.token is not None:
            session.auth = http.bearer(access_token)
        return session

    def note(self: Any, response: Any) -> None:
        http.read(response, MOST_OCTETS)
        # What the library raises does not tell.
        self.status = response.status_code
        self.retry_after = response.headers.get("Retry-After")
        offered = response.headers.get("WWW-Authenticate", "").lower()
        self.refuses_passwords = "bearer" in offered and not any(name in offered for name in _BY_PASSWORD)

    parts = {
        "raw_session": raw_session,
        "create_session": create_session,
        "status": 0,
        "retry_after": None,
        "refuses_passwords": False,
        "TIMEOUT": account.timeout,
    }
    made = type("GuardedProtocol", (protocols.Protocol,), parts)
    configuration = library.Configuration(
        credentials=None if account.token else library.Credentials(account.login, account.password),
        auth_type=http.library("exchangelib.transport").NOAUTH if account.token else None,
        service_endpoint=account.endpoint,
        # Negotiated down where the server is older.
        version=library.Version(build=library.version.EXCHANGE_2013),
        retry_policy=library.FailFast(),
        max_connections=1,
    )
    return type.__call__(made, config=configuration)


def _operation(name: str, protocol: Any, account: Account) -> Any:
    services = http.library("exchangelib.services.common")
    identity = http.library("exchangelib").Identity(primary_smtp_address=account.mailbox)

    def ask(self: Any, payload: Any) -> Any:
        return self._get_response_xml(payload=payload)

    def versions(_service: Any) -> list[str]:
        # Later servers understand this one, too; what is older is tried from the newest on.
        return [each for each in services.EWSService.supported_api_versions() if each <= SCHEMA]

    parts = {
        "SERVICE_NAME": name,
        "__call__": ask,
        "supported_api_versions": classmethod(versions),
        "_account_to_impersonate": identity if account.impersonates else None,
        "_extra_headers": lambda self: {"X-AnchorMailbox": account.mailbox},
    }
    return type(name, (services.EWSService,), parts)(protocol=protocol)
