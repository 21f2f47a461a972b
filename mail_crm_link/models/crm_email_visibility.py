"""How visible a conversation is on cards, where its owner chose something of their own.

Each owner says it for their own mailboxes' copies; where the mail has copies in others'
mailboxes too, the highest counts (see `crm_email_levels`).
"""

from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from .crm_email_levels import LEVEL_OF_VISIBILITY

CLOSED_FIRST = list(LEVEL_OF_VISIBILITY)


class CrmEmailConversationVisibility(models.Model):
    _name = "crm.email.conversation.visibility"
    _description = "Visibility of a Conversation"
    _rec_name = "conversation_id"

    conversation_id = fields.Many2one("crm.email.conversation", required=True, ondelete="cascade")
    mailbox_id = fields.Many2one("crm.mailbox", required=True, index=True, ondelete="cascade")
    visibility = fields.Selection(lambda self: self._visibilities(), required=True)

    _mailbox_uniq = models.UniqueIndex("(conversation_id, mailbox_id)")

    @api.model
    def _visibilities(self) -> list[tuple[str, str]]:
        return self.env["crm.mailbox"]._fields["visibility"]._description_selection(self.env)

    @api.model
    def _merge(self, targets: dict[int, int]) -> None:
        """Follow conversations that turn out to be one; the most closed choice wins.

        A stranger's mail can name two conversations, and must open neither.

        :param targets: what each conversation becomes part of
        """
        parts = defaultdict(set)
        for old, target in targets.items():
            parts[target] |= {old, target}
        for target, ids in parts.items():
            choices = self.search([("conversation_id", "in", list(ids))])
            for mailbox in choices.mailbox_id:
                choices.filtered(lambda one, mailbox=mailbox: one.mailbox_id == mailbox)._become_one(target, len(ids))

    def _become_one(self, conversation_id: int, parts: int) -> None:
        """:param parts: how many conversations become one; some may have no choice"""
        visibilities = self.mapped("visibility")
        if len(self) < parts:
            visibilities.append(self.mailbox_id.visibility)
        kept = self[0]
        (self - kept).unlink()
        kept.write({"conversation_id": conversation_id, "visibility": min(visibilities, key=CLOSED_FIRST.index)})


class CrmEmail(models.Model):
    _inherit = "crm.email"

    conversation_visibility = fields.Selection(
        [
            ("mailbox", "As for all mail of the mailbox"),
            ("public", "Everybody who sees the card reads it"),
            ("subject", "Others see date, people and subject"),
            ("private", "Others see only that there was a mail"),
        ],
        "Who sees this conversation",
        compute="_compute_conversation_visibility",
        help="What the owner chose for the copies in their mailboxes; empty: it is not the user's to choose.",
    )

    @api.depends_context("uid")
    def _compute_conversation_visibility(self):
        for email in self:
            email.conversation_visibility = email._chosen_visibility() if email._owned_mailboxes() else False

    def _chosen_visibility(self) -> str:
        chosen = self._conversation_choices(self._owned_mailboxes())
        return chosen[:1].visibility or "mailbox"

    def set_conversation_visibility(self, visibility: str) -> str:
        """Say who sees the conversation of this mail on cards.

        :param visibility: ``public``, ``subject``, ``private``; ``mailbox``: as for all mail
        :return: what is in force for the user's copies then
        :raise AccessError: unless the user owns a mailbox that has mail of the conversation
        """
        self.ensure_one()
        self._check_content_access()
        mailboxes = self._owned_mailboxes()
        if not mailboxes:
            raise AccessError(self.env._("Who sees a conversation is for the owner of its mailbox to say."))
        self._check_visibility(visibility)
        self._choose_visibility(mailboxes, visibility)
        self.env.invalidate_all()
        return self._chosen_visibility()

    def _check_visibility(self, visibility) -> None:
        known = [value for value, _label in self._fields["conversation_visibility"].selection]
        if visibility not in known:
            raise ValidationError(self.env._("Visibility is one of: %s.", ", ".join(known)))

    def _choose_visibility(self, mailboxes, visibility: str) -> None:
        choices = self._conversation_choices(mailboxes)
        if visibility == "mailbox":
            choices.unlink()
            return
        choices.visibility = visibility
        conversation = self.sudo().conversation_id
        choices.create(
            [
                {"conversation_id": conversation.id, "mailbox_id": mailbox.id, "visibility": visibility}
                for mailbox in mailboxes - choices.mailbox_id
            ]
        )

    def _conversation_choices(self, mailboxes):
        # sudo: nobody has rights on what owners choose but through these methods
        return (
            self.env["crm.email.conversation.visibility"]
            .sudo()
            .search([("conversation_id", "=", self.sudo().conversation_id.id), ("mailbox_id", "in", mailboxes.ids)])
        )

    def _owned_mailboxes(self):
        """Return all mailboxes of a user who owns one with mail of this conversation.

        As superuser. All, because the next mail of it may come to another one.
        """
        mailboxes = self.env["crm.mailbox"].sudo().with_context(active_test=False)
        owned = mailboxes.browse(self.env["crm.mailbox"]._owned_ids())
        conversation = self.sudo().conversation_id
        in_owned = [("conversation_id", "=", conversation.id), ("mailbox_ids", "in", owned.ids)]
        return owned if conversation and self.sudo().search_count(in_owned, limit=1) else mailboxes
