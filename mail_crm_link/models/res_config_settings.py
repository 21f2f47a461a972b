from odoo import fields, models

from .crm_email_binding import OWN_DOMAINS_PARAMETER
from .crm_mailbox_network import ALLOWED_HOSTS_PARAMETER, FORBID_LOCAL_PARAMETER, UNENCRYPTED_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_email_fallback = fields.Selection(related="company_id.crm_email_fallback", readonly=False, required=True)
    crm_email_own_domains = fields.Char(
        "Own email domains",
        config_parameter=OWN_DOMAINS_PARAMETER,
        help="Separated by commas. Mail between addresses of these domains stays out of CRM.",
    )
    crm_mailbox_allowed_hosts = fields.Char(
        "Allowed mail servers",
        config_parameter=ALLOWED_HOSTS_PARAMETER,
        help="Separated by commas: names, *.example.com, addresses or networks; * stands for all servers in the"
        " Internet. Empty: all servers in the Internet. Servers in a private network have to be named here, or be"
        " entered into the mailbox by an administrator.",
    )
    crm_mailbox_forbid_local_servers = fields.Boolean(
        "Mail servers on this machine only where allowed",
        config_parameter=FORBID_LOCAL_PARAMETER,
        help="Otherwise people may connect mailboxes of a mail server that runs beside Odoo, and learn which ports are"
        " open there.",
    )
    crm_mailbox_allow_unencrypted = fields.Boolean(
        "Connections without encryption",
        config_parameter=UNENCRYPTED_PARAMETER,
        help="Let people connect mailboxes of servers that offer neither TLS nor STARTTLS. Everybody on the way to"
        " the server can read their passwords and their mail then.",
    )
