"""The address of the person who looks after a record, for templates."""

from odoo import api, fields, models


class CrmEmailCard(models.AbstractModel):
    _inherit = "crm.email.card"

    owner_email = fields.Char(
        "Owner's email address",
        compute="_compute_owner_email",
        compute_sudo=True,
        groups="base.group_user",
        help="Of the responsible person's preferred mailbox, else the address of their user.",
    )

    @api.depends("user_id", "user_id.email")
    def _compute_owner_email(self):
        owners = self.user_id
        preferred = self.env["crm.mailbox"].search([("user_id", "in", owners.ids), ("preferred", "=", True)])
        addresses = {mailbox.user_id: mailbox.email for mailbox in preferred}
        for card in self:
            card.owner_email = addresses.get(card.user_id) or card.user_id.email
