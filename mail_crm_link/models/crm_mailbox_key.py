"""Mailboxes that stopped because this server could not read their passwords go on when it can again."""

from odoo import api, models

from ..connectors.errors import SignInNeeded

KEY_CAUSES = ("key_changed", "key_missing")


class CrmMailboxSecret(models.Model):
    _inherit = "crm.mailbox.secret"

    def _opens__(self) -> bool:
        """Whether this server's key opens all of these."""
        try:
            for secret in self:
                secret._opened__()
        except SignInNeeded:
            return False
        return True


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    @api.model
    def _cron_sync(self) -> None:
        self._resume_with_key()
        super()._cron_sync()

    @api.model
    def _resume_with_key(self) -> None:
        """Nobody has to enter a password anew because the administrator mislaid the key for a while."""
        for mailbox in self.search([("state", "=", "error"), ("status_cause", "in", KEY_CAUSES)]):
            # sudo: nobody has rights on secrets; nothing of them is told
            secrets = self.env["crm.mailbox.secret"].sudo().search([("mailbox_id", "=", mailbox.id)])
            if secrets and secrets._opens__():
                mailbox.action_resume()
