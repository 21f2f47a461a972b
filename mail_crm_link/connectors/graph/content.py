"""Envelopes and contents of mails in batches; one bad mail costs one mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

from .. import parts
from ..base import WHOLE_LIMIT, Content, Envelope, FetchFailure
from ..errors import MailGone, Transient
from ..web import failed, judged
from .envelope import EXPAND_SIZE, FIELDS, envelope, size
from .session import BATCH, Json, Reply, Session

Result = TypeVar("Result")


def path(session: Session, remote_id: str) -> str:
    """Of a mail, wherever in the mailbox it lies."""
    return f"{session.root}/messages/{quote(remote_id, safe='')}"


def envelopes(session: Session, remote_ids: Sequence[str], ahead: dict[str, Json]) -> list[Envelope | FetchFailure]:
    """Envelopes in the order of the ids.

    :param ahead: properties that the listing brought along; what is used is taken out
    :raises Transient: the service stopped in the midst; ``kept`` has what it gave
    """
    found = {remote_id: envelope(ahead.pop(remote_id)) for remote_id in remote_ids if remote_id in ahead}
    results: dict[str, Envelope | FetchFailure] = dict(found)
    absent = [remote_id for remote_id in remote_ids if remote_id not in results]
    try:
        for remote_id, result in _batches(session, absent, f"?{FIELDS}", lambda reply: envelope(reply.json())):
            results[remote_id] = result
    except Transient as error:
        error.kept = tuple(results[remote_id] for remote_id in remote_ids if remote_id in results)
        raise
    return [results[remote_id] for remote_id in remote_ids]


def contents(session: Session, remote_ids: Sequence[str], whole: bool) -> Iterator[Content | FetchFailure]:
    """Contents as they come; large mails one by one, so that one at a time is in memory."""
    for start in range(0, len(remote_ids), BATCH):
        yield from _portion(session, remote_ids[start : start + BATCH], whole)


def _portion(session: Session, remote_ids: Sequence[str], whole: bool) -> Iterator[Content | FetchFailure]:
    small: list[str] = []
    large: list[str] = []
    for remote_id, octets in _batches(session, remote_ids, f"?$select=id&{EXPAND_SIZE}", _size):
        if isinstance(octets, FetchFailure):
            yield octets
        else:
            (small if 0 < octets <= WHOLE_LIMIT else large).append(remote_id)
    for remote_id, raw in _batches(session, small, "/$value", Reply.octets):
        if raw is None:
            # Passed on as text it may have lost octets.
            large.append(remote_id)
        else:
            yield raw if isinstance(raw, FetchFailure) else parts.content(remote_id, raw, whole)
    for remote_id in large:
        yield _single(session, remote_id, whole)


def _size(reply: Reply) -> int:
    return size(reply.json())


def _single(session: Session, remote_id: str, whole: bool) -> Content | FetchFailure:
    try:
        return parts.content(remote_id, raw(session, remote_id), whole)
    except MailGone as error:
        return failed(remote_id, error)


def raw(session: Session, remote_id: str) -> bytes:
    """One mail as MIME.

    :raises MailGone: it is not there any more
    """
    return session.octets(f"{path(session, remote_id)}/$value")


def _batches(
    session: Session, remote_ids: Sequence[str], suffix: str, read: Callable[[Reply], Result]
) -> Iterator[tuple[str, Result | FetchFailure]]:
    for start in range(0, len(remote_ids), BATCH):
        portion = remote_ids[start : start + BATCH]
        replies = session.batch([path(session, remote_id) + suffix for remote_id in portion])
        answers = list(zip(portion, replies, strict=True))
        yield from judged(answers, Reply.error, lambda _remote_id, reply: read(reply))
