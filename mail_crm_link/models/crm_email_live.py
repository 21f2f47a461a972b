"""Tell open browsers that mail came or changed, and have them ask for what they may see.

Notifications carry numbers of records and nothing of their content::

    mail_crm_link.mail    to each reader of a mailbox: ``emails``, and which of them are ``new``
    mail_crm_link.card    to each who has a card open and may read it: ``model``, ``id``

One notification a page and reader, and one a page and card.
"""

from collections.abc import Collection, Sequence

from odoo import api, models
from odoo.tools import SQL

from .crm_email import CARD_FIELDS

MAIL = "mail_crm_link.mail"
CARD = "mail_crm_link.card"
# Part of the name of the channel of a card, beside the card itself.
SUBCHANNEL = "mail_crm_link"
# More than a person reads of at once: the list shows the others.
MOST_NOTES = 3


class CrmEmail(models.Model):
    _inherit = "crm.email"

    def _announce(self, new: Collection[int] = ()) -> None:
        """Tell the readers of these mails' mailboxes, and those who have their cards open.

        :param new: ids of those that somebody may want to be told of
        """
        if not self:
            return
        for mailbox in self.sudo().mailbox_ids:
            ids = [email.id for email in self if mailbox in email.mailbox_ids]
            payload = {"emails": ids, "new": [email_id for email_id in ids if email_id in set(new)]}
            for user in mailbox.reader_ids:
                user._bus_send(MAIL, payload)
        self._announce_cards()

    def _announce_cards(self) -> None:
        self.env["crm.email.link"].flush_model(["email_id", "lead_id", "partner_id"])
        # Also of cards that a mail was taken off: there it has to go.
        rows = self.env.execute_query(
            SQL("SELECT DISTINCT lead_id, partner_id FROM crm_email_link WHERE email_id = ANY(%s)", self.ids)
        )
        for model, card_ids in zip(CARD_FIELDS, zip(*rows, strict=True), strict=False):
            for card in self.env[model].browse(filter(None, card_ids)):
                self.env["bus.bus"]._sendone((card, SUBCHANNEL), CARD, {"model": model, "id": card.id})

    @api.model
    def _announce_page(self, mailbox, folder_id: int, uidvalidity: str, remote_ids: Sequence[str]) -> None:
        """Tell of a page that was synchronised; while a mailbox is connected, its progress is told instead."""
        if mailbox.state == "connecting" or not remote_ids:
            return
        folder = self.env["crm.mailbox.folder"].browse(folder_id)
        emails = self.browse(folder._email_ids(remote_ids, uidvalidity))
        emails._announce(new=emails._new_to(mailbox).ids if folder._is_arrival() else ())

    def _new_to(self, mailbox):
        """Return what has come since the mailbox was connected, by a person, and was read nowhere yet."""
        since = mailbox.connected_at
        return self.filtered(
            lambda email: (
                email.direction == "in"
                and email.automatic == "none"
                and since
                and email.date >= since
                and not any(copy.seen for copy in email.copy_ids)
            )
        )

    @api.model
    def describe_new(self, email_ids: Sequence[int]) -> list[dict]:
        """Return what a desktop notification says of these mails, to users who want such.

        :return: ``id title text``; of at most `MOST_NOTES`, and of those the user may read in full
        """
        if not self.env.user.crm_email_notify:
            return []
        known = self.search([("id", "in", list(email_ids)[:100])])._filter_content_readable()
        return [
            {"id": email.id, "title": email.correspondent, "text": email.subject or self.env._("(no subject)")}
            for email in known[:MOST_NOTES]
        ]

    # --- what people do -----------------------------------------------------------------

    def _processed(self) -> None:
        waiting = self.filtered(lambda email: email.state == "to_process")
        super()._processed()
        waiting._announce()

    def link_to(self, model: str, res_id: int) -> bool:
        result = super().link_to(model, res_id)
        self._announce()
        return result

    def unlink_from(self, model: str, res_id: int) -> bool:
        result = super().unlink_from(model, res_id)
        self._announce()
        return result
