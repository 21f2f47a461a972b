"""A mailbox that somebody connected, and the states it goes through.

::

                 action_connect                first pass done
      draft ───────────────────► connecting ───────────────────► connected
                                     │  ▲                          │  ▲
               sign-in refused       ▼  │ action_connect           ▼  │ next try works
                                    error ◄──────────────────── waiting
                                            sign-in refused   (server away, throttled)

    action_pause: from any of these to paused; action_resume: back to connecting
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import email_normalize, email_normalize_all

from .. import sync
from ..connectors import imap
from ..connectors.errors import ConnectorError, NotAllowed, SignInNeeded, Transient
from .connection_causes import sentence
from .crm_mailbox_rule import DEFAULT_TARGETS
from .orm_store import OrmStore

if TYPE_CHECKING:
    from ..connectors.sasl import Token
    from ..sync.engine import Engine, Outcome

_logger = logging.getLogger(__name__)

# Seconds that "Sync now" works in the caller's request, and that one mailbox gets in a cron
# run before the next one's turn.
REQUEST_SECONDS = 20
TURN_SECONDS = 60
# What a folder is forgotten after: a mail that is moved is nowhere for a moment.
ORPHAN_GRACE = timedelta(days=7)
AUDIT_INTERVAL = timedelta(hours=20)
# How old the shown time of the last synchronisation may be.
LAST_SYNC_PRECISION = timedelta(minutes=5)

IMAP_PORTS = {"ssl": 993, "starttls": 143, "none": 143}
# What is for nobody to write but the synchronisation.
OWN_DOING = {
    "connected_at",
    "forgetting",
    "history_from",
    "last_audit",
    "last_sync",
    "next_sync",
    "own_addresses",
    "provisional",
    "state",
}
# What past mail is bound anew after.
BINDING_FIELDS = {"aliases", "crm_link", "link_mode", "sync_scope"}
# A stored password goes only to the servers it was given for.
SIGN_IN_FIELDS = {
    "ews_server",
    "ews_username",
    "imap_host",
    "imap_port",
    "imap_security",
    "login",
    "smtp_host",
    "smtp_port",
    "smtp_security",
}


class CrmMailbox(models.Model):
    _name = "crm.mailbox"
    _description = "Connected Mailbox"
    _order = "user_id, id"
    _check_company_auto = True
    _inherit = ["bus.listener.mixin"]

    name = fields.Char(compute="_compute_name", store=True, readonly=False)
    email = fields.Char("Address", required=True)
    email_normalized = fields.Char(compute="_compute_email_normalized", store=True, index=True)
    aliases = fields.Char(
        "Other own addresses",
        help="Further addresses of this mailbox, separated by commas. Like its address, they are never bound to cards.",
    )
    own_addresses = fields.Json(compute="_compute_own_addresses", store=True)
    provider = fields.Selection([("imap", "IMAP")], required=True, default="imap")
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        required=True,
        index=True,
        default=lambda self: self.env.uid,
        domain=[("share", "=", False)],
        check_company=True,
        ondelete="restrict",
    )
    access = fields.Selection(
        [("personal", "Personal"), ("shared", "Shared")],
        required=True,
        default="personal",
    )
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    active = fields.Boolean(default=True)

    # --- state --------------------------------------------------------------------------
    state = fields.Selection(
        [
            ("draft", "Not connected"),
            ("connecting", "First synchronisation"),
            ("connected", "Connected"),
            ("error", "Needs attention"),
            ("waiting", "Waiting"),
            ("paused", "Paused"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        index=True,
    )
    status_message = fields.Char("Status", readonly=True, copy=False)
    last_sync = fields.Datetime("Last synchronisation", readonly=True, copy=False)
    last_audit = fields.Datetime(readonly=True, copy=False)
    next_sync = fields.Datetime("Next synchronisation", readonly=True, copy=False, index=True)
    failures = fields.Integer(readonly=True, copy=False, groups=fields.NO_ACCESS)

    # --- server -------------------------------------------------------------------------
    imap_host = fields.Char("IMAP server")
    imap_port = fields.Integer("IMAP port", compute="_compute_imap_port", store=True, readonly=False)
    imap_security = fields.Selection(
        [("ssl", "TLS"), ("starttls", "STARTTLS"), ("none", "None")],
        "IMAP encryption",
        required=True,
        default="ssl",
    )
    smtp_host = fields.Char("SMTP server")
    smtp_port = fields.Integer("SMTP port", default=587)
    smtp_security = fields.Selection(
        [("ssl", "TLS"), ("starttls", "STARTTLS"), ("none", "None")],
        "SMTP encryption",
        default="starttls",
    )
    login = fields.Char("User name", help="Empty: the address.")
    password = fields.Char(compute="_compute_password", readonly=False, copy=False)
    has_password = fields.Boolean(compute="_compute_has_password")

    # --- what is synchronised and bound -------------------------------------------------
    crm_link = fields.Boolean(
        "Establish connections with CRM",
        default=True,
        help="Off: mail can be read here, and nothing is bound to cards.",
    )
    link_mode = fields.Selection(
        [("automatic", "Automatic"), ("manual", "By hand")],
        required=True,
        default="automatic",
    )
    sync_scope = fields.Selection(
        [
            ("all", "All contacts"),
            ("open_deals", "Primary contacts of open opportunities"),
        ],
        required=True,
        default="all",
    )
    visibility = fields.Selection(
        [
            ("public", "Everybody who sees the card reads it"),
            ("subject", "Others see date, people and subject"),
            ("private", "Others see only that there was a mail"),
        ],
        required=True,
        default="private",
    )
    store_attachments = fields.Boolean(
        help="Off: attachments of larger mails stay on the mail server until somebody opens them."
    )
    history_days = fields.Integer("Days of history", default=365, help="How far back mail is fetched; 0: all of it.")
    history_from = fields.Datetime(readonly=True, copy=False)
    connected_at = fields.Datetime(readonly=True, copy=False, help="Mail from before is history: never a to-do (UTC).")
    todo_days = fields.Integer("Answer within days", default=1, help="When the to-do of a new mail is due.")
    todo_activity_type_id = fields.Many2one("mail.activity.type", "Activity of a new mail", ondelete="set null")
    rule_ids = fields.One2many("crm.mailbox.rule", "mailbox_id", "Scenarios", context={"active_test": False})
    folder_ids = fields.One2many("crm.mailbox.folder", "mailbox_id", "Folders")

    # --- figures ------------------------------------------------------------------------
    email_count = fields.Integer("Emails", compute="_compute_email_count")
    to_process_count = fields.Integer("To process", compute="_compute_email_count")
    problem_count = fields.Integer("Not readable", compute="_compute_problem_count")

    _email_uniq = models.UniqueIndex(
        "(user_id, email_normalized) WHERE active IS TRUE",
        "You have connected this address already.",
    )

    # ------------------------------------------------------------------------------------
    # Computed
    # ------------------------------------------------------------------------------------

    @api.depends("email")
    def _compute_name(self):
        for mailbox in self:
            mailbox.name = mailbox.name or mailbox.email

    @api.depends("email")
    def _compute_email_normalized(self):
        for mailbox in self:
            mailbox.email_normalized = email_normalize(mailbox.email)

    @api.depends("email", "aliases", "login")
    def _compute_own_addresses(self):
        for mailbox in self:
            texts = (mailbox.email, mailbox.aliases, mailbox.login)
            mailbox.own_addresses = email_normalize_all(", ".join(filter(None, texts)))

    @api.constrains("email", "email_normalized")
    def _check_email(self):
        """What is computed may be written by clients, too; whoever signs in for others is told this address."""
        for mailbox in self:
            if not mailbox.email_normalized or mailbox.email_normalized != email_normalize(mailbox.email):
                raise ValidationError(self.env._("“%s” is not an email address.", mailbox.email))

    @api.constrains("history_days")
    def _check_history_days(self):
        if any(mailbox.history_days < 0 for mailbox in self):
            raise ValidationError(self.env._("The days of history are a number of days, or 0 for all."))

    @api.depends("imap_security")
    def _compute_imap_port(self):
        for mailbox in self:
            if not mailbox.imap_port or mailbox.imap_port in IMAP_PORTS.values():
                mailbox.imap_port = IMAP_PORTS[mailbox.imap_security or "ssl"]

    def _compute_password(self):
        """Written, never read: the form shows an empty field."""
        self.password = False

    def _store_password(self, password: str | None) -> None:
        """Taken out of the values before the ORM sees them: it would answer with it."""
        # sudo: nobody has rights on secrets; write access to the mailbox was checked
        secrets = self.env["crm.mailbox.secret"].sudo()
        for mailbox in self if password else ():
            secrets._store__(mailbox, "password", password)

    def _compute_has_password(self):
        # sudo: that there is a password is no secret to who may see the mailbox
        secrets = self.env["crm.mailbox.secret"].sudo()
        known = secrets.search([("mailbox_id", "in", self.ids), ("kind", "=", "password")]).mailbox_id
        for mailbox in self:
            mailbox.has_password = mailbox._origin in known

    def _compute_email_count(self):
        # sudo: numbers of the mailbox, for those who may see the mailbox
        emails = self.env["crm.email"].sudo()
        of_mailbox = [("mailbox_ids", "in", self.ids)]
        waiting = [*of_mailbox, ("state", "=", "to_process")]
        counts, to_process = (
            dict(emails._read_group(domain, ["mailbox_ids"], ["__count"])) for domain in (of_mailbox, waiting)
        )
        for mailbox in self:
            key = mailbox.sudo()._origin
            mailbox.email_count = counts.get(key, 0)
            mailbox.to_process_count = to_process.get(key, 0)

    def _compute_problem_count(self):
        counts = dict(
            self.env["crm.email.copy"]
            .sudo()
            ._read_group(
                [("mailbox_id", "in", self.ids), ("state", "in", ("failed", "quarantined"))],
                ["mailbox_id"],
                ["__count"],
            )
        )
        for mailbox in self:
            mailbox.problem_count = counts.get(mailbox.sudo()._origin, 0)

    # ------------------------------------------------------------------------------------
    # Changes
    # ------------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        passwords = [vals.get("password") for vals in vals_list]
        mailboxes = super().create([_without_password(vals) for vals in vals_list])
        for mailbox, password in zip(mailboxes, passwords, strict=True):
            mailbox._store_password(password)
        mailboxes._create_rules()
        return mailboxes

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_mail(self):
        """The visibility of mail on cards is its mailbox's."""
        for mailbox in self:
            if mailbox.sudo().with_context(active_test=False).email_count:
                raise UserError(
                    self.env._(
                        "The mail of %s stands on cards and would lose its owner. Disconnect or"
                        " archive the mailbox instead.",
                        mailbox.name,
                    )
                )

    def _create_rules(self) -> None:
        """Every mailbox has its three scenarios, off until the owner switches them on."""
        self.env["crm.mailbox.rule"].create(
            [
                {
                    "mailbox_id": mailbox.id,
                    "scenario": scenario,
                    "active": False,
                    "user_id": mailbox.user_id.id,
                }
                for mailbox in self
                for scenario in DEFAULT_TARGETS
                if scenario not in mailbox.rule_ids.mapped("scenario")
            ]
        )

    def _binds_automatically(self) -> bool:
        return self.crm_link and self.link_mode == "automatic"

    def write(self, vals):
        if not self.env.su and OWN_DOING & vals.keys():
            raise AccessError(self.env._("The state of a mailbox follows from what happens to it."))
        moved = self._moved_away(vals)
        result = super().write(_without_password(vals))
        self._store_password(vals.get("password"))
        if moved:
            moved._forget_password()
        if "history_days" in vals:
            self.filtered("connected_at")._start_history()
        if BINDING_FIELDS & vals.keys():
            self.env["crm.email.relink"].sudo()._enqueue_mailboxes(self)
        return result

    def _moved_away(self, vals):
        """Return the mailboxes whose sign-in changes without a new password."""
        if vals.get("password") or not SIGN_IN_FIELDS & vals.keys():
            return self.browse()
        return self._changed_by(vals, SIGN_IN_FIELDS)

    def _changed_by(self, vals: dict, names: set[str]):
        """Return the mailboxes in which ``vals`` makes one of the fields another."""
        return self.filtered(
            lambda mailbox: any((mailbox[name] or False) != (vals[name] or False) for name in names & vals.keys())
        )

    def _forget_password(self) -> None:
        """A password must not reach a server that it was not given for."""
        # sudo: nobody has rights on secrets; write access to the mailbox was checked
        secrets = self.env["crm.mailbox.secret"].sudo()
        for mailbox in self:
            secrets._store__(mailbox, "password", "")

    def _start_history(self) -> None:
        """Fix the start of the window, and list the folders again for what it adds."""
        # sudo: where the window begins follows from how many days the owner chose
        for mailbox in self.sudo():
            mailbox.history_from = (
                fields.Datetime.now() - timedelta(days=mailbox.history_days) if mailbox.history_days else False
            )
        self.sudo().folder_ids.write({"cursor": False})
        self._sync_soon()

    # ------------------------------------------------------------------------------------
    # Connection
    # ------------------------------------------------------------------------------------

    def _connector(self):
        """Return the connector of this mailbox's provider, not opened yet."""
        self.ensure_one()
        return getattr(self, f"_connector_{self.provider}")()

    def _connector_imap(self) -> imap.IMAPConnector:
        secrets = self.env["crm.mailbox.secret"].sudo()
        return imap.IMAPConnector(
            self.imap_host or "",
            self.imap_port,
            self.imap_security,
            self.login or self.email,
            secrets._reveal__(self, "password"),
            token=self._sign_in_token__(),
            network=self._network(),
        )

    def _sign_in_token__(self) -> Token | None:
        """Return what gives access tokens, where they take the place of the password."""
        return None

    @contextmanager
    def _opened(self) -> Iterator:
        """Yield the connector, signed in.

        :raise ConnectorError: by consequence, see `connectors.errors`
        """
        connector = self._connector()
        try:
            connector.open()
            yield connector
        finally:
            connector.close()

    def _sentence(self, error: ConnectorError) -> str:
        return sentence(self.env, error, self.imap_host or "", self.login or self.email)

    def _failure_values(self, error: ConnectorError) -> dict:
        """Return what is stored of a failure, to be shown to its owner, whoever found out."""
        return {"status_message": self.with_context(lang=self.user_id.lang)._sentence(error)}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what a connector raises into a sentence for people."""
        try:
            yield
        except ConnectorError as error:
            raise UserError(self.with_context(crm_mailbox_waited_for=True)._sentence(error)) from error

    def action_test_connection(self) -> dict:
        """Sign in and list the folders, and say so; nothing is changed."""
        self.ensure_one()
        self._check_complete()
        with self._explained(), self._opened() as connector:
            count = len(connector.folders())
        return self._notification(self.env._("It works: signed in, %d folders found.", count))

    def action_connect(self) -> bool:
        """Sign in, find the folders, and leave the first synchronisation to the cron.

        :raise UserError: what is wrong and what to do about it; nothing is changed then
        """
        for mailbox in self:
            mailbox._check_complete()
            with mailbox._explained(), mailbox._opened() as connector:
                folders = connector.folders()
            mailbox.sudo()._connected(folders)
        return True

    def _connected(self, folders) -> None:
        if not self.history_from and self.history_days:
            self.history_from = fields.Datetime.now() - timedelta(days=self.history_days)
        OrmStore(self)._save_folders(folders)
        self.write(
            {
                "connected_at": self.connected_at or fields.Datetime.now(),
                "state": "connecting",
                "status_message": False,
                "failures": 0,
            }
        )
        self._sync_soon()

    def _check_complete(self) -> None:
        self.ensure_one()
        self.check_access("write")
        missing = [
            label
            for label, value in (
                (self.env._("IMAP server"), self.imap_host),
                (self.env._("Password"), self.has_password),
            )
            if not value
        ]
        if missing:
            raise UserError(self.env._("Please fill in: %s.", ", ".join(missing)))

    def _notification(self, message: str, kind: str = "success") -> dict:
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"message": message, "type": kind, "sticky": False},
        }

    def _todo_activity_type(self):
        return self.todo_activity_type_id or self.env.ref("mail_crm_link.mail_activity_type_answer")

    # ------------------------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------------------------

    def action_sync_now(self) -> bool:
        """Synchronise for at most 20 seconds; the cron does what is left.

        Works with any client: one without a cron gets to the end by calling again.
        """
        self.check_access("write")
        deadline = time.monotonic() + REQUEST_SECONDS
        for mailbox in self:
            if mailbox.state in ("draft", "paused"):
                raise UserError(self.env._("Connect or resume the mailbox %s first.", mailbox.name))
            error = mailbox.sudo()._sync(deadline)
            if error:
                raise UserError(mailbox._sentence(error))
            mailbox.sudo().last_sync = fields.Datetime.now()
        return True

    def action_pause(self) -> bool:
        self.check_access("write")
        self.sudo().write({"state": "paused", "next_sync": False})
        return True

    def action_resume(self) -> bool:
        """Go on where the mailbox stopped."""
        self.check_access("write")
        self.sudo().write({"state": "connecting", "status_message": False})
        self._sync_soon()
        return True

    def action_disconnect(self) -> bool:
        """Forget the password and stop; what was synchronised stays."""
        self.check_access("write")
        self._forget_password()
        self.sudo().write({"state": "draft", "next_sync": False, "status_message": False})
        return True

    def action_audit(self) -> dict:
        """Compare every folder with the database, repair, and say what was found."""
        self.ensure_one()
        self.check_access("write")
        if self.state in ("draft", "paused"):
            raise UserError(self.env._("Connect or resume the mailbox first."))
        with self._explained():
            report = self.sudo()._audit()
        return self._notification(self._audit_sentence(report))

    def _sync_soon(self) -> None:
        """Have the cron look after these mailboxes at once."""
        self.sudo().write({"next_sync": False})
        if cron := self.env.ref("mail_crm_link.cron_sync", raise_if_not_found=False):
            cron._trigger()

    # ------------------------------------------------------------------------------------
    # Synchronisation
    # ------------------------------------------------------------------------------------

    @api.model
    def _cron_sync(self) -> None:
        """Give each mailbox that is due its turn; the longest waiting one first."""
        cron = self.env["ir.cron"]
        due = self._due()
        seconds = cron._commit_progress(remaining=len(due))
        for mailbox in due:
            if seconds <= 0:
                break
            finished = mailbox._sync_guarded(min(seconds, TURN_SECONDS))
            # What is left over counts as work: the cron comes back at once.
            seconds = cron._commit_progress(1, remaining=None if finished else len(due))

    def _due(self):
        return self.search(
            [
                ("state", "in", ("connecting", "connected", "waiting")),
                "|",
                ("next_sync", "=", False),
                ("next_sync", "<=", fields.Datetime.now()),
            ],
            order="last_sync NULLS FIRST, id",
        )

    def _sync_guarded(self, seconds: float) -> bool:
        """Synchronise one mailbox; whatever goes wrong stays its own matter."""
        try:
            self._sync(time.monotonic() + seconds)
        except Exception:  # the guard around one mailbox: the others must have their turn
            _logger.exception("Mailbox %s: synchronisation failed", self.id)
            OrmStore(self).rollback()
            self._note_failure(
                Transient("unexpected", cause="unexpected"),
            )
        return self.state != "connecting"

    def _sync(self, deadline: float) -> ConnectorError | None:
        """Synchronise until ``deadline`` (`time.monotonic`); return what stopped it.

        One runner at a time: when another one has the mailbox, nothing happens.
        """
        store = OrmStore(self)
        with store.exclusive() as mine:
            if not mine:
                return None
            try:
                outcome = self._engine(store).run(deadline)
            except ConnectorError as error:
                # The account cannot even be asked for: its password cannot be read.
                self._note_failure(error)
                return error
            if outcome.error:
                self._note_failure(outcome.error, bool(outcome.envelopes or outcome.contents))
            else:
                self._note_success(outcome)
        return outcome.error

    def _engine(self, store: OrmStore) -> Engine:
        return sync.engine.Engine(self._connector(), store, time.monotonic, whole=self.store_attachments)

    def _note_success(self, outcome: Outcome) -> None:
        """Store the state after a run; one that found nothing new writes nothing.

        But now and then, so that people see that the mailbox is looked after.
        """
        now = fields.Datetime.now()
        values = {}
        if self._stopped_meanwhile():
            return
        if outcome.finished and self.state != "connected":
            values.update(state="connected", status_message=False)
        if self.failures:
            values.update(failures=0, next_sync=False)
        stale = not self.last_sync or now - self.last_sync > LAST_SYNC_PRECISION
        changed = outcome.envelopes or outcome.contents or outcome.failures
        if not (values or stale or changed):
            return
        self.write({**values, "last_sync": now})
        OrmStore(self).commit()
        self._announce_progress(force=True)

    def _stopped_meanwhile(self) -> bool:
        """Whether somebody paused or disconnected the mailbox while it was synchronised."""
        self.invalidate_recordset(["state"])
        return self.state in ("draft", "paused")

    def _note_failure(self, error: ConnectorError, progressed: bool = False) -> None:
        """Store why a run ended early, and when the next one begins.

        :param progressed: it stored mail before; who is told to go slowly goes on as soon as it may
        """
        _logger.info("Mailbox %s: %s", self.id, error)
        if self._stopped_meanwhile():
            return
        failures = 1 if progressed else self.failures + 1
        values = {**self._failure_values(error), "failures": failures}
        if isinstance(error, SignInNeeded | NotAllowed):
            values.update(state="error", next_sync=False)
        else:
            seconds = sync.backoff.pause(error, failures, random.random())  # nosec B311 # it spreads, and guards nothing
            going_on = progressed and error.cause == "throttled" and self.state == "connecting"
            values.update(
                state="connecting" if going_on else "waiting",
                next_sync=fields.Datetime.now() + timedelta(seconds=seconds),
            )
        self.write(values)
        OrmStore(self).commit()
        self._announce_progress(force=True)

    # ------------------------------------------------------------------------------------
    # Audit
    # ------------------------------------------------------------------------------------

    @api.model
    def _cron_audit(self) -> None:
        """Compare all mailboxes with the database, and forget what nobody has any more."""
        latest = fields.Datetime.now() - AUDIT_INTERVAL
        due = self.search(
            [("state", "=", "connected"), "|", ("last_audit", "=", False), ("last_audit", "<", latest)],
            order="last_audit NULLS FIRST, id",
        )
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(due))
        for mailbox in due:
            mailbox._audit_guarded()
            if not cron._commit_progress(1):
                return

    def _audit_guarded(self) -> None:
        try:
            self._audit()
        except ConnectorError as error:
            OrmStore(self).rollback()
            self._note_failure(error)
        except UserError as error:
            OrmStore(self).rollback()
            self.status_message = str(error)
        except Exception:  # the guard around one mailbox: the others must have their turn
            _logger.exception("Mailbox %s: audit failed", self.id)
            OrmStore(self).rollback()
        self.last_audit = fields.Datetime.now()

    def _audit(self):
        """Compare and repair; return the engine's report, None while a sync is running."""
        store = OrmStore(self)
        with store.exclusive() as mine:
            if not mine:
                return None
            report = self._engine(store).audit()
            if report.outcome.error:
                raise report.outcome.error
            store.sweep(ORPHAN_GRACE)
        return report

    def _audit_sentence(self, report) -> str:
        if report is None:
            return self.env._("A synchronisation is running; try again when it is done.")
        return self.env._(
            "%(server)d messages on the server, %(missing)d were missing and were fetched,"
            " %(surplus)d were gone, %(unreadable)d cannot be read.",
            server=sum(folder.on_server for folder in report.folders),
            missing=sum(folder.missing for folder in report.folders),
            surplus=sum(folder.surplus for folder in report.folders),
            unreadable=self.problem_count,
        )


def _without_password(vals: dict) -> dict:
    return {name: value for name, value in vals.items() if name != "password"}
