"""When a received mail was answered, and how many working hours that took.

When is told with each page that is stored. The hours follow in the background, an owner's
calendar at a time: counting them costs more than storing the mail.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from odoo import api, fields, models
from odoo.tools import SQL

from .working_hours import WorkingHours

BATCH = 2000


class CrmEmail(models.Model):
    _inherit = "crm.email"

    answered_at = fields.Datetime(readonly=True, groups=fields.NO_ACCESS)
    response_hours = fields.Float(readonly=True, groups=fields.NO_ACCESS, aggregator="avg")

    _uncounted_idx = models.Index("(id) WHERE answered_at IS NOT NULL AND response_hours IS NULL")

    @api.model
    def _answered_by(self, email_ids: Iterable[int]) -> None:
        super()._answered_by(email_ids)
        self.env.cr.execute(
            SQL(
                """
                -- Each step by itself: joined, the planner compares all mails with one another where it
                -- takes the table for empty.
                WITH touched AS MATERIALIZED (
                     SELECT DISTINCT conversation_id FROM crm_email WHERE id = ANY(%s)
                ), answered AS MATERIALIZED (
                     SELECT id, direction, automatic, date, answered_at AS before, min(date)
                            FILTER (WHERE direction = 'out' AND automatic = 'none')
                            -- From the end on: the frame only grows.
                            OVER (PARTITION BY conversation_id ORDER BY date DESC, id DESC
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS after
                       FROM crm_email WHERE conversation_id IN (SELECT conversation_id FROM touched)
                ), changed AS MATERIALIZED (
                     SELECT id, after FROM answered
                      WHERE direction = 'in' AND automatic = 'none' AND after > date AND before IS DISTINCT FROM after
                )
                UPDATE crm_email e SET answered_at = c.after, response_hours = NULL FROM changed c WHERE e.id = c.id
                """,
                list(email_ids),
            )
        )

    # ------------------------------------------------------------------------------------
    # Working hours
    # ------------------------------------------------------------------------------------

    @api.model
    def _cron_response_hours(self) -> None:
        """Count the hours of what was answered, a batch in each transaction."""
        cron = self.env["ir.cron"]
        while rows := self._uncounted(BATCH):
            self._store_hours(rows)
            if not cron._commit_progress(len(rows), remaining=int(len(rows) == BATCH)):
                return

    def _uncounted(self, limit: int) -> list[tuple]:
        """Return owner, id, date and time of the answer of mails whose hours are not counted yet."""
        return self.env.execute_query(
            SQL(
                """
                SELECT (SELECT m.user_id FROM crm_email_mailbox_rel r JOIN crm_mailbox m ON m.id = r.mailbox_id
                         WHERE r.email_id = e.id ORDER BY r.mailbox_id LIMIT 1),
                       e.id, e.date, e.answered_at
                  FROM crm_email e
                 WHERE e.answered_at IS NOT NULL AND e.response_hours IS NULL
                 ORDER BY e.id LIMIT %s
                """,
                limit,
            )
        )

    def _store_hours(self, rows: Sequence[tuple]) -> None:
        hours = self._working_hours(rows)
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email e SET response_hours = h.hours"
                " FROM unnest(%s::int[], %s::float[]) AS h(id, hours) WHERE e.id = h.id",
                list(hours),
                list(hours.values()),
            )
        )
        self.invalidate_model(["response_hours"], flush=False)

    @api.model
    def _working_hours(self, rows: Iterable[tuple]) -> dict[int, float]:
        """Return working hours by key.

        :param rows: id of the mailbox's owner, a key, and two moments each, naive UTC
        """
        by_owner = defaultdict(list)
        for owner_id, *times in rows:
            by_owner[owner_id].append(times)
        hours = {}
        for owner_id, of_owner in by_owner.items():
            hours |= WorkingHours(self._calendar(owner_id), of_owner).hours()
        return hours

    def _calendar(self, owner_id: int | None):
        """The owner's working hours, else the company's."""
        owner = self.env["res.users"].browse(owner_id or [])
        calendar = owner.resource_calendar_id if "resource_calendar_id" in owner else None
        return calendar or (owner.company_id or self.env.company).resource_calendar_id
