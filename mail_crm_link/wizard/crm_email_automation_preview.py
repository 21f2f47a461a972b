from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.crm_email import CARD_FIELDS


class CrmEmailAutomationPreview(models.TransientModel):
    """The e-mail that an action would send to a record, as who looks may read it; nothing is sent."""

    _name = "crm.email.automation.preview"
    _description = "Preview of a 1:1 Email"

    action_id = fields.Many2one("ir.actions.server", required=True, readonly=True, ondelete="cascade")
    model = fields.Char(related="action_id.model_name")
    lead_id = fields.Many2one("crm.lead", ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Contact", ondelete="cascade")
    email_from = fields.Char("From", compute="_compute_preview")
    email_to = fields.Char("To", compute="_compute_preview")
    subject = fields.Char(compute="_compute_preview")
    body = fields.Html(compute="_compute_preview", sanitize=False)
    problem = fields.Char(compute="_compute_preview", help="Why nothing would be sent.")

    @api.depends("lead_id", "partner_id", "action_id")
    def _compute_preview(self):
        for preview in self:
            preview.update({"email_from": False, "email_to": False, "subject": False, "body": False, "problem": False})
            if card := preview.lead_id or preview.partner_id:
                preview._show(card._origin)

    def _show(self, card) -> None:
        # The user's own rights decide what the template shows: the action is sudo, the record is not.
        self.update({"email_to": self.action_id._crm_email_to(card), **self._sending(card)})
        try:
            filled = self.env["crm.email.composer"]._from_template(self.action_id.crm_email_template_id, card)
            self.update({"subject": filled["subject"], "body": filled["body"]})
        except UserError as error:
            self.problem = str(error)

    def _sending(self, card) -> dict:
        """From where it would be sent now, or why not."""
        # sudo: the owner's mailboxes, and whether they wrote to the contact; shown is only what follows from it
        rows = self.env["crm.email.automation"].sudo()
        action = self.action_id.sudo()
        sender = rows._sender(action, action._crm_email_author(card.sudo(), self.env.user))
        reason = rows._reason_not_to_write(action, card.sudo(), fields.Datetime.now()) or sender.reason
        reasons = dict(rows._fields["reason"]._description_selection(self.env))
        company = sender.author.company_id.email_formatted if sender.by_server else False
        return {
            "problem": reasons[reason] if reason else False,
            "email_from": company or sender.mailbox.email,
        }

    @api.constrains("lead_id", "partner_id")
    def _check_readable(self):
        """:raise AccessError: the record is not the user's to read"""
        for preview in self:
            for name in CARD_FIELDS.values():
                preview[name].check_access("read")
