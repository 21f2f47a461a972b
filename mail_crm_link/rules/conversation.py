"""Which mails are one conversation, and which conversations a mail turns out to join."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .header import Header

# 128 bits: short in an index, and no two ids meet by chance.
_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Group:
    """Mails of one page that are one conversation.

    :param mails: their positions in the page, ascending
    :param conversations: ids of the known conversations they touch; more than one must become one
    :param keys: all their keys, each once, in order of the mails
    """

    mails: tuple[int, ...]
    conversations: frozenset[int]
    keys: tuple[str, ...]


def keys(header: Header) -> tuple[str, ...]:
    """Hashes (hex, 32 long) of the mail's own id and of all ids it refers to, own first; () where it has none."""
    ids = dict.fromkeys((header.message_id, *header.in_reply_to, *header.references))
    return tuple(key_of(one) for one in ids if one)


def key_of(message_id: str) -> str:
    """The key of one Message-ID with its angle brackets."""
    return hashlib.sha256(message_id.encode("utf-8", "replace")).hexdigest()[:_KEY_LENGTH]


def join(mails: Sequence[Sequence[str]], known: Mapping[str, int]) -> list[Group]:
    """The conversations of a page, in order of their first mail.

    :param mails: the keys of each mail of the page
    :param known: key → id of the conversation that has it, for the keys of the page
    """
    forest = _Forest(len(mails))
    forest.join(mails)
    forest.join([known[key] for key in mail if key in known] for mail in mails)
    members: dict[int, list[int]] = {}
    for index in range(len(mails)):
        members.setdefault(forest.root(index), []).append(index)
    return [_group(indexes, mails, known) for indexes in members.values()]


def _group(indexes: list[int], mails: Sequence[Sequence[str]], known: Mapping[str, int]) -> Group:
    all_keys = dict.fromkeys(key for index in indexes for key in mails[index])
    return Group(tuple(indexes), frozenset(known[key] for key in all_keys if key in known), tuple(all_keys))


class _Forest:
    """Union-find over positions (Tarjan), with path halving."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def root(self, index: int) -> int:
        parents = self._parents
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    def join(self, labels: Iterable[Iterable[object]]) -> None:
        """Put positions that share a label into one tree; the lowest position is its root."""
        owners: dict[object, int] = {}
        for index, own in enumerate(labels):
            for label in own:
                one, other = sorted((self.root(index), self.root(owners.setdefault(label, index))))
                self._parents[other] = one
