"""The contract of ``connectors.base`` for Microsoft Graph."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from ..base import Changes, Content, Envelope, FetchFailure, Folder
from ..web import WebConnector, of_folder
from . import content, folders, listing, searching, sending
from .session import Account, Json, Session

_DAY = 86_400


class GraphConnector(WebConnector[Session]):
    """One session with a mailbox. Ids stay when a mail moves, and there is no UIDVALIDITY."""

    def __init__(self, account: Account) -> None:
        super().__init__(Session(account))
        self._ahead: dict[str, Json] = {}

    def folders(self) -> list[Folder]:
        """See ``Connector.folders``."""
        return [each.folder for each in folders.listed(self._session)]

    def changes(self, folder: Folder, cursor: str | None, since: datetime | None, limit: int) -> Changes:
        """See ``Connector.changes``."""
        self._ahead.clear()
        with of_folder(folder):
            return listing.changes(self._session, folder, cursor, since, limit, _today(), self._ahead)

    def reconcile(self, folder: Folder, cursor: str | None, since: datetime | None) -> Changes:
        """See ``Connector.reconcile``."""
        with of_folder(folder):
            return listing.reconcile(self._session, folder, cursor, since, _today())

    def envelopes(self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str]) -> list[Envelope | FetchFailure]:
        """See ``Connector.envelopes``."""
        return content.envelopes(self._session, remote_ids, self._ahead)

    def contents(
        self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str], whole: bool
    ) -> Iterator[Content | FetchFailure]:
        """See ``Connector.contents``. Of a large mail everything is fetched and the text kept."""
        return content.contents(self._session, remote_ids, whole)

    def search(self, folder: Folder, uidvalidity: str, text: str, limit: int) -> list[str]:
        """See ``Connector.search``. The service looks for whole words."""
        with of_folder(folder):
            return searching.search(self._session, folder, text, limit)

    def close(self) -> None:
        """See ``Connector.close``."""
        super().close()
        self._ahead.clear()

    def _look_at_inbox(self) -> None:
        self._session.get(f"{self._session.root}/mailFolders/inbox?$select=id")

    def _mime(self, remote_id: str) -> bytes:
        return content.raw(self._session, remote_id)

    def _find(self, folder: Folder, message_id: str) -> list[str]:
        return sending.find(self._session, folder, message_id)


def _today() -> int:
    return int(time.time()) // _DAY
