"""Operations on one mailbox, through exchangelib: it signs in, negotiates the version, and speaks SOAP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .. import http
from ..errors import ConnectorError, NotAllowed, Transient
from ..network import Network
from . import causes, xml

TIMEOUT = 60.0
PATH = "/EWS/Exchange.asmx"

_ONLINE = ("outlook.com", "office365.com", "office.com", "office365.us", "outlook.cn", "partner.outlook.cn")


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox on an Exchange server.

    :param mailbox: its address
    :param server: host, or the whole address of its web services
    :param login: ``DOMAIN\\user``, a user principal name, or the address
    :param impersonates: the login is a service account with the right to act as others
    :param verify: ``False`` takes any certificate; only by an administrator's word for this host
    """

    mailbox: str
    server: str
    login: str
    password: str = field(repr=False)
    impersonates: bool = False
    verify: bool = True
    timeout: float = TIMEOUT
    network: Network = Network()

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


class Session:
    """Operations in the name of an account. ``close`` may be called at any time."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._protocol: Any = None
        self.round_trips = 0

    @property
    def mailbox(self) -> str:
        """Its address."""
        return self._account.mailbox

    def open(self) -> None:
        """Get ready; nothing is sent yet.

        :raises NotAllowed: the library is missing, or the host is none that may be asked
        """
        host = self._account.host.lower()
        if any(host == domain or host.endswith(f".{domain}") for domain in _ONLINE):
            raise NotAllowed("Exchange Online takes no Exchange Web Services", host, cause="exchange_online")
        security = "none" if urlsplit(self._account.endpoint).scheme == "http" else "ssl"
        self._account.network.check_encryption(security, host)
        self._protocol = _protocol(self._account)

    def close(self) -> None:
        """Let go of connections."""
        if self._protocol is not None:
            self._protocol.close()
            self._protocol = None

    def ask(self, operation: str, content: str) -> list[Any]:
        """The response messages of an operation, whatever each of them says.

        :param content: the operation's element, see ``xml``
        """
        if self._protocol is None:
            raise Transient("The session is closed", cause="disconnected")
        etree = http.library("lxml.etree")
        self.round_trips += 1
        try:
            return list(_operation(operation, self._protocol, self._account)(etree.fromstring(xml.document(content))))
        except ConnectorError:
            raise
        except _known_errors() as error:
            wait = http.retry_after(self._protocol.retry_after)
            self.close()
            raise causes.failure(error, self._account.host, wait) from error

    def one(self, operation: str, content: str) -> Any:
        """The only response message of an operation.

        :raises ConnectorError: it is a refusal
        """
        message = self.ask(operation, content)[0]
        if error := causes.refusal(message):
            raise error
        return message


def _known_errors() -> tuple[type[Exception], ...]:
    errors = http.library("exchangelib.errors")
    return (errors.EWSError, http.library("requests").RequestException, OSError, ValueError, LookupError)


def _protocol(account: Account) -> Any:
    """The library's protocol object; not the shared one that it keeps by address and login, password included."""
    library = http.library("exchangelib")
    protocols = http.library("exchangelib.protocol")
    requests = http.library("requests")

    def raw_session(self: Any, *_arguments: Any, **_options: Any) -> Any:
        session = requests.Session()
        # Neither a proxy nor a .netrc of this machine comes between.
        session.trust_env = False
        session.verify = account.verify
        session.headers.update(http.library("exchangelib.transport").DEFAULT_HEADERS)
        for scheme in ("https://", "http://"):
            session.mount(scheme, http.guarded_adapter(account.network))
        session.hooks["response"].append(lambda response, **_options: note_wait(self, response))
        return session

    def note_wait(self: Any, response: Any) -> None:
        # What the library raises does not tell.
        self.retry_after = response.headers.get("Retry-After")

    parts = {"raw_session": raw_session, "retry_after": None, "TIMEOUT": account.timeout}
    made = type("GuardedProtocol", (protocols.Protocol,), parts)
    configuration = library.Configuration(
        credentials=library.Credentials(account.login, account.password),
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

    parts = {
        "SERVICE_NAME": name,
        "__call__": ask,
        "_account_to_impersonate": identity if account.impersonates else None,
        "_extra_headers": lambda self: {"X-AnchorMailbox": account.mailbox},
    }
    return type(name, (services.EWSService,), parts)(protocol=protocol)
