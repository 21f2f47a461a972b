"""The engine on a service that gives a mail another id when it moves (promises 4, 9, 11, 15, 20)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from connectors.ews_mailbox import EWSMailbox
from servers.ews import EWSServer

from mail_crm_link.sync import engine as engine_module
from mail_crm_link.sync.engine import Engine, Outcome

from .mails import mails
from .memory_store import MemoryStore


class EWSScene:
    """A mailbox, a store, and engines that run between them."""

    def __init__(self, service: EWSServer) -> None:
        self.hands = EWSMailbox(service)
        self.mailbox = self.hands.mailbox
        self.store = MemoryStore()

    def engine(self) -> Engine:
        return Engine(self.hands.connector(), self.store, lambda: 0.0)

    def run(self) -> Outcome:
        return self.engine().run(1.0)

    def fill(self, count: int, folder: str = "inbox") -> None:
        for raw in mails(count):
            self.mailbox.deliver(raw, folder)

    def check(self) -> None:
        """Nothing lost, nothing doubled, everything accounted for."""
        report = self.engine().audit()
        assert report.outcome.finished and not report.outcome.folder_errors
        for line in report.folders:
            assert (line.missing, line.surplus) == (0, 0), line
            assert line.known == line.on_server == len(self.store.in_folder(line.folder.remote_id)), line
        assert not any(copy.reason for copy in self.store.copies.values())
        assert set(self.store.announced.values()) <= {1}


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[EWSScene]:
    monkeypatch.setattr(engine_module, "PAGE_SIZES", (20, 10, 5, 1, 1, 1))
    with EWSServer() as service:
        yield EWSScene(service)


def test_a_mailbox_is_read_and_then_left_in_peace(scene: EWSScene) -> None:
    scene.fill(50)
    assert scene.run().finished
    before = scene.store.transactions
    assert scene.run().finished and scene.store.transactions == before
    scene.check()


def test_changes_are_followed(scene: EWSScene) -> None:
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


def test_forgotten_states_lose_nothing_on_either_side(scene: EWSScene) -> None:
    scene.fill(30)
    scene.run()
    inbox = scene.mailbox.mails_of(scene.mailbox.folder("inbox").remote_id)
    scene.mailbox.remove(inbox[3])
    scene.fill(5)
    scene.hands.service.forget_states()
    scene.fill(5)
    scene.mailbox.remove(inbox[4])
    assert scene.run().finished
    assert scene.run().finished
    scene.check()


@pytest.mark.parametrize("call", range(1, 16))
def test_a_connection_cut_at_any_call_loses_nothing(scene: EWSScene, call: int) -> None:
    scene.fill(50)
    scene.hands.service.cut[call] = 30
    for _attempt in range(4):
        if scene.run().finished:
            break
    scene.check()
