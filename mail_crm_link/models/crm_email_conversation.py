from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class CrmEmailConversation(models.Model):
    """Mails that answer one another.

    Every Message-ID a conversation has shown, as a mail's own or as a reference, is one of
    its keys; so a mail finds its conversation also when the mails between are missing or
    come later (the first synchronisation goes from new to old).
    """

    _name = "crm.email.conversation"
    _inherit = ["crm.email.guarded"]
    _description = "Email Conversation"
    _log_access = False

    email_ids = fields.One2many("crm.email", "conversation_id", "Emails")

    def _readable_domain(self) -> Domain:
        """Conversations of which the user may read a mail: that mails belong together is content."""
        return Domain.custom(to_sql=self._readable_sql)

    def _readable_sql(self, model, alias, query) -> SQL:
        return SQL(
            "EXISTS (SELECT FROM crm_email e WHERE e.conversation_id = %s AND %s)",
            SQL.identifier(alias, "id"),
            self.env["crm.email"]._content_sql("e"),
        )

    @api.depends("email_ids.subject")
    @api.depends_context("uid")
    def _compute_display_name(self):
        for conversation in self:
            # Not as superuser, as whom Odoo reads the names of referred records.
            first = conversation.sudo().email_ids[-1:].sudo(False)
            conversation.display_name = first.subject or self.env._("Conversation")


class CrmEmailConversationKey(models.Model):
    _name = "crm.email.conversation.key"
    _description = "Message-ID Seen in a Conversation"
    _log_access = False

    key = fields.Char(required=True)
    conversation_id = fields.Many2one("crm.email.conversation", required=True, index=True, ondelete="cascade")

    _key_uniq = models.UniqueIndex("(key)")
