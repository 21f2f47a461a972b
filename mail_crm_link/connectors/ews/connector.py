"""The contract of ``connectors.base`` for Exchange Web Services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from .. import parts
from ..base import Changes, Content, Envelope, FetchFailure, Folder
from ..errors import FolderGone, MailGone, NotAllowed
from ..web import of_folder
from . import folders, listing, mails, sending
from .session import Account, Session

LONGEST = 500
"""Signs of a phrase that is searched for."""

_NO_WORD = re.compile(r"[^\w@.+-]+")


class EWSConnector:
    """One session with a mailbox. There is no UIDVALIDITY; a mail that moves gets another id."""

    def __init__(self, account: Account) -> None:
        self._session = Session(account)

    @property
    def round_trips(self) -> int:
        """Operations so far; the sign-in costs some more."""
        return self._session.round_trips

    def open(self) -> None:
        """See ``Connector.open``."""
        self._session.open()
        try:
            folders.check(self._session)
        except (MailGone, FolderGone) as error:
            raise NotAllowed("There is no such mailbox", error.detail, cause="mailbox_missing") from error

    def close(self) -> None:
        """See ``Connector.close``."""
        self._session.close()

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

    def part(self, folder: Folder, uidvalidity: str, remote_id: str, section: str) -> bytes:
        """See ``Connector.part``."""
        return parts.section(mails.raw(self._session, remote_id), section)

    def raw(self, folder: Folder, uidvalidity: str, remote_id: str) -> bytes:
        """See ``Connector.raw``."""
        return mails.raw(self._session, remote_id)

    def search(self, folder: Folder, uidvalidity: str, text: str, limit: int) -> list[str]:
        """See ``Connector.search``. The server looks for whole words."""
        # Quotes and the like would be its query language.
        words = _NO_WORD.sub(" ", text).strip()[:LONGEST].strip()
        if not words:
            return []
        with of_folder(folder):
            return listing.ids_in(listing.find_items(self._session, folder, query=f'"{words}"', most=limit))

    def find(self, folder: Folder, message_id: str) -> tuple[str, list[str]]:
        """See ``Mailbox.find``."""
        with of_folder(folder):
            return "", sending.find(self._session, folder, message_id)
