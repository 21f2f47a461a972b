"""1:1 e-mails: what automation has to send to a record, in whose name, and what became of it.

::

                    a reason not to
      waiting ───────────────────────► skipped ──► waiting, when it is triggered again
         │ written in the owner's name
         ▼
      waiting, with a mail in the outbox ──► sent
         │                        │   ▲
         ▼ refused for good       └───┘ later, as the outbox says
      failed

Whether there is a reason not to send is asked as late as possible, when the mailbox has its next
turn. One row stands for an action and a record; while it ``holds``, the database lets no second
mail of the action reach the record.
"""

import logging
from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_email import CARD_FIELDS
from .email_rows import insert

_logger = logging.getLogger(__name__)

# How long a mail is tried, and how long after something unexpected.
GIVE_UP_AFTER = timedelta(days=2)
PUT_OFF = timedelta(hours=1)
MANAGERS = "sales_team.group_sale_manager"


class CrmEmailAutomation(models.Model):
    _name = "crm.email.automation"
    _description = "1:1 Email"
    _order = "id desc"
    _rec_name = "card_name"

    action_id = fields.Many2one("ir.actions.server", readonly=True, ondelete="set null")
    template_id = fields.Many2one("mail.template", readonly=True, ondelete="set null")
    lead_id = fields.Many2one("crm.lead", readonly=True, index="btree_not_null", ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Contact", readonly=True, index="btree_not_null", ondelete="cascade")
    card_name = fields.Char("Record", compute="_compute_card_name", compute_sudo=True)
    user_id = fields.Many2one("res.users", "Triggered by", readonly=True, ondelete="set null")
    author_id = fields.Many2one("res.users", "In the name of", readonly=True, ondelete="set null")
    mailbox_id = fields.Many2one("crm.mailbox", "From mailbox", readonly=True, ondelete="set null")
    triggered_at = fields.Datetime("Triggered", readonly=True, required=True)
    send_at = fields.Datetime("Not before", readonly=True, required=True)
    handed_at = fields.Datetime("Handed over", readonly=True, help="When the mail server was last asked to take it.")
    state = fields.Selection(
        [("waiting", "Waiting"), ("sent", "Sent"), ("skipped", "Skipped"), ("failed", "Not sent")],
        required=True,
        readonly=True,
        default="waiting",
    )
    reason = fields.Selection(
        [
            ("archived", "The record is archived"),
            ("no_address", "The record has no email address"),
            ("own_address", "The address is one of our own"),
            ("unsubscribed", "The contact does not want such emails"),
            ("automatic", "The last mail from there was automatic"),
            ("answered", "They wrote, or somebody answered them, meanwhile"),
            ("no_owner", "Nobody is responsible for the record"),
            ("no_mailbox", "The owner has no mailbox that works"),
            ("not_allowed", "The owner does not let automation write"),
            ("no_access", "The owner may not write on the record"),
            ("day_limit", "The mailbox has sent enough for a day"),
            ("template", "The template does not work for the record"),
            ("taken_back", "Taken back by its author"),
            ("stopped", "Stopped"),
        ],
        readonly=True,
        index="btree_not_null",
    )
    detail = fields.Char(readonly=True)
    by_server = fields.Boolean("Through the company's mail server", readonly=True)
    draft_ids = fields.One2many("crm.email.composer", "automation_id", "Written email")
    email_id = fields.Many2one("crm.email", "Sent email", readonly=True, ondelete="set null", index="btree_not_null")
    holds = fields.Boolean(default=True, groups=fields.NO_ACCESS)

    _one_card = models.Constraint("CHECK (num_nonnulls(lead_id, partner_id) = 1)", "A 1:1 email belongs to one record.")
    _lead_uniq = models.UniqueIndex("(action_id, lead_id) WHERE holds IS TRUE")
    _partner_uniq = models.UniqueIndex("(action_id, partner_id) WHERE holds IS TRUE")
    _waiting_idx = models.Index("(send_at, id) WHERE state = 'waiting'")
    _pace_idx = models.Index("(mailbox_id, handed_at) WHERE handed_at IS NOT NULL")

    @api.depends("lead_id", "partner_id")
    def _compute_card_name(self):
        for row in self:
            row.card_name = row._card().display_name

    def _card(self):
        return self.lead_id or self.partner_id

    def action_open_card(self) -> dict:
        """Return the action that opens the record."""
        self.ensure_one()
        card = self._card()
        return {
            "type": "ir.actions.act_window",
            "res_model": card._name,
            "res_id": card.id,
            "views": [(False, "form")],
        }

    # ------------------------------------------------------------------------------------
    # Into the queue
    # ------------------------------------------------------------------------------------

    @api.model
    def _enqueue(self, action, cards) -> int:
        """Have the action's e-mail written to these records; return to how many.

        Those that have it already, as long as the action does not allow it again, are left out.
        """
        self.flush_model()
        self._release_expired(action, cards)
        column = CARD_FIELDS[cards._name]
        now = self.env.cr.now()
        mailboxes = self._expected_mailboxes(action, cards)
        rows = [
            {
                "action_id": action.id,
                column: card.id,
                "user_id": self.env.uid,
                "mailbox_id": mailboxes.get(card.id),
                "triggered_at": now,
                "send_at": now,
                "state": "waiting",
                "holds": True,
                "create_uid": self.env.uid,
                "create_date": now,
                "write_date": now,
            }
            for card in cards
        ]
        stored = insert(self.env, self._table, rows, self._on_conflict(column))
        self.invalidate_model(flush=False)
        self._wake(now)
        return len(stored)

    def _on_conflict(self, column: str) -> SQL:
        """What was skipped gets another chance; what waits, was sent or failed is let be."""
        return SQL(
            """
            ON CONFLICT (action_id, %s) WHERE holds IS TRUE DO UPDATE
               SET state = 'waiting', reason = NULL, detail = NULL, user_id = excluded.user_id,
                   mailbox_id = excluded.mailbox_id, triggered_at = excluded.triggered_at,
                   send_at = excluded.send_at, write_date = excluded.write_date
             WHERE crm_email_automation.state = 'skipped'
            RETURNING id
            """,
            SQL.identifier(column),
        )

    def _release_expired(self, action, cards) -> None:
        """Records whose last mail of the action is long enough ago may get another one."""
        if not action.crm_email_repeat_days:
            return
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email_automation SET holds = FALSE WHERE action_id = %s AND %s = ANY(%s)"
                " AND holds AND state = 'sent' AND handed_at < %s",
                action.id,
                SQL.identifier(CARD_FIELDS[cards._name]),
                cards.ids,
                self.env.cr.now() - timedelta(days=action.crm_email_repeat_days),
            )
        )

    def _expected_mailboxes(self, action, cards) -> dict[int, int]:
        """Whose turn the mails will be, as it looks now; asked again when they are sent."""
        authors = {card.id: action._crm_email_author(card, self.env.user) for card in cards}
        # sudo: which mailbox an owner writes from
        by_author = {author: self.sudo()._sender(action, author).mailbox.id for author in set(authors.values())}
        return {card_id: by_author[author] for card_id, author in authors.items() if by_author[author]}

    @api.model
    def _wake(self, at: datetime) -> None:
        # sudo: the queue is everybody's
        if cron := self.env.ref("mail_crm_link.cron_automation", raise_if_not_found=False):
            cron.sudo()._trigger(at)

    # ------------------------------------------------------------------------------------
    # Out of it
    # ------------------------------------------------------------------------------------

    def action_stop(self) -> bool:
        """Take back what waits.

        :raise AccessError: only sales managers, and those in whose name it is, stop an e-mail
        """
        manager = self.env.user.has_group(MANAGERS)
        if not (self.env.su or manager or all(row.author_id == self.env.user for row in self)):
            raise AccessError(self.env._("Only sales managers, and in whose name it is sent, stop a 1:1 email."))
        self.check_access("read")
        # sudo: nobody writes these rows but through here
        waiting = self.sudo().filtered(lambda one: one.state == "waiting")
        # What is being sent at this moment is not to be stopped any more.
        stopped = waiting.filtered(lambda one: one.draft_ids.state not in ("sending", "sent"))
        stopped.draft_ids.filtered(lambda one: one.state == "scheduled").write({"state": "draft", "send_at": False})
        stopped._skip("stopped")
        return True

    def _skip(self, reason: str, detail: str = "") -> None:
        self.write({"state": "skipped", "reason": reason, "detail": detail or False})

    @api.model
    def _next(self, resting) -> "CrmEmailAutomation":
        """Return the row whose turn it is, of a mailbox that does not rest."""
        due = Domain("state", "=", "waiting") & Domain("send_at", "<=", fields.Datetime.now())
        return self.search(due & Domain("mailbox_id", "not in", list(resting)), order="send_at, id", limit=1)

    @api.autovacuum
    def _forget_skipped(self) -> None:
        """What was not sent is told for a year; what was sent holds as long as the record is there."""
        old = fields.Datetime.now() - timedelta(days=365)
        self.search([("state", "=", "skipped"), ("write_date", "<", old)], limit=1000).unlink()
