"""Search in a folder (https://learn.microsoft.com/graph/search-query-parameter)."""

from __future__ import annotations

import re
from urllib.parse import quote

from ..base import Folder
from .envelope import moment
from .session import Session

LONGEST = 500
"""Signs of a phrase that are sent, so that the address stays short enough for servers on the way."""

_NO_WORD = re.compile(r"[^\w@.+-]+")


def search(session: Session, folder: Folder, text: str, limit: int) -> list[str]:
    """Ids of the newest ``limit`` mails that have the words of ``text`` one after the other, newest first."""
    # The service looks for words; quotes and the like would be its query language.
    words = _NO_WORD.sub(" ", text).strip()[:LONGEST].strip()
    if not words:
        return []
    query = quote(f'"\\"{words}\\""', safe="")
    path = f"{session.root}/mailFolders/{quote(folder.remote_id, safe='')}/messages"
    found: dict[str, str] = {}
    for page in session.pages(f"{path}?$search={query}&$select=id,receivedDateTime&$top={min(limit, 250)}"):
        found.update({each["id"]: each["receivedDateTime"] for each in page["value"]})
        if len(found) >= limit:
            break
    return sorted(found, key=lambda remote_id: moment(found[remote_id]), reverse=True)[:limit]
