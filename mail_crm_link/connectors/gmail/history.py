"""What happened since a ``historyId`` (https://developers.google.com/workspace/gmail/api/guides/sync).

Records come in the order in which things happened, and a record's own id is a point to continue from. So a step that
would hand out too much ends with the record that was looked at last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import CursorExpired
from .labels import EVERYTHING, UNREAD, Choice, is_wanted
from .session import Refusal, Session

PAGE = 500
TYPES = ["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"]


@dataclass(slots=True)
class News:
    """What a stretch of history comes to, by id.

    :param until: the ``historyId`` that it reaches
    :param more: there is more after it
    :param choice: the mail that counts as added
    """

    until: str
    choice: Choice = EVERYTHING
    more: bool = False
    added: dict[str, None] = field(default_factory=dict)
    vanished: dict[str, None] = field(default_factory=dict)
    seen: dict[str, bool] = field(default_factory=dict)

    def is_empty(self) -> bool:
        return not (self.added or self.vanished or self.seen)

    def take(self, record: Mapping[str, Any]) -> None:
        """Add one record; what came later counts."""
        self.until = str(record["id"])
        for each in record.get("messagesAdded", ()):
            if self._counts(each["message"]):
                self._add(each["message"]["id"])
        for each in record.get("messagesDeleted", ()):
            self._remove(each["message"]["id"])
        for each in record.get("labelsAdded", ()):
            self._label(each["message"]["id"], each.get("labelIds", ()), True)
        for each in record.get("labelsRemoved", ()):
            self._label(each["message"]["id"], each.get("labelIds", ()), False)

    def _counts(self, message: Mapping[str, Any]) -> bool:
        # Without labels in the record, those of the envelope decide.
        return "labelIds" not in message or self.choice.wants(message["labelIds"])

    def _add(self, remote_id: str) -> None:
        self.vanished.pop(remote_id, None)
        # The newest is handed out first, so it has to be the last here.
        self.added.pop(remote_id, None)
        self.added[remote_id] = None

    def _remove(self, remote_id: str) -> None:
        self.added.pop(remote_id, None)
        self.seen.pop(remote_id, None)
        self.vanished[remote_id] = None

    def _label(self, remote_id: str, labels: list[str], put: bool) -> None:
        if not is_wanted(labels):
            # Into the bin is gone; out of it is here again, unless another label says otherwise: its envelope tells.
            if put:
                self._remove(remote_id)
            else:
                self._add(remote_id)
        elif any(self.choice.may_begin(label, put) for label in labels):
            self._add(remote_id)
        elif UNREAD in labels and remote_id not in self.vanished:
            self.seen[remote_id] = not put


def since(session: Session, history_id: str, limit: int, choice: Choice = EVERYTHING) -> News:
    """What happened since, as far as at most ``limit`` mails were added.

    :raises CursorExpired: Google forgot; it promises to remember for a week
    """
    news = News(history_id, choice)
    for record, latest in _records(session, history_id):
        if record is None:
            news.until = latest
            break
        if len(news.added) + len(record.get("messagesAdded", ())) > limit and news.added:
            news.more = True
            break
        news.take(record)
    return news


def _records(session: Session, history_id: str) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """All records with the mailbox's ``historyId`` at the time; in the end no record, all of them were listed."""
    token = None
    while True:
        request = session.users.history().list(
            userId="me", startHistoryId=history_id, historyTypes=TYPES, maxResults=PAGE, pageToken=token
        )
        answer = _answer(session, request)
        latest = str(answer.get("historyId", history_id))
        for record in answer.get("history", ()):
            yield record, latest
        token = answer.get("nextPageToken")
        if not token:
            yield None, latest
            return


def _answer(session: Session, request: Any) -> dict[str, Any]:
    try:
        return session.call("history", request)
    except Refusal as refusal:
        # 404 for a point that was forgotten, 400 for one that is none.
        raise CursorExpired("Gmail forgot the point to continue from", str(refusal)) from refusal
