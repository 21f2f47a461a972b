from odoo import api, fields, models
from odoo.tools import SQL


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "crm.email.card"]

    _crm_email_link_column = "lead_id"

    crm_email_creation_ids = fields.One2many("crm.email.creation", "lead_id", "Created from mail", readonly=True)

    # Odoo indexes this column for "contains" only; mail is matched by equality.
    _email_normalized_equal_idx = models.Index("(email_normalized) WHERE email_normalized IS NOT NULL")

    @api.model
    def _crm_email_fields(self):
        return {"active", "company_id", "email_from", "partner_id", "stage_id", "type"}

    def _crm_email_value(self, name):
        # Of the stages only this matters: whether the deal is still open.
        return self.stage_id.is_won if name == "stage_id" else super()._crm_email_value(name)

    def _crm_email_addresses(self):
        leads = self.sudo()
        # The deals of a company are those of its contacts.
        customers = leads.partner_id | leads.partner_id.child_ids
        return leads.mapped("email_normalized") + customers.mapped("email_normalized")

    def _crm_email_address_texts(self):
        return [self.email_from, self.partner_id.email]

    def _merge_dependences(self, opportunities):
        """The mail of merged leads is the remaining one's, removed links included."""
        self._take_over_crm_emails(opportunities)
        return super()._merge_dependences(opportunities)

    def _take_over_crm_emails(self, opportunities) -> None:
        self.env["crm.email.link"].flush_model()
        for table in ("crm_email_link", "crm_email_candidate_rel"):
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE %(table)s taken SET lead_id = %(lead)s
                      FROM (SELECT DISTINCT ON (email_id) ctid FROM %(table)s
                             WHERE lead_id = ANY(%(merged)s)
                               AND email_id NOT IN (
                                   SELECT email_id FROM %(table)s WHERE lead_id = %(lead)s)) AS one
                     WHERE taken.ctid = one.ctid
                    """,
                    table=SQL.identifier(table),
                    lead=self.id,
                    merged=opportunities.ids,
                )
            )
        self.env["crm.email.link"].invalidate_model(flush=False)
        self.env["crm.email.card.change"]._note_cards(self)
