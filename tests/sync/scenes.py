"""A mailbox on a server, a store, and engines that run between them."""

from __future__ import annotations

from typing import Any

from mail_crm_link.connectors.base import Connector
from mail_crm_link.sync.engine import Engine, Outcome

from .mails import mails
from .memory_store import MemoryStore


class ServerScene:
    """Subclasses say how the server is reached."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def connector(self) -> Connector:
        raise NotImplementedError

    def engine(self) -> Engine:
        return Engine(self.connector(), self.store, lambda: 0.0)

    def run(self) -> Outcome:
        return self.engine().run(1.0)

    def check(self) -> None:
        """Nothing lost, nothing doubled, everything accounted for."""
        report = self.engine().audit()
        assert report.outcome.finished and not report.outcome.folder_errors
        for line in report.folders:
            assert (line.missing, line.surplus) == (0, 0), line
            assert line.known == line.on_server == len(self.store.in_folder(line.folder.remote_id)), line
        assert not any(copy.reason for copy in self.store.copies.values())
        assert set(self.store.announced.values()) <= {1}


class ExchangeScene(ServerScene):
    """A mailbox of Exchange.

    :param hands: the mailbox as the contract of connectors acts on it
    """

    def __init__(self, hands: Any) -> None:
        super().__init__()
        self.hands = hands
        self.service = hands.service
        self.mailbox = hands.mailbox

    def connector(self) -> Connector:
        made: Connector = self.hands.connector()
        return made

    def fill(self, count: int, folder: str = "inbox") -> None:
        for raw in mails(count):
            self.mailbox.deliver(raw, folder)
