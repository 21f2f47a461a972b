"""The engine on a service that gives a mail another id when it moves (promise 4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from connectors.ews_mailbox import EWSMailbox
from servers.ews import EWSServer

from mail_crm_link.sync import engine as engine_module

from .scenes import ExchangeScene


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExchangeScene]:
    monkeypatch.setattr(engine_module, "PAGE_SIZES", (20, 10, 5, 1, 1, 1))
    with EWSServer() as service:
        yield ExchangeScene(EWSMailbox(service))


def test_changes_are_followed(scene: ExchangeScene) -> None:
    scene.fill(30)
    scene.run()
    moved, gone, back, *_others = scene.mailbox.mails_of(scene.mailbox.folder("inbox").remote_id)
    scene.mailbox.move(moved, "sentitems")
    scene.mailbox.remove(gone)
    scene.mailbox.move(back, "sentitems")
    scene.mailbox.move(back, "inbox")
    scene.fill(1)
    assert scene.run().finished
    scene.check()
