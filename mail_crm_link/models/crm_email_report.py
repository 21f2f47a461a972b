from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL, drop_view_if_exists


class Figures(NamedTuple):
    """What a dashboard says of some mail; the response time is the median, in working hours."""

    received: int = 0
    waiting: int = 0
    response_hours: float | None = None


class CrmEmailReport(models.Model):
    """Figures about the mail on cards: one row a mail, for those who may know of the mail.

    It has nothing of what the mail says: who sees that a mail is there may count it.
    """

    _name = "crm.email.report"
    _inherit = ["crm.email.guarded"]
    _description = "Email Analysis"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "email_id"

    email_id = fields.Many2one("crm.email", readonly=True)
    date = fields.Datetime(readonly=True)
    kind = fields.Selection(
        [("processed", "Processed"), ("waiting", "Waiting"), ("sent", "Sent")],
        readonly=True,
    )
    automatic = fields.Boolean(readonly=True)
    user_id = fields.Many2one("res.users", "Owner", readonly=True)
    team_id = fields.Many2one(
        "crm.team", "Sales Team", readonly=True, help="The opportunity's; without one the mailbox owner's."
    )
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    lead_id = fields.Many2one("crm.lead", "Opportunity", readonly=True)
    stage_id = fields.Many2one("crm.stage", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    answered_at = fields.Datetime("Answered", readonly=True)
    response_hours = fields.Float("Response Time (working hours)", readonly=True, aggregator="avg")
    unanswered = fields.Integer(readonly=True, help="Received mail of people that nobody has answered.")
    waiting_days = fields.Float("Waiting (days)", readonly=True, aggregator="avg")

    def init(self):
        drop_view_if_exists(self.env.cr, self._table)
        self.env.cr.execute(SQL("CREATE VIEW %s AS (%s)", SQL.identifier(self._table), self._query()))

    def _query(self) -> SQL:
        """One look at each table, joined by hash: a look for each mail would cost ten times as much."""
        return SQL(
            """
            SELECT e.id, e.id AS email_id, e.date,
                   CASE WHEN e.direction = 'out' THEN 'sent'
                        WHEN e.state = 'to_process' THEN 'waiting' ELSE 'processed' END AS kind,
                   e.automatic != 'none' AS automatic,
                   m.user_id, m.company_id, coalesce(l.team_id, u.sale_team_id) AS team_id, k.lead_id, l.stage_id,
                   coalesce(p.commercial_partner_id, k.partner_id, l.partner_id) AS partner_id,
                   e.answered_at, e.response_hours, e.sentiment, e.sentiment_score,
                   (e.direction = 'in' AND e.automatic = 'none' AND e.answered_at IS NULL)::int AS unanswered,
                   CASE WHEN e.state = 'to_process'
                        THEN extract(epoch FROM (now() AT TIME ZONE 'UTC') - e.date) / 86400 END AS waiting_days
              FROM crm_email e
              LEFT JOIN (SELECT email_id, min(mailbox_id) AS mailbox_id
                           FROM crm_email_mailbox_rel GROUP BY email_id) r ON r.email_id = e.id
              LEFT JOIN crm_mailbox m ON m.id = r.mailbox_id
              LEFT JOIN res_users u ON u.id = m.user_id
              LEFT JOIN (SELECT email_id, max(lead_id) AS lead_id, min(partner_id) AS partner_id
                           FROM crm_email_link WHERE active GROUP BY email_id) k ON k.email_id = e.id
              LEFT JOIN crm_lead l ON l.id = k.lead_id
              LEFT JOIN res_partner p ON p.id = k.partner_id
             WHERE e.is_bound
            """
        )

    def _readable_domain(self):
        """The rows of the mails that the user may know of: both have the same ids."""
        return self.env["crm.email"]._readable_domain()

    def _figures_by(self, column: str, ids: Sequence[int], start: datetime, end: datetime) -> dict[int, Figures]:
        """Return figures of the mail that the user may know of, by the ids in a column; one query.

        :param start: of the time that is looked at, naive UTC
        """
        recent = Domain("kind", "=", "waiting") | Domain("date", ">=", start) | Domain("answered_at", ">=", start)
        query = self._search(Domain(column, "in", ids) & recent)
        group = SQL.identifier(query.table, column)
        query.groupby = group
        rows = self.env.execute_query(query.select(group, *self._figures_sql(query.table, start, end)))
        return {id_: Figures(*figures) for id_, *figures in rows}

    def _figures_sql(self, alias: str, start: datetime, end: datetime) -> tuple[SQL, ...]:
        """Return what is selected for `Figures`, in its order."""

        def column(name: str) -> SQL:
            return SQL.identifier(alias, name)

        def within(name: str) -> SQL:
            return SQL("%(at)s >= %(start)s AND %(at)s < %(end)s", at=column(name), start=start, end=end)

        received = SQL("%s != 'sent' AND NOT %s AND %s", column("kind"), column("automatic"), within("date"))
        return (
            SQL("count(*) FILTER (WHERE %s)", received),
            SQL("count(*) FILTER (WHERE %s = 'waiting')", column("kind")),
            SQL(
                "percentile_cont(0.5) WITHIN GROUP (ORDER BY %s) FILTER (WHERE %s)",
                column("response_hours"),
                within("answered_at"),
            ),
        )

    def action_open(self) -> dict:
        """Return the action that opens the mail."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.email",
            "res_id": self.id,
            "views": [(False, "form")],
        }
