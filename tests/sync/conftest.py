"""What the tests of the engine share: a scripted account, a store in memory, and a process between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mail_crm_link.connectors.base import Connector
from mail_crm_link.connectors.scripted import ScriptedAccount, ScriptedConnector
from mail_crm_link.sync import engine as engine_module
from mail_crm_link.sync.engine import AuditReport, Engine, Outcome

from .memory_store import MemoryStore


class Clock:
    """Time that passes when it is looked at: a second each time, if ``ticking``."""

    def __init__(self, ticking: bool = False) -> None:
        self.now = 0.0
        self._step = 1.0 if ticking else 0.0

    def __call__(self) -> float:
        self.now += self._step
        return self.now


@dataclass
class Scene:
    """An account, a store, and engines that run between them, each as a new process would."""

    account: ScriptedAccount = field(default_factory=ScriptedAccount)
    store: MemoryStore = field(default_factory=MemoryStore)
    engine: type[Engine] = Engine

    def connector(self) -> Connector:
        return ScriptedConnector(self.account)

    def run(self, deadline: float = float("inf"), ticking: bool = False) -> Outcome:
        return self.engine(self.connector(), self.store, Clock(ticking)).run(deadline)

    def run_until_finished(self, most: int = 60) -> int:
        """Run again and again, as the schedule would; how many runs it took."""
        for number in range(1, most + 1):
            if self.run().finished:
                return number
        raise AssertionError("never finished")

    def audit(self) -> AuditReport:
        return self.engine(self.connector(), self.store, Clock()).audit()


@pytest.fixture
def scene() -> Scene:
    """A new account with an empty INBOX and Sent."""
    made = Scene()
    made.account.create("Sent", "sent")
    return made


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of 200 mails, so that a few hundred are several."""
    monkeypatch.setattr(engine_module, "PAGE_SIZES", (200, 50, 10, 1, 1, 1))
