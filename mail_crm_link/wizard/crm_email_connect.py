from odoo import api, fields, models


class CrmEmailConnect(models.TransientModel):
    """Puts the chosen e-mails on cards, or takes them off, all of it or nothing."""

    _name = "crm.email.connect"
    _description = "Connect Emails With Cards"

    email_ids = fields.Many2many("crm.email", string="Emails", required=True, readonly=True)
    lead_ids = fields.Many2many("crm.lead", string="Leads and opportunities")
    partner_ids = fields.Many2many("res.partner", string="Contacts and companies")
    bound_lead_ids = fields.Many2many("crm.lead", compute="_compute_bound")
    bound_partner_ids = fields.Many2many("res.partner", compute="_compute_bound")

    @api.depends("email_ids")
    def _compute_bound(self):
        for wizard in self:
            wizard.bound_lead_ids = wizard.email_ids.lead_ids
            wizard.bound_partner_ids = wizard.email_ids.partner_ids

    def action_link(self) -> bool:
        """:raise AccessError: when the user may not put one of the mails on one of the cards"""
        for card in self._cards():
            self.email_ids.link_to(card._name, card.id)
        return True

    def action_remove(self) -> bool:
        """:raise AccessError: when the user may not take one of the mails off one of the cards"""
        for card in self._cards():
            self.email_ids.unlink_from(card._name, card.id)
        return True

    def _cards(self) -> list:
        self.ensure_one()
        return [*self.lead_ids, *self.partner_ids]
