from odoo import fields, models


class CrmMailboxDisconnect(models.TransientModel):
    """Asks what becomes of the mail when a mailbox is disconnected."""

    _name = "crm.mailbox.disconnect"
    _description = "Disconnect a Mailbox"

    mailbox_id = fields.Many2one("crm.mailbox", required=True, readonly=True, ondelete="cascade")
    email_count = fields.Integer(related="mailbox_id.email_count")
    to_process_count = fields.Integer(related="mailbox_id.to_process_count")
    mail = fields.Selection(
        [
            ("keep", "Keep all that was synchronised"),
            ("unbound", "Keep what is on cards, remove the rest"),
            ("all", "Remove everything, also from cards"),
        ],
        required=True,
        default="keep",
    )

    def action_disconnect(self) -> bool:
        """:raise AccessError: when the mailbox is not the user's to disconnect"""
        self.ensure_one()
        self.mailbox_id.action_disconnect()
        if self.mail != "keep":
            self.mailbox_id._remove_synchronised(self.mail)
        return True
