from odoo import models
from odoo.tools import SQL, email_normalize_all

from .crm_email_participant import bare


class CrmEmailCard(models.AbstractModel):
    """The person that a lead or a contact stands for, and the mail they take part in."""

    _inherit = "crm.email.card"

    def _crm_email_person_addresses(self) -> list[str]:
        """Return the person's addresses, normalised."""
        return email_normalize_all(", ".join(filter(None, self.sudo()._crm_email_address_texts())))

    def _crm_email_address_texts(self) -> list[str | bool]:
        """Return what the card says about the person's addresses."""
        raise NotImplementedError

    def _crm_email_participating(self) -> SQL:
        """Return a query for the ids of all mails that name an address of the person."""
        keys = [bare(address) for address in self._crm_email_person_addresses()]
        return SQL("SELECT email_id FROM crm_email_participant WHERE bare = ANY(%s)", keys)

    def _crm_email_concerning(self) -> SQL:
        """Return a query for the ids of these mails and of those on this card."""
        return SQL(
            "%s UNION SELECT email_id FROM crm_email_link WHERE %s = %s AND active",
            self._crm_email_participating(),
            SQL.identifier(self._crm_email_link_column),
            self.id,
        )
