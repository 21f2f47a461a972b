from odoo import api, models
from odoo.tools import SQL


class BasePartnerMerge(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Hand the mail over first, one link a mail.

        Odoo moves all rows at once; where one mail has both contacts, that hurts the unique
        index, and Odoo deletes every link of the contact that goes.
        """
        self.env["crm.email.link"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_email_link taken SET partner_id = %(kept)s
                  FROM (SELECT DISTINCT ON (email_id) id FROM crm_email_link
                         WHERE partner_id = ANY(%(merged)s) AND email_id NOT IN (
                               SELECT email_id FROM crm_email_link WHERE partner_id = %(kept)s)
                         ORDER BY email_id, active DESC, id) AS one
                 WHERE taken.id = one.id
                """,
                kept=dst_partner.id,
                merged=src_partners.ids,
            )
        )
        self.env["crm.email.link"].invalidate_model(flush=False)
        self.env["crm.email.card.change"]._note_cards(dst_partner)
        return super()._update_foreign_keys(src_partners, dst_partner)
