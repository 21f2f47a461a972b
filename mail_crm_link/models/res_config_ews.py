from odoo import api, fields, models

from .crm_mailbox_ews import UNVERIFIED_PARAMETER
from .crm_mailbox_ews_service import KIND, SERVER_PARAMETER, USERNAME_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_exchange_unverified_hosts = fields.Char(
        "Exchange servers without a valid certificate",
        config_parameter=UNVERIFIED_PARAMETER,
        help="Names, separated by commas. Whoever stands between such a server and this one can pose as it.",
    )
    crm_mailbox_exchange_service_server = fields.Char("Exchange server", config_parameter=SERVER_PARAMETER)
    crm_mailbox_exchange_service_username = fields.Char("User name", config_parameter=USERNAME_PARAMETER)
    crm_mailbox_exchange_service_password = fields.Char(
        "Password", compute="_compute_crm_mailbox_exchange_service_password", readonly=False
    )
    crm_mailbox_exchange_has_service_password = fields.Boolean(compute="_compute_crm_mailbox_exchange_service_password")

    @api.model
    def _secret_fields(self) -> dict[str, str]:
        return super()._secret_fields() | {"crm_mailbox_exchange_service_password": KIND}

    def _compute_crm_mailbox_exchange_service_password(self):
        known = KIND in self._known_secrets()
        for settings in self:
            settings.crm_mailbox_exchange_service_password = False
            settings.crm_mailbox_exchange_has_service_password = known
