"""What is done to a mailbox of Exchange, whichever way it is read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from servers.graph import Mailbox, StoredMail

from mail_crm_link.connectors.base import Role


class ExchangeMailbox:
    """One user's mailbox as the contract acts on it; a subclass says which, and how a mail is found by its id."""

    def __init__(self, service: Any) -> None:
        self.service = service

    @property
    def mailbox(self) -> Mailbox:
        raise NotImplementedError

    def mail(self, remote_id: str) -> StoredMail:
        raise NotImplementedError

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

    def deny(self, folder: str) -> None:
        self.mailbox.folder(folder).denied = True

    def stumble_over(self, remote_id: str) -> None:
        self.mail(remote_id).fault = 500

    def cut(self, octets: int) -> None:
        # The first answer may be a refusal of what not all servers know.
        self.service.cut = dict.fromkeys(range(self.service.calls + 1, self.service.calls + 3), octets)

    def mend(self) -> None:
        self.service.cut = {}

    @property
    def sent(self) -> list[bytes]:
        sent: list[bytes] = self.service.sent
        return sent
