"""The engine on a web service whose ids stay (promises 4, 13, 14)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from connectors.graph_mailbox import GraphMailbox
from servers.graph import GraphServer, Refusal

from mail_crm_link.connectors.errors import Transient
from mail_crm_link.sync import engine as engine_module
from mail_crm_link.sync.engine import Engine

from .mails import mail
from .scenes import ExchangeScene


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExchangeScene]:
    monkeypatch.setattr(engine_module, "PAGE_SIZES", (20, 10, 5, 1, 1, 1))
    with GraphServer() as service:
        yield ExchangeScene(GraphMailbox(service))


def test_changes_are_followed(scene: ExchangeScene) -> None:
    scene.fill(30)
    scene.run()
    first, second, *_others = scene.mailbox.mails_of(scene.mailbox.folder("inbox").remote_id)
    scene.mailbox.move(first, "sentitems")
    scene.mailbox.remove(second)
    scene.mailbox.deliver(mail(), "inbox")
    assert scene.run().finished
    scene.check()


def test_away_and_back_between_two_pages_stays(scene: ExchangeScene) -> None:
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


def test_what_came_before_a_throttle_is_kept(scene: ExchangeScene) -> None:
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


def test_a_folder_that_is_refused_leaves_the_others(scene: ExchangeScene) -> None:
    scene.fill(3)
    scene.fill(3, "sentitems")
    scene.mailbox.folder("sentitems").denied = True
    outcome = scene.run()
    assert outcome.finished and len(outcome.folder_errors) == 1 and len(scene.store.copies) == 3
    scene.mailbox.folder("sentitems").denied = False
    assert scene.run().finished
    scene.check()


def test_a_service_in_trouble_is_asked_again(scene: ExchangeScene) -> None:
    scene.fill(3)
    scene.service.fail = {call: Refusal(503, "ServiceUnavailable", Retry_After="4") for call in (1, 2, 3)}
    assert scene.run().error
    scene.service.fail = {}
    assert scene.run().finished
    scene.check()
