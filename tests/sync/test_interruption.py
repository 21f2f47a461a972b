"""The process dies at every step in turn; the next one takes over (promises 1, 2, 10, 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from mail_crm_link.connectors.base import Changes, Connector
from mail_crm_link.connectors.scripted import ScriptedAccount, ScriptedConnector
from mail_crm_link.sync import engine as engine_module
from mail_crm_link.sync.engine import Engine

from .conftest import Scene
from .mails import mail, mails
from .memory_store import Killed, MemoryStore, Steps


class MortalConnector:
    """A connector whose calls are moments at which the process can die."""

    def __init__(self, connector: Connector, steps: Steps) -> None:
        self._connector = connector
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        self._steps.step()
        return getattr(self._connector, name)


@dataclass
class MortalScene(Scene):
    """A scene whose process dies at the step it is told."""

    steps: Steps = field(default_factory=Steps)

    def __post_init__(self) -> None:
        self.store.steps = self.steps

    def connector(self) -> Connector:
        return MortalConnector(ScriptedConnector(self.account), self.steps)  # type: ignore[return-value]

    def run_and_die_at(self, step: int) -> bool:
        """Whether the process died."""
        self.steps.taken, self.steps.fatal = 0, step
        try:
            self.run()
        except Killed:
            return True
        finally:
            self.steps.fatal = None
        return False


MAILS = [mail() for _ in range(300)]


def account() -> ScriptedAccount:
    """300 mails in two folders, some removed and moved after the first look would see them."""
    made = ScriptedAccount()
    made.create("Sent", "sent")
    for number, raw in enumerate(MAILS):
        made.deliver(raw, "Sent" if number % 3 == 0 else "INBOX")
    return made


def something_happens(target: ScriptedAccount) -> None:
    """New mail, a read one, one that is gone, one that was moved."""
    target.deliver(MAILS[0] + b"again")
    target.mark("3", seen=True)
    target.remove("4")
    target.move("5", "INBOX", "Sent")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """More pages make more places to die at."""
    monkeypatch.setattr(engine_module, "PAGE_SIZES", (60, 20, 5, 1, 1, 1))


def undisturbed() -> dict[str, object]:
    scene = Scene(account())
    scene.run()
    something_happens(scene.account)
    scene.run()
    return scene.store.picture()


def test_dead_at_every_step_in_turn_and_resumed_is_as_if_nothing_had_been() -> None:
    expected = undisturbed()
    first_runs, second_runs = 0, 0
    for step in range(1, 1000):
        scene = MortalScene(account())
        first = scene.run_and_die_at(step)
        scene.run_until_finished()
        something_happens(scene.account)
        second = scene.run_and_die_at(step)
        scene.run_until_finished()
        assert scene.store.picture() == expected, step
        first_runs, second_runs = first_runs + first, second_runs + second
        if not first and not second:
            break
    assert first_runs > 40 and second_runs > 15


def test_killed_after_50_of_200_the_rest_still_comes() -> None:
    scene = MortalScene()
    for raw in mails(200):
        scene.account.deliver(raw)
    while len(scene.store.copies) < 60:
        assert scene.run_and_die_at(11)
    scene.account.deliver(mail())
    scene.run_until_finished()
    assert len(scene.store.in_folder("INBOX")) == 201


class HighWaterMark(Engine):
    """Negative control: remembers the newest id it has seen, and calls that its place."""

    def _store_page(self, each: Any, changes: Changes) -> None:
        stored = self._store.rows[each.key]  # type: ignore[attr-defined]
        super()._store_page(each, changes)
        if changes.more:
            generation = self._connector.reconcile(each.folder, None, None)
            stored.cursor = generation.cursor


def test_a_high_water_mark_would_lose_what_lies_below_it() -> None:
    scene = MortalScene(engine=HighWaterMark)
    for raw in mails(200):
        scene.account.deliver(raw)
    assert scene.run_and_die_at(16)
    scene.run_until_finished()
    assert len(scene.store.in_folder("INBOX")) < 200


class CursorFirst(MemoryStore):
    """Negative control: stores the cursor in a transaction before that of the mail."""

    def save_page(self, key: int, changes: Changes, envelopes: Sequence[Any]) -> None:
        self._commit(lambda: self._advance(key, changes))
        super().save_page(key, changes, envelopes)


def test_a_cursor_stored_before_its_mail_would_lose_mail() -> None:
    lost = 0
    for step in range(1, 60):
        scene = MortalScene(account(), CursorFirst())
        scene.run_and_die_at(step)
        scene.run_until_finished()
        lost += len(scene.store.copies) < 300
    assert lost


def test_a_mail_that_kills_the_process_is_put_aside_and_nothing_else() -> None:
    scene = MortalScene(engine=_deadly("77"))
    for raw in mails(200):
        scene.account.deliver(raw)
    for _run in range(40):
        try:
            if scene.run().finished:
                break
        except Killed:
            continue
    reasons = {copy.remote_id: copy.reason for copy in scene.store.copies.values() if copy.reason}
    assert list(reasons) == ["77"]
    assert len(scene.store.bodies) == 199


def test_a_mail_whose_content_kills_the_process_is_put_aside_and_nothing_else() -> None:
    scene = MortalScene(engine=_deadly_content("77"))
    for raw in mails(200):
        scene.account.deliver(raw)
    for _run in range(40):
        try:
            if scene.run().finished:
                break
        except Killed:
            continue
    reasons = {copy.remote_id: copy.reason for copy in scene.store.copies.values() if copy.reason}
    assert list(reasons) == ["77"]
    assert len(scene.store.bodies) == 199


def test_without_counting_attempts_one_mail_would_stop_the_mailbox_for_ever() -> None:
    class Forgetful(MemoryStore):
        def begin_page(self, key: int) -> None:
            pass

    scene = MortalScene(store=Forgetful(), engine=_deadly("77"))
    for raw in mails(200):
        scene.account.deliver(raw)
    for _run in range(40):
        with pytest.raises(Killed):
            scene.run()


def _deadly(poison: str) -> type[Engine]:
    class Deadly(Engine):
        def _envelopes(self, each: Any, page: Changes) -> Any:
            if poison in page.added:
                raise Killed
            return super()._envelopes(each, page)

    return Deadly


def _deadly_content(poison: str) -> type[Engine]:
    class Deadly(Engine):
        def _save_contents(self, batch: Any, fetched: Any) -> None:
            if poison in {each.remote_id for each in batch}:
                raise Killed
            super()._save_contents(batch, fetched)

    return Deadly
