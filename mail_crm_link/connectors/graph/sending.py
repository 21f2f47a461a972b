"""Sending a mail as it is, and finding it among the sent ones.

https://learn.microsoft.com/graph/api/user-sendmail: MIME in base64 as ``text/plain``. The service files the copy in
Sent Items itself, and keeps the Message-ID of the mail.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from urllib.parse import quote

from .. import parts
from ..base import Folder, Handover
from ..web import handed_over
from .session import Account, Session


class GraphSender:
    """Sends in the name of an account."""

    def __init__(self, account: Account) -> None:
        self._session = Session(account)

    def open(self) -> None:
        """Get ready; nobody is asked for anything yet."""
        self._session.open()

    def close(self) -> None:
        """Leave. Never raises, and may be called at any time and twice."""
        self._session.close()

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, handing_over: Callable[[], None] = lambda: None
    ) -> Handover:
        """Send a mail.

        The service takes the recipients from the header. Those that it does not name get a Bcc, which it takes away.

        :param sender: does not matter, the service takes From
        :param handing_over: called right before the mail goes out
        :raises Undeliverable: the service does not take this mail
        :raises NotAllowed: ``send_denied``, ``access_denied``
        :raises Transient: nothing was sent, later it may be
        :raises OutcomeUnknown: the service may have taken it, or not; ``find`` tells, a while later
        """
        encoded = base64.b64encode(parts.with_hidden(raw, recipients))
        handing_over()
        with handed_over():
            self._session.post(f"{self._session.root}/sendMail", encoded, content_type="text/plain")
        return Handover({}, {})


def find(session: Session, folder: Folder, message_id: str) -> list[str]:
    """The ids of mails of a folder with this Message-ID (with its angle brackets)."""
    wanted = quote(message_id.replace("'", "''"), safe="")
    path = f"{session.root}/mailFolders/{quote(folder.remote_id, safe='')}/messages"
    found = session.get(f"{path}?$select=id&$top=10&$filter=internetMessageId eq '{wanted}'")["value"]
    return [str(each["id"]) for each in found]
