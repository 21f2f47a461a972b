from odoo import fields, models

from .. import connectors
from .crm_mailbox_graph import ENDPOINT_PARAMETER
from .crm_mailbox_graph_notices import ADDRESS_PARAMETER
from .oauth_authorities import AUTHORITIES

# Authority and endpoint of each: https://learn.microsoft.com/graph/deployments
NATIONAL_CLOUDS = {
    "us": ("https://login.microsoftonline.us", "https://graph.microsoft.us/v1.0"),
    "us_dod": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us/v1.0"),
    "china": ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn/v1.0"),
}


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_microsoft_cloud = fields.Selection(
        [
            ("global", "Worldwide"),
            ("us", "US Government L4"),
            ("us_dod", "US Government L5 (DoD)"),
            ("china", "China (21Vianet)"),
            ("other", "Other addresses"),
        ],
        "Microsoft cloud",
        compute="_compute_crm_mailbox_microsoft_cloud",
        inverse="_inverse_crm_mailbox_microsoft_cloud",
    )
    crm_mailbox_microsoft_notification_url = fields.Char(
        "Address for notifications",
        config_parameter=ADDRESS_PARAMETER,
        help="Where Microsoft reaches this server. Empty: its own address, if it is one with https.",
    )

    def _compute_crm_mailbox_microsoft_cloud(self):
        parameters = self.env["ir.config_parameter"].sudo()
        clouds = _clouds()
        authority, endpoint = clouds["global"]
        authority = parameters.get_param(AUTHORITIES["microsoft"].parameter("authority")) or authority
        endpoint = parameters.get_param(ENDPOINT_PARAMETER) or endpoint
        found = [name for name, addresses in clouds.items() if addresses == (authority, endpoint)]
        self.crm_mailbox_microsoft_cloud = found[0] if found else "other"

    def _inverse_crm_mailbox_microsoft_cloud(self):
        """Addresses of none of these clouds stay as they are."""
        parameters = self.env["ir.config_parameter"].sudo()
        for settings in self:
            if addresses := _clouds().get(settings.crm_mailbox_microsoft_cloud):
                authority, endpoint = addresses
                parameters.set_param(AUTHORITIES["microsoft"].parameter("authority"), authority)
                parameters.set_param(ENDPOINT_PARAMETER, endpoint)


def _clouds() -> dict[str, tuple[str, str]]:
    return {"global": (connectors.oauth.MICROSOFT_AUTHORITY, connectors.graph.ENDPOINT), **NATIONAL_CLOUDS}
