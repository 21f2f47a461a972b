"""Gmail keeps the contract, on a server written from its documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers.gmail import GmailServer

from .contract import Reader
from .corpus import PLAIN
from .gmail_mailbox import GmailMailbox
from .web_contract import WebContract


@pytest.fixture(params=[500, 2], ids=["long pages", "short pages"])
def server(request: pytest.FixtureRequest) -> Iterator[GmailMailbox]:
    with GmailServer(page_size=request.param) as running:
        yield GmailMailbox(running)


class TestGmail(WebContract):
    """See ``WebContract``. Where labels are folders, all mail is in one."""

    def test_a_moved_mail_is_new_where_it_went(self, server: GmailMailbox, connector: object) -> None:  # type: ignore[override]
        """It stays where it was, which is where all mail is."""
        server.deliver(PLAIN)
        reader = Reader(connector)  # type: ignore[arg-type]
        (remote_id,) = reader.all_added()
        server.move(remote_id, "INBOX", "Sent")
        changes = reader.changes()
        assert not changes.added and not changes.vanished
        listing = reader.reconcile()
        assert listing.present == {remote_id}
