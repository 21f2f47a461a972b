"""Secrets of this server itself, entered in the CRM settings: written, never read."""

from odoo import api, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    @api.model
    def _secret_fields(self) -> dict[str, str]:
        """Return the fields that secrets are entered in, each with the kind that it is stored as."""
        return {}

    def _checked_secret(self, name: str, secret: str) -> str:
        """Return what is to be stored of what was entered into a field.

        :raise UserError: it cannot be such a secret
        """
        return secret.strip()

    @api.model
    def _known_secrets(self) -> set[str]:
        """Return the kinds of which there is a secret."""
        # sudo: that there is a secret may be seen by who may change it
        secrets = self.env["crm.mailbox.secret"].sudo()
        return set(secrets.search([("mailbox_id", "=", False)]).mapped("kind"))

    @api.model_create_multi
    def create(self, vals_list):
        if any(self._secret_fields().keys() & vals.keys() for vals in vals_list):
            self.check_access("create")
        return super().create([self._without_secrets(vals) for vals in vals_list])

    def write(self, vals):
        if self._secret_fields().keys() & vals.keys():
            self.check_access("write")
        return super().write(self._without_secrets(vals))

    def _without_secrets(self, vals: dict) -> dict:
        """Store secrets, and take them out of the values before the ORM sees them: it would answer with them."""
        # sudo: nobody has rights on secrets; only administrators write settings
        secrets = self.env["crm.mailbox.secret"].sudo()
        kinds = self._secret_fields()
        for name in kinds.keys() & vals.keys():
            if vals[name]:
                secrets._store__(self.env["crm.mailbox"], kinds[name], self._checked_secret(name, vals[name]))
        return {name: value for name, value in vals.items() if name not in kinds}
