"""Gmail keeps the contract on a server that others wrote from Google's documents, as far as that one goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from servers.google_emulator import TOKEN, GoogleEmulator, missing

from mail_crm_link.connectors.base import Role
from mail_crm_link.connectors.gmail import GmailConnector

from .contract import ConnectorContract
from .gmail_mailbox import LABELS, InOneFolder

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


class EmulatedMailbox:
    """The owner's hands on the account, as the contract knows them."""

    def __init__(self, service: GoogleEmulator) -> None:
        self.service = service

    def connector(self, **options: Any) -> GmailConnector:
        return GmailConnector(lambda force: TOKEN, url=self.service.url, **{"timeout": 10.0, **options})

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> str:
        return self.service.deliver(raw, self._label(folder), received=received)

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        self.service.delete(remote_id)

    def move(self, remote_id: str, folder: str, target: str) -> None:
        self.service.label(remote_id, add=self._label(target), remove=self._label(folder))

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        self.service.label(remote_id, **{"remove" if seen else "add": "UNREAD"})

    def create(self, name: str, role: Role) -> None:
        self.service.make_label(name)

    def rename(self, name: str, new_name: str) -> None:
        self.service.rename_label(self._label(name), new_name)

    def _label(self, name: str) -> str:
        return LABELS.get(name) or self.service.label_ids()[name]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmulatedMailbox]:
    with GoogleEmulator(tmp_path) as running:
        yield EmulatedMailbox(running)


# Where the emulator is no Gmail; our own server, written from the documents, has these.
NOT_GMAIL = {
    "test_envelopes_come_in_the_order_asked_for": "it gives other sizes than those of the mail",
    "test_small_mail_comes_as_it_is": "it refuses a mail without octets",
    "test_mails_of_no_and_of_25_megabytes": "it refuses a mail without octets",
    "test_of_large_mail_only_the_text_is_fetched": "it gives header fields in Latin-1",
    "test_the_server_searches_texts": "it searches for quotation marks, too",
}


class TestGmailEmulator(InOneFolder, ConnectorContract):
    """See ``ConnectorContract``."""

    @pytest.fixture(autouse=True)
    def _is_gmail(self, request: pytest.FixtureRequest) -> None:
        name = request.node.originalname
        if name in NOT_GMAIL:
            pytest.skip(NOT_GMAIL[name])
