"""Mail of any IMAP server (RFC 3501 and 9051), read-only.

========== ================================================================================
connector  the contract of ``connectors.base``: what to ask in which order
listing    the ids of a folder, complete and confirmed, whatever its size
cursor     where the listing of a folder continues
content    mails and their parts in bounded portions
search     in the text of mails, by the server
structure  MIME trees and transfer encodings
folders    roles of folders
session    one connection: sign-in, commands, parsing
client     imapclient over a socket that is connected already
causes     what servers mean when they refuse
========== ================================================================================
"""

from typing import TYPE_CHECKING

from ...on_demand import on_demand

if TYPE_CHECKING:
    from .connector import IMAPConnector

__all__ = ["IMAPConnector"]

__getattr__ = on_demand(__name__, {"IMAPConnector": "connector"})
