"""On top of a card's chatter: what waits on it, wherever its activity stands.

The to-do of a mail is one activity on the mail's most specific card. Its other cards show
it as if it were theirs, so that it is seen everywhere and counted once.
"""

from odoo import models
from odoo.fields import Domain

from odoo.addons.mail.tools.discuss import Store

from .crm_email import CARD_FIELDS

# What would name a card that the reader of this one may not know of.
OF_THE_OTHER_CARD = {"can_write", "res_id", "res_model"}


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    def _thread_to_store(self, store: Store, fields, *, request_list=None):
        result = super()._thread_to_store(store, fields, request_list=request_list)
        if self._name in CARD_FIELDS and "activities" in (request_list or ()):
            for card in self:
                card._crm_email_todos_to_store(store)
        return result

    def _crm_email_todos_to_store(self, store: Store) -> None:
        own = self.with_context(active_test=True).activity_ids
        projected = self._crm_email_todos() - own.sudo()
        if not projected:
            return
        shown = [
            field
            for field in projected._to_store_defaults(store.target)
            if not (isinstance(field, str) and field in OF_THE_OTHER_CARD)
        ]
        here = {"can_write": False, "res_id": self.id, "res_model": self._name}
        store.add(projected, [*shown, here])
        together = Store.Many(own.sudo() | projected, [])
        store.add_records_fields(self, {"activities": together}, as_thread=True)

    def _crm_email_todos(self):
        """Return the activities of all mail that waits on this card, as superuser."""
        on_card = Domain(CARD_FIELDS[self._name], "=", self.id) & Domain("active", "=", True)
        # sudo: that a mail waits is for every reader of its card to know; of the mail they
        # get what it shows them
        return self.env["mail.activity"].sudo().search(Domain("crm_email_id.link_ids", "any", on_card))
