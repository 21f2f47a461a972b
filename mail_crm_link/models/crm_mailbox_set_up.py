"""Mailboxes whose owners have signed in and have still to say what becomes of their mail.

::

    dialog ──► provisional mailbox ──► consent ──► folders listed ──► dialog: what becomes of the mail ──► connected
                      └── an hour without an end: consent given back, removed
"""

from datetime import timedelta

from odoo import api, fields, models

from .orm_store import OrmStore

PROVISIONAL_LIFETIME = timedelta(hours=1)


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    provisional = fields.Boolean(readonly=True, copy=False, help="Made for a sign-in; not connected yet.")

    def write(self, vals):
        if vals.get("state") == "connecting":
            vals = {**vals, "provisional": False}
        return super().write(vals)

    def _consented(self) -> str:
        """Do what follows a consent; return where the browser goes on.

        :raise UserError: the provider refuses although its owner agreed
        """
        if not self.provisional:
            self.action_connect()
            return self._signed_in_url()
        with self._explained(), self._opened() as connector:
            folders = connector.folders()
        OrmStore(self)._save_folders(folders)
        return f"/odoo/set-up-mailbox/{self.id}"

    def action_set_up(self) -> dict:
        """Return the action that asks what becomes of the mail; of a connected mailbox, the one that shows it."""
        self.ensure_one()
        self.check_access("write")
        if self._awaits_choices():
            return self.env["crm.mailbox.connect"]._after_consent(self)
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.mailbox",
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "current",
        }

    def _awaits_choices(self) -> bool:
        return bool(self.provisional and self.has_consent and self.folder_ids)

    def action_reconnect(self) -> dict:
        return self.action_set_up() if self._awaits_choices() else super().action_reconnect()

    def _give_up(self) -> None:
        """Remove provisional mailboxes, and what their owners agreed to at the provider."""
        provisional = self.filtered("provisional")
        provisional._revoke_consent__()
        provisional.unlink()

    @api.autovacuum
    def _gc_provisional(self):
        """Remove what was begun at a provider and never connected."""
        begun = fields.Datetime.now() - PROVISIONAL_LIFETIME
        self.search([("provisional", "=", True), ("create_date", "<", begun)])._give_up()
