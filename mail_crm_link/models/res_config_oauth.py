"""The server's own registration at Google and Microsoft, in the CRM settings."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..connectors.errors import ConnectorError
from .connection_causes import sentence
from .oauth_authorities import AUTHORITIES


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

    @api.model
    def _secret_fields(self) -> dict[str, str]:
        kinds = {f"crm_mailbox_{key}_client_secret": authority.secret_kind for key, authority in AUTHORITIES.items()}
        return super()._secret_fields() | kinds

    def _compute_crm_mailbox_secrets(self):
        """Written, never read: the form shows whether there is one."""
        known = self._known_secrets()
        for settings in self:
            for key, authority in AUTHORITIES.items():
                settings[f"crm_mailbox_{key}_client_secret"] = False
                settings[f"crm_mailbox_{key}_has_secret"] = authority.secret_kind in known

    def _compute_crm_mailbox_redirects(self):
        for settings in self:
            for key, authority in AUTHORITIES.items():
                settings[f"crm_mailbox_{key}_redirect"] = self.env["crm.mailbox"]._oauth_redirect(authority)

    def action_test_google_client(self) -> dict:
        """Ask Google whether it knows this server, and say so."""
        return self._test_client("google")

    def action_test_microsoft_client(self) -> dict:
        """Ask Microsoft whether it knows this server, and say so."""
        return self._test_client("microsoft")

    @api.model
    def _scopes_of_application(self, key: str) -> list[str]:
        """Return what the application itself may ask of an authority."""
        return [self.env["crm.mailbox"]._graph_scope(".default")] if key == "microsoft" else []

    def _test_client(self, key: str) -> dict:
        self.ensure_one()
        self.check_access("write")
        authority = AUTHORITIES[key]
        client_id = self[f"crm_mailbox_{key}_client_id"] or ""
        try:
            oauth = self.env["crm.mailbox"]._oauth_client__(authority, client_id.strip())
            oauth.check(self._scopes_of_application(key))
        except ConnectorError as error:
            raise UserError(sentence(self.env, error, authority.label, "")) from error
        message = self.env._("%s knows this server: client id and secret are right.", authority.label)
        return self.env["crm.mailbox"]._notification(message)
