"""Sent mail that came back: what the mail system said stands on the mail and on its cards."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .. import rules
from . import reader_fields
from .orm_store import OrmStore

if TYPE_CHECKING:
    from ..rules.delivery_report import Report

_logger = logging.getLogger(__name__)

# Mail systems give up after five days at the latest (RFC 5321, 4.5.4.1).
ABOUT = timedelta(days=7)
AT_ONCE = 20


class CrmEmail(models.Model):
    _inherit = "crm.email"

    delivery_problem = reader_fields.Char(
        "Not delivered", readonly=True, help="Whom a mail system could not deliver it to, and its words."
    )
    bounced_at = reader_fields.Datetime(readonly=True, help="When a mail system last said so (UTC).")
    report_read = fields.Boolean(readonly=True, groups=fields.NO_ACCESS, help="Of a bounce: it was looked into.")

    _unread_report_idx = models.Index("(date) WHERE automatic = 'bounce' AND report_read IS NOT TRUE")

    @api.model
    def _read_reports(self) -> None:
        """Look into the bounces that arrived lately. What cannot be fetched now is tried again."""
        arrived = Domain("automatic", "=", "bounce") & Domain("direction", "=", "in")
        fresh = Domain("date", ">=", fields.Datetime.now() - ABOUT) & Domain("report_read", "=", False)
        reachable = Domain("mailbox_ids.state", "=", "connected")
        for bounce in self.search(arrived & fresh & reachable, limit=AT_ONCE):
            try:
                bounce._note_report(rules.delivery_report.parse_report(bounce._fetch_original()))
            except UserError as error:
                _logger.info("Bounce %s: %s", bounce.id, error)

    def _note_report(self, report: Report) -> None:
        self.report_read = True
        sent = self._reported(report)
        # Anybody can write a bounce: it counts only for whom the mail went to.
        known = sent._known_recipients()
        told = [
            f"{one.recipient}: {one.words}" if one.words else one.recipient
            for one in report.failures
            if one.recipient in known
        ]
        if told:
            sent.write({"delivery_problem": "; ".join(told), "bounced_at": self.date})
            sent._cards_changed()
            sent._tell_of_problem()
        for mailbox in self.mailbox_ids:
            OrmStore(mailbox).commit()

    def _reported(self, report: Report):
        """The sent mail that a bounce is about, of the same mailbox."""
        about = Domain("message_id", "in", report.message_ids) & Domain("direction", "=", "out")
        held = Domain.custom(to_sql=lambda model, alias, query: self._held_sql(alias, self.mailbox_ids.ids))
        return self.search(about & held, limit=1)

    def _known_recipients(self) -> set[str]:
        drafts = self.env["crm.email.composer"].search([("email_id", "in", self.ids)])
        written = {address for draft in drafts for address in draft._recipients()}
        return written | {one.address for one in self.participant_ids if one.kind != "from"}

    def _tell_of_problem(self) -> None:
        for mailbox in self.mailbox_ids:
            owner = mailbox.user_id
            message = self.with_context(lang=owner.lang)._problem_sentence()
            owner._bus_send("simple_notification", {"message": message, "type": "danger", "sticky": True})
            mailbox._announce_progress(force=True)

    def _problem_sentence(self) -> str:
        return self.env._(
            "“%(subject)s” could not be delivered to %(who)s", subject=self.header_subject, who=self.delivery_problem
        )


class CrmEmailComposer(models.Model):
    _inherit = "crm.email.composer"

    @api.model
    def _cron_outbox(self) -> None:
        super()._cron_outbox()
        self.env["crm.email"]._read_reports()
