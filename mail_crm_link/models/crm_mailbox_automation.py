"""What automation may do in the name of a mailbox's owner, and how fast.

Whoever gets a 1:1 e-mail takes it for written by the owner, so it is the owner alone who allows
it, for each mailbox, and may forbid it at any time. Off until then.
"""

from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

# Well below what the large providers let one person send.
PER_MINUTE_PARAMETER = "mail_crm_link.automation_per_minute"
PER_MINUTE = 10
PER_DAY_PARAMETER = "mail_crm_link.automation_per_day"
PER_DAY = 200
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    automation = fields.Boolean(
        "Automation may write in my name",
        copy=False,
        help="Automation rules, scheduled actions and colleagues who choose one from the Action menu may have 1:1"
        " emails sent from this mailbox. Only its owner can allow it.",
    )
    automation_per_minute = fields.Integer(
        "Automatic emails a minute", required=True, default=lambda self: self._pace(PER_MINUTE_PARAMETER, PER_MINUTE)
    )
    automation_per_day = fields.Integer(
        "Automatic emails a day",
        required=True,
        default=lambda self: self._pace(PER_DAY_PARAMETER, PER_DAY),
        help="In any 24 hours.",
    )

    _automation_pace = models.Constraint(
        "CHECK (automation_per_minute > 0 AND automation_per_day > 0)",
        "At least one email a minute and a day; to have none sent, forbid automation to write.",
    )

    @api.model
    def _pace(self, parameter: str, usual: int) -> int:
        # sudo: a setting for everybody
        named = self.env["ir.config_parameter"].sudo().get_param(parameter) or ""
        return int(named) if named.isdecimal() and int(named) else usual

    # ------------------------------------------------------------------------------------
    # Consent
    # ------------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        mailboxes = super().create(vals_list)
        mailboxes.filtered("automation")._check_may_consent()
        return mailboxes

    def write(self, vals):
        if "user_id" in vals and "automation" not in vals:
            # What one owner allowed is not allowed by the next.
            self.filtered(lambda one: one.user_id.id != vals["user_id"] and one.automation).automation = False
        result = super().write(vals)
        if vals.get("automation"):
            self._check_may_consent()
        return result

    def _check_may_consent(self) -> None:
        """:raise AccessError: the user allows what only the owner may allow"""
        if not self.env.su and self.filtered(lambda one: one.user_id != self.env.user):
            raise AccessError(self.env._("Only the owner of a mailbox can allow automation to write from it."))

    def _automation_obstacle(self) -> str:
        """Return why automation cannot write from it now, a reason of ``crm.email.automation``; "" if it can."""
        # Where mail is not looked at, nobody knows whether the contact answered meanwhile.
        if not self._is_in_service() or self.state == "paused":
            return "no_mailbox"
        return "" if self.automation else "not_allowed"

    # ------------------------------------------------------------------------------------
    # Pace
    # ------------------------------------------------------------------------------------

    def _automation_rests(self, now: datetime) -> tuple[datetime, str] | None:
        """Return until when its limits keep it from sending, and which: ``day`` or ``minute``."""
        limits = ((self.automation_per_day, DAY, "day"), (self.automation_per_minute, MINUTE, "minute"))
        for count, span, name in limits:
            if moment := self._nth_last_sending(count, now - span):
                return moment + span, name
        return None

    def _nth_last_sending(self, count: int, since: datetime) -> datetime | None:
        rows = self.env.execute_query(
            SQL(
                "SELECT handed_at FROM crm_email_automation WHERE mailbox_id = %s AND handed_at > %s"
                " ORDER BY handed_at DESC LIMIT 1 OFFSET %s",
                self.id,
                since,
                count - 1,
            )
        )
        return rows[0][0] if rows else None
