"""The scripted account keeps the contract, so what is shown with it holds for real ones."""

from __future__ import annotations

import pytest

from mail_crm_link.connectors.base import Connector
from mail_crm_link.connectors.scripted import ScriptedAccount, ScriptedConnector

from .contract import RenumberingContract


class ScriptedServer(ScriptedAccount):
    """The account as the contract acts on it."""

    def connector(self) -> Connector:
        return ScriptedConnector(self)


@pytest.fixture(params=[True, False], ids=["tells what vanished", "leaves it to find out"])
def server(request: pytest.FixtureRequest) -> ScriptedServer:
    made = ScriptedServer(tells_vanished=request.param)
    made.create("Sent", "sent")
    return made


class TestScripted(RenumberingContract):
    """See ``RenumberingContract``."""
