from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

OWN_FIELDS = ["crm_email_notify", "preferred_mailbox_id"]


class ResUsers(models.Model):
    _inherit = "res.users"

    crm_email_notify = fields.Boolean(
        "Notify me of new email",
        help="A notification of the desktop when a person writes to one of your mailboxes. The browser has to allow"
        " Odoo notifications.",
    )
    preferred_mailbox_id = fields.Many2one(
        "crm.mailbox",
        "Preferred mailbox",
        compute="_compute_preferred_mailbox_id",
        inverse="_inverse_preferred_mailbox_id",
        domain="[('user_id', '=', id)]",
        help="New email is written from here, unless another mailbox is chosen.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + OWN_FIELDS

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return super().SELF_WRITEABLE_FIELDS + OWN_FIELDS

    # Not stored: which one it is says the mailbox alone.
    @api.depends_context("uid")
    def _compute_preferred_mailbox_id(self):
        mailboxes = self.env["crm.mailbox"].with_context(active_test=False)
        mailboxes = mailboxes.search(Domain("user_id", "in", self.ids) & Domain("preferred", "=", True))
        by_owner = {mailbox.user_id.id: mailbox for mailbox in mailboxes}
        for user in self:
            user.preferred_mailbox_id = by_owner.get(user._origin.id, False)

    def _inverse_preferred_mailbox_id(self):
        """:raise ValidationError: the mailbox is somebody else's"""
        for user in self:
            chosen = user.preferred_mailbox_id
            if chosen and chosen.user_id != user:
                raise ValidationError(self.env._("Only a mailbox of one's own can be the preferred one."))
            if chosen:
                chosen.preferred = True
            else:
                chosen._preferred_of(user).preferred = False
