"""Addresses whose mail stays out of CRM, and comes back when they are taken off the list.

An entry binds nothing new, and hides what is bound already: links it hits are switched off
with `blocked` set, which tells them from those that somebody removed by hand.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL

from .. import rules


class CrmEmailBlock(models.Model):
    _name = "crm.email.block"
    _description = "Blocked Address"
    _order = "name"

    name = fields.Char("Address or domain", required=True, help="ada@example.com, or example.com for all of it.")
    scope = fields.Selection(
        [("personal", "My mailboxes"), ("company", "All mailboxes")],
        required=True,
        default="personal",
    )
    user_id = fields.Many2one(
        "res.users", "Owner", required=True, default=lambda self: self.env.uid, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )

    _personal_uniq = models.UniqueIndex(
        "(name, user_id) WHERE scope = 'personal'", "This address is on your list already."
    )
    _company_uniq = models.UniqueIndex(
        "(name, company_id) WHERE scope = 'company'", "This address is on the list already."
    )

    @api.model_create_multi
    def create(self, vals_list):
        blocks = super().create([self._normalised(vals) for vals in vals_list])
        blocks._check_company_wide()
        blocks._rebind()
        return blocks

    def write(self, vals):
        self._check_company_wide()
        self._rebind()
        result = super().write(self._normalised(vals))
        self._check_company_wide()
        self._rebind()
        return result

    def unlink(self):
        self._check_company_wide()
        self._rebind()
        return super().unlink()

    def _normalised(self, vals: dict) -> dict:
        if "name" not in vals:
            return vals
        try:
            return {**vals, "name": rules.addresses.parse_block_entry(vals["name"] or "")}
        except ValueError as error:
            raise ValidationError(
                self.env._(
                    "“%s” is neither an email address nor a domain, such as ada@example.com or example.com.",
                    vals["name"],
                )
            ) from error

    def _check_company_wide(self) -> None:
        """Entries for everybody are the managers' matter."""
        if self.env.su or self.env.user.has_group("sales_team.group_sale_manager"):
            return
        if any(block.scope == "company" for block in self):
            raise AccessError(self.env._("Only sales managers block addresses for all mailboxes."))

    def _rebind(self) -> None:
        """Have the mail of these addresses looked at again, in the background."""
        for block in self:
            self.env["crm.email.relink"].sudo()._enqueue_entry(block.name)

    @api.model
    def _of(self, owner_ids, company_ids) -> frozenset[str]:
        """Entries in force for a mail in the mailboxes of these owners.

        A personal entry does not keep a mail from a colleague who received it too.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT name FROM crm_email_block
                 WHERE scope = 'company' AND company_id = ANY(%(companies)s)
                 UNION
                SELECT name FROM crm_email_block
                 WHERE scope = 'personal' AND user_id = ANY(%(owners)s)
                 GROUP BY name HAVING count(DISTINCT user_id) = %(count)s
                """,
                companies=list(company_ids),
                owners=list(owner_ids),
                count=len(owner_ids),
            )
        )
        return frozenset(name for (name,) in rows)
