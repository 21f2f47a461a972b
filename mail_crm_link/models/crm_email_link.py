from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL


class CrmEmailLink(models.Model):
    """What binds a mail to a card, and why.

    A link that somebody removed stays as a tombstone (``active`` false), so that nothing
    automatic brings it back.
    """

    _name = "crm.email.link"
    _inherit = ["crm.email.guarded"]
    _description = "Link between an Email and a Card"
    _order = "id"

    email_id = fields.Many2one("crm.email", required=True, index=True, ondelete="cascade")
    lead_id = fields.Many2one("crm.lead", ondelete="cascade")
    partner_id = fields.Many2one("res.partner", ondelete="cascade")
    origin = fields.Selection(
        [
            ("address", "Address"),
            ("thread", "Conversation"),
            ("rule", "Rule"),
            ("inherited", "Inherited"),
            ("manual", "By hand"),
        ],
        required=True,
    )
    reason = fields.Char(required=True)
    user_id = fields.Many2one("res.users", "Set by", ondelete="set null")
    active = fields.Boolean(default=True)
    blocked = fields.Boolean(help="Switched off by the blocklist, not by a person.")

    _one_card = models.Constraint("CHECK (num_nonnulls(lead_id, partner_id) = 1)")
    _lead_uniq = models.UniqueIndex("(lead_id, email_id) WHERE lead_id IS NOT NULL")
    _partner_uniq = models.UniqueIndex("(partner_id, email_id) WHERE partner_id IS NOT NULL")

    @api.depends("lead_id", "partner_id")
    def _compute_display_name(self):
        for link in self:
            link.display_name = (link.lead_id or link.partner_id).display_name

    # ------------------------------------------------------------------------------------
    # Rights: a link is there for those who can read its card
    # ------------------------------------------------------------------------------------

    def _readable_domain(self) -> Domain:
        return Domain.custom(to_sql=self._readable_sql)

    def _readable_sql(self, model, alias, query) -> SQL:
        return SQL(
            "(%s IN (%s) OR %s IN (%s))",
            SQL.identifier(alias, "lead_id"),
            self._readable_cards("crm.lead"),
            SQL.identifier(alias, "partner_id"),
            self._readable_cards("res.partner"),
        )

    def _readable_cards(self, model: str) -> SQL:
        """Subquery of the cards the user can read, archived ones included."""
        cards = self.env[model].with_context(active_test=False)
        if not cards.has_access("read"):
            return SQL("SELECT NULL::int")
        return cards._search(Domain.TRUE).select()

    def _readable_query(self):
        """Query of the links in force on cards the user can read."""
        return self.sudo()._search(Domain("active", "=", True) & self._readable_domain())

    # ------------------------------------------------------------------------------------
    # By hand
    # ------------------------------------------------------------------------------------

    def _card_key(self) -> tuple[str, int]:
        card = self.lead_id or self.partner_id
        return card._name, card.id

    def _of_card(self, emails, card):
        """Links in force or removed between these e-mails and this card."""
        column = self._card_column(card)
        return (
            self.sudo().with_context(active_test=False).search([("email_id", "in", emails.ids), (column, "=", card.id)])
        )

    @api.model
    def _card_column(self, card) -> str:
        return "lead_id" if card._name == "crm.lead" else "partner_id"

    def _describe(self) -> dict:
        """What the CRM connections block shows of this link."""
        self.ensure_one()
        card = self.lead_id or self.partner_id
        why_not = self._why_not_removable(card)
        origins = dict(self._fields["origin"]._description_selection(self.env))
        return {
            "model": card._name,
            "id": card.id,
            "name": card.display_name,
            "type": _card_type(card),
            "detail": _card_detail(card),
            "reason": self.reason,
            "origin": origins[self.origin],
            "set_by": self.user_id.sudo().name or "",
            "can_remove": not why_not,
            "why_not": why_not,
        }

    def _why_not_removable(self, card) -> str:
        """Return why the user may not remove this link, "" when they may.

        Who may edit the card may take mail off it; others only what they put there.
        """
        if self.user_id == self.env.user or card.has_access("write"):
            return ""
        if self.user_id:
            return self.env._("%s set it, and you may not edit this record.", self.user_id.sudo().name)
        return self.env._("You may not edit this record.")

    def _link_by_hand(self, emails, card) -> None:
        """:raise AccessError: when the user may not edit the card"""
        card.check_access("write")
        values = {
            "active": True,
            "blocked": False,
            "origin": "manual",
            "reason": self.env._("By hand, by %s", self.env.user.name),
            "user_id": self.env.uid,
        }
        known = self._of_card(emails, card)
        known.filtered(lambda link: not link.active).write(values)
        column = self._card_column(card)
        self.sudo().create([{**values, "email_id": email.id, column: card.id} for email in emails - known.email_id])
        self.env["crm.email.binding"]._after_new_card(emails)

    def _link_by_rule(self, email, card, reason: str) -> None:
        """Bind a mail to the card that was made from it, and its conversation with it."""
        self.sudo().create(
            {
                "email_id": email.id,
                self._card_column(card): card.id,
                "origin": "rule",
                "reason": reason,
            }
        )
        self.env["crm.email.binding"]._after_new_card(email)

    def _unlink_by_hand(self, emails, card) -> None:
        """:raise AccessError: when the user may not edit the card and did not set the link"""
        links = self._of_card(emails, card)
        for link in links.sudo(False):
            if reason := link._why_not_removable(card):
                raise AccessError(reason)
        links.write({"active": False, "blocked": False, "user_id": self.env.uid})
        self.env["crm.email.binding"]._after_unbinding(emails)


def _card_type(card) -> str:
    if card._name == "crm.lead":
        return card.type
    return "company" if card.is_company else "contact"


def _card_detail(card) -> str:
    """What tells cards of one name apart."""
    if card._name == "crm.lead":
        return card.stage_id.name or ""
    return "" if card.is_company else card.parent_id.name or card.email or ""
