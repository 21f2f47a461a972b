"""Sending a mail as it is, and finding it again.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation: the server files the
copy in Sent Items itself, and keeps the Message-ID of the mail.
"""

from __future__ import annotations

import base64

from ..base import Folder
from ..errors import OutcomeUnknown, ProviderBroken
from ..web import WebSender
from . import folders, listing, xml
from .session import MAIL_PATIENCE, Account, Session

OK = 200


class EWSSender(WebSender[Session]):
    """Sends in the name of an account."""

    def __init__(self, account: Account) -> None:
        super().__init__(Session(account))

    def check(self) -> None:
        """Ask for the folder that copies of sent mails go to. Whether mail leaves, only mail would tell."""
        folders.check(self._session, "sentitems")

    def _hand_over(self, raw: bytes) -> None:
        content = base64.b64encode(raw).decode()
        saved = f"<m:SavedItemFolderId>{folders.distinguished(self._session, 'sentitems')}</m:SavedItemFolderId>"
        item = f'<t:Message><t:MimeContent CharacterSet="UTF-8">{content}</t:MimeContent></t:Message>'
        operation = (
            f'<m:CreateItem MessageDisposition="SendAndSaveCopy">{saved}<m:Items>{item}</m:Items></m:CreateItem>'
        )
        try:
            self._session.one("CreateItem", operation, MAIL_PATIENCE)
        except ProviderBroken as error:
            if error.cause == "not_exchange" and self._session.status == OK:
                # What stands in the place of the answer may do so after the server took the mail.
                raise OutcomeUnknown("The server's answer cannot be read", error.detail) from error
            raise


def find(session: Session, folder: Folder, message_id: str) -> list[str]:
    """The ids of mails of a folder with this Message-ID (with its angle brackets)."""
    constant = f"<t:FieldURIOrConstant><t:Constant Value={xml.attribute(message_id)}/></t:FieldURIOrConstant>"
    condition = f"<t:IsEqualTo>{xml.field('message:InternetMessageId')}{constant}</t:IsEqualTo>"
    return listing.ids_in(listing.find_items(session, folder, f"<m:Restriction>{condition}</m:Restriction>"))
