"""Exchange Web Services keep the contract, on a server written from their documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers.ews import EWSServer

from .ews_mailbox import EWSMailbox
from .web_contract import ExchangeContract


@pytest.fixture
def server() -> Iterator[EWSMailbox]:
    with EWSServer() as running:
        yield EWSMailbox(running)


class TestEWS(ExchangeContract):
    """See ``ExchangeContract``."""
