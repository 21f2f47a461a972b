"""Mail of Exchange on the company's own servers through Exchange Web Services, read-only but for what is sent.

============  ==============================================================================
connector     the contract of ``connectors.base``: what to ask in which order
listing       SyncFolderItems: the ids of a folder and what became of them, page by page
mails         GetItem: envelopes from properties, mails as MIME
folders       FindFolder: folders and what they are for
sending       CreateItem with SendAndSaveCopy, and finding a mail again
session       operations, sign-in and versions, through exchangelib
autodiscover  the server of an address, from its company's autodiscover service
xml           requests and answers
causes        what the server means when it refuses
============  ==============================================================================

The library signs in (NTLM, Basic), finds the server's version and wraps operations into SOAP; its own retries and
waits are left out, since who waits is decided elsewhere. Written from
https://learn.microsoft.com/exchange/client-developer/web-service-reference; tested with a server written from the same
pages, never with Exchange itself.
"""

from typing import TYPE_CHECKING

from ...on_demand import on_demand

if TYPE_CHECKING:
    from .autodiscover import find as find_server
    from .connector import EWSConnector
    from .sending import EWSSender
    from .session import Account

__all__ = ["Account", "EWSConnector", "EWSSender", "find_server"]

__getattr__ = on_demand(
    __name__,
    {
        "find_server": "autodiscover.find",
        "EWSConnector": "connector",
        "EWSSender": "sending",
        "Account": "session",
    },
)
