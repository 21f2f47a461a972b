from odoo import fields, models


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    crm_email_section = fields.Char(
        "E-mail part",
        readonly=True,
        copy=False,
        help="The part's number in the mail (RFC 9051, 6.4.5).",
    )
