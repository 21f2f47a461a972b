"""The rows of one mailbox, as `sync.store.MailboxStore` wants them.

This is the only place that commits. Every public method is one transaction: when it
returns, its rows are durable; when it raises, nothing of it stays. Odoo runs on
REPEATABLE READ, so two mailboxes that receive the same mail at once make one of them fail
to serialise: that step is taken again from its beginning.
"""

# pylint: disable=invalid-commit

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

from psycopg2 import DataError, errorcodes
from psycopg2.errors import (
    DeadlockDetected,
    ForeignKeyViolation,
    SerializationFailure,
    UniqueViolation,
)

from odoo.tools import SQL

from .. import connectors, sync
from ..connectors.errors import ConnectorError
from .crm_mailbox_folder import is_wanted
from .email_rows import ContentRows, EnvelopeRows, SentRows

if TYPE_CHECKING:
    from ..connectors.base import Changes, Content, Envelope, FetchFailure, Folder
    from ..sync.store import FolderState, Wanted

_logger = logging.getLogger(__name__)

# A conversation whose last mail is forgotten may get a new one at the same moment.
RETRIED = (SerializationFailure, DeadlockDetected, UniqueViolation, ForeignKeyViolation)
RETRIES = 8
TRIES_BEFORE_QUARANTINE = 3
# First key of the advisory locks that keep two runners off one mailbox.
LOCK_SPACE = 0x6D636C
# The same for two senders of one mail.
OUTBOX_LOCK_SPACE = 0x6D636D
# The same for two that send what automation asked for.
AUTOMATION_LOCK_SPACE = 0x6D636E


class OrmStore:
    """:param mailbox: the ``crm.mailbox`` record whose rows these are"""

    def __init__(self, mailbox):
        self.mailbox = mailbox.sudo()
        self.env = self.mailbox.env
        since = self.mailbox.history_from
        self.since = since.replace(tzinfo=timezone.utc) if since else None

    # --- transactions -------------------------------------------------------------------

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Hold the mailbox for this process, over all hosts; yield whether it worked.

        A lock of the session, not of the transaction: a run commits after each page. The
        server lets go of it when the process dies.
        """
        with self._locked(LOCK_SPACE, self.mailbox.id) as held:
            yield held

    @contextmanager
    def _locked(self, *key: int) -> Iterator[bool]:
        [(held,)] = self.env.execute_query(SQL("SELECT pg_try_advisory_lock(%s, %s)", *key))
        try:
            yield held
        finally:
            if held:
                self.env.cr.rollback()
                self.env.execute_query(SQL("SELECT pg_advisory_unlock(%s, %s)", *key))

    def _durably(self, step: Callable, *args):
        for retry in range(RETRIES):
            try:
                result = step(*args)
                self.env.flush_all()
                self.env.cr.commit()
                return result
            except RETRIED:
                self._rollback()
                if retry == RETRIES - 1:
                    raise
                _logger.info("Mailbox %s: step taken again", self.mailbox.id)
            except BaseException:
                self._rollback()
                raise

    def _rollback(self) -> None:
        self.env.cr.rollback()
        self.env.invalidate_all(flush=False)

    def commit(self) -> None:
        """Make durable what the caller wrote on the mailbox itself."""
        self._durably(lambda: None)

    def rollback(self) -> None:
        """Forget an unfinished step, for instance after a connector failed."""
        self._rollback()

    # --- folders ------------------------------------------------------------------------

    def save_folders(self, folders: Sequence[Folder]) -> None:
        if self._folders_differ(folders):
            self._durably(self._save_folders, folders)

    def _folders_differ(self, folders: Sequence[Folder]) -> bool:
        stored = {
            (folder.remote_id, folder.uidvalidity or "", folder.selectable)
            for folder in self.mailbox.folder_ids
            if not folder.absent_since
        }
        return stored != {(folder.remote_id, folder.uidvalidity, folder.selectable) for folder in folders}

    def _save_folders(self, folders: Sequence[Folder]) -> None:
        stored = {folder.remote_id: folder for folder in self.mailbox.folder_ids}
        self._follow_renames(stored, folders)
        for folder in folders:
            values = {
                "name": folder.name,
                "selectable": folder.selectable,
                "is_view": folder.is_view,
                "uidvalidity": folder.uidvalidity,
                "absent_since": False,
            }
            if known := stored.pop(folder.remote_id, None):
                known.write(values)
            else:
                self._create_folder(folder, values)
        for folder in stored.values():
            folder.absent_since = folder.absent_since or self.env.cr.now()
        self.mailbox.invalidate_recordset(["folder_ids"])

    def _follow_renames(self, stored: dict, folders: Sequence[Folder]) -> None:
        """A folder with another name on the server keeps its row, its mail and its cursor."""
        known = {remote_id: (remote_id, folder.uidvalidity or "") for remote_id, folder in stored.items()}
        for old, new in sync.renames.renamed(known, folders).items():
            stored[new.remote_id] = stored.pop(old)
            stored[new.remote_id].remote_id = new.remote_id

    def _create_folder(self, folder: Folder, values: dict) -> None:
        self.mailbox.folder_ids.create(
            {
                **values,
                "mailbox_id": self.mailbox.id,
                "remote_id": folder.remote_id,
                "role": folder.role,
                "sync": is_wanted(folder),
            }
        )

    def folders(self) -> list[FolderState]:
        folders = self.mailbox.folder_ids.filtered(lambda folder: folder._is_listed())
        return [
            sync.store.FolderState(
                folder.id,
                self.as_folder(folder),
                folder.cursor or None,
                folder.attempts,
                bool(folder.problem),
            )
            for folder in folders.sorted()
        ]

    @staticmethod
    def as_folder(folder) -> Folder:
        return connectors.base.Folder(folder.remote_id, folder.name, folder.role, folder.selectable)

    def folder_failed(self, key: int, error: ConnectorError) -> None:
        folder = self.env["crm.mailbox.folder"].browse(key)
        sentence = self.mailbox._sentence(error)
        if folder.problem != sentence:
            self._durably(folder.write, {"problem": sentence})

    # --- pages --------------------------------------------------------------------------

    def begin_page(self, key: int) -> None:
        self._durably(
            self.env.cr.execute,
            SQL(
                "UPDATE crm_mailbox_folder SET attempts = coalesce(attempts, 0) + 1 WHERE id = %s",
                key,
            ),
        )

    def save_page(self, key: int, changes: Changes, envelopes: Sequence[Envelope | FetchFailure]) -> None:
        self._durably(self._save_page, key, changes, envelopes)
        self.mailbox._announce_progress()

    def _save_page(self, key, changes, envelopes) -> None:
        rows = EnvelopeRows(self.mailbox, key, changes.uidvalidity)
        stored = [one for one in envelopes if isinstance(one, connectors.base.Envelope)]
        added = self._save_bisected(rows, stored)
        added += rows.save_failures([one for one in envelopes if isinstance(one, connectors.base.FetchFailure)])
        self._save_seen(key, changes)
        self._save_cursor(key, changes, added)
        self.env["crm.email"]._announce_page(
            self.mailbox, key, changes.uidvalidity, [*changes.seen, *(one.remote_id for one in stored)]
        )

    def _save_bisected(self, rows: EnvelopeRows, envelopes: Sequence[Envelope]) -> int:
        """Store envelopes; return how many are new. One that PostgreSQL refuses costs one."""
        if not envelopes:
            return 0
        try:
            with self.env.cr.savepoint():
                return rows.save(envelopes)
        except DataError as error:
            if len(envelopes) == 1:
                reason = errorcodes.lookup(error.pgcode) if error.pgcode else str(error)
                failure = connectors.base.FetchFailure(envelopes[0].remote_id, f"Not storable: {reason}")
                return rows.save_failures([failure])
        middle = len(envelopes) // 2
        return self._save_bisected(rows, envelopes[:middle]) + self._save_bisected(rows, envelopes[middle:])

    def _save_seen(self, key: int, changes: Changes) -> None:
        if not changes.seen:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_email_copy c SET seen = s.seen
                  FROM unnest(%s::text[], %s::bool[]) AS s(remote_id, seen)
                 WHERE c.folder_id = %s AND c.uidvalidity = %s
                   AND c.remote_id = s.remote_id AND c.seen IS DISTINCT FROM s.seen
                """,
                list(changes.seen),
                list(changes.seen.values()),
                key,
                changes.uidvalidity,
            )
        )

    def _save_cursor(self, key: int, changes: Changes, added: int) -> None:
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_mailbox_folder
                   SET cursor = %s, problem = NULL,
                       attempts = CASE WHEN %s THEN greatest(least(attempts - 1, %s), 0) ELSE 0 END,
                       total_count = coalesce(%s, total_count),
                       synced_count = greatest(coalesce(synced_count, 0) + %s, 0)
                 WHERE id = %s
                """,
                changes.cursor,
                changes.more,
                sync.engine.SINGLE,
                changes.expected,
                added,
                key,
            )
        )
        self.env["crm.mailbox.folder"].browse(key).invalidate_recordset(flush=False)

    def quarantine(self, key: int, changes: Changes, reason: str) -> None:
        def give_up():
            rows = EnvelopeRows(self.mailbox, key, changes.uidvalidity)
            failures = [connectors.base.FetchFailure(remote_id, reason) for remote_id in changes.added]
            added = rows.save_failures(failures, attempts=TRIES_BEFORE_QUARANTINE)
            self._save_cursor(key, replace(changes, more=False), added)

        self._durably(give_up)

    def removed(self, key: int, changes: Changes) -> None:
        def remove():
            gone = EnvelopeRows(self.mailbox, key, changes.uidvalidity).remove(changes)
            self._save_seen(key, changes)
            self._save_cursor(key, changes, -gone)
            self.env["crm.email"]._announce_page(self.mailbox, key, changes.uidvalidity, list(changes.seen))

        self._durably(remove)

    def locations(self, key: int, uidvalidity: str) -> frozenset[str]:
        rows = self.env.execute_query(
            SQL(
                "SELECT remote_id FROM crm_email_copy WHERE folder_id = %s AND uidvalidity = %s AND state != 'failed'",
                key,
                uidvalidity,
            )
        )
        self.env.cr.commit()
        return frozenset(remote_id for (remote_id,) in rows)

    # --- contents -----------------------------------------------------------------------

    def wanted(self, limit: int) -> list[Wanted]:
        rows = self.env.execute_query(
            SQL(
                """
                SELECT * FROM (
                    SELECT DISTINCT ON (e.date, e.id)
                           c.id, c.folder_id, coalesce(c.uidvalidity, ''), c.remote_id,
                           coalesce(c.size, 0), coalesce(c.attempts, 0), false AS whole
                      FROM crm_email e
                      JOIN crm_email_copy c ON c.email_id = e.id
                      JOIN crm_mailbox_folder f ON f.id = c.folder_id
                     WHERE e.body_state = 'wanted' AND c.mailbox_id = %(mailbox)s
                       AND c.state = 'ok' AND f.absent_since IS NULL
                     ORDER BY e.date DESC, e.id DESC, c.id
                     LIMIT %(limit)s) AS bodies
                UNION
                SELECT c.id, c.folder_id, coalesce(c.uidvalidity, ''), c.remote_id,
                       coalesce(c.size, 0), coalesce(c.attempts, 0),
                       -- with attachments where those of the mail are stored
                       EXISTS (SELECT FROM crm_email e JOIN ir_attachment a ON a.res_id = e.mail_message_id
                                WHERE e.id = c.email_id AND a.res_model = 'mail.message' AND a.type = 'binary')
                  FROM crm_email_copy c
                  JOIN crm_mailbox_folder f ON f.id = c.folder_id
                 WHERE c.mailbox_id = %(mailbox)s AND c.suspect AND c.state = 'ok'
                   AND f.absent_since IS NULL
                 LIMIT %(limit)s
                """,
                mailbox=self.mailbox.id,
                limit=limit,
            )
        )
        self.env.cr.commit()
        folders = self.env["crm.mailbox.folder"].browse({row[1] for row in rows})
        known = {folder.id: self.as_folder(folder) for folder in folders}
        return [
            sync.store.Wanted(key, folder_id, known[folder_id], uidvalidity, remote_id, size, tries, whole)
            for key, folder_id, uidvalidity, remote_id, size, tries, whole in rows
        ]

    def begin_contents(self, keys: Sequence[int]) -> None:
        self._durably(
            self.env.cr.execute,
            SQL(
                "UPDATE crm_email_copy SET attempts = coalesce(attempts, 0) + 1 WHERE id = ANY(%s)",
                list(keys),
            ),
        )

    def save_contents(self, wanted: Sequence[Wanted], contents: Sequence[Content | FetchFailure]) -> None:
        self._durably(self._save_contents, wanted, contents)

    def _save_contents(self, wanted: Sequence[Wanted], contents: Sequence[Content | FetchFailure]) -> None:
        ContentRows(self.mailbox).save(wanted, contents)
        if self.mailbox.state != "connecting":
            self.env["crm.email.copy"].browse(one.key for one in wanted).exists().email_id._announce_cards()

    # --- what becomes of the mailbox ----------------------------------------------------

    def sweep(self, grace: timedelta) -> None:
        """Forget unbound mail that no mailbox has had for longer than ``grace``."""
        self._durably(self.env["crm.email"]._forget_orphans, grace)

    def forget(self, limit: int) -> int:
        """Forget at most ``limit`` mails that the mailbox no longer keeps; return how many."""
        return self._durably(self.mailbox._forget_next, limit)


class OutboxStore(OrmStore):
    """A mail on its way out. What is stored here is stored before the next step is taken.

    :param draft: the ``crm.email.composer`` record
    """

    def __init__(self, draft):
        super().__init__(draft.sudo().mailbox_id.with_env(draft.sudo().env))
        self.draft = draft.sudo()

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Hold the mail for this process; yield whether it worked. A dead process holds nothing."""
        with self._locked(OUTBOX_LOCK_SPACE, self.draft.id) as held:
            yield held

    def claim(self) -> bool:
        """Count an attempt, and say that the mail is being sent, if it still is to be sent now.

        The row is written in any case, so that a change made meanwhile makes this step fail
        to serialise and be taken again.
        """

        def take() -> bool:
            taken = self.env.execute_query(
                SQL(
                    "UPDATE crm_email_composer SET state = 'sending', failures = coalesce(failures, 0) + 1"
                    " WHERE id = %s AND state IN ('scheduled', 'sending') AND send_at <= %s RETURNING id",
                    self.draft.id,
                    self.env.cr.now(),
                )
            )
            self.draft.invalidate_recordset()
            return bool(taken)

        return self._durably(take)

    def save(self, **values) -> None:
        self._durably(self.draft.write, values)

    def save_sent(self, raw: bytes, **values) -> None:
        """Store a mail that the server took."""

        def store() -> None:
            rows = SentRows(self.mailbox, self.mailbox._sent_folder().id or 0, self.draft._card_to_stay_on())
            self.draft.write({**values, "email_id": rows.save_sent(raw).id})

        self._durably(store)

    def save_copy(self, place: tuple[str, str] | None, size: int) -> None:
        """Store where the copy of a sent mail lies, as far as that is known and looked after."""

        def store() -> None:
            folder = self.mailbox._sent_folder()
            if place and folder.sync:
                rows = SentRows(self.mailbox, folder.id, self.draft.browse())
                rows.save_copy(self.draft.email_id, *place, size)
            self.draft.filed = True

        self._durably(store)


class AutomationStore(OrmStore):
    """What automation has to send, of all mailboxes: their limits hold for whatever process sends."""

    def __init__(self, env):
        super().__init__(env["crm.mailbox"])

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        with self._locked(AUTOMATION_LOCK_SPACE, 0) as held:
            # Counted is what was stored before the lock was had, not before it was asked for.
            self._rollback()
            yield held

    def take(self, step: Callable):
        """Take a step durably; return what it returns."""
        return self._durably(step)
