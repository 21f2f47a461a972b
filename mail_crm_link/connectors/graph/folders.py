"""The folders of a mailbox, and what they are for by their well-known names.

https://learn.microsoft.com/graph/api/resources/mailfolder
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from ..base import Folder, Role
from ..errors import MailGone
from .session import Json, Session

_ROLES: dict[str, Role] = {
    "inbox": "inbox",
    "sentitems": "sent",
    "archive": "archive",
    "drafts": "drafts",
    "junkemail": "junk",
    "deleteditems": "trash",
}
_NO_MAIL = ("outbox", "scheduled", "conversationhistory", "syncissues")
"""What lies there was not sent yet, or is no mail."""

_INHERITED = ("drafts", "junk", "trash")
"""What is below the bin is in the bin."""

_FIELDS = "$top=100&$select=id,displayName,parentFolderId,childFolderCount,totalItemCount"


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder and the number of its items."""

    folder: Folder
    total: int


def listed(session: Session) -> list[Listed]:
    """All folders, parents before children, in one batch a level of the tree."""
    known = (*_ROLES, *_NO_MAIL)
    urls = [f"{session.root}/mailFolders/{name}?$select=id" for name in known]
    first, *others = session.batch([f"{session.root}/mailFolders?{_FIELDS}", *urls])
    names = {}
    for name, reply in zip(known, others, strict=True):
        if not isinstance(reply.error(), MailGone):
            names[reply.json()["id"]] = name
    return _tree(session, _continued(session, first.json()), names)


def _tree(session: Session, top: list[Json], names: Mapping[str, str]) -> list[Listed]:
    found: dict[str, Listed] = {}
    level = top
    while level:
        for folder in level:
            found[folder["id"]] = _listed(folder, found.get(folder.get("parentFolderId", "")), names)
        level = _children(session, [folder["id"] for folder in level if folder.get("childFolderCount")])
    return list(found.values())


def _children(session: Session, parents: Sequence[str]) -> list[Json]:
    replies = session.batch([f"{session.root}/mailFolders/{quote(each)}/childFolders?{_FIELDS}" for each in parents])
    # A folder may go between two levels.
    present = [reply for reply in replies if not isinstance(reply.error(), MailGone)]
    return [folder for reply in present for folder in _continued(session, reply.json())]


def _continued(session: Session, page: Json) -> list[Json]:
    folders = list(page["value"])
    if link := page.get("@odata.nextLink"):
        for following in session.pages(link):
            folders += following["value"]
    # Search folders show what lies elsewhere.
    return [folder for folder in folders if not str(folder.get("@odata.type", "")).endswith("mailSearchFolder")]


def _listed(folder: Json, parent: Listed | None, names: Mapping[str, str]) -> Listed:
    known = names.get(folder["id"], "")
    above = parent.folder if parent else None
    role: Role = _ROLES.get(known, above.role if above and above.role in _INHERITED else "other")
    path = f"{above.name}/{folder['displayName']}" if above else folder["displayName"]
    selectable = known not in _NO_MAIL and (above is None or above.selectable)
    return Listed(Folder(folder["id"], path, role, selectable), int(folder.get("totalItemCount") or 0))
