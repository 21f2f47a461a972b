import re
from collections import defaultdict

from odoo import models

from .crm_email import CARD_FIELDS
from .crm_email_live import SUBCHANNEL

_CARD_CHANNEL = re.compile(rf"{SUBCHANNEL}/(?P<model>{'|'.join(map(re.escape, CARD_FIELDS))})/(?P<id>\d{{1,9}})")
# Nobody has more cards open at once.
MOST_CARDS = 50


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        """Let who has a card open, and may read it, hear of its mail."""
        asked = defaultdict(set)
        others = []
        for channel in channels:
            card = _CARD_CHANNEL.fullmatch(channel) if isinstance(channel, str) else None
            if card:
                asked[card["model"]].add(int(card["id"]))
            else:
                others.append(channel)
        return super()._build_bus_channel_list(others + self._readable_cards(asked))

    def _readable_cards(self, asked: dict[str, set[int]]) -> list[tuple]:
        if not asked or not self.env.user._is_internal():
            return []
        return [
            (card, SUBCHANNEL)
            for model, ids in asked.items()
            for card in self.env[model].browse(sorted(ids)[:MOST_CARDS]).exists()._filtered_access("read")
        ]
