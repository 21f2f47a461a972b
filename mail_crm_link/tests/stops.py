"""Processes that end in the middle of their work: at a chosen step, or killed from outside."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

from odoo.tools import config

from ..models.orm_store import OrmStore


class Died(BaseException):
    """The process is gone: no handler of ours gets to see it."""


def dying(step: int, stores: type[OrmStore] = OrmStore):
    """Let the process die at the given step of these stores; even steps before, odd ones after the commit."""
    steps = iter(range(10_000))
    durably = stores._durably

    def deadly(store, work, *args):
        number = next(steps)
        if number == step // 2 and not step % 2:
            work(*args)
            raise Died
        result = durably(store, work, *args)
        if number == step // 2:
            raise Died
        return result

    return patch.object(stores, "_durably", deadly)


class Worker:
    """A process of its own, which does in a child what it is told, and may be killed at it."""

    def __init__(self, case):
        program = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("worker.py"))]
        self.process = subprocess.Popen(
            [*program, config["config"], case.env.cr.dbname],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        case.addCleanup(self.process.wait, 10)
        for end in (self.process.stdout, self.process.stdin):
            case.addCleanup(end.close)
        case.assertEqual(self.process.stdout.readline().strip(), "ready")

    def start(self, work: str) -> int:
        """Have a line of ``worker.py``'s language done; return the id of the process that does it."""
        self.process.stdin.write(f"{work}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    @staticmethod
    def wait(pid: int) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
            time.sleep(0.02)

    def kill_at_random(self, work: str, dice: random.Random, longest: float) -> None:
        """Start the work and kill it within ``longest`` seconds, unless it was done before."""
        pid = self.start(work)
        time.sleep(dice.uniform(0, longest))
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)
        self.wait(pid)
