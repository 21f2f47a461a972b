from odoo import api, fields, models


class CrmMailboxRehearsal(models.TransientModel):
    """What a scenario would have made of the last days' mail, and why not of the rest."""

    _name = "crm.mailbox.rehearsal"
    _description = "Rehearsal of a Scenario"

    rule_id = fields.Many2one("crm.mailbox.rule", required=True, readonly=True, ondelete="cascade")
    days = fields.Integer(readonly=True)
    line_ids = fields.One2many("crm.mailbox.rehearsal.line", "rehearsal_id")
    created_count = fields.Integer("Would be created", compute="_compute_counts")
    skipped_count = fields.Integer("Would be skipped", compute="_compute_counts")

    @api.depends("line_ids.skipped")
    def _compute_counts(self):
        for rehearsal in self:
            skipped = rehearsal.line_ids.filtered("skipped")
            rehearsal.skipped_count = len(skipped)
            rehearsal.created_count = len(rehearsal.line_ids) - len(skipped)

    def action_create(self) -> dict:
        """Make the chosen records now, of mail that the scenario leaves alone as history."""
        self.ensure_one()
        chosen = self.line_ids.filtered(lambda line: line.chosen and not line.skipped)
        self.rule_id._create_from(chosen.email_id)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Created from mail"),
            "res_model": "crm.email.creation",
            "view_mode": "list",
            "domain": [("email_id", "in", chosen.email_id.ids)],
        }


class CrmMailboxRehearsalLine(models.TransientModel):
    _name = "crm.mailbox.rehearsal.line"
    _description = "Line of a Rehearsal"
    _order = "date desc, id"

    rehearsal_id = fields.Many2one("crm.mailbox.rehearsal", required=True, ondelete="cascade")
    chosen = fields.Boolean("Create")
    email_id = fields.Many2one("crm.email", "Mail", readonly=True, ondelete="cascade")
    date = fields.Datetime(readonly=True)
    correspondent = fields.Char(readonly=True)
    name = fields.Char("Record", readonly=True)
    target = fields.Selection(
        [
            ("lead", "Lead"),
            ("opportunity", "Opportunity"),
            ("contact", "Contact"),
            ("company", "Company"),
        ],
        "Kind",
        readonly=True,
    )
    source_id = fields.Many2one("utm.source", readonly=True)
    user_id = fields.Many2one("res.users", "Responsible", readonly=True)
    skipped = fields.Char("Skipped, because", readonly=True)
