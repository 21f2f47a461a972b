"""What the mail of a sales team says, on the team's card."""

from datetime import timedelta

from odoo import fields, models

from .crm_email_report import Figures

PERIOD = timedelta(days=7)


class CrmTeam(models.Model):
    _inherit = "crm.team"

    mail_waiting_count = fields.Integer(
        "Emails unanswered", compute="_compute_mail_figures", help="What waits for an answer now."
    )
    mail_received_count = fields.Integer(
        "Emails received", compute="_compute_mail_figures", help="In the last seven days, of people."
    )
    mail_response_time = fields.Char(
        "Response time", compute="_compute_mail_figures", help="Median of the last seven days, in working hours."
    )

    def _compute_mail_figures(self):
        """Of what the user may know of, as in the list behind the figures."""
        now = fields.Datetime.now()
        figures = self.env["crm.email.report"]._figures_by("team_id", self.ids, now - PERIOD, now)
        for team in self:
            of_team = figures.get(team.id, Figures())
            team.mail_waiting_count = of_team.waiting
            team.mail_received_count = of_team.received
            team.mail_response_time = self._duration(of_team.response_hours)

    def _duration(self, hours: float | None) -> str:
        """Return hours and minutes as people write them, "" for None."""
        if hours is None:
            return ""
        whole, minutes = divmod(round(hours * 60), 60)
        return self.env._("%(hours)d h %(minutes)02d min", hours=whole, minutes=minutes)

    def action_open_mail_figures(self) -> dict:
        """Return the action that lists the mail of the team, filtered as ``mail_filter`` in the context says."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_crm_link.crm_email_report_action_team")
        chosen = self.env.context.get("mail_filter")
        return {
            **action,
            "domain": [("team_id", "=", self.id)],
            "views": [(False, "list"), (False, "graph"), (False, "pivot")],
            "context": {f"search_default_{chosen}": 1} if chosen else {},
        }
