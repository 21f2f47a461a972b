"""Mail of Microsoft 365 and Outlook.com through Microsoft Graph, read-only but for what is sent.

=============  =============================================================================
connector      the contract of ``connectors.base``: what to ask in which order
listing        delta queries: the ids of a folder and what became of them
envelope       the header of a mail from its properties
content        mails as MIME, and their parts
folders        folders and what they are for
searching      the service's own search
sending        sending a mail as it is, and finding it again
subscriptions  being told at once that there is something new
session        requests, batches, tokens
causes         what the service means when it refuses
clouds         where it is
=============  =============================================================================

Written from https://learn.microsoft.com/graph; tested with a server written from the same pages, never with the
service itself.
"""

from typing import TYPE_CHECKING

from ...on_demand import on_demand

if TYPE_CHECKING:
    from .clouds import ENDPOINT
    from .connector import GraphConnector
    from .sending import GraphSender
    from .session import Account
    from .subscriptions import Subscription, Subscriptions

__all__ = ["ENDPOINT", "Account", "GraphConnector", "GraphSender", "Subscription", "Subscriptions"]

__getattr__ = on_demand(
    __name__,
    {
        "GraphConnector": "connector",
        "GraphSender": "sending",
        "ENDPOINT": "clouds",
        "Account": "session",
        "Subscription": "subscriptions",
        "Subscriptions": "subscriptions",
    },
)
