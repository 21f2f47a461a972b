"""Exchange Web Services keep the contract, on a server written from their documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers.ews import EWSServer

from .contract import ConnectorContract
from .ews_mailbox import EWSMailbox


@pytest.fixture
def server() -> Iterator[EWSMailbox]:
    with EWSServer() as running:
        yield EWSMailbox(running)


class TestEWS(ConnectorContract):
    """See ``ConnectorContract``."""

    newest_first_after_a_break = False
