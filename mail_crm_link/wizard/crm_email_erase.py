from odoo import api, fields, models


class CrmEmailErase(models.TransientModel):
    """Says what goes when a person's mail is erased, and erases it."""

    _name = "crm.email.erase"
    _description = "Erase a Person's Emails"

    partner_id = fields.Many2one(
        "res.partner",
        "Person",
        required=True,
        readonly=True,
        ondelete="cascade",
        default=lambda self: self.env.context.get("active_id"),
    )
    reason = fields.Char(help="Such as the number of the request. It stays in the report: no name here.")
    keep_out_later = fields.Boolean("Keep out mail that comes later, too")
    confirmed = fields.Boolean("I have checked that this is the right person")

    email_count = fields.Integer("Emails", compute="_compute_preview")
    redacted_count = fields.Integer("Emails of others, only name and address", compute="_compute_preview")
    attachment_count = fields.Integer("Attachments", compute="_compute_preview")
    activity_count = fields.Integer("To-dos", compute="_compute_preview")
    link_count = fields.Integer("Connections with cards", compute="_compute_preview")
    note_count = fields.Integer("Notes about records made of mail", compute="_compute_preview")
    block_count = fields.Integer("Blocklist entries", compute="_compute_preview")

    @api.depends("partner_id")
    def _compute_preview(self):
        for wizard in self:
            wizard.update(self.env["crm.email.erasure"]._preview(wizard.partner_id))

    def action_erase(self) -> dict:
        """Return the action that shows the report."""
        self.ensure_one()
        erasure = self.env["crm.email.erasure"]._begin(self.partner_id, self.reason or "", self.keep_out_later)
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.email.erasure",
            "res_id": erasure.id,
            "views": [(False, "form")],
            "target": "main",
        }
