"""Writing to whom a card is about."""

from odoo import models

from .. import rules


class CrmEmailCard(models.AbstractModel):
    _inherit = "crm.email.card"

    def action_compose_crm_email(self) -> dict:
        """Return the action that writes a new mail to whom this card is about.

        :raise RedirectWarning: the user has no mailbox to write from
        """
        self.ensure_one()
        return self.env["crm.email.composer"]._start({"model": self._name, "res_id": self.id})

    def _crm_email_recipient(self) -> str:
        """The address of the card's person, as To shows it; "" where there is none."""
        for partner in self._crm_email_partners():
            if address := rules.addresses.normalize(partner.email or ""):
                return rules.composing.people([rules.addresses.Address(partner.name or "", address)])
        return ""

    def _crm_email_stated_recipient(self) -> str:
        """The address that stands on the card itself, as To shows it; "" where there is none."""
        return ""

    def _crm_email_partners(self) -> list:
        """Contacts to write to, the first with an address counts."""
        raise NotImplementedError


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _crm_email_partners(self):
        return [self.partner_id, self.partner_id.commercial_partner_id]

    def _crm_email_recipient(self):
        return super()._crm_email_recipient() or self._crm_email_stated_recipient()

    def _crm_email_stated_recipient(self):
        address = rules.addresses.normalize(self.email_from or "")
        return rules.composing.people([rules.addresses.Address(self.contact_name or "", address)]) if address else ""


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _crm_email_partners(self):
        return [self, self.commercial_partner_id]
