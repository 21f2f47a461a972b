"""Gmail keeps the contract, on a server written from its documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers.gmail import GmailServer

from .gmail_mailbox import GmailMailbox, InOneFolder
from .web_contract import WebContract


@pytest.fixture(params=[500, 2], ids=["long pages", "short pages"])
def server(request: pytest.FixtureRequest) -> Iterator[GmailMailbox]:
    with GmailServer(page_size=request.param) as running:
        yield GmailMailbox(running)


class TestGmail(InOneFolder, WebContract):
    """See ``WebContract``."""
