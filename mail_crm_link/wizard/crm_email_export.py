from typing import BinaryIO

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..models.crm_email import CARD_FIELDS


class CrmEmailExport(models.TransientModel):
    """Says what an export of a person's mail will contain, and makes it."""

    _name = "crm.email.export"
    _description = "Export of a Person's Emails"

    res_model = fields.Char(required=True, readonly=True, default=lambda self: self.env.context.get("active_model"))
    res_id = fields.Integer(required=True, readonly=True, default=lambda self: self.env.context.get("active_id"))
    card_name = fields.Char("Person", compute="_compute_found")
    date_from = fields.Date("From")
    date_to = fields.Date("To")
    originals = fields.Boolean(
        "Ask the mail servers for the originals",
        help="Mails as they were sent, with all their headers and attachments; others are made anew of what is here.",
    )
    email_count = fields.Integer("Emails", compute="_compute_found")
    withheld_text = fields.Text("Not for you to read", compute="_compute_found")

    def _card(self):
        """:raise AccessError: when the user may not read the card"""
        self.ensure_one()
        if self.res_model not in CARD_FIELDS:
            raise ValidationError(self.env._("Emails are exported from a lead, an opportunity or a contact."))
        card = self.env[self.res_model].browse(self.res_id).exists()
        card.check_access("read")
        return card

    @api.depends("res_model", "res_id", "date_from", "date_to")
    def _compute_found(self):
        for wizard in self:
            card = wizard._card()
            email_ids, withheld = card._crm_emails_to_export(wizard.date_from, wizard.date_to)
            wizard.card_name = card.display_name
            wizard.email_count = len(email_ids)
            wizard.withheld_text = "\n".join(
                self.env._(
                    "%(count)d in %(mailbox)s, ask %(owner)s",
                    count=count,
                    mailbox=mailbox.email,
                    owner=mailbox.user_id.name,
                )
                for mailbox, count in withheld.items()
            )

    def action_download(self) -> dict:
        """Return the action that downloads the archive."""
        return {"type": "ir.actions.act_url", "url": f"/mail_crm_link/export/{self.id}", "target": "download"}

    def _write_archive(self, file: BinaryIO) -> None:
        self._card()._export_crm_emails(file, self.date_from, self.date_to, self.originals)
