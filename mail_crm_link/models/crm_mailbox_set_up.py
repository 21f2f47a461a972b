"""Mailboxes whose owners have signed in and have still to say what becomes of their mail.

::

    dialog ──► provisional mailbox ──► consent ──► folders listed ──► dialog: what becomes of the mail ──► connected
                      │                      └── nothing came of it: removed; dialog: why, and once more
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

    def action_set_up(self) -> dict | bool:
        """Return the action that asks what becomes of the mail; of a connected mailbox, the one that shows it.

        :return: False when it is gone, as for who gave up and goes back in the browser
        """
        self.ensure_one()
        if not self.exists():
            return False
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

    @api.model
    def _signed_in_already(self):
        """Return the user's mailbox whose sign-in came back last, as long as it waits for their choices."""
        begun = self.search([("user_id", "=", self.env.uid), ("provisional", "=", True)], order="write_date desc")
        return begun.filtered(lambda mailbox: mailbox._awaits_choices())[:1]

    def _refused(self, reason: str) -> str:
        """Remove a mailbox that nothing came of; return where its owner reads why and can try again."""
        dialog = self.env["crm.mailbox.connect"]._after_refusal(self, reason)
        self._give_up()
        return f"/odoo/connect-mailbox/{dialog.id}"

    def _give_up(self) -> None:
        """Remove provisional mailboxes, and so what their owners agreed to at the provider."""
        self.filtered("provisional").unlink()

    @api.autovacuum
    def _gc_provisional(self):
        """Remove what was begun at a provider and never connected."""
        begun = fields.Datetime.now() - PROVISIONAL_LIFETIME
        self.search([("provisional", "=", True), ("create_date", "<", begun)])._give_up()
