"""Whom the user may want to write to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .. import rules

if TYPE_CHECKING:
    from ..rules.addresses import Address

SUGGESTIONS = 8


class CrmEmailComposer(models.Model):
    _inherit = "crm.email.composer"

    @api.model
    def suggest_recipients(self, term: str) -> list[str]:
        """Return people whose name or address begins with ``term``, contacts first.

        Contacts that the user may read, and who wrote to the user's own mailboxes or was written to.
        """
        self.check_access("read")
        term = (term or "").strip()
        if not term:
            return []
        found = {one.email: one for one in (*self._contacts_like(term), *self._correspondents_like(term))}
        return [rules.composing.people([one]) for one in list(found.values())[:SUGGESTIONS]]

    def _contacts_like(self, term: str) -> list[Address]:
        named = Domain("name", "ilike", term) | Domain("email", "ilike", term)
        partners = self.env["res.partner"].search(named & Domain("email", "!=", False), limit=SUGGESTIONS)
        addresses = (rules.addresses.Address(one.name or "", rules.addresses.normalize(one.email)) for one in partners)
        return [one for one in addresses if one.email]

    def _correspondents_like(self, term: str) -> list[Address]:
        beginning = term.lower().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        rows = self.env.execute_query(
            SQL(
                """
                SELECT max(p.name), p.address FROM crm_email_participant p
                  JOIN crm_email_mailbox_rel r ON r.email_id = p.email_id
                 WHERE r.mailbox_id = ANY(%s) AND p.kind != 'bcc'
                   AND (p.address LIKE %s OR lower(p.name) LIKE %s)
                 GROUP BY p.address ORDER BY count(*) DESC LIMIT %s
                """,
                list(self.env["crm.mailbox"]._usable_ids()),
                beginning,
                beginning,
                SUGGESTIONS,
            )
        )
        return [rules.addresses.Address(name or "", address) for name, address in rows]
