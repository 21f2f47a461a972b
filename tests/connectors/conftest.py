"""Dovecot for the tests of IMAP: one server for all, a user for each test."""

from __future__ import annotations

import imaplib
import itertools
from collections.abc import Iterator
from datetime import datetime

import pytest
from servers.dovecot import Dovecot

from mail_crm_link.connectors.base import Role
from mail_crm_link.connectors.imap import IMAPConnector

_users = itertools.count(1)

FEATURES = {
    "QRESYNC": "",
    "CONDSTORE": "IMAP4rev1 ENABLE CONDSTORE SPECIAL-USE LIST-EXTENDED UIDPLUS UNSELECT",
    "plain IMAP4rev1": "IMAP4rev1",
}
"""What the server says it can; the least is what the oldest servers can."""


class DovecotServer:
    """One user's account as the contract acts on it, through another connection or the administration tool."""

    def __init__(self, dovecot: Dovecot, port: int = 0) -> None:
        self.dovecot = dovecot
        self.user = f"user{next(_users)}"
        self.port = port or dovecot.port

    def connector(self, timeout: float = 5.0) -> IMAPConnector:
        return IMAPConnector("127.0.0.1", self.port, "none", self.user, self.dovecot.password, timeout=timeout)

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        self.dovecot.deliver(self.user, [raw], folder, received)

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        self.doveadm("expunge", "mailbox", folder, "uid", remote_id)

    def move(self, remote_id: str, folder: str, target: str) -> None:
        self.doveadm("move", target, "mailbox", folder, "uid", remote_id)

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        self.doveadm("flags", "add" if seen else "remove", "\\Seen", "mailbox", folder, "uid", remote_id)

    def create(self, name: str, role: Role) -> None:
        self.doveadm("mailbox create", name)

    def rename(self, name: str, new_name: str) -> None:
        self.doveadm("mailbox rename", name, new_name)

    def renumber(self, folder: str = "INBOX") -> None:
        listed = self.doveadm("mailbox status", "uidvalidity", folder)
        uidvalidity = int(listed.split("uidvalidity=")[1])
        # It may go down, too.
        self.doveadm("mailbox update", "--uid-validity", str(uidvalidity - 7), folder)

    def doveadm(self, command: str, *arguments: str) -> str:
        first, *rest = command.split()
        if first == "flags":
            return self.dovecot.doveadm(first, arguments[0], "-u", self.user, *arguments[1:])
        return self.dovecot.doveadm(first, *rest, "-u", self.user, *arguments)

    def imap(self) -> imaplib.IMAP4:
        """Another mail program of the same user."""
        program = imaplib.IMAP4("127.0.0.1", self.dovecot.port)
        program.login(self.user, self.dovecot.password)
        return program


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A Dovecot that can all it can."""
    with Dovecot() as running:
        yield running


@pytest.fixture
def account(dovecot: Dovecot) -> DovecotServer:
    """A new user of it."""
    return DovecotServer(dovecot)
