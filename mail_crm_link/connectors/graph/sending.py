"""Sending a mail as it is, and finding it among the sent ones.

https://learn.microsoft.com/graph/api/user-sendmail: MIME in base64 as ``text/plain``. The service files the copy in
Sent Items itself, and keeps the Message-ID of the mail.
"""

from __future__ import annotations

import base64
from urllib.parse import quote

from ..base import Folder
from ..errors import OutcomeUnknown, Undeliverable
from ..web import WebSender
from ..wire import MIB
from .session import Account, Session

ACCEPTED = 202
MOST_OCTETS = 4 * MIB
"""Of a request (https://learn.microsoft.com/graph/errors, 413); to some that were larger the service said 200."""


class GraphSender(WebSender[Session]):
    """Sends in the name of an account."""

    def __init__(self, account: Account) -> None:
        super().__init__(Session(account))

    def _hand_over(self, raw: bytes) -> None:
        encoded = base64.b64encode(raw)
        if len(encoded) > MOST_OCTETS:
            raise Undeliverable("The mail is too large", f"{len(encoded)} > {MOST_OCTETS}", cause="mail_too_large")
        status = self._session.submit(f"{self._session.root}/sendMail", encoded, "text/plain")
        if status != ACCEPTED:
            # See microsoftgraph/microsoft-graph-docs-contrib, issue 3079.
            raise OutcomeUnknown("The service did not accept the mail", str(status))

    def aliases(self) -> list[str]:
        """The addresses of the mailbox, lower case, the first its own.

        https://learn.microsoft.com/graph/api/user-get: needs User.Read for the own account, User.Read.All for others.
        Sending from them works where the organisation switched on ``SendFromAliasEnabled``.

        :raises NotAllowed: nobody gave the right to ask
        """
        answer = self._session.get(f"{self._session.root}?$select=mail,proxyAddresses")
        return _smtp_addresses(str(answer.get("mail") or ""), answer.get("proxyAddresses") or [])


def _smtp_addresses(own: str, proxies: list[str]) -> list[str]:
    """Addresses of SMTP alone; ``SMTP:`` marks the first, ``smtp:`` others, and there are kinds like ``x500:``."""
    kinds = [proxy.partition(":") for proxy in proxies]
    first = [address for kind, _colon, address in kinds if kind == "SMTP"]
    others = [address for kind, _colon, address in kinds if kind == "smtp"]
    return list(dict.fromkeys(address.lower() for address in (own, *first, *others) if address))


def find(session: Session, folder: Folder, message_id: str) -> list[str]:
    """The ids of mails of a folder with this Message-ID (with its angle brackets)."""
    wanted = quote(message_id.replace("'", "''"), safe="")
    path = f"{session.root}/mailFolders/{quote(folder.remote_id, safe='')}/messages"
    found = session.get(f"{path}?$select=id&$top=10&$filter=internetMessageId eq '{wanted}'")["value"]
    return [str(each["id"]) for each in found]
