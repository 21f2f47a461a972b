from odoo import fields, models

FALLBACKS = [
    ("own", "Another mailbox of the same person"),
    ("server", "The company's outgoing mail server"),
    ("none", "Nothing: the mail is not sent"),
]


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_email_fallback = fields.Selection(
        FALLBACKS, "Instead of a preferred mailbox that does not work", required=True, default="own"
    )
