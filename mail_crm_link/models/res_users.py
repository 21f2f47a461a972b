from odoo import fields, models


class ResUsers(models.Model):
    _inherit = "res.users"

    crm_email_notify = fields.Boolean(
        "Notify me of new e-mail",
        help="A notification of the desktop when a person writes to one of your mailboxes. The browser has to allow"
        " Odoo notifications.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + ["crm_email_notify"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return super().SELF_WRITEABLE_FIELDS + ["crm_email_notify"]
