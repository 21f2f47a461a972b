"""The server's own registration at Google and Microsoft, in the CRM settings."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..connectors.errors import ConnectorError
from .connection_causes import sentence
from .oauth_authorities import AUTHORITIES

SECRET_FIELDS = {f"crm_mailbox_{key}_client_secret": key for key in AUTHORITIES}


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_google_client_id = fields.Char(
        "Client ID of Google", config_parameter=AUTHORITIES["google"].parameter("client_id")
    )
    crm_mailbox_google_client_secret = fields.Char(
        "Client secret of Google", compute="_compute_crm_mailbox_secrets", readonly=False
    )
    crm_mailbox_google_has_secret = fields.Boolean(compute="_compute_crm_mailbox_secrets")
    crm_mailbox_google_redirect = fields.Char(
        "Redirect address for Google", compute="_compute_crm_mailbox_redirects", readonly=True
    )
    crm_mailbox_microsoft_client_id = fields.Char(
        "Client ID of Microsoft", config_parameter=AUTHORITIES["microsoft"].parameter("client_id")
    )
    crm_mailbox_microsoft_tenant = fields.Char(
        "Tenant",
        config_parameter=AUTHORITIES["microsoft"].parameter("tenant"),
        help="The id or a domain of your organisation. Empty: people of any organisation, and of Outlook.com.",
    )
    crm_mailbox_microsoft_client_secret = fields.Char(
        "Client secret of Microsoft", compute="_compute_crm_mailbox_secrets", readonly=False
    )
    crm_mailbox_microsoft_has_secret = fields.Boolean(compute="_compute_crm_mailbox_secrets")
    crm_mailbox_microsoft_redirect = fields.Char(
        "Redirect address for Microsoft", compute="_compute_crm_mailbox_redirects", readonly=True
    )

    def _compute_crm_mailbox_secrets(self):
        """Written, never read: the form shows whether there is one."""
        # sudo: that there is a secret may be seen by who may change it
        secrets = self.env["crm.mailbox.secret"].sudo()
        known = set(secrets.search([("mailbox_id", "=", False)]).mapped("kind"))
        for settings in self:
            for key, authority in AUTHORITIES.items():
                settings[f"crm_mailbox_{key}_client_secret"] = False
                settings[f"crm_mailbox_{key}_has_secret"] = authority.secret_kind in known

    def _compute_crm_mailbox_redirects(self):
        for settings in self:
            for key, authority in AUTHORITIES.items():
                settings[f"crm_mailbox_{key}_redirect"] = self.env["crm.mailbox"]._oauth_redirect(authority)

    @api.model_create_multi
    def create(self, vals_list):
        """Take secrets out of the values before the ORM sees them: it would answer with them."""
        if any(SECRET_FIELDS.keys() & vals.keys() for vals in vals_list):
            self.check_access("create")
        for vals in vals_list:
            self._store_client_secrets(vals)
        return super().create([_without_secrets(vals) for vals in vals_list])

    def write(self, vals):
        if SECRET_FIELDS.keys() & vals.keys():
            self.check_access("write")
            self._store_client_secrets(vals)
        return super().write(_without_secrets(vals))

    def _store_client_secrets(self, vals: dict) -> None:
        # sudo: nobody has rights on secrets; only administrators write settings
        secrets = self.env["crm.mailbox.secret"].sudo()
        for name in SECRET_FIELDS.keys() & vals.keys():
            if vals[name]:
                kind = AUTHORITIES[SECRET_FIELDS[name]].secret_kind
                secrets._store__(self.env["crm.mailbox"], kind, vals[name].strip())

    def action_test_google_client(self) -> dict:
        """Ask Google whether it knows this server, and say so."""
        return self._test_client("google")

    def action_test_microsoft_client(self) -> dict:
        """Ask Microsoft whether it knows this server, and say so."""
        return self._test_client("microsoft")

    def _test_client(self, key: str) -> dict:
        self.ensure_one()
        self.check_access("write")
        authority = AUTHORITIES[key]
        client_id = self[f"crm_mailbox_{key}_client_id"] or ""
        try:
            self.env["crm.mailbox"]._oauth_client__(authority, client_id.strip()).check()
        except ConnectorError as error:
            raise UserError(sentence(self.env, error, authority.label, "")) from error
        message = self.env._("%s knows this server: client id and secret are right.", authority.label)
        return self.env["crm.mailbox"]._notification(message)


def _without_secrets(vals: dict) -> dict:
    return {name: value for name, value in vals.items() if name not in SECRET_FIELDS}
