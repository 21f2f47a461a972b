
from odoo import api, fields, models


class CrmEmailCard(models.AbstractModel):
    """A record that mail is bound to: lead, opportunity, contact or company."""

    _name = "crm.email.card"
    _description = "Card With E-mails"

    # The column of crm.email.link that points at this model.
    _crm_email_link_column: str

    crm_email_ids = fields.Many2many("crm.email", string="E-mails", compute="_compute_crm_emails")
    crm_email_count = fields.Integer("Number of e-mails", compute="_compute_crm_emails")

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_crm_emails(self):
        column = self._crm_email_link_column
        links = self.env["crm.email.link"].search([(column, "in", self.ids)])
        emails = self.env["crm.email"].search([("id", "in", links.email_id.ids)])
        readable = set(emails.ids)
        order = {email_id: rank for rank, email_id in enumerate(emails.ids)}
        by_card = {card.id: [] for card in self}
        for link in links:
            if link.email_id.id in readable:
                by_card[link[column].id].append(link.email_id.id)
        for card in self:
            ids = sorted(by_card.get(card._origin.id or card.id, []), key=order.get)
            card.crm_email_ids = ids
            card.crm_email_count = len(ids)

    def action_open_crm_emails(self) -> dict:
        """Return the action that lists the e-mails of this card."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_crm_link.crm_email_action")
        action["name"] = self.env._("E-mails of %s", self.display_name)
        action["domain"] = [("link_ids", "any", [(self._crm_email_link_column, "=", self.id)])]
        action["context"] = {}
        return action

    # ------------------------------------------------------------------------------------
    # Past mail follows
    # ------------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        cards = super().create(vals_list)
        cards._relink_crm_emails()
        return cards

    def write(self, vals):
        watched = self._crm_email_fields() & vals.keys()
        result = super().write(vals)
        if watched:
            self._relink_crm_emails()
        return result

    def unlink(self):
        column = self._crm_email_link_column
        links = self.env["crm.email.link"].sudo().search([(column, "in", self.ids)])
        emails = links.email_id
        result = super().unlink()
        if emails:
            self.env["crm.email.binding"]._after_unbinding(emails)
        return result

    @api.model
    def _crm_email_fields(self) -> set[str]:
        """Fields that decide which mail is this card's."""
        raise NotImplementedError

    def _relink_crm_emails(self) -> None:
        self.env["crm.email.relink"].sudo()._enqueue(self._crm_email_addresses())

    def _crm_email_addresses(self) -> list[str]:
        """Addresses whose mail may concern these cards now."""
        raise NotImplementedError
