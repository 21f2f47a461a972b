"""Sending a mail as it is, and finding it among the sent ones.

https://learn.microsoft.com/graph/api/user-sendmail: MIME in base64 as ``text/plain``. The service files the copy in
Sent Items itself, and keeps the Message-ID of the mail.
"""

from __future__ import annotations

import base64
from urllib.parse import quote

from .session import Account, Session


class Sender:
    """Sends in the name of an account; a context manager."""

    def __init__(self, account: Account) -> None:
        self._session = Session(account)

    def __enter__(self) -> Sender:
        self._session.open()
        return self

    def __exit__(self, *_error: object) -> None:
        self._session.close()

    def send(self, raw: bytes) -> None:
        """Send a mail to the recipients of its To, Cc and Bcc.

        :raises Transient: it may have been sent or not; ``find`` tells, a while later
        :raises NotAllowed: ``send_denied``, ``access_denied``
        """
        self._session.post(f"{self._session.root}/sendMail", base64.b64encode(raw), content_type="text/plain")

    def find(self, message_id: str) -> str | None:
        """The id of the sent mail with this Message-ID (with its angle brackets), if it is there already."""
        wanted = quote(message_id.replace("'", "''"), safe="")
        path = f"{self._session.root}/mailFolders/sentitems/messages"
        found = self._session.get(f"{path}?$select=id&$top=1&$filter=internetMessageId eq '{wanted}'")["value"]
        return str(found[0]["id"]) if found else None
