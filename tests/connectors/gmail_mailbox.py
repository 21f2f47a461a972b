"""A Gmail account as tests act on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from servers.gmail import GmailAccount, GmailServer, error

from mail_crm_link.connectors.base import Connector, Role
from mail_crm_link.connectors.gmail import GmailConnector, GmailSender

from .contract import Reader, Server
from .corpus import PLAIN

LABELS = {"INBOX": "INBOX", "Sent": "SENT"}


class GmailMailbox:
    """The owner's hands on the account, as the contract knows them."""

    def __init__(self, service: GmailServer) -> None:
        self.service = service
        self.tokens: list[bool] = []

    @property
    def account(self) -> GmailAccount:
        return self.service.account

    def token(self, force: bool) -> str:
        self.tokens.append(force)
        return f"token-{sum(self.tokens)}"

    def connector(self, **options: Any) -> GmailConnector:
        return GmailConnector(self.token, url=self.service.url, **{"timeout": 5.0, **options})

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> str:
        return self.account.deliver(raw, self._label(folder), received=received)

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        self.account.delete(remote_id)

    def move(self, remote_id: str, folder: str, target: str) -> None:
        self.account.label(remote_id, add=self._label(target), remove=self._label(folder))

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        self.account.label(remote_id, **{"remove" if seen else "add": "UNREAD"})

    def create(self, name: str, role: Role) -> None:
        self.account.make_label(name)

    def rename(self, name: str, new_name: str) -> None:
        self.account.labels[self._label(name)] = new_name

    def _label(self, name: str) -> str:
        return next(label for label, known in self.account.labels.items() if known == LABELS.get(name, name))

    # -- what goes wrong, and sending ---------------------------------------------------------------------------

    def cut(self, octets: int) -> None:
        self.service.cut_after = max(octets, 0)

    def refuse(self, seconds: int) -> None:
        self.service.refusal = error(429, "rateLimitExceeded", headers={"Retry-After": str(seconds)})

    def forget_cursors(self) -> None:
        self.account.forget_history()

    def stumble_over(self, remote_id: str) -> None:
        self.account.mails[remote_id].fault = True

    def close_account(self) -> None:
        self.service.is_good = lambda token: False

    def mend(self) -> None:
        self.service.cut_after = None
        self.service.is_good = lambda token: True

    def sender(self) -> GmailSender:
        return GmailSender(self.token, url=self.service.url)

    @property
    def sent(self) -> list[bytes]:
        return [mail.raw for mail in self.account.mails.values() if "SENT" in mail.labels]


class InOneFolder:
    """What of the contract is otherwise where labels are folders to people: all mail is in one."""

    def test_a_moved_mail_is_new_where_it_went(self, server: Server, connector: Connector) -> None:
        """It stays where it was, which is where all mail is."""
        server.deliver(PLAIN)
        reader = Reader(connector)
        (remote_id,) = reader.all_added()
        server.move(remote_id, "INBOX", "Sent")
        changes = reader.changes()
        assert not changes.added and not changes.vanished
        listing = reader.reconcile()
        assert listing.present == {remote_id}
