"""What the web services of mail have in common in reading folders and in sending, whichever provider it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .base import Folder
from .errors import FolderGone, MailGone, NotAllowed, OutcomeUnknown, ProviderBroken, Transient, Undeliverable

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
