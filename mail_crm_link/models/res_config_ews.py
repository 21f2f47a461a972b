from odoo import fields, models

from .crm_mailbox_ews import UNVERIFIED_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_exchange_unverified_hosts = fields.Char(
        "Exchange servers without a valid certificate",
        config_parameter=UNVERIFIED_PARAMETER,
        help="Names, separated by commas. Whoever stands between such a server and this one can pose as it.",
    )
