from odoo import api, models


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "crm.email.card"]

    _crm_email_link_column = "lead_id"

    # Odoo indexes this column for "contains" only; mail is matched by equality.
    _email_normalized_equal_idx = models.Index("(email_normalized) WHERE email_normalized IS NOT NULL")

    @api.model
    def _crm_email_fields(self):
        return {"active", "company_id", "email_from", "partner_id", "stage_id", "type"}

    def _crm_email_addresses(self):
        leads = self.sudo()
        return leads.mapped("email_normalized") + leads.partner_id.mapped("email_normalized")
