"""The CRM connections of a mail: what its form shows, and saves all at once.

Who may change them follows the roles of CRM on the card, not on the mail: see
`crm.email.link` for what adding and removing ask for.
"""

from odoo import api, models
from odoo.exceptions import AccessError, ValidationError

from .crm_mailbox_rule import MODEL_OF_TARGET

CARD_TYPES = ("lead", "opportunity", "contact", "company")


class CrmEmail(models.Model):
    _inherit = "crm.email"

    def get_connections(self) -> dict:
        """Return the cards of this mail that the user may see, and what they may do.

        :return: ``cards`` (``model id name type detail reason origin set_by can_remove
            why_not``), ``candidates`` (open opportunities to choose from: ``id name
            detail``), ``can_create`` (targets), ``can_edit``, ``unbound_reason`` (text)
        """
        self.ensure_one()
        self.check_access("read")
        links = self.env["crm.email.link"].search([("email_id", "=", self.id)])
        return {
            "cards": [link._describe() for link in links],
            "candidates": [
                {"id": lead.id, "name": lead.display_name, "detail": lead.stage_id.name or ""}
                for lead in self.sudo().candidate_lead_ids.sudo(False)._filtered_access("read")
            ],
            "can_create": [target for target in CARD_TYPES if self._may_create(target)],
            "can_edit": bool(self._filter_content_readable()),
            "unbound_reason": self._unbound_text(),
        }

    def _unbound_text(self) -> str:
        labels = dict(self._fields["unbound_reason"]._description_selection(self.env))
        return labels.get(self.unbound_reason, "")

    def _may_create(self, target: str) -> bool:
        return self.env[MODEL_OF_TARGET[target]].has_access("create")

    def save_connections(self, add=(), create=(), remove=()) -> dict:
        """Change the connections of this mail, all of it or nothing.

        :param add: ``[model, id]`` of cards to bind to
        :param create: ``{"target": ..., "values": {...}}`` of cards to create
        :param remove: ``[model, id]`` of cards to take the mail off
        :return: what `get_connections` returns then
        :raise AccessError: when one of the changes is not the user's to make
        """
        self.ensure_one()
        for model, res_id in map(self._pair, remove):
            self.unlink_from(model, res_id)
        for model, res_id in map(self._pair, add):
            self.link_to(model, res_id)
        for record in create:
            self.create_record(record.get("target"), record.get("values") or {})
        return self.get_connections()

    def _pair(self, card) -> tuple:
        if not isinstance(card, (list, tuple)) or len(card) != 2:
            raise ValidationError(self.env._("A card is named by its model and its id."))
        return tuple(card)

    def _check_target(self, target) -> None:
        if target not in MODEL_OF_TARGET:
            raise ValidationError(self.env._("Cards are one of: %s.", ", ".join(CARD_TYPES)))

    def create_record(self, target: str, values: dict | None = None) -> dict:
        """Create a card from this mail and bind its conversation to it.

        :param target: ``lead``, ``opportunity``, ``contact`` or ``company``
        :param values: fields that replace what is taken from the mail
        :return: ``model`` and ``id`` of the card
        """
        self.ensure_one()
        self._check_target(target)
        self._check_content_access()
        if not self._may_create(target):
            raise AccessError(self.env._("You may not create this kind of record."))
        card = self._create_card(target, values or {})
        self.env["crm.email.link"]._link_by_hand(self, card)
        return {"model": card._name, "id": card.id}

    def prefill(self, target: str) -> dict:
        """Return the values a card made from this mail would get, for a form to edit."""
        self.ensure_one()
        self._check_target(target)
        self._check_content_access()
        return self._card_values(target)

    @api.model
    def search_cards(self, text: str, kind: str, limit: int = 8) -> list[dict]:
        """Find cards to bind to, among those the user may change.

        :param kind: ``lead``, ``opportunity``, ``contact`` or ``company``
        """
        self._check_target(kind)
        domains = {
            "lead": [("type", "=", "lead")],
            "opportunity": [("type", "=", "opportunity")],
            "contact": [("is_company", "=", False)],
            "company": [("is_company", "=", True)],
        }
        cards = self.env[MODEL_OF_TARGET[kind]]
        if not cards.has_access("write"):
            return []
        found = cards.browse(res_id for res_id, _ in cards.name_search(text, domains[kind], limit=limit))
        return [
            {"model": card._name, "id": card.id, "name": card.display_name, "type": kind}
            for card in found._filtered_access("write")
        ]
