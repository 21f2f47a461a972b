"""Waits for news of many mailboxes at once: one thread for all connections, and a few that sign in.

::

    wanted ──► signing in ──► watched ──► news ──► on_news
                  │   ▲          │
         refused  ▼   │ pause    │ connection gone
                 resting ◄───────┘

A mailbox whose sign-in changed is signed in anew; one that is not wanted any more is left. Whatever came while nobody
waited is news, too, so every connection begins with some.
"""

from __future__ import annotations

import logging
import random
import selectors
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from ..connectors.errors import ConnectorError, Transient
from .backoff import pause

_logger = logging.getLogger(__name__)

SIGN_INS = 8
"""Sign-ins at once; a few hundred after a start take a minute or so."""

LIST_SECONDS = 10.0
RENEWAL_SECONDS = 25 * 60.0
"""Servers may end a wait after 30 minutes (RFC 2177), and firewalls forget a silent connection."""

REFUSED_SECONDS = 3600.0
SPACING_SECONDS = 3.0
"""News of one mailbox are told at most once in so many seconds; the first at once."""

LOOP_SECONDS = 0.5


class Waiting(Protocol):
    """A connection that waits; see ``connectors.imap.idle``."""

    def fileno(self) -> int: ...

    def news(self) -> bool: ...

    def renew(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Target:
    """A mailbox to be watched.

    :param signature: changes when its sign-in does
    :param connect: signs in; raises ``ConnectorError``
    """

    signature: str
    connect: Callable[[], Waiting]


@dataclass
class _Watch:
    """What is known of a mailbox here; times in seconds of ``time.monotonic``."""

    target: Target
    opening: Future[Waiting] | None = None
    waiting: Waiting | None = None
    failures: int = 0
    not_before: float = 0.0
    renew_at: float = 0.0
    has_news: bool = False
    told_at: float = field(default=float("-inf"))


class Watcher:
    """:param wanted: the mailboxes to be watched, by id; asked now and then
    :param on_news: called with the id of a mailbox that has some
    :param on_state: called with an id and whether it is watched, when that changes
    """

    def __init__(
        self,
        wanted: Callable[[], Mapping[int, Target]],
        on_news: Callable[[int], None],
        on_state: Callable[[int, bool], None] = lambda _key, _watched: None,
    ) -> None:
        self._wanted = wanted
        self._on_news = on_news
        self._on_state = on_state
        self._watches: dict[int, _Watch] = {}
        self._selector = selectors.DefaultSelector()
        self._listed_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop`` is set. What the callbacks raise ends the watch and is raised."""
        self._executor = ThreadPoolExecutor(SIGN_INS, thread_name_prefix="sign-in")
        try:
            while not stop.is_set():
                self._turn()
        finally:
            for key in list(self._watches):
                self._leave(key)
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._selector.close()

    def _turn(self) -> None:
        now = time.monotonic()
        if now - self._listed_at >= LIST_SECONDS:
            self._listed_at = now
            self._list()
        for key, watch in list(self._watches.items()):
            self._advance(key, watch, now)
        self._listen()
        self._tell(time.monotonic())

    def _list(self) -> None:
        wanted = self._wanted()
        for key, watch in list(self._watches.items()):
            target = wanted.get(key)
            if target is None or target.signature != watch.target.signature:
                self._leave(key)
        for key, target in wanted.items():
            self._watches.setdefault(key, _Watch(target))

    def _leave(self, key: int) -> None:
        watch = self._watches.pop(key)
        if watch.opening is not None:
            watch.opening.cancel()
            watch.opening.add_done_callback(_close_opened)
        self._drop(key, watch)

    def _drop(self, key: int, watch: _Watch) -> None:
        waiting, watch.waiting = watch.waiting, None
        if waiting is not None:
            self._selector.unregister(waiting)
            waiting.close()
            self._on_state(key, False)

    # -- sign-in ------------------------------------------------------------------------------------------------

    def _advance(self, key: int, watch: _Watch, now: float) -> None:
        if watch.opening is not None:
            if watch.opening.done():
                self._opened(key, watch, now)
        elif watch.waiting is None:
            if now >= watch.not_before:
                watch.opening = self._executor.submit(watch.target.connect)
        elif now >= watch.renew_at:
            self._renew(key, watch, now)

    def _opened(self, key: int, watch: _Watch, now: float) -> None:
        opening, watch.opening = watch.opening, None
        assert opening is not None
        try:
            waiting = opening.result()
        except ConnectorError as error:
            self._rest(key, watch, error, now)
            return
        except Exception:  # the guard around one mailbox: the others are watched all the same
            _logger.exception("Mailbox %s cannot be watched", key)
            self._rest(key, watch, Transient("unexpected", cause="unexpected"), now)
            return
        watch.waiting = waiting
        watch.failures = 0
        watch.renew_at = now + RENEWAL_SECONDS
        watch.has_news = True
        self._selector.register(waiting, selectors.EVENT_READ, key)
        self._on_state(key, True)

    def _renew(self, key: int, watch: _Watch, now: float) -> None:
        assert watch.waiting is not None
        try:
            watch.waiting.renew()
            watch.renew_at = now + RENEWAL_SECONDS
        except ConnectorError as error:
            self._rest(key, watch, error, now)

    def _rest(self, key: int, watch: _Watch, error: ConnectorError, now: float) -> None:
        """Leave a mailbox alone for a while; the synchronisation itself tells its owner what is wrong."""
        _logger.info("Mailbox %s is not watched for a while: %s (%s)", key, error.message, error.cause)
        self._drop(key, watch)
        watch.failures += 1
        spread = random.random()  # nosec B311 # it spreads, and guards nothing
        watch.not_before = now + (pause(error, watch.failures, spread) or REFUSED_SECONDS)

    # -- news ---------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        for ready, _events in self._selector.select(LOOP_SECONDS):
            key = ready.data
            watch = self._watches[key]
            assert watch.waiting is not None
            try:
                watch.has_news |= watch.waiting.news()
            except ConnectorError as error:
                self._rest(key, watch, error, time.monotonic())

    def _tell(self, now: float) -> None:
        for key, watch in self._watches.items():
            if watch.has_news and now - watch.told_at >= SPACING_SECONDS:
                watch.has_news, watch.told_at = False, now
                self._on_news(key)


def _close_opened(opening: Future[Waiting]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
