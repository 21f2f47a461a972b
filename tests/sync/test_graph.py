"""The engine on a web service whose ids stay (promises 1, 2, 4, 9, 11, 13, 14, 15, 20)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from connectors.graph_mailbox import GraphMailbox
from servers.graph import GraphServer, Refusal

from mail_crm_link.connectors.errors import Transient
from mail_crm_link.sync import engine as engine_module
from mail_crm_link.sync.engine import Engine, Outcome

from .mails import mail, mails
from .memory_store import MemoryStore


class GraphScene:
    """A mailbox, a store, and engines that run between them."""

    def __init__(self, service: GraphServer) -> None:
        self.service = service
        self.mailbox = service.mailbox("ann@example.com")
        self.store = MemoryStore()

    def engine(self) -> Engine:
        return Engine(GraphMailbox(self.service).connector(), self.store, lambda: 0.0)

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
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphScene]:
    monkeypatch.setattr(engine_module, "PAGE_SIZES", (20, 10, 5, 1, 1, 1))
    with GraphServer() as service:
        yield GraphScene(service)


def test_a_mailbox_is_read_and_then_left_in_peace(scene: GraphScene) -> None:
    scene.fill(50)
    assert scene.run().finished
    before = scene.store.transactions
    assert scene.run().finished and scene.store.transactions == before
    scene.check()


def test_changes_are_followed(scene: GraphScene) -> None:
    scene.fill(30)
    scene.run()
    first, second, *_others = scene.mailbox.mails_of(scene.mailbox.folder("inbox").remote_id)
    scene.mailbox.move(first, "sentitems")
    scene.mailbox.remove(second)
    scene.mailbox.deliver(mail(), "inbox")
    assert scene.run().finished
    scene.check()


def test_away_and_back_between_two_pages_stays(scene: GraphScene) -> None:
    """The mail is told as gone by one page and as new by a later one."""
    scene.fill(30)
    scene.run()
    moved = scene.mailbox.mails_of(scene.mailbox.folder("inbox").remote_id)[0]
    scene.mailbox.move(moved, "sentitems")
    run = scene.engine()
    additions, rounds = run._additions, []

    def and_back() -> None:
        additions()
        if not rounds:
            scene.mailbox.move(moved, "inbox")
        rounds.append(1)

    run._additions = and_back  # type: ignore[method-assign]
    assert run.run(1.0).finished
    scene.run()
    scene.check()


def test_forgotten_links_lose_nothing_on_either_side(scene: GraphScene) -> None:
    scene.fill(30)
    scene.run()
    inbox = scene.mailbox.mails_of(scene.mailbox.folder("inbox").remote_id)
    scene.mailbox.remove(inbox[3])
    scene.fill(5)
    scene.mailbox.forget_rounds()
    scene.fill(5)
    scene.mailbox.remove(inbox[4])
    assert scene.run().finished
    assert scene.run().finished
    scene.check()


@pytest.mark.parametrize("call", range(1, 16))
def test_a_connection_cut_at_any_call_loses_nothing(scene: GraphScene, call: int) -> None:
    scene.fill(50)
    scene.service.cut[call] = 30
    for _attempt in range(4):
        if scene.run().finished:
            break
    scene.check()


def test_what_came_before_a_throttle_is_kept(scene: GraphScene) -> None:
    scene.mailbox.rich_delta = False
    scene.fill(20)
    scene.service.throttled = []
    connector = GraphMailbox(scene.service).connector()
    envelopes = connector.envelopes

    def throttled(*arguments):  # type: ignore[no-untyped-def]
        scene.service.throttled = ["9", "9"]
        return envelopes(*arguments)

    connector.envelopes = throttled  # type: ignore[method-assign]
    outcome = Engine(connector, scene.store, lambda: 0.0).run(1.0)
    assert isinstance(outcome.error, Transient) and outcome.error.retry_after == 9
    assert len(scene.store.copies) == 18
    assert scene.run().finished
    scene.check()


def test_a_folder_that_is_refused_leaves_the_others(scene: GraphScene) -> None:
    scene.fill(3)
    scene.fill(3, "sentitems")
    scene.mailbox.folder("sentitems").denied = True
    outcome = scene.run()
    assert outcome.finished and len(outcome.folder_errors) == 1 and len(scene.store.copies) == 3
    scene.mailbox.folder("sentitems").denied = False
    assert scene.run().finished
    scene.check()


def test_a_service_in_trouble_is_asked_again(scene: GraphScene) -> None:
    scene.fill(3)
    scene.service.fail = {call: Refusal(503, "ServiceUnavailable", Retry_After="4") for call in (1, 2, 3)}
    assert scene.run().error
    scene.service.fail = {}
    assert scene.run().finished
    scene.check()
