"""Labels as folders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
        # Categories, stars and the like: marks, not places.
        return None
    return Folder(label["id"], label["name"], "other", selectable=False)


def is_wanted(labels: Collection[str]) -> bool:
    """Whether a mail with these labels is correspondence."""
    return _LEFT_OUT.isdisjoint(labels)
