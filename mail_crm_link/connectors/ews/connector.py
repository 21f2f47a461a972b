"""The contract of ``connectors.base`` for Exchange Web Services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from ..base import Changes, Content, Envelope, FetchFailure, Folder
from ..web import WebConnector, of_folder
from . import folders, listing, mails, sending
from .session import Account, Session

LONGEST = 500
"""Signs of a phrase that is searched for."""

_NO_WORD = re.compile(r"[^\w@.+-]+")


class EWSConnector(WebConnector[Session]):
    """One session with a mailbox. There is no UIDVALIDITY; a mail that moves gets another id."""

    def __init__(self, account: Account) -> None:
        super().__init__(Session(account))

    def folders(self) -> list[Folder]:
        """See ``Connector.folders``."""
        return folders.listed(self._session)

    def changes(self, folder: Folder, cursor: str | None, since: datetime | None, limit: int) -> Changes:
        """See ``Connector.changes``."""
        with of_folder(folder):
            return listing.changes(self._session, folder, cursor, since, limit)

    def reconcile(self, folder: Folder, cursor: str | None, since: datetime | None) -> Changes:
        """See ``Connector.reconcile``."""
        with of_folder(folder):
            return listing.reconcile(self._session, folder, cursor, since)

    def envelopes(self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str]) -> list[Envelope | FetchFailure]:
        """See ``Connector.envelopes``."""
        return mails.envelopes(self._session, remote_ids)

    def contents(
        self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str], whole: bool
    ) -> Iterator[Content | FetchFailure]:
        """See ``Connector.contents``. Of a large mail everything is fetched and the text kept."""
        return mails.contents(self._session, remote_ids, whole)

    def search(self, folder: Folder, uidvalidity: str, text: str, limit: int) -> list[str]:
        """See ``Connector.search``. The server looks for whole words."""
        # Quotes and the like would be its query language.
        words = _NO_WORD.sub(" ", text).strip()[:LONGEST].strip()
        if not words:
            return []
        with of_folder(folder):
            return listing.ids_in(listing.find_items(self._session, folder, query=f'"{words}"', most=limit))

    def _look_at_inbox(self) -> None:
        folders.check(self._session)

    def _mime(self, remote_id: str) -> bytes:
        return mails.raw(self._session, remote_id)

    def _find(self, folder: Folder, message_id: str) -> list[str]:
        return sending.find(self._session, folder, message_id)
