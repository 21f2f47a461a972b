"""What every provider of mail offers, in one vocabulary.

A connector talks to one account of one provider and decides nothing: it raises (``errors``), never waits, keeps
nothing between two sessions but the cursors it hands out, and never changes anything on the server.

The caller asks in this order, and may stop after any step::

    open ─► folders ─► changes ─► envelopes ─► contents ─► close
                          ▲           │
                          └── more ◄──┘

``tests/connectors/contract.py`` is the same in executable form; every connector passes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

Role = Literal["inbox", "sent", "archive", "drafts", "junk", "trash", "other"]

HEADER_FIELDS: tuple[str, ...] = (
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Thread-Index",
    "Content-Type",
    "Return-Path",
    "Delivered-To",
    "X-Original-To",
    "Auto-Submitted",
    "Precedence",
    "List-Id",
    "List-Unsubscribe",
    "List-Post",
    "Feedback-ID",
    "X-Auto-Response-Suppress",
    "X-Autoreply",
    "X-Autorespond",
    "X-Auto-Reply-From",
    "X-Failed-Recipients",
    "X-Loop",
    "X-Mailer",
)
"""The header fields an envelope carries: who, when, what about, which conversation, and what tells automatic mail."""

WHOLE_LIMIT = 64 * 1024
"""Octets up to which a mail is fetched whole, because one round trip for all is cheaper than its structure first."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the account.

    :param remote_id: the provider's stable name of it (IMAP: the decoded full name)
    :param name: path for people, levels separated by ``/``
    :param role: what the folder is for
    :param selectable: whether it can hold mail at all
    :param uidvalidity: generation of its ids, ``""`` where unknown; a renamed folder keeps it
    """

    remote_id: str
    name: str
    role: Role
    selectable: bool = True
    uidvalidity: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the list of a folder tells of one mail, without its body.

    :param remote_id: the provider's id within the folder (IMAP: the UID as decimal text)
    :param header: raw header, at least the fields of ``HEADER_FIELDS`` that the mail has
    :param size: octets of the whole mail
    :param received: when the server took it, aware UTC
    :param seen: whether it is marked as read
    """

    remote_id: str
    header: bytes
    size: int
    received: datetime
    seen: bool


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """One mail that could not be fetched, while those beside it could.

    :param reason: for the log and the administrator
    :param gone: it was deleted on the server meanwhile, which is no fault
    """

    remote_id: str
    reason: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """One step of what is new in a folder since a cursor; ids only, nothing is fetched yet.

    :param uidvalidity: generation of the ids, ``""`` where the provider has none; compare with ``!=``
    :param cursor: to be stored in the transaction that stores what this step names; ``None`` stands for "nothing
        listed so far", no connector returns it
    :param added: ids to fetch next, newest first
    :param seen: read flags that changed, of mail that may have been reported before
    :param present: all ids of the folder by a complete and confirmed listing, else ``None``. A mail of the folder
        that is not in it is gone; nothing but this and ``vanished`` says so
    :param vanished: ids that the server itself said are gone
    :param more: there is more to list; call again at once with ``cursor``
    :param doubtful: the server counts other mail than was listed; only ``reconcile`` tells what happened
    :param expected: mails in the folder within the window, for the progress shown to people; ``None`` where unknown
    :param unchanged: nothing happened at all, there is nothing to write
    """

    uidvalidity: str
    cursor: str | None
    added: tuple[str, ...] = ()
    seen: Mapping[str, bool] = field(default_factory=dict)
    present: frozenset[str] | None = None
    vanished: tuple[str, ...] = ()
    more: bool = False
    doubtful: bool = False
    expected: int | None = None
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a mail's MIME tree.

    :param section: IMAP section number such as ``2.1`` (RFC 9051, 6.4.5.1), used for all providers
    :param content_type: ``text/html``, lower case
    :param disposition: ``inline``, ``attachment`` or ``""``
    :param size: octets; of the decoded content where it is known, else estimated
    :param content: octets without the transfer encoding; ``None`` when they were not fetched
    """

    section: str
    content_type: str
    charset: str | None
    disposition: str
    filename: str | None
    content_id: str | None
    size: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Content:
    """The content of one mail: whole (``raw``), or its header, its text parts and a list of the other parts.

    :param raw: the mail as it is on the server; ``None`` when only some of its parts were fetched
    :param header: the complete raw header
    :param parts: all leaves of the MIME tree in order; empty when ``raw`` is given
    """

    remote_id: str
    raw: bytes | None
    header: bytes
    parts: tuple[Part, ...] = ()


class Connector(Protocol):
    """One account at one provider. Every method may raise any ``ConnectorError`` but for the notes below.

    After ``Transient`` the session is not used again: ``close`` it, and ``open`` a new one later.
    """

    def open(self) -> None:
        """Connect and sign in.

        :raises SignInNeeded: the owner has to enter or renew credentials
        :raises NotAllowed: the account exists, and may not be used this way
        :raises Transient: the network or the server fails at the moment
        :raises ProviderBroken: what answers does not speak the protocol
        """

    def close(self) -> None:
        """Leave. Never raises, and may be called at any time and twice."""

    def folders(self) -> list[Folder]:
        """List all folders of the account."""

    def changes(self, folder: Folder, cursor: str | None, since: datetime | None, limit: int) -> Changes:
        """One step of what happened since ``cursor``; the mail received before ``since`` (UTC) is left out.

        ``None`` as cursor begins from nothing. At most ``limit`` ids are in ``added``.

        :raises FolderGone: this folder is not there or may not be read
        :raises CursorExpired: the provider forgot; ``reconcile`` finds by difference what happened
        """

    def reconcile(self, folder: Folder, cursor: str | None, since: datetime | None) -> Changes:
        """List the folder completely: ``present`` has all its ids, ``added`` those within the window, newest first.

        The caller, who knows what is stored, takes the differences. ``present`` is ``None`` and ``doubtful`` set when
        the listing could not be confirmed, because the folder changed meanwhile or the answer was short.
        """

    def envelopes(self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str]) -> list[Envelope | FetchFailure]:
        """Fetch envelopes; one result for each id, in their order.

        :raises CursorExpired: the folder's ``uidvalidity`` is another by now
        """

    def contents(
        self, folder: Folder, uidvalidity: str, remote_ids: Sequence[str], whole: bool
    ) -> Iterator[Content | FetchFailure]:
        """Fetch contents; one result for each id, in any order, while the connection holds.

        :param whole: everything, attachments too; else mails up to ``WHOLE_LIMIT`` whole, of larger ones the text
        :raises CursorExpired: the folder's ``uidvalidity`` is another by now
        """

    def part(self, folder: Folder, uidvalidity: str, remote_id: str, section: str) -> bytes:
        """Fetch one part without its transfer encoding.

        :raises MailGone: the mail is not in the folder any more, or has no such part
        """

    def raw(self, folder: Folder, uidvalidity: str, remote_id: str) -> bytes:
        """Fetch one mail whole, byte by byte as it is on the server.

        :raises MailGone: the mail is not in the folder any more
        """
