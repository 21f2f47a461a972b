"""A mail that somebody writes: a draft that stays when its window closes, then the row of the outbox.

::

             action_send                    taken by the server
     draft ─────────────► scheduled ──► sending ──────────────► sent
       ▲   ◄── undo, edit ── │  ▲          │ │
       │                     │  └──────────┘ └─ refused, or nobody can know ─► failed
       └─────────────────────┴── edit ────────────────────────────────────────── │
                                 try later

What is written here is its author's alone, whoever else may send from the mailbox.
"""

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools import is_html_empty

from .. import rules
from .crm_email import CARD_FIELDS

WRITABLE_STATES = ("draft", "failed")
# What only the outbox writes.
OUTBOX_FIELDS = {
    "automation_id",
    "email_id",
    "failures",
    "handing_over",
    "message_id",
    "recipients_left",
    "sent_at",
    "send_at",
    "state",
}


class CrmEmailComposer(models.Model):
    _name = "crm.email.composer"
    _description = "Written Email"
    _order = "write_date desc, id desc"
    _rec_name = "subject"

    mailbox_id = fields.Many2one(
        "crm.mailbox",
        "From mailbox",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self._mailbox(),
    )
    email_from = fields.Char("From address", help="One of the mailbox's own addresses; empty: its main one.")
    sender = fields.Selection("_selection_sender", "From", compute="_compute_sender", inverse="_inverse_sender")
    to = fields.Text()
    cc = fields.Text()
    bcc = fields.Text()
    subject = fields.Char()
    body = fields.Html(sanitize_attributes=False, sanitize_style=True)
    attachment_ids = fields.Many2many("ir.attachment", bypass_search_access=True)
    template_id = fields.Many2one("mail.template", domain="[('model', '=', model)]", ondelete="set null", store=False)
    parent_id = fields.Many2one("crm.email", "Answers", index="btree_not_null", ondelete="set null")
    kind = fields.Selection(
        [
            ("new", "New"),
            ("reply", "Reply"),
            ("reply_all", "Reply to all"),
            ("forward", "Forward"),
            ("forward_attached", "Forward as attachment"),
        ],
        required=True,
        default="new",
    )
    model = fields.Char("Card model", help="crm.lead or res.partner: the card it is written from.")
    res_id = fields.Many2oneReference("Card", model_field="model")
    card_name = fields.Char(compute="_compute_card_name")
    scheduled_date = fields.Datetime("Send later", help="Empty: at once (UTC).")

    revision = fields.Integer(copy=False, help="How often it was written; who sends it along learns of other writers.")

    # --- outbox -------------------------------------------------------------------------
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("scheduled", "Waiting to be sent"),
            ("sending", "Being sent"),
            ("sent", "Sent"),
            ("failed", "Not sent"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        index=True,
    )
    status_message = fields.Char("Status", readonly=True, copy=False)
    message_id = fields.Char(readonly=True, copy=False)
    email_id = fields.Many2one("crm.email", "Sent email", readonly=True, copy=False, ondelete="set null", index=True)
    stays_off_card = fields.Boolean(compute="_compute_stays_off_card")
    may_switch_on = fields.Boolean(compute="_compute_stays_off_card")

    # ------------------------------------------------------------------------------------
    # From
    # ------------------------------------------------------------------------------------

    @api.model
    def _mailbox(self):
        return self.env["crm.mailbox"]._sendable()[:1]

    @api.model
    def _selection_sender(self) -> list[tuple[str, str]]:
        """What the user may choose as From, by mailbox and address."""
        return [
            (f"{mailbox.id}:{address}", address)
            for mailbox in self.env["crm.mailbox"]._sendable()
            for address in mailbox._sender_addresses()
        ]

    @api.depends("mailbox_id", "email_from")
    def _compute_sender(self):
        offered = dict(self._selection_sender())
        for draft in self:
            key = f"{draft.mailbox_id.id}:{draft._from_address()}"
            draft.sender = key if key in offered else False

    def _inverse_sender(self):
        for draft in self.filtered("sender"):
            mailbox_id, _colon, address = draft.sender.partition(":")
            draft.write({"mailbox_id": int(mailbox_id), "email_from": address})

    def _from_address(self) -> str:
        return rules.addresses.normalize(self.email_from or "") or self.mailbox_id.sudo().email_normalized or ""

    @api.constrains("mailbox_id", "email_from")
    def _check_sender(self):
        """:raise AccessError: the author may not send so"""
        for draft in self:
            author = draft.create_uid or self.env.user
            mailbox = draft.mailbox_id.sudo()
            if not mailbox._may_send_as(author):
                raise AccessError(self.env._("You may not send from the mailbox %s.", mailbox.name))
            if draft._from_address() not in mailbox._sender_addresses():
                raise AccessError(self.env._("%s is no address of the mailbox.", draft.email_from))

    # ------------------------------------------------------------------------------------
    # The card
    # ------------------------------------------------------------------------------------

    def _card(self):
        """Return the card that it is written from, no record without one."""
        if not self.model or not self.res_id:
            return self.env["crm.lead"]
        return self.env[self.model].browse(self.res_id).exists() if self.model in CARD_FIELDS else self.env["crm.lead"]

    @api.constrains("model", "res_id")
    def _check_card(self):
        """:raise AccessError: the author may not write on the card"""
        for draft in self.filtered(lambda one: one.model or one.res_id):
            if draft.model not in CARD_FIELDS:
                raise ValidationError(self.env._("Emails are written from leads, opportunities and contacts."))
            if card := draft._card():
                card.check_access(card._mail_post_access)

    @api.constrains("parent_id")
    def _check_parent(self):
        """:raise AccessError: the author may not read what they answer"""
        for draft in self.filtered("parent_id"):
            draft.parent_id._check_content_access()

    @api.depends("model", "res_id")
    def _compute_card_name(self):
        for draft in self:
            card = draft._card()
            draft.card_name = card.display_name if card and card.has_access("read") else False

    @api.depends("mailbox_id", "model", "res_id")
    def _compute_stays_off_card(self):
        for draft in self:
            mailbox = draft.mailbox_id.sudo()
            draft.stays_off_card = bool(mailbox and draft.model and draft.res_id and not mailbox.crm_link)
            draft.may_switch_on = draft.mailbox_id.has_access("write") if mailbox else False

    def action_establish_connections(self) -> dict:
        """Switch on that the mailbox binds mail to cards."""
        self.ensure_one()
        self.mailbox_id.write({"crm_link": True})
        return self._action()

    # ------------------------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_not_outbox(vals)
            self._complete(vals)
        drafts = super().create(vals_list)
        drafts._own_attachments()
        return drafts

    def write(self, vals):
        self._check_not_outbox(vals)
        if self.env.su:
            result = super().write(vals)
        else:
            self._check_writable()
            self._check_revision(vals)
            result = super().write({name: value for name, value in vals.items() if name != "revision"})
            self._count_revision()
        if "attachment_ids" in vals:
            self._own_attachments()
        return result

    def _check_revision(self, vals: dict) -> None:
        """Two windows with one draft: the one that knows less must not write over the other."""
        for draft in self if "revision" in vals else ():
            if draft.revision != vals["revision"]:
                raise UserError(
                    self.env._(
                        "This draft was changed in another window meanwhile. Close this one and open the draft"
                        " again; copy first what you want to keep."
                    )
                )

    def _count_revision(self) -> None:
        # sudo: counted by the server only
        for draft in self.sudo():
            draft.revision += 1

    def _check_not_outbox(self, vals: dict) -> None:
        if not self.env.su and OUTBOX_FIELDS & vals.keys():
            raise AccessError(self.env._("Whether a mail is sent follows from sending it."))

    def _check_writable(self) -> None:
        for draft in self:
            if draft.state == "scheduled":
                raise UserError(self.env._("This email waits to be sent. Take it back to change it."))
            if draft.state not in WRITABLE_STATES:
                raise UserError(self.env._("This email was sent meanwhile, maybe from another window."))

    def _own_attachments(self) -> None:
        """What is attached to a draft is for its author only, and goes with it.

        Files that hang on a record, or that somebody else uploaded, are copied.
        """
        for draft in self:
            foreign = draft.attachment_ids.filtered(
                lambda one, draft=draft: (one.res_model, one.res_id) != (draft._name, draft.id)
            )
            if not foreign:
                continue
            foreign.check_access("read")
            loose = foreign.filtered(lambda one: not one.res_id and one.create_uid == self.env.user)
            # sudo: the author's own uploads that belong to nothing yet
            loose.sudo().write({"res_model": draft._name, "res_id": draft.id})
            taken = [one.copy({"res_model": draft._name, "res_id": draft.id}) for one in foreign - loose]
            if taken:
                draft.sudo().attachment_ids = [
                    *(Command.unlink(one.id) for one in foreign - loose),
                    *(Command.link(one.id) for one in taken),
                ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_on_its_way(self):
        for draft in self:
            if draft.state == "sending":
                raise UserError(self.env._("This email is being sent at this moment."))

    # ------------------------------------------------------------------------------------
    # What a new draft says
    # ------------------------------------------------------------------------------------

    @api.model
    def _complete(self, vals: dict) -> None:
        """Fill what a client left out, from the mail that is answered and the card."""
        if vals.get("parent_id"):
            self._complete_answer(vals)
        card = self._card_of(vals)
        if card and "to" not in vals:
            vals["to"] = card._crm_email_recipient()
        if vals.get("template_id"):
            vals.update(self._from_template(self.env["mail.template"].browse(vals["template_id"]), card) | vals)

    def _card_of(self, vals: dict):
        """:raise AccessError: the user may not read it"""
        if vals.get("model") not in CARD_FIELDS or not vals.get("res_id"):
            return self.env["crm.lead"]
        card = self.env[vals["model"]].browse(vals["res_id"]).exists()
        card.check_access("read")
        return card

    # --- templates ----------------------------------------------------------------------

    @api.onchange("template_id")
    def _onchange_template_id(self):
        """Put the template above what is written and quoted; a broken one changes nothing."""
        if not self.template_id:
            return None
        try:
            filled = self._from_template(self.template_id, self._card())
        except UserError as error:
            self.template_id = False
            return {"warning": {"title": self.env._("The template does not work"), "message": str(error)}}
        self.subject = filled["subject"] or self.subject
        self.body = Markup("%s%s") % (filled["body"], self.body or "")
        self.attachment_ids |= self.env["ir.attachment"].browse(filled["attachment_ids"])
        return None

    def _from_template(self, template, card) -> dict:
        """Return what the template says about the card.

        :raise UserError: one of its placeholders does not work
        """
        if not card:
            raise UserError(self.env._("Templates are filled from a lead, opportunity or contact: write from one."))
        template.check_access("read")
        try:
            filled = template._generate_template(card.ids, ("subject", "body_html"))[card.id]
        except (UserError, ValueError, KeyError, AttributeError) as error:
            raise UserError(
                self.env._(
                    "The template “%(template)s” has a placeholder that does not work: %(reason)s",
                    template=template.name,
                    reason=_first_cause(error),
                )
            ) from error
        return {
            "subject": filled["subject"],
            "body": filled["body_html"],
            "attachment_ids": template.attachment_ids.ids,
        }

    # --- the window ---------------------------------------------------------------------

    @api.model
    def _start(self, vals: dict) -> dict:
        """Return the action that writes a mail; a draft of the same is gone on with.

        :raise RedirectWarning: the user has no mailbox to write from
        """
        mailboxes = self.env["crm.mailbox"]._sendable_or_explain()
        if not vals.get("parent_id") and not vals.get("mailbox_id"):
            mailboxes._check_preferred_usable()
        if kept := self._kept(vals):
            return kept._action()
        draft = self.create(vals)
        draft.body = draft._first_body()
        draft._take_along()
        return draft._action(crm_email_unwritten=True)

    def _kept(self, vals: dict):
        """The user's draft of the same answer. New mails are many."""
        if not vals.get("parent_id"):
            return self.browse()
        same = [("parent_id", "=", vals["parent_id"]), ("kind", "=", vals["kind"])]
        own = [("create_uid", "=", self.env.uid), ("state", "in", WRITABLE_STATES)]
        return self.search([*same, *own], limit=1)

    def action_open(self) -> dict:
        """Return the action that opens this mail where it is written."""
        self.ensure_one()
        self.check_access("read")
        return self._action()

    def _action(self, **context: bool) -> dict:
        return {
            "type": "ir.actions.act_window",
            "name": self._title(),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(self.env.ref("mail_crm_link.crm_email_composer_view_form").id, "form")],
            "target": "new",
            "context": {"dialog_size": "extra-large", **context},
        }

    def _title(self) -> str:
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        return self.env._("New Email") if self.kind == "new" else kinds[self.kind]

    def _first_body(self) -> Markup:
        """A line to write on, the author's signature, and what is answered."""
        signature = self.env.user.signature
        signed = Markup("<div>%s</div>") % signature if not is_html_empty(signature) else ""
        return Markup("<p><br></p>%s%s") % (signed, self._quote())


def _first_cause(error: BaseException) -> BaseException:
    """What went wrong in a template's own words: Odoo puts pages of its source around them."""
    while error.__cause__:
        error = error.__cause__
    return error
