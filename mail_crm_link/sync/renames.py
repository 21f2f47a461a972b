"""Which stored folder lives on under another name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..connectors.base import Folder

Key = TypeVar("Key")


def renamed(stored: Mapping[Key, tuple[str, str]], listed: Sequence[Folder]) -> dict[Key, Folder]:
    """Find the stored folders that were renamed on the server.

    A renamed folder keeps its UIDVALIDITY (RFC 9051, 6.3.6), a deleted and re-created one gets another. Servers that
    use one number for several folders tell nothing, so only numbers that are unique on both sides count; a rename
    that is missed costs a download, one that is made up costs mail.

    :param stored: key → (remote id, UIDVALIDITY, or ``""`` if none was seen yet)
    :param listed: all folders of the account
    :returns: key → the folder it is now
    """
    here = {folder.remote_id for folder in listed}
    known = {remote_id for remote_id, _ in stored.values()}
    old = Counter(uidvalidity for _, uidvalidity in stored.values())
    new = Counter(folder.uidvalidity for folder in listed)
    arrived = {
        folder.uidvalidity: folder
        for folder in listed
        if folder.uidvalidity and folder.remote_id not in known and new[folder.uidvalidity] == 1
    }
    return {
        key: arrived[uidvalidity]
        for key, (remote_id, uidvalidity) in stored.items()
        if remote_id not in here and uidvalidity in arrived and old[uidvalidity] == 1
    }
