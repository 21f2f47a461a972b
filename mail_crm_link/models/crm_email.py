"""One mail, however many copies, mailboxes and cards it has.

Stored columns hold what the mail says. The public fields show of it what the reader may
see: computed ones what `crm_email_levels` says, those of `reader_fields` all or nothing.
"""

from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.mail import email_split_tuples

from . import reader_fields

CARD_FIELDS = {"crm.lead": "lead_id", "res.partner": "partner_id"}


class CrmEmail(models.Model):
    _name = "crm.email"
    _inherit = ["crm.email.guarded"]
    _description = "Email"
    _order = "date desc, id desc"
    _rec_name = "subject"

    # --- identity -----------------------------------------------------------------------
    message_id = reader_fields.Char(readonly=True, help="With angle brackets, as the sender wrote it. May be missing.")
    identity = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    variant = fields.Char(
        readonly=True,
        default="",
        groups=fields.NO_ACCESS,
        help="Tells apart mails of one identity whose recipients or contents contradict each other.",
    )

    # --- the truth ----------------------------------------------------------------------
    header_subject = fields.Char(groups=fields.NO_ACCESS)
    header_from = fields.Char(groups=fields.NO_ACCESS)
    header_to = fields.Text(groups=fields.NO_ACCESS)
    header_cc = fields.Text(groups=fields.NO_ACCESS)
    header_date = fields.Char(groups=fields.NO_ACCESS)
    stored_snippet = fields.Char(groups=fields.NO_ACCESS)
    participant_ids = fields.One2many("crm.email.participant", "email_id", groups=fields.NO_ACCESS)

    # --- what the reader may see --------------------------------------------------------
    subject = fields.Char(compute="_compute_content", search="_search_subject")
    email_from = fields.Char("From", compute="_compute_content", search="_search_email_from")
    email_to = fields.Text("To", compute="_compute_content", search="_search_email_to")
    email_cc = fields.Text("Cc", compute="_compute_content", search="_search_email_cc")
    correspondent = fields.Char(
        compute="_compute_content",
        search="_search_correspondent",
        help="The other side: who wrote it, or whom it was written to.",
    )
    snippet = fields.Char(compute="_compute_content", search="_search_snippet")
    body = fields.Html(compute="_compute_body", search="_search_body", sanitize=False)
    attachment_ids = fields.Many2many("ir.attachment", compute="_compute_body")

    date = fields.Datetime(required=True, readonly=True, help="The server's date (UTC).")
    direction = fields.Selection([("in", "Received"), ("out", "Sent")], required=True, readonly=True)
    has_attachment = reader_fields.Boolean(readonly=True)
    size = reader_fields.Integer(readonly=True, help="Octets.")
    automatic = reader_fields.Selection(
        [
            ("none", "Written by a person"),
            ("bulk", "Newsletter or list"),
            ("auto_reply", "Automatic reply"),
            ("bounce", "Bounce or receipt"),
            ("notification", "Notification"),
        ],
        required=True,
        readonly=True,
        default="none",
    )
    automatic_reason = reader_fields.Char(readonly=True)
    conversation_id = reader_fields.Many2one("crm.email.conversation", readonly=True, index=True, ondelete="restrict")

    # --- where it is, and what it is bound to -------------------------------------------
    mailbox_ids = reader_fields.Many2many(
        "crm.mailbox",
        "crm_email_mailbox_rel",
        "email_id",
        "mailbox_id",
        readonly=True,
    )
    copy_ids = reader_fields.One2many("crm.email.copy", "email_id", readonly=True)
    orphaned_at = reader_fields.Datetime(readonly=True, help="Since when no mailbox has it any more (UTC).")
    link_ids = fields.One2many("crm.email.link", "email_id", readonly=True)
    lead_ids = fields.Many2many("crm.lead", compute="_compute_cards", compute_sudo=True, search="_search_lead_ids")
    partner_ids = fields.Many2many(
        "res.partner", compute="_compute_cards", compute_sudo=True, search="_search_partner_ids"
    )
    candidate_lead_ids = reader_fields.Many2many(
        "crm.lead",
        "crm_email_candidate_rel",
        "email_id",
        "lead_id",
        "Which opportunity?",
        readonly=True,
        help="Open opportunities of which one may be meant, for a person to choose.",
    )
    is_bound = fields.Boolean(readonly=True)
    unbound_reason = reader_fields.Selection(
        [
            ("off", "The mailbox is not connected with CRM"),
            ("manual", "The mailbox binds by hand only"),
            ("own", "Between own addresses only"),
            ("blocked", "On the blocklist"),
            ("automatic", "Automatic mail"),
            ("no_match", "No card has any of its addresses"),
            ("out_of_scope", "Outside the mailbox's scope"),
        ],
        "Why not bound",
        readonly=True,
    )
    mail_message_id = reader_fields.Many2one("mail.message", readonly=True, index="btree_not_null", ondelete="set null")
    body_state = reader_fields.Selection(
        [
            ("none", "Not stored"),
            ("wanted", "On its way"),
            ("stored", "Stored"),
            ("failed", "Could not be read"),
        ],
        required=True,
        readonly=True,
        default="none",
    )
    body_reason = reader_fields.Char("Why it could not be read", readonly=True)
    body_digest = fields.Char(groups=fields.NO_ACCESS)

    _identity_uniq = models.UniqueIndex("(identity, variant)")
    _date_idx = models.Index("(date DESC, id DESC)")
    _wanted_idx = models.Index("(date DESC) WHERE body_state = 'wanted'")
    _orphan_idx = models.Index("(orphaned_at) WHERE orphaned_at IS NOT NULL")

    # ------------------------------------------------------------------------------------
    # What the reader sees
    # ------------------------------------------------------------------------------------

    @api.depends(
        "header_subject",
        "header_from",
        "header_to",
        "header_cc",
        "stored_snippet",
    )
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_content(self):
        for email in self:
            email._show(email.reader_level)

    def _show(self, level: str | bool) -> None:
        truth = self.sudo()
        people = level in ("subject", "full")
        self.subject = (truth.header_subject or "") if people else truth._masked_subject()
        self.email_from = truth.header_from if level else False
        self.email_to = truth.header_to if people else False
        self.email_cc = truth.header_cc if people else False
        self.correspondent = truth._correspondent() if level else False
        if not people and truth.direction == "out":
            self.correspondent = False
        self.snippet = truth.stored_snippet if level == "full" else False

    @api.depends("mail_message_id.body", "mail_message_id.attachment_ids")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_body(self):
        """Apart from the rest: lists show none of it, and would load all of it."""
        for email in self:
            message = email.sudo().mail_message_id if email.has_content_access else None
            email.body = message.body if message else False
            email.attachment_ids = message.attachment_ids if message else False
        self.filtered("body")._note_reading()

    def _masked_subject(self) -> str:
        if self.direction == "in":
            return self.env._("Email received")
        return self.env._("Email sent")

    def _correspondent(self) -> str:
        """The other side's name for people, "" when nobody is named."""
        header = self.header_from if self.direction == "in" else self.header_to
        pairs = email_split_tuples(header or "")
        return ", ".join(name or address for name, address in pairs[:3]) or header or ""

    def _search_stored(self, column: str, operator: str, value, lowest: str) -> Domain:
        """Search a stored column among what the reader sees at ``lowest`` or better."""
        condition = Domain(column, operator, value)
        if self.env.su:
            return condition
        self._run_uncompiled()
        return Domain.custom(to_sql=partial(self._shown_sql, condition, lowest))

    @staticmethod
    def _shown_sql(condition: Domain, lowest: str, emails, alias: str, query) -> SQL:
        """Not a subquery of its own: PostgreSQL would join it by looking through it for each mail."""
        # sudo: the columns are for nobody to name; found is what the reader sees of them
        truth = emails.sudo().with_context(active_test=False)
        stored = condition.optimize_full(truth)._to_sql(truth, alias, query)
        return SQL("((%s AND %s) IS TRUE)", stored, emails._seen_sql(alias, lowest))

    @api.model
    def _search_subject(self, operator, value):
        return self._search_stored("header_subject", operator, value, "subject")

    @api.model
    def _search_email_from(self, operator, value):
        return self._search_stored("header_from", operator, value, "private")

    @api.model
    def _search_email_to(self, operator, value):
        return self._search_stored("header_to", operator, value, "subject")

    @api.model
    def _search_email_cc(self, operator, value):
        return self._search_stored("header_cc", operator, value, "subject")

    @api.model
    def _search_correspondent(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        return Domain("email_from", operator, value) | Domain("email_to", operator, value)

    @api.model
    def _search_snippet(self, operator, value):
        return self._search_stored("stored_snippet", operator, value, "full")

    @api.model
    def _search_body(self, operator, value):
        return self._search_stored("mail_message_id.body", operator, value, "full")

    # ------------------------------------------------------------------------------------
    # Cards
    # ------------------------------------------------------------------------------------

    @api.depends("link_ids.active", "link_ids.lead_id", "link_ids.partner_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_cards(self):
        # Computed as superuser, who may name cards of models the user has no access to, but
        # out of the links that the user can read.
        readable = self.env["crm.email.link"].sudo(False)
        links = readable.search([("email_id", "in", self.ids)]).sudo()
        by_email = links.grouped("email_id")
        for email in self:
            of_email = by_email.get(email._origin, links.browse())
            email.lead_ids = of_email.lead_id
            email.partner_ids = of_email.partner_id

    @api.model
    def _search_lead_ids(self, operator, value):
        return self._search_cards("lead_id", operator, value)

    @api.model
    def _search_partner_ids(self, operator, value):
        return self._search_cards("partner_id", operator, value)

    def _search_cards(self, column: str, operator: str, value):
        """Mails with such a card; without any, where ``value`` names none. Odoo negates."""
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        if operator != "in" or False not in value:
            return Domain("link_ids", "any", Domain(column, operator, value))
        ids = [one for one in value if one]
        without = ~Domain("link_ids", "any", Domain(column, "!=", False))
        return without | Domain("link_ids", "any", Domain(column, "in", ids))

    def _card(self, model: str, res_id: int):
        """Return the card that a client named.

        :raise ValidationError: when there is none or mail is not bound to its kind
        :raise AccessError: when the user may not read it
        """
        if model not in CARD_FIELDS:
            raise ValidationError(
                self.env._(
                    "Emails are linked to leads, opportunities, contacts and companies, not to “%s”.",
                    model,
                )
            )
        known = isinstance(res_id, int) and not isinstance(res_id, bool)
        card = self.env[model].browse(res_id if known else 0).exists()
        if not card:
            raise ValidationError(self.env._("The card to link to does not exist (any more)."))
        card.check_access("read")
        return card

    def _check_not_archived(self, card) -> None:
        if not card.active:
            raise ValidationError(self.env._("%s is archived. Restore it to link emails to it.", card.display_name))

    def link_to(self, model: str, res_id: int) -> bool:
        """Bind these e-mails to a card, by hand.

        :param model: ``crm.lead`` or ``res.partner``
        """
        card = self._card(model, res_id)
        self._check_not_archived(card)
        self._check_content_access()
        self.env["crm.email.link"]._link_by_hand(self, card)
        return True

    def unlink_from(self, model: str, res_id: int) -> bool:
        """Take these e-mails off a card; nothing automatic brings them back."""
        card = self._card(model, res_id)
        self.check_access("read")
        self.env["crm.email.link"]._unlink_by_hand(self, card)
        return True

    # ------------------------------------------------------------------------------------
    # What becomes of it
    # ------------------------------------------------------------------------------------

    def _drop_content(self) -> None:
        """Forget body and attachments; the envelope stays."""
        self.mail_message_id.unlink()
        self.write({"body_state": "none", "body_reason": False, "stored_snippet": False})

    def unlink(self):
        messages = self.sudo().mail_message_id
        result = super().unlink()
        messages.unlink()
        return result

    @api.model
    def _forget_orphans(self, grace: timedelta) -> None:
        """Delete unbound mail that no mailbox has had for longer than ``grace``."""
        latest = fields.Datetime.now() - grace
        self.search([("orphaned_at", "<", latest), ("is_bound", "=", False)]).unlink()
