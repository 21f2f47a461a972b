from odoo import models


class CrmMailboxConnect(models.TransientModel):
    """Says at once, and not after the sign-in, that somebody may not connect such a mailbox."""

    _inherit = "crm.mailbox.connect"

    def action_find(self) -> dict:
        result = super().action_find()
        self._explain_permission()
        return result

    def action_use_imap(self) -> dict:
        result = super().action_use_imap()
        self._explain_permission()
        return result

    def _explain_permission(self) -> None:
        mailboxes = self.env["crm.mailbox"]
        if self.connectable and not mailboxes._may_connect(self.provider):
            hint = mailboxes._no_permission_sentence(self.provider)
            self.write({"connectable": False, "hint": hint, "help_url": False})
