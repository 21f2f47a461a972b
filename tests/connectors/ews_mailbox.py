"""A mailbox of Exchange Web Services as tests act on it."""

from __future__ import annotations

from typing import Any

from servers.ews import EWSRefusal, EWSServer, item_id
from servers.graph import Mailbox, StoredMail

from mail_crm_link.connectors.ews import Account, EWSConnector, EWSSender

from .exchange_mailbox import ExchangeMailbox

ADDRESS = "anna@our.example"


class EWSMailbox(ExchangeMailbox):
    """One user's mailbox as the contract acts on it."""

    service: EWSServer

    def __init__(self, service: EWSServer) -> None:
        super().__init__(service)
        service.mailbox(ADDRESS)

    @property
    def mailbox(self) -> Mailbox:
        return self.service.mailbox(ADDRESS)

    def account(self, **values: Any) -> Account:
        service = self.service
        known = {
            "mailbox": ADDRESS,
            "server": service.endpoint,
            "login": service.login,
            "password": "secret",
            "timeout": 30,
        }
        return Account(**{**known, **values})

    def connector(self, **values: Any) -> EWSConnector:
        return EWSConnector(self.account(**values))

    def mail(self, remote_id: str) -> StoredMail:
        return next(mail for mail in self.mailbox.mails.values() if item_id(mail) == remote_id)

    # -- what goes wrong, and sending ---------------------------------------------------------------------------

    def refuse(self, seconds: int) -> None:
        self.service.fail[self.service.calls + 1] = EWSRefusal("ErrorServerBusy", back_off=seconds * 1000, fault=True)

    def forget_cursors(self) -> None:
        self.service.forget_states()

    def close_account(self) -> None:
        self.service.password = "another"

    def mend(self) -> None:
        super().mend()
        self.service.password = "secret"

    def sender(self) -> EWSSender:
        return EWSSender(self.account())
