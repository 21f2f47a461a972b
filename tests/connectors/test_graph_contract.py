"""Microsoft Graph keeps the contract, on a server written from its documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers.graph import GraphServer

from .graph_mailbox import GraphMailbox
from .web_contract import ExchangeContract


@pytest.fixture
def service() -> Iterator[GraphServer]:
    with GraphServer() as running:
        yield running


@pytest.fixture(
    params=[(True, True), (True, False), (False, True)],
    ids=["changes in part", "changes whole", "delta of ids only"],
)
def server(service: GraphServer, request: pytest.FixtureRequest) -> GraphMailbox:
    made = GraphMailbox(service)
    made.mailbox.rich_delta, made.mailbox.partial_changes = request.param
    return made


class TestGraph(ExchangeContract):
    """See ``ExchangeContract``."""
