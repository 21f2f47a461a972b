"""IMAP keeps the contract on another server too, one without CONDSTORE and special folders."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Iterator

import pytest
from servers.mail_devel import Account, MailDevel

from mail_crm_link.connectors.base import Content
from mail_crm_link.connectors.imap import IMAPConnector

from .contract import ConnectorContract, Reader, Server
from .corpus import PLAIN, numbered

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mail_devel") is None or sys.version_info < (3, 11),
    reason="mail-devel serves several accounts from Python 3.11 on",
)
_users = itertools.count(1)


class OtherServer(Account):
    """One user's account as the contract acts on it."""

    def connector(self) -> IMAPConnector:
        return IMAPConnector(self.server.host, self.server.port, "none", self.user, self.server.password, timeout=10)


@pytest.fixture(scope="module")
def mail_devel() -> Iterator[MailDevel]:
    with MailDevel() as running:
        yield running


@pytest.fixture
def server(mail_devel: MailDevel) -> OtherServer:
    account = OtherServer(mail_devel, f"user{next(_users)}@our.example")
    account.create("Sent")
    return account


class TestOtherServer(ConnectorContract):
    """See ``ConnectorContract``; pymap takes a mail without an octet for one that was given up."""

    def test_small_mail_comes_as_it_is(self, server: Server, reader: Reader) -> None:
        server.deliver(PLAIN)
        for whole in (False, True):
            (content,) = self._contents(reader, whole)
            assert content.raw == PLAIN and content.parts == ()

    def test_mails_of_no_and_of_25_megabytes(self, server: Server, reader: Reader) -> None:
        huge = PLAIN + b"x" * 25_000_000
        server.deliver(huge)
        page = reader.changes()
        (content,) = reader.connector.contents(reader.folder, reader.uidvalidity, page.added, whole=True)
        assert isinstance(content, Content) and content.raw == huge


def test_reading_marks_nothing_as_read(server: OtherServer) -> None:
    for raw in numbered(3):
        server.deliver(raw)
    before = server.flags()
    connector = server.connector()
    connector.open()
    reader = Reader(connector)
    page = reader.changes()
    reader.connector.envelopes(reader.folder, page.uidvalidity, page.added)
    list(reader.connector.contents(reader.folder, page.uidvalidity, page.added, whole=True))
    connector.close()
    assert server.flags() == before and len(before) == 3
