"""What the web services of mail have in common in reading folders and in sending, whichever provider it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from . import parts
from .base import FetchFailure, Folder, Handover
from .errors import (
    ConnectorError,
    FolderGone,
    MailGone,
    NotAllowed,
    OutcomeUnknown,
    ProviderBroken,
    SignInNeeded,
    Transient,
    Undeliverable,
)

Answer = TypeVar("Answer")
Result = TypeVar("Result")

STUMBLED = "protocol"
"""Cause of what a service answers, too, when it cannot give one mail; so that mail may be to blame."""

# After these nobody knows whether the mail was taken.
_UNCERTAIN = frozenset({"disconnected", "timeout", "unavailable", "protocol"})
# What answers there is no service of mail, so it has taken none.
_NO_SERVICE = frozenset({"not_exchange"})


@contextmanager
def of_folder(folder: Folder) -> Iterator[None]:
    """What is said against a folder costs this folder only.

    :raises FolderGone: in place of what says that something is not there or may not be read
    """
    try:
        yield
    except MailGone as error:
        raise FolderGone("The folder is not there", error.detail) from error
    except NotAllowed as error:
        if error.cause != "access_denied":
            raise
        raise FolderGone(f"No permission for {folder.name}", error.detail, cause="folder_denied") from error


@contextmanager
def handed_over() -> Iterator[None]:
    """What becomes of a mail whose only request is refused, or gets no answer.

    :raises Undeliverable: the service does not take this mail
    :raises OutcomeUnknown: the service may have taken it, or not
    :raises ConnectorError: as it came; nothing was sent
    """
    try:
        yield
    except (ProviderBroken, MailGone, FolderGone) as error:
        if error.cause in _NO_SERVICE:
            raise
        raise Undeliverable("The service does not take the mail", error.detail, cause="mail_refused") from error
    except Transient as error:
        if error.cause in _UNCERTAIN:
            raise OutcomeUnknown("The service did not say whether it took the mail", str(error)) from error
        raise


def judged(
    answers: Sequence[tuple[str, Answer]],
    error_of: Callable[[Answer], ConnectorError | None],
    read: Callable[[str, Answer], Result],
) -> Iterator[tuple[str, Result | FetchFailure]]:
    """What a service gave of a number of mails; one that it stumbles over costs itself.

    What says that the service cannot serve now is raised when all else was handed on.

    :param answers: by remote id
    """
    errors = {remote_id: error_of(answer) for remote_id, answer in answers}
    stopped = [error for error in errors.values() if isinstance(error, Transient | SignInNeeded)]
    if sum(error.cause == STUMBLED for error in stopped) < len(answers):
        # A service that stumbles over all of them is in trouble itself.
        stopped = [error for error in stopped if error.cause != STUMBLED]
    for remote_id, answer in answers:
        error = errors[remote_id]
        if error is None:
            yield remote_id, read(remote_id, answer)
        elif error not in stopped:
            yield remote_id, failed(remote_id, error)
    if stopped:
        raise max(stopped, key=lambda error: getattr(error, "retry_after", None) or 0.0)


def failed(remote_id: str, error: ConnectorError) -> FetchFailure:
    """One mail that cannot be had."""
    gone = isinstance(error, MailGone)
    return FetchFailure(remote_id, "deleted meanwhile" if gone else str(error), gone=gone)


class Session(Protocol):
    """What a service is asked through."""

    round_trips: int

    def open(self) -> None:
        """Get ready; nobody is asked for anything yet."""

    def close(self) -> None:
        """Let go of connections."""


AnySession = TypeVar("AnySession", bound=Session)


class WebConnector(ABC, Generic[AnySession]):
    """What a connector does in the same way for every service whose mails come whole, and have ids of their own."""

    def __init__(self, session: AnySession) -> None:
        self._session = session

    @property
    def round_trips(self) -> int:
        """Requests so far; a sign-in may cost some more."""
        return self._session.round_trips

    def open(self) -> None:
        """See ``Connector.open``."""
        self._session.open()
        try:
            self._look_at_inbox()
        except (MailGone, FolderGone) as error:
            raise NotAllowed("There is no such mailbox", error.detail, cause="mailbox_missing") from error

    def close(self) -> None:
        """See ``Connector.close``."""
        self._session.close()

    def part(self, folder: Folder, uidvalidity: str, remote_id: str, section: str) -> bytes:
        """See ``Connector.part``."""
        return parts.section(self._mime(remote_id), section)

    def raw(self, folder: Folder, uidvalidity: str, remote_id: str) -> bytes:
        """See ``Connector.raw``."""
        return self._mime(remote_id)

    def find(self, folder: Folder, message_id: str) -> tuple[str, list[str]]:
        """See ``Mailbox.find``."""
        with of_folder(folder):
            return "", self._find(folder, message_id)

    @abstractmethod
    def _look_at_inbox(self) -> None:
        """Ask for the inbox, to see whether the mailbox may be read."""

    @abstractmethod
    def _mime(self, remote_id: str) -> bytes:
        """One mail as it is.

        :raises MailGone: it is not there any more
        """

    @abstractmethod
    def _find(self, folder: Folder, message_id: str) -> list[str]:
        """Ids of the mails of a folder with this Message-ID."""


class WebSender(ABC, Generic[AnySession]):
    """Sends in the name of an account, through a service that takes the recipients from the header."""

    def __init__(self, session: AnySession) -> None:
        self._session = session

    def open(self) -> None:
        """Get ready; nobody is asked for anything yet.

        :raises NotAllowed: this server may not be asked, or a library is missing
        """
        self._session.open()

    def close(self) -> None:
        """Leave. Never raises, and may be called at any time and twice."""
        self._session.close()

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, handing_over: Callable[[], None] = lambda: None
    ) -> Handover:
        """Send a mail. Recipients that its header does not name get a Bcc, which the service takes away.

        :param sender: does not matter, the service takes From
        :param handing_over: called right before the mail goes out
        :raises Undeliverable: the service does not take this mail
        :raises NotAllowed: ``send_denied``, ``access_denied``
        :raises Transient: nothing was sent, later it may be
        :raises OutcomeUnknown: the service may have taken it, or not; ``find`` tells, a while later
        """
        mail = parts.with_hidden(raw, recipients)
        handing_over()
        with handed_over():
            self._hand_over(mail)
        return Handover({}, {})

    @abstractmethod
    def _hand_over(self, raw: bytes) -> None:
        """Ask the service to send the mail, in one request."""
