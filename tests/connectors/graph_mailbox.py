"""A mailbox of Microsoft Graph as tests act on it."""

from __future__ import annotations

from servers.graph import GraphServer, Mailbox, Refusal, StoredMail

from mail_crm_link.connectors.graph import Account, GraphConnector, GraphSender

from .exchange_mailbox import ExchangeMailbox

ADDRESS = "ann@example.com"


class GraphMailbox(ExchangeMailbox):
    """One user's mailbox as the contract acts on it."""

    service: GraphServer

    def __init__(self, service: GraphServer) -> None:
        super().__init__(service)
        self._accepts = service.accepts

    @property
    def mailbox(self) -> Mailbox:
        return self.service.mailbox(ADDRESS)

    def account(self, mailbox: str = "") -> Account:
        return Account(self.service.give_token, mailbox, self.service.endpoint)

    def connector(self, mailbox: str = "") -> GraphConnector:
        return GraphConnector(self.account(mailbox))

    def mail(self, remote_id: str) -> StoredMail:
        return self.mailbox.mail(remote_id)

    # -- what goes wrong, and sending ---------------------------------------------------------------------------

    def refuse(self, seconds: int) -> None:
        self.service.fail[self.service.calls + 1] = Refusal(429, "TooManyRequests", Retry_After=str(seconds))

    def forget_cursors(self) -> None:
        self.mailbox.forget_rounds()

    def close_account(self) -> None:
        self.service.accepts = lambda token: False

    def mend(self) -> None:
        super().mend()
        self.service.accepts = self._accepts

    def sender(self) -> GraphSender:
        return GraphSender(self.account())
