"""Mail of a Google account through the Gmail API, read-only but for sending.

========== ================================================================================
connector  the contract of ``connectors.base``, and sending
listing    the first listing, newest first, and where it continues
history    what happened since a ``historyId``
content    mails and their parts
sending    sending, finding what was sent, own sender addresses; asking to be told of new mail
labels     which labels are folders, and which mail is none of ours
session    requests, batches, the quota, and what refusals mean
========== ================================================================================

A mail at Gmail has labels and is in no folder. So one folder holds all mail, each once however many labels it has;
the labels are shown as folders that hold none themselves. What Google's pages say of the API is in
https://developers.google.com/workspace/gmail/api; the library is loaded when a session is opened, not before.
"""

from typing import TYPE_CHECKING

from ...on_demand import on_demand

if TYPE_CHECKING:
    from .connector import URL, GmailConnector
    from .sending import Alias, GmailSender
    from .session import UNITS

__all__ = ["UNITS", "URL", "Alias", "GmailConnector", "GmailSender"]

__getattr__ = on_demand(
    __name__,
    {
        "URL": "connector",
        "GmailConnector": "connector",
        "Alias": "sending",
        "GmailSender": "sending",
        "UNITS": "session",
    },
)
