"""Mailboxes whose servers tell of new mail by themselves, and the process that listens to them.

``odoo mail_crm_watch`` runs beside the server. It fetches nothing: news are a hint, upon which the scheduled
synchronisation comes at once instead of within a minute. Without the process, mail comes within that minute.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import sync
from ..connectors import imap
from ..connectors.errors import ConnectorError

if TYPE_CHECKING:
    from ..sync.watcher import Target

_logger = logging.getLogger(__name__)

# Key of the advisory lock that lets one process watch a database.
WATCH_LOCK = 0x6D636C77
# When a process that was not heard of any more is taken for dead.
SILENCE = timedelta(seconds=90)
FRESH_NEWS = timedelta(minutes=5)
RETRY_SECONDS = 5.0
WATCHED_STATES = ("connecting", "connected", "waiting")


class CrmMailboxWatcher(models.Model):
    _name = "crm.mailbox.watcher"
    _description = "Process That Waits for New Mail"

    host = fields.Char(required=True)
    pid = fields.Integer(required=True)
    seen = fields.Datetime("Last sign of life", required=True)

    @api.model
    def _is_alive(self) -> bool:
        return bool(self.search_count([("seen", ">", fields.Datetime.now() - SILENCE)], limit=1))

    @api.model
    def _beat(self) -> None:
        """Say that this process is alive; the only one there is, as it has the lock."""
        values = {"host": socket.gethostname(), "pid": os.getpid(), "seen": fields.Datetime.now()}
        known = self.search([], limit=1)
        if known:
            known.write(values)
        else:
            self.create(values)


class CrmMailboxWatch(models.Model):
    """A row of its own: the synchronisation is at work on the mailbox's, and each would make the other fail."""

    _name = "crm.mailbox.watch"
    _description = "Watched Mailbox"

    mailbox_id = fields.Many2one("crm.mailbox", required=True, ondelete="cascade")
    is_live = fields.Boolean()
    news_at = fields.Datetime()

    _mailbox_uniq = models.UniqueIndex("(mailbox_id)")

    @api.model
    def _note(self, mailbox, **values) -> None:
        known = self.search([("mailbox_id", "=", mailbox.id)])
        if known:
            known.write(values)
        else:
            self.create({"mailbox_id": mailbox.id, **values})


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    arrival = fields.Selection(
        [("at_once", "At once"), ("scheduled", "Within a minute")],
        "New mail comes",
        compute="_compute_arrival",
    )

    def _compute_arrival(self):
        # sudo: whether somebody listens is no secret
        watches = self.env["crm.mailbox.watch"].sudo()
        live = watches.search([("mailbox_id", "in", self.ids), ("is_live", "=", True)]).mailbox_id
        if not self.env["crm.mailbox.watcher"].sudo()._is_alive():
            live = live.browse()
        for mailbox in self:
            mailbox.arrival = "at_once" if mailbox.sudo()._origin in live else "scheduled"

    def _due(self):
        """Mailboxes with news come first."""
        recent = fields.Datetime.now() - FRESH_NEWS
        news = self.env["crm.mailbox.watch"].search([("news_at", ">", recent)]).mailbox_id
        return super()._due().sorted(lambda mailbox: mailbox not in news)

    @api.model
    def _watch_targets__(self) -> dict[int, Target]:
        """Return what can be listened to, by id; connectors hold secrets."""
        mailboxes = self.search([("state", "in", WATCHED_STATES), ("provider", "=", "imap")])
        return {mailbox.id: target for mailbox in mailboxes if (target := mailbox._watch_target__())}

    def _watch_target__(self) -> Target | None:
        try:
            connector = self._connector()
        except (ConnectorError, UserError):
            # The synchronisation tells its owner.
            return None
        return sync.watcher.Target(self._watch_signature__(connector), connector.idle)

    def _watch_signature__(self, connector: imap.IMAPConnector) -> str:
        """Return what changes with the sign-in, without telling it."""
        return hashlib.sha256(repr((connector.signature(), self._network())).encode()).hexdigest()

    def _note_news(self) -> None:
        """Have the cron synchronise this mailbox before the others, now."""
        if self and self.state in WATCHED_STATES:
            self.env["crm.mailbox.watch"]._note(self, news_at=fields.Datetime.now())
            self.env.ref("mail_crm_link.cron_sync")._trigger()


class DatabaseWatch:
    """Listens for the mailboxes of a database, when no other process does.

    :param registry: of the database
    """

    def __init__(self, registry) -> None:
        self._registry = registry

    def run(self, stop: threading.Event) -> None:
        """Listen until ``stop``, also after PostgreSQL was away."""
        while not stop.is_set():
            try:
                self._run(stop)
            except psycopg2.Error as error:
                _logger.warning("%s: the database is away: %s", self._registry.db_name, error)
                stop.wait(RETRY_SECONDS)

    def _run(self, stop: threading.Event) -> None:
        with self._registry.cursor() as lock:
            lock.execute(SQL("SELECT pg_try_advisory_lock(%s)", WATCH_LOCK))
            (mine,) = lock.fetchone()
            # The lock is the session's; a transaction that stays open would hold up PostgreSQL.
            lock.rollback()
            if not mine:
                stop.wait(RETRY_SECONDS)
                return
            _logger.info("%s: listening for new mail", self._registry.db_name)
            try:
                self._forget()
                sync.watcher.Watcher(self._wanted, self._news, self._state).run(stop)
            finally:
                lock.execute(SQL("SELECT pg_advisory_unlock(%s)", WATCH_LOCK))

    def _wanted(self) -> dict[int, Target]:
        """The mailboxes, and a sign of life."""
        self._registry = self._registry.check_signaling()
        with self._environment() as env:
            env["crm.mailbox.watcher"]._beat()
            return env["crm.mailbox"]._watch_targets__()

    def _forget(self) -> None:
        """What another process listened to before does not count any more."""
        with self._environment() as env:
            env["crm.mailbox.watch"].search([("is_live", "=", True)]).is_live = False

    def _news(self, mailbox_id: int) -> None:
        with self._environment() as env:
            env["crm.mailbox"].browse(mailbox_id).exists()._note_news()

    def _state(self, mailbox_id: int, is_live: bool) -> None:
        with self._environment() as env:
            mailbox = env["crm.mailbox"].browse(mailbox_id).exists()
            if mailbox:
                env["crm.mailbox.watch"]._note(mailbox, is_live=is_live)

    @contextmanager
    def _environment(self) -> Iterator[api.Environment]:
        """A transaction of its own."""
        with self._registry.cursor() as cursor:
            yield api.Environment(cursor, SUPERUSER_ID, {})
