"""The engine on mailboxes of Exchange, whichever way they are read (promises 1, 2, 9, 11, 15, 20)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from connectors.ews_mailbox import EWSMailbox
from connectors.graph_mailbox import GraphMailbox
from servers.ews import EWSServer
from servers.graph import GraphServer

from mail_crm_link.sync import engine as engine_module

from .scenes import ExchangeScene


@pytest.fixture(params=[(EWSServer, EWSMailbox), (GraphServer, GraphMailbox)], ids=["EWS", "Graph"])
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExchangeScene]:
    monkeypatch.setattr(engine_module, "PAGE_SIZES", (20, 10, 5, 1, 1, 1))
    server, hands = request.param
    with server() as service:
        yield ExchangeScene(hands(service))


def test_a_mailbox_is_read_and_then_left_in_peace(scene: ExchangeScene) -> None:
    scene.fill(50)
    assert scene.run().finished
    before = scene.store.transactions
    assert scene.run().finished and scene.store.transactions == before
    scene.check()


def test_what_the_server_forgot_loses_nothing_on_either_side(scene: ExchangeScene) -> None:
    scene.fill(30)
    scene.run()
    inbox = scene.mailbox.mails_of(scene.mailbox.folder("inbox").remote_id)
    scene.mailbox.remove(inbox[3])
    scene.fill(5)
    scene.hands.forget_cursors()
    scene.fill(5)
    scene.mailbox.remove(inbox[4])
    assert scene.run().finished
    assert scene.run().finished
    scene.check()


@pytest.mark.parametrize("call", range(1, 16))
def test_a_connection_cut_at_any_call_loses_nothing(scene: ExchangeScene, call: int) -> None:
    scene.fill(50)
    scene.service.cut[call] = 30
    for _attempt in range(4):
        if scene.run().finished:
            break
    scene.check()
