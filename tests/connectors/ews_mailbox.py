"""A mailbox of Exchange as tests act on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from servers.ews import EWSServer, item_id
from servers.graph import Mailbox, StoredMail

from mail_crm_link.connectors.base import Role
from mail_crm_link.connectors.ews import Account, EWSConnector

ADDRESS = "anna@our.example"


class EWSMailbox:
    """One user's mailbox as the contract acts on it."""

    def __init__(self, service: EWSServer) -> None:
        self.service = service
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
            "password": service.password,
            "timeout": 5,
        }
        return Account(**{**known, **values})

    def connector(self, **values: Any) -> EWSConnector:
        return EWSConnector(self.account(**values))

    def mail(self, remote_id: str) -> StoredMail:
        return next(mail for mail in self.mailbox.mails.values() if item_id(mail) == remote_id)

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        self.mailbox.deliver(raw, folder, received)

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        self.mailbox.remove(self.mail(remote_id))

    def move(self, remote_id: str, folder: str, target: str) -> None:
        self.mailbox.move(self.mail(remote_id), target)

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        self.mailbox.mark(self.mail(remote_id), seen)

    def create(self, name: str, role: Role) -> None:
        self.mailbox.create_folder(name)

    def rename(self, name: str, new_name: str) -> None:
        self.mailbox.folder(name).name = new_name
