"""Sending a mail as it is, and finding it again.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation: the server files the
copy in Sent Items itself, and keeps the Message-ID of the mail.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

from .. import parts
from ..base import Folder, Handover
from ..web import handed_over
from . import listing, xml
from .folders import distinguished
from .session import Account, Session


class EWSSender:
    """Sends in the name of an account."""

    def __init__(self, account: Account) -> None:
        self._session = Session(account)

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
        """Send a mail.

        The server takes the recipients from the header. Those that it does not name get a Bcc, which it takes away.

        :param sender: does not matter, the server takes From
        :param handing_over: called right before the mail goes out
        :raises Undeliverable: the server does not take this mail
        :raises NotAllowed: ``send_denied``, ``access_denied``
        :raises Transient: nothing was sent, later it may be
        :raises OutcomeUnknown: the server may have taken it, or not; ``find`` tells, a while later
        """
        content = base64.b64encode(parts.with_hidden(raw, recipients)).decode()
        saved = f"<m:SavedItemFolderId>{distinguished(self._session, 'sentitems')}</m:SavedItemFolderId>"
        item = f'<t:Message><t:MimeContent CharacterSet="UTF-8">{content}</t:MimeContent></t:Message>'
        operation = (
            f'<m:CreateItem MessageDisposition="SendAndSaveCopy">{saved}<m:Items>{item}</m:Items></m:CreateItem>'
        )
        handing_over()
        with handed_over():
            self._session.one("CreateItem", operation)
        return Handover({}, {})


def find(session: Session, folder: Folder, message_id: str) -> list[str]:
    """The ids of mails of a folder with this Message-ID (with its angle brackets)."""
    constant = f"<t:FieldURIOrConstant><t:Constant Value={xml.attribute(message_id)}/></t:FieldURIOrConstant>"
    condition = f"<t:IsEqualTo>{xml.field('message:InternetMessageId')}{constant}</t:IsEqualTo>"
    return listing.ids_in(listing.find_items(session, folder, f"<m:Restriction>{condition}</m:Restriction>"))
