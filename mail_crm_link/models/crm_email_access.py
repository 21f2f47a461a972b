"""Who opened mail that came to others' mailboxes only, when, and from which card.

Every way on which content leaves to a reader tells `crm.email._note_reading`; what it notes
is written when the transaction of the request has ended, by one of its own::

    request ── reads, often on a read-only cursor ── commit ── written ── answer

So reading stays reading, one page is one statement, and an answer that cannot be noted is
not given. One row tells of a reader, a mail and a day.
"""

from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import retrying
from odoo.tools import SQL

from .crm_email import CARD_FIELDS

DAYS_PARAMETER = "mail_crm_link.access_log_days"
DAYS = 365
# Under which what is noted waits for the end of the transaction, and the card that is shown.
NOTED = "mail_crm_link.noted"
CARD = "mail_crm_link.card"


class CrmEmailAccess(models.Model):
    _name = "crm.email.access"
    _inherit = ["crm.email.guarded"]
    _description = "Opened Email of Others"
    _log_access = False
    _order = "date desc, id desc"
    _rec_name = "user_id"

    email_id = fields.Many2one("crm.email", required=True, index=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", "Opened by", required=True, ondelete="cascade")
    date = fields.Datetime("First opened", required=True, help="The first time on that day (UTC).")
    day = fields.Date(required=True)
    lead_id = fields.Many2one("crm.lead", groups=fields.NO_ACCESS, ondelete="set null")
    partner_id = fields.Many2one("res.partner", groups=fields.NO_ACCESS, ondelete="set null")
    card = fields.Char("On", compute="_compute_card", help="The record in whose history it was opened.")
    mailbox_id = fields.Many2one("crm.mailbox", compute="_compute_mailbox_id", search="_search_mailbox_id")

    _day_uniq = models.UniqueIndex("(user_id, email_id, day)")
    _date_idx = models.Index("(date)")

    def _readable_domain(self) -> Domain:
        """To the owners of the mailboxes; to administrators, who see of the mail what they may."""
        if self.env.user.has_group("base.group_system"):
            return Domain.TRUE
        return self._in_mailboxes(self.env["crm.mailbox"]._owned_ids())

    def _in_mailboxes(self, mailbox_ids) -> Domain:
        def to_sql(model, alias, query):
            return SQL(
                "EXISTS (SELECT FROM crm_email e WHERE e.id = %s AND %s)",
                SQL.identifier(alias, "email_id"),
                self.env["crm.email"]._held_sql("e", mailbox_ids),
            )

        return Domain.custom(to_sql=to_sql)

    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_card(self):
        for access in self:
            # sudo: which card it was; its name is for who may read it
            card = (access.sudo().lead_id or access.sudo().partner_id).sudo(False)
            access.card = card.display_name if card and card.has_access("read") else False

    def _compute_mailbox_id(self):
        """A mail can be in many; to be asked for, not to be shown."""
        self.mailbox_id = False

    @api.model
    def _search_mailbox_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        return self._in_mailboxes([id_ for id_ in value if id_])

    # --- noting -------------------------------------------------------------------------

    @api.model
    def _shown_on(self, card) -> None:
        """Say which card the current request shows."""
        self.env.cr.postcommit.data[CARD] = (card._name, card.id)

    @api.model
    def _note(self, email_ids) -> None:
        """Note that the current user is given the content of these mails."""
        postcommit = self.env.cr.postcommit
        noted = postcommit.data.setdefault(NOTED, {})
        if not noted:
            postcommit.add(partial(_write, self.env.registry, noted))
        now, card = fields.Datetime.now(), postcommit.data.get(CARD, (None, None))
        for email_id in email_ids:
            noted.setdefault((self.env.uid, email_id), (now, *card))

    def _upsert(self, noted: dict) -> None:
        rows = [
            (user_id, email_id, date, *(card_id if model == card else None for card in CARD_FIELDS))
            for (user_id, email_id), (date, model, card_id) in noted.items()
        ]
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_email_access (user_id, email_id, date, day, lead_id, partner_id)
                SELECT r.user_id, e.id, r.date, r.date::date, l.id, p.id
                  FROM unnest(%s::int[], %s::int[], %s::timestamp[], %s::int[], %s::int[])
                       AS r(user_id, email_id, date, lead_id, partner_id)
                  JOIN crm_email e ON e.id = r.email_id
                  LEFT JOIN crm_lead l ON l.id = r.lead_id
                  LEFT JOIN res_partner p ON p.id = r.partner_id
                ON CONFLICT (user_id, email_id, day) DO NOTHING
                """,
                *(list(column) for column in zip(*rows, strict=True)),
            )
        )

    @api.autovacuum
    def _gc_old(self) -> None:
        """Forget what is older than the parameter says; 0 days: nothing."""
        days = str(self.env["ir.config_parameter"].sudo().get_param(DAYS_PARAMETER, DAYS))
        if days.isdecimal() and int(days):
            self.search([("date", "<", fields.Datetime.now() - timedelta(days=int(days)))]).unlink()


def _write(registry, noted: dict) -> None:
    with registry.cursor() as cr:
        # as superuser: nobody else writes these rows
        accesses = api.Environment(cr, api.SUPERUSER_ID, {})["crm.email.access"]
        retrying(partial(accesses._upsert, noted), accesses.env)


class CrmEmail(models.Model):
    _inherit = "crm.email"

    def _note_reading(self) -> None:
        """Note that the current user is given the content of these mails, where they are others'."""
        if self.env.su or not self:
            return
        own = self._own_among(self.ids)
        if others := [email_id for email_id in self.ids if email_id not in own]:
            self.env["crm.email.access"]._note(others)


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    def action_open_access_log(self) -> dict:
        """Return the action that lists who opened mail of this mailbox that is not theirs."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_crm_link.crm_email_access_action")
        action["domain"] = [("mailbox_id", "=", self.id)]
        return action
