"""Labels as folders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..base import Folder, Role

ALL_MAIL = Folder("all", "All Mail", "archive")
"""Where all mail is, each once."""

UNREAD = "UNREAD"
SENT = "SENT"

# Labels of the system that are folders to people, with the names people know.
_SYSTEM: Mapping[str, tuple[str, Role]] = {
    "INBOX": ("INBOX", "inbox"),
    "SENT": ("Sent", "sent"),
    "DRAFT": ("Drafts", "drafts"),
    "SPAM": ("Spam", "junk"),
    "TRASH": ("Trash", "trash"),
    # The tabs of the inbox besides the first.
    "CATEGORY_SOCIAL": ("Category: Social", "other"),
    "CATEGORY_PROMOTIONS": ("Category: Promotions", "other"),
    "CATEGORY_UPDATES": ("Category: Updates", "other"),
    "CATEGORY_FORUMS": ("Category: Forums", "other"),
}

_LEFT_OUT = frozenset({"DRAFT", "SPAM", "TRASH", "CHAT"})

QUERY = "-in:drafts -in:chats"
"""What a listing is asked for; it leaves out spam and trash by itself."""


def folders(labels: Iterable[Mapping[str, Any]]) -> list[Folder]:
    """All mail, and the labels for people to see."""
    return [ALL_MAIL, *(folder for label in labels if (folder := _folder(label)))]


def _folder(label: Mapping[str, Any]) -> Folder | None:
    if label["id"] in _SYSTEM:
        name, role = _SYSTEM[label["id"]]
        return Folder(label["id"], name, role, selectable=False)
    if label.get("type") == "system":
        # Stars and the like: marks, not places.
        return None
    return Folder(label["id"], label["name"], "other", selectable=False)


def is_wanted(labels: Collection[str]) -> bool:
    """Whether a mail with these labels is correspondence."""
    return _LEFT_OUT.isdisjoint(labels)


@dataclass(frozen=True, slots=True)
class Choice:
    """What of all mail is fetched; nothing that was fetched goes for it.

    :param labels: ids of labels
    :param only: fetch what has one of them; else what has none
    """

    labels: frozenset[str] = frozenset()
    only: bool = False

    def is_everything(self) -> bool:
        return not self.labels and not self.only

    def wants(self, labels: Collection[str]) -> bool:
        """Whether a mail with these labels is correspondence that its owner chose."""
        return is_wanted(labels) and self.labels.isdisjoint(labels) != self.only

    def may_begin(self, label: str, put: bool) -> bool:
        """Whether a mail is chosen from now on, as far as this change of its labels goes."""
        return label in self.labels and put == self.only


EVERYTHING = Choice()
