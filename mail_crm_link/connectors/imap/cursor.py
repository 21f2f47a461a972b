"""Where the listing of an IMAP folder continues.

A folder is listed newest first, so "up to UID n" would claim mail that nobody has seen yet. The cursor therefore
names the intervals of UIDs that are still to be listed::

    1 ......... lo ▒▒▒▒▒▒▒▒▒ hi ········· lo ▒▒▒ hi = uidnext - 1
                    pending      listed       new since then

``uidnext``, ``messages``, ``modseq`` and ``unseen`` are what the server said before the listing began.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Status:
    """A folder's numbers as STATUS or EXAMINE tell them. ``modseq`` and ``unseen`` are 0 where they are not told."""

    uidvalidity: int
    uidnext: int
    messages: int
    modseq: int = 0
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """State of the listing of one folder.

    :param messages: mails in the folder by our account; ``None`` when the server's count differs from it
    :param pending: intervals of UIDs not listed yet, both ends included, highest first
    :param expected: mails within the window of time; too many until all are listed
    """

    uidvalidity: int
    uidnext: int
    messages: int | None
    modseq: int = 0
    unseen: int = 0
    pending: tuple[Interval, ...] = ()
    expected: int | None = None

    @classmethod
    def parse(cls, text: str | None) -> Cursor | None:
        """Read a stored cursor; ``None`` for none."""
        if not text:
            return None
        values = json.loads(text)
        values["pending"] = tuple((low, high) for low, high in values["pending"])
        return cls(**values)

    def text(self) -> str:
        """The cursor as it is stored."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def beginning(cls, status: Status, known: bool) -> Cursor:
        """Everything is still to be listed. ``known``: nothing was listed under other UIDs before."""
        pending = ((1, status.uidnext - 1),) if status.uidnext > 1 else ()
        messages = status.messages if known else None
        return cls(status.uidvalidity, status.uidnext, messages, status.modseq, status.unseen, pending, status.messages)

    def continues(self, status: Status) -> bool:
        """Whether the UIDs of this cursor still mean the same mail. UIDNEXT must never go down (RFC 9051, 2.3.1.1)."""
        return self.uidvalidity == status.uidvalidity and self.uidnext <= status.uidnext

    def covers(self, status: Status) -> bool:
        """Whether nothing happened since, and nothing is left to list."""
        mine = (self.uidvalidity, self.uidnext, self.messages, self.modseq, self.unseen)
        theirs = (status.uidvalidity, status.uidnext, status.messages, status.modseq, status.unseen)
        return not self.pending and mine == theirs

    def advanced(self, status: Status, arrived: int, vanished: int) -> Cursor:
        """The cursor after the server's new numbers; its count is believed when what came and went explains it."""
        consistent = self.messages is not None and self.messages + arrived - vanished == status.messages
        new: tuple[Interval, ...] = ((self.uidnext, status.uidnext - 1),) if status.uidnext > self.uidnext else ()
        return replace(
            self,
            uidnext=status.uidnext,
            messages=status.messages if consistent else None,
            modseq=status.modseq,
            unseen=status.unseen,
            pending=new + self.pending,
            expected=None if self.expected is None else self.expected + arrived,
        )

    def below(self, uid: int) -> Cursor:
        """The cursor when everything from ``uid`` upwards is listed; 0 for everything at all."""
        pending = tuple((low, min(high, uid - 1)) for low, high in self.pending if low < uid)
        return replace(self, pending=pending)

    def is_pending(self, uid: int) -> bool:
        """Whether ``uid`` is still to be listed."""
        return any(low <= uid <= high for low, high in self.pending)

    def is_pending_below(self, uid: int) -> bool:
        """Whether anything below ``uid`` is still to be listed."""
        return any(low < uid for low, _high in self.pending)

    def without(self, outside: int) -> Cursor:
        """The cursor when ``outside`` of the mails that were expected turned out to be too old."""
        return self if self.expected is None else replace(self, expected=self.expected - outside)


def uid_sets(uids: list[int], limit: int) -> list[str]:
    """Message sets of ``uids`` in ranges, each at most ``limit`` octets long: servers refuse longer lines."""
    sets: list[str] = []
    current = ""
    for text in _ranges(sorted(uids)):
        if current and len(current) + 1 + len(text) > limit:
            sets.append(current)
            current = ""
        current = f"{current},{text}" if current else text
    return [*sets, current] if current else sets


def _ranges(uids: list[int]) -> list[str]:
    ranges: list[Interval] = []
    for uid in uids:
        if ranges and ranges[-1][1] + 1 == uid:
            ranges[-1] = (ranges[-1][0], uid)
        else:
            ranges.append((uid, uid))
    return [str(low) if low == high else f"{low}:{high}" for low, high in ranges]


def expand(message_set: str, limit: int) -> list[int] | None:
    """The UIDs of a message set, or ``None`` if it names more than ``limit``: servers may name UIDs never used."""
    uids: list[int] = []
    for text in message_set.split(","):
        low, _, high = text.partition(":")
        first, last = sorted((int(low), int(high or low)))
        if len(uids) + last - first >= limit:
            return None
        uids.extend(range(first, last + 1))
    return uids
