"""IMAP keeps the contract, on Dovecot with all it can and with little."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers.dovecot import Dovecot

from .conftest import FEATURES, ImapServer
from .contract import RenumberingContract


@pytest.fixture(scope="module", params=FEATURES, ids=str)
def able_dovecot(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with Dovecot(capability=FEATURES[request.param]) as running:
        yield running


@pytest.fixture
def server(able_dovecot: Dovecot) -> ImapServer:
    return ImapServer(able_dovecot)


class TestImap(RenumberingContract):
    """See ``RenumberingContract``."""
