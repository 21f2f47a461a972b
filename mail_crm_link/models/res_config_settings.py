from odoo import fields, models

from .crm_email_binding import OWN_DOMAINS_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_email_own_domains = fields.Char(
        "Own e-mail domains",
        config_parameter=OWN_DOMAINS_PARAMETER,
        help="Separated by commas. Mail between addresses of these domains stays out of CRM.",
    )
