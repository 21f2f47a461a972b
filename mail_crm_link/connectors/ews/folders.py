"""The folders of a mailbox, and what they are for by their distinguished ids.

https://learn.microsoft.com/exchange/client-developer/web-service-reference/findfolder-operation
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..base import Folder, Role
from ..errors import SignInNeeded, Transient
from . import xml
from .causes import refusal
from .session import Session

_ROLES: dict[str, Role] = {
    "inbox": "inbox",
    "sentitems": "sent",
    "drafts": "drafts",
    "junkemail": "junk",
    "deleteditems": "trash",
}
_NO_MAIL = ("outbox", "conversationhistory", "syncissues")
_INHERITED = ("drafts", "junk", "trash")
"""What is below the bin is in the bin."""

PAGE = 500


def distinguished(session: Session, name: str) -> str:
    """A folder of the mailbox by its distinguished id, also where the mailbox is somebody else's."""
    mailbox = f"<t:Mailbox><t:EmailAddress>{xml.text(session.mailbox)}</t:EmailAddress></t:Mailbox>"
    return f"<t:DistinguishedFolderId Id={xml.attribute(name)}>{mailbox}</t:DistinguishedFolderId>"


def check(session: Session, name: str = "inbox") -> None:
    """Ask for a folder by its distinguished id, to see whether the mailbox may be used."""
    session.one("GetFolder", _get_folder(distinguished(session, name)))


def listed(session: Session) -> list[Folder]:
    """All mail folders, parents before children."""
    names = _known(session)
    found: dict[str, Folder] = {}
    waiting = list(_all(session))
    while waiting:
        ready = [each for each in waiting if _parent(each) not in {_id(other) for other in waiting}]
        if not ready:
            break  # a circle, which no tree has
        for element in ready:
            found[_id(element)] = _folder(element, found.get(_parent(element)), names)
        waiting = [each for each in waiting if each not in ready]
    return list(found.values())


def _known(session: Session) -> Mapping[str, str]:
    """Distinguished names by id, of those folders that there are."""
    known = (*_ROLES, *_NO_MAIL)
    ids = "".join(distinguished(session, name) for name in known)
    messages = session.ask("GetFolder", _get_folder(ids), len(known))
    found = {}
    for name, message in zip(known, messages, strict=True):
        error = refusal(message)
        if isinstance(error, Transient | SignInNeeded):
            # A folder whose name is not known now would be taken for one like others.
            raise error
        if error is None:
            found[_id(xml.find(message, "m:Folders/t:Folder"))] = name
    return found


def _get_folder(ids: str) -> str:
    shape = "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    return f"<m:GetFolder>{shape}<m:FolderIds>{ids}</m:FolderIds></m:GetFolder>"


def _all(session: Session) -> Iterator[Any]:
    fields = "".join(map(xml.field, ("folder:DisplayName", "folder:ParentFolderId", "folder:FolderClass")))
    shape = f"<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{fields}</t:AdditionalProperties>"
    offset = 0
    while True:
        view = f'<m:IndexedPageFolderView MaxEntriesReturned="{PAGE}" Offset="{offset}" BasePoint="Beginning"/>'
        message = session.one(
            "FindFolder",
            f'<m:FindFolder Traversal="Deep"><m:FolderShape>{shape}</m:FolderShape>{view}<m:ParentFolderIds>'
            f"{distinguished(session, 'msgfolderroot')}</m:ParentFolderIds></m:FindFolder>",
        )
        root = xml.find(message, "m:RootFolder")
        page = list(xml.all_of(root, "t:Folders/t:Folder"))
        yield from page
        offset += len(page)
        if not page or root.get("IncludesLastItemInRange") != "false":
            return


def _id(element: Any) -> str:
    return str(xml.find(element, "t:FolderId").get("Id"))


def _parent(element: Any) -> str:
    found = xml.find(element, "t:ParentFolderId")
    return "" if found is None else str(found.get("Id"))


def _folder(element: Any, above: Folder | None, names: Mapping[str, str]) -> Folder:
    known = names.get(_id(element), "")
    role: Role = _ROLES.get(known, above.role if above and above.role in _INHERITED else "other")
    name = xml.value(element, "t:DisplayName")
    kind = xml.value(element, "t:FolderClass")
    holds_mail = known not in _NO_MAIL and (not kind or kind.startswith("IPF.Note"))
    return Folder(_id(element), f"{above.name}/{name}" if above else name, role, holds_mail)
