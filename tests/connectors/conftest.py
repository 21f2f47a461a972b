"""IMAP as the tests of connectors meet it."""

from __future__ import annotations

import pytest
from servers.dovecot import Account, Dovecot

from mail_crm_link.connectors.imap import IMAPConnector

FEATURES = {
    "QRESYNC": "",
    "CONDSTORE": "IMAP4rev1 ENABLE CONDSTORE SPECIAL-USE LIST-EXTENDED UIDPLUS UNSELECT",
    "plain IMAP4rev1": "IMAP4rev1",
}
"""What the server says it can; the least is what the oldest servers can."""


class ImapServer(Account):
    """One user's account as the contract acts on it."""

    def connector(self, timeout: float = 5.0, port: int = 0) -> IMAPConnector:
        return IMAPConnector(
            "127.0.0.1", port or self.dovecot.port, "none", self.user, self.dovecot.password, timeout=timeout
        )


@pytest.fixture
def account(dovecot: Dovecot) -> ImapServer:
    """A new user of the common Dovecot."""
    return ImapServer(dovecot)
