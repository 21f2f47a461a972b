from odoo import api, fields, models


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "crm.email.card"]

    _crm_email_link_column = "partner_id"

    # Odoo has no index on this column.
    _email_normalized_equal_idx = models.Index("(email_normalized) WHERE email_normalized IS NOT NULL")

    crm_email_creation_ids = fields.One2many("crm.email.creation", "partner_id", "Created from mail", readonly=True)
    source_id = fields.Many2one("utm.source", ondelete="set null", help="Where this contact comes from.")

    @api.model
    def _crm_email_fields(self):
        return {"active", "company_id", "email", "parent_id"}

    def _crm_email_addresses(self):
        return self.sudo().mapped("email_normalized")

    def _crm_email_address_texts(self):
        return [self.email]
