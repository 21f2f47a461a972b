"""Further addresses from which an account may send, where its provider tells them.

They are offered as From, accepted as From by the server, and never bound to cards, as those that the owner enters.
"""

import logging

from odoo import models
from odoo.tools import email_normalize

from ..connectors.errors import ConnectorError

_logger = logging.getLogger(__name__)


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    def action_connect(self) -> bool:
        result = super().action_connect()
        for mailbox in self:
            mailbox._take_over_aliases()
        return result

    def _take_over_aliases(self) -> None:
        """Know the addresses from which the account may send; without them the mailbox works as well."""
        try:
            found = {email_normalize(address) for address in self._provider_aliases()} - {False}
        except ConnectorError as error:
            _logger.info("Mailbox %s: its sender addresses are not known: %s", self.id, error)
            return
        new = sorted(found - set(self.own_addresses or ()))
        if new:
            self.aliases = ", ".join(filter(None, (self.aliases, *new)))

    def _provider_aliases(self) -> list[str]:
        """:raise ConnectorError: the provider does not say"""
        ask = getattr(self, f"_aliases_{self.provider}", None)
        return ask() if ask else []
