"""Mails and their parts in portions of bounded size."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..base import WHOLE_LIMIT, Content, FetchFailure
from ..errors import MailGone, Transient
from . import causes
from .causes import Verdict
from .session import Answer, Refused, Session, Unreadable
from .structure import Leaf, decoded_base64, leaves, text_sections
from .structure import decoded as decoded_part

CHUNK = 4 * 1024 * 1024
"""Octets of a large part fetched at once."""

LARGEST = 200 * 1024 * 1024
"""Octets of a mail or its texts that are fetched at all; they have to fit into the memory of a worker."""

_HEADER_END = re.compile(rb"\r?\n\r?\n")
Result = TypeVar("Result")


def one_by_one(
    session: Session, uids: Sequence[int], items: str, read: Callable[[int, Answer], Result]
) -> Iterator[Result | FetchFailure]:
    """Fetch ``items`` of all ``uids`` in as few commands as the server bears; one bad mail costs one mail.

    A refused command is halved until the mail that it is about stands alone.

    :param read: makes a result of an answer; KeyError when something is missing in it
    """
    try:
        yield from _fetched(session, uids, items, read)
    except Refused as error:
        results = list(_halved(session, uids, items, read, error))
        refused = [result for result in results if isinstance(result, _Refusal)]
        if len(refused) == len(results) and (len(uids) > 1 or _is_passing(error)):
            # A server in trouble refuses everything; no mail is to blame.
            raise
        yield from (result.failure() if isinstance(result, _Refusal) else result for result in results)


@dataclass(frozen=True, slots=True)
class _Refusal:
    uid: int
    text: str

    def failure(self) -> FetchFailure:
        return FetchFailure(str(self.uid), f"the server refuses it: {self.text}")


def _is_passing(error: Refused) -> bool:
    return isinstance(causes.refusal(error.detail, Verdict(Refused, "protocol")), Transient)


def _halved(
    session: Session, uids: Sequence[int], items: str, read: Callable[[int, Answer], Result], error: Refused
) -> Iterator[Result | FetchFailure | _Refusal]:
    if len(uids) == 1:
        there = existing(session, uids)
        yield _Refusal(uids[0], error.detail) if there else _gone(uids[0])
        return
    middle = len(uids) // 2
    for half in (uids[:middle], uids[middle:]):
        try:
            yield from _fetched(session, half, items, read)
        except Refused as again:
            yield from _halved(session, half, items, read, again)


def _gone(uid: int) -> FetchFailure:
    return FetchFailure(str(uid), "deleted meanwhile", gone=True)


def _fetched(
    session: Session, uids: Sequence[int], items: str, read: Callable[[int, Answer], Result]
) -> Iterator[Result | FetchFailure]:
    answers: dict[int, Answer | Unreadable] = {}
    for portion in session.fetch_all(uids, items):
        for uid, answer in portion:
            answers[uid] = _merged(answers.get(uid), answer)
    results = {uid: _read(uid, answers.pop(uid), read) for uid in list(answers)}
    absent = [uid for uid in uids if results.get(uid) is None]
    still_there = existing(session, absent)
    for uid in uids:
        result = results.get(uid)
        if result is not None:
            yield result
        elif uid in still_there:
            yield FetchFailure(str(uid), "the server has it and does not send it")
        else:
            yield _gone(uid)


def _merged(known: Answer | Unreadable | None, answer: Answer | Unreadable) -> Answer | Unreadable:
    """Changed flags may come as an answer of their own."""
    if isinstance(known, dict) and isinstance(answer, dict):
        return {**known, **answer}
    return answer if known is None else known


def _read(uid: int, answer: Answer | Unreadable, read: Callable[[int, Answer], Result]) -> Result | FetchFailure | None:
    """The result, or ``None`` when the server left out something, as Dovecot does for a mail that is gone."""
    if isinstance(answer, Unreadable):
        return FetchFailure(str(uid), f"the server's answer cannot be read: {answer.detail}")
    try:
        return read(uid, answer)
    except KeyError:
        return None
    except (TypeError, ValueError) as error:
        return FetchFailure(str(uid), f"the server's answer cannot be read: {error!r}")


def existing(session: Session, uids: Sequence[int]) -> set[int]:
    """Which of the mails are still in the selected folder."""
    found: set[int] = set()
    if uids:
        session.refresh()
    for message_set in session.sets(uids):
        found.update(session.search(f"UID {message_set}"))
    return found


def section(answer: Answer, name: str) -> bytes:
    """Octets of a section of an answer. Nothing is not the same as an empty mail.

    :raises KeyError: the server did not send it
    """
    prefix = f"BODY[{name}]".encode()
    for key, value in answer.items():
        if key.startswith(prefix) and value is not None:
            return value if isinstance(value, bytes) else str(value).encode()
    raise KeyError(f"BODY[{name}]")


def sizes(session: Session, uids: Sequence[int]) -> Iterator[tuple[int, int] | FetchFailure]:
    """Pairs of UID and octets of the whole mail."""
    return one_by_one(session, uids, "(UID RFC822.SIZE)", lambda uid, answer: (uid, int(answer[b"RFC822.SIZE"])))


def portions(sized: Iterable[tuple[int, int]], octets: int) -> Iterator[list[int]]:
    """Split UIDs so that no portion is larger than ``octets``, unless a single mail is."""
    portion: list[int] = []
    total = 0
    for uid, size in sized:
        if portion and total + size > octets:
            yield portion
            portion, total = [], 0
        portion.append(uid)
        total += size
    if portion:
        yield portion


def wholes(session: Session, sized: Iterable[tuple[int, int]], octets: int) -> Iterator[Content | FetchFailure]:
    """Whole mails."""
    bearable: list[tuple[int, int]] = []
    for uid, size in sized:
        if size > LARGEST:
            yield FetchFailure(str(uid), f"too large: {size} octets")
        else:
            bearable.append((uid, size))
    for portion in portions(bearable, octets):
        yield from one_by_one(session, portion, "(UID BODY.PEEK[])", _whole)


def _whole(uid: int, answer: Answer) -> Content:
    raw = section(answer, "")
    end = _HEADER_END.search(raw)
    return Content(str(uid), raw, raw[: end.end()] if end else raw)


def readable(session: Session, sized: Mapping[int, int], octets: int) -> Iterator[Content | FetchFailure]:
    """Small mails whole; of large ones the header, the texts, and what else there is."""
    small = [(uid, size) for uid, size in sized.items() if size <= WHOLE_LIMIT]
    yield from wholes(session, small, octets)
    large = [uid for uid, size in sized.items() if size > WHOLE_LIMIT]
    yield from _texts(session, large, sized, octets)


def _texts(
    session: Session, uids: Sequence[int], sized: Mapping[int, int], octets: int
) -> Iterator[Content | FetchFailure]:
    grouped: dict[tuple[str, ...], list[int]] = defaultdict(list)
    trees: dict[int, list[Leaf]] = {}
    for tree in one_by_one(session, uids, "(UID BODYSTRUCTURE)", _tree):
        if not isinstance(tree, FetchFailure):
            trees[tree[0]] = tree[1]
            grouped[text_sections(tree[1])].append(tree[0])
        elif tree.gone:
            yield tree
        else:
            # What the server cannot describe, we take as it is.
            yield from wholes(session, [(int(tree.remote_id), sized[int(tree.remote_id)])], octets)
    for sections, group in grouped.items():
        yield from _sections(session, group, sections, trees, octets)


def _tree(uid: int, answer: Answer) -> tuple[int, list[Leaf]]:
    return uid, leaves(answer[b"BODYSTRUCTURE"])


def _sections(
    session: Session,
    uids: Sequence[int],
    sections: tuple[str, ...],
    trees: Mapping[int, list[Leaf]],
    octets: int,
) -> Iterator[Content | FetchFailure]:
    def read(uid: int, answer: Answer) -> Content:
        parts = [leaf.part(section(answer, leaf.section) if leaf.section in sections else None) for leaf in trees[uid]]
        return Content(str(uid), None, section(answer, "HEADER"), tuple(parts))

    items = " ".join(["UID", "BODY.PEEK[HEADER]", *(f"BODY.PEEK[{name}]" for name in sections)])
    sized = ((uid, sum(leaf.octets for leaf in trees[uid] if leaf.section in sections)) for uid in uids)
    for portion in portions(sized, octets):
        yield from one_by_one(session, portion, f"({items})", read)


def part(session: Session, uid: int, name: str) -> bytes:
    """One part without its transfer encoding."""
    tree = _only(one_by_one(session, [uid], "(UID BODYSTRUCTURE)", _tree))[1]
    leaf = next((leaf for leaf in tree if leaf.section == name), None)
    if leaf is None:
        raise MailGone("No such part", name)
    chunks = _chunks(session, uid, name)
    if leaf.encoding == "base64":
        return b"".join(decoded_base64(chunks))
    return decoded_part(b"".join(chunks), leaf.encoding)


def _chunks(session: Session, uid: int, name: str) -> Iterator[bytes]:
    start = 0
    while True:
        items = f"(UID BODY.PEEK[{name}]<{start}.{CHUNK}>)"
        chunk = _only(one_by_one(session, [uid], items, lambda _uid, answer: section(answer, name)))
        yield chunk
        # A server may send less than asked for only at the end (RFC 9051, 6.4.5.1).
        if len(chunk) < CHUNK:
            return
        start += len(chunk)


def raw(session: Session, uid: int) -> bytes:
    """One mail whole."""
    return _only(one_by_one(session, [uid], "(UID BODY.PEEK[])", lambda _uid, answer: section(answer, "")))


def _only(results: Iterator[Result | FetchFailure]) -> Result:
    result = next(results)
    if isinstance(result, FetchFailure):
        raise MailGone("The mail cannot be fetched", result.reason)
    return result
