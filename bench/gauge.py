"""What a stretch of work takes: time, memory, statements of SQL, commands of IMAP."""

import gc
import imaplib
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

WRITES = re.compile(r"\s*(WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """:param seconds: by the clock
    :param cpu: seconds of this process
    :param queries: statements of SQL
    :param writes: those of them that store something
    :param commands: of IMAP, by name
    """

    seconds: float
    cpu: float
    queries: int
    writes: int
    commands: dict[str, int]

    def since(self, earlier: "Reading") -> "Reading":
        """What the time between two readings took."""
        return Reading(
            self.seconds - earlier.seconds,
            self.cpu - earlier.cpu,
            self.queries - earlier.queries,
            self.writes - earlier.writes,
            dict(Counter(self.commands) - Counter(earlier.commands)),
        )


class Gauge:
    """Counts while the context of `counting` lasts."""

    def __init__(self) -> None:
        self._queries = 0
        self._writes = 0
        self._commands: Counter[str] = Counter()

    def read(self) -> Reading:
        return Reading(time.perf_counter(), time.process_time(), self._queries, self._writes, dict(self._commands))

    @contextmanager
    def counting(self) -> Iterator[None]:
        command = imaplib.IMAP4._command
        gauge = self

        def count_command(client: imaplib.IMAP4, name: str, *arguments: object) -> object:
            gauge._commands[name.upper()] += 1
            return command(client, name, *arguments)

        # Odoo calls these after every statement of the thread.
        threading.current_thread().query_hooks = (self._count_query,)
        with mock.patch.object(imaplib.IMAP4, "_command", count_command):
            yield
        del threading.current_thread().query_hooks

    def _count_query(self, cursor: object, query: str, *rest: object) -> None:
        self._queries += 1
        self._writes += bool(WRITES.match(query))


class Memory:
    """Resident memory of this process above what it is now, in bytes."""

    def __init__(self) -> None:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): forgets the peak so far
        self._before = _status("VmRSS")

    def peak(self) -> int:
        return _status("VmHWM") - self._before


def _status(field: str) -> int:
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)[1]) * 1024
