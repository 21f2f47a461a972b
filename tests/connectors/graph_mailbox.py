"""A mailbox of Microsoft Graph as tests act on it."""

from __future__ import annotations

from datetime import datetime

from servers.graph import GraphServer, Mailbox

from mail_crm_link.connectors.base import Role
from mail_crm_link.connectors.graph import Account, GraphConnector

ADDRESS = "ann@example.com"


class GraphMailbox:
    """One user's mailbox as the contract acts on it."""

    def __init__(self, service: GraphServer) -> None:
        self.service = service

    @property
    def mailbox(self) -> Mailbox:
        return self.service.mailbox(ADDRESS)

    def account(self, mailbox: str = "") -> Account:
        return Account(self.service.give_token, mailbox, self.service.endpoint, timeout=5)

    def connector(self, mailbox: str = "") -> GraphConnector:
        return GraphConnector(self.account(mailbox))

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        self.mailbox.deliver(raw, folder, received)

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        self.mailbox.remove(self.mailbox.mail(remote_id))

    def move(self, remote_id: str, folder: str, target: str) -> None:
        self.mailbox.move(self.mailbox.mail(remote_id), target)

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        self.mailbox.mark(self.mailbox.mail(remote_id), seen)

    def create(self, name: str, role: Role) -> None:
        self.mailbox.create_folder(name)

    def rename(self, name: str, new_name: str) -> None:
        self.mailbox.folder(name).name = new_name
