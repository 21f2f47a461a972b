"""What the engine needs from whoever keeps the mail. Every method is one transaction, or none when it reads.

A method returns when its transaction is durable, and leaves nothing behind when it raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..connectors.base import Changes, Content, Envelope, FetchFailure, Folder
from ..connectors.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder as it was stored.

    :param cursor: where its listing continues, ``None`` before the first page
    :param attempts: pages begun and not finished; more than zero when a process died over one
    :param failed: whether ``folder_failed`` was the last that was heard of it
    """

    key: int
    folder: Folder
    cursor: str | None
    attempts: int = 0
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A copy of a mail whose content is wanted and not stored yet.

    :param size: octets of the whole mail
    :param attempts: times it was begun and not finished
    :param whole: its attachments are wanted, too
    """

    key: int
    folder_key: int
    folder: Folder
    uidvalidity: str
    remote_id: str
    size: int
    attempts: int = 0
    whole: bool = False


class MailboxStore(Protocol):
    """The rows of one mailbox.

    ``since`` is the start of its window (UTC), fixed when it was connected; ``None`` means everything.
    """

    since: datetime | None

    def save_folders(self, folders: Sequence[Folder]) -> None:
        """Take over the folders that the server has now, by ``remote_id``.

        One that was renamed on the server (``renames.renamed``) keeps its row, mail and cursor. One that is missing
        stays stored: it may be back tomorrow.
        """

    def folders(self) -> list[FolderState]:
        """Folders to sync, most important first."""

    def begin_page(self, key: int) -> None:
        """Count an attempt, durably, before the page is fetched."""

    def save_page(self, key: int, changes: Changes, envelopes: Sequence[Envelope | FetchFailure]) -> None:
        """Store what a page names together with its cursor, take the attempt back, and clear the failure.

        Attempts of earlier runs stay until the folder has no ``more``: they say how small its pages have to be.

        ``envelopes`` has one value for each id of ``changes.added``, Pages may overlap.
        An empty page with the stored cursor takes an attempt back that failed for another reason than its mail.
        """

    def quarantine(self, key: int, changes: Changes, reason: str) -> None:
        """Store the only mail of a page as one that cannot be handled, with the cursor, and clear the attempts."""

    def removed(self, key: int, changes: Changes) -> None:
        """Drop the copies that ``changes.vanished`` names or that a set ``changes.present`` leaves out.

        Called after the additions of all folders, so that a moved mail is never without a copy. A set
        ``uidvalidity`` voids the copies of every other one. Stores the cursor too.
        """

    def folder_failed(self, key: int, error: ConnectorError) -> None:
        """Note why the folder could not be read, for people. Its mail stays."""

    def wanted(self, limit: int) -> list[Wanted]:
        """At most ``limit`` copies whose content is missing, newest first, without the quarantined."""

    def begin_contents(self, keys: Sequence[int]) -> None:
        """Count an attempt on each copy, durably, before they are fetched."""

    def save_contents(self, wanted: Sequence[Wanted], contents: Sequence[Content | FetchFailure]) -> None:
        """Store fetched contents, and clear the attempts of all ``wanted``, fetched or not.

        A ``FetchFailure`` is stored with its reason and not wanted again, unless somebody asks; with ``gone`` set the
        copy simply has no content any more.
        """

    def locations(self, key: int, uidvalidity: str) -> frozenset[str]:
        """Every remote id of the folder that is stored or has a reason why it is not."""
