"""How far the first synchronisation of a mailbox is, and what its owner's browser is told of it.

The owner's browser hears of each change of state, and of progress at most every `PROGRESS_SECONDS`. It never asks.
"""

import math
import time

from odoo import api, fields, models

from .orm_store import OrmStore

PROGRESS_SECONDS = 1.5
# Before, a rate says nothing.
LEAST_SECONDS = 2
# What the owner is told of wherever they are in Odoo.
NOTABLE_STATES = ("connecting", "error")
NOTIFICATION = "mail_crm_link.progress"


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    progress = fields.Float(compute="_compute_progress", help="Percent.")
    progress_text = fields.Char(compute="_compute_progress")
    sync_started = fields.Datetime(readonly=True, copy=False)
    sync_started_at = fields.Integer(
        readonly=True, copy=False, help="How many messages were here when it began, or went on after a break."
    )

    # ------------------------------------------------------------------------------------
    # Figures
    # ------------------------------------------------------------------------------------

    @api.depends("state", "folder_ids.total_count", "folder_ids.synced_count")
    @api.depends_context("lang")
    def _compute_progress(self):
        for mailbox in self:
            done, total = mailbox._done_and_total()
            mailbox.progress = 100.0 * done / total if total else 0.0
            mailbox.progress_text = mailbox._progress_sentence(done, total)

    def _done_and_total(self) -> tuple[int, int]:
        folders = self.folder_ids.filtered(lambda folder: folder._is_listed())
        total = sum(folders.mapped("total_count"))
        return min(sum(folders.mapped("synced_count")), total), total

    def _progress_sentence(self, done: int, total: int) -> str:
        if self.state != "connecting" or not total:
            return ""
        sentence = self.env._("%(done)d of %(total)d messages", done=done, total=total)
        rate = self._rate(done)
        if not rate:
            return sentence
        return ", ".join((sentence, self._rate_sentence(rate), self._left_sentence((total - done) / rate)))

    def _rate(self, done: int) -> float:
        """Return the messages a second since it began: all waiting for the provider's quota counts, a break does not.

        :return: 0, as long as nothing can be said
        """
        if not self.sync_started:
            return 0.0
        seconds = (fields.Datetime.now() - self.sync_started).total_seconds()
        return max(0, done - self.sync_started_at) / seconds if seconds >= LEAST_SECONDS else 0.0

    def _rate_sentence(self, rate: float) -> str:
        if rate < 1:
            return self.env._("%d a minute", round(rate * 60))
        return self.env._("%d a second", round(rate))

    def _left_sentence(self, seconds: float) -> str:
        minutes = math.ceil(seconds / 60)
        if minutes <= 1:
            return self.env._("less than a minute left")
        if minutes < 60:
            return self.env._("about %d minutes left", minutes)
        hours, minutes = divmod(minutes, 60)
        return self.env._("about %(hours)d h %(minutes)d min left", hours=hours, minutes=minutes)

    # ------------------------------------------------------------------------------------
    # The owner's browser
    # ------------------------------------------------------------------------------------

    def write(self, vals):
        changed = self.filtered(lambda mailbox: "state" in vals and mailbox.state != vals["state"])
        result = super().write(vals)
        if vals.get("state") == "connecting":
            changed._begin_to_measure()
        for mailbox in changed:
            mailbox._tell_progress()
        return result

    def _begin_to_measure(self) -> None:
        for mailbox in self.sudo():
            mailbox.write({"sync_started": fields.Datetime.now(), "sync_started_at": mailbox._done_and_total()[0]})

    @api.model
    def _notable(self) -> list[dict]:
        """Return what the current user's own mailboxes have to tell, for the page that is loaded."""
        own = [("user_id", "=", self.env.uid), ("state", "in", NOTABLE_STATES), ("provisional", "=", False)]
        # sudo: their owner's own; rules would cost queries more at each page
        return [mailbox._progress_note() for mailbox in self.sudo().search(own)]

    def _progress_note(self) -> dict:
        return {
            "id": self.id,
            "email": self.email,
            "state": self.state,
            "status_message": self.status_message or "",
            "progress": self.progress,
            "progress_text": self.progress_text,
            "last_sync": fields.Datetime.to_string(self.last_sync) or False,
        }

    def _tell_progress(self) -> None:
        """Tell the owner's browser, once this transaction is through."""
        self.invalidate_recordset(["progress", "progress_text"])
        # In their language: the cron, which sees most of it, has none.
        note = self.with_context(lang=self.user_id.lang)._progress_note()
        self.user_id._bus_send(NOTIFICATION, note)

    def _announce_progress(self, force: bool = False) -> None:
        """Tell the owner's browser how far it is, not more than needed."""
        now = time.monotonic()
        last = _announced.get((self.env.cr.dbname, self.id), 0)
        if not force and now - last < PROGRESS_SECONDS:
            return
        _announced[self.env.cr.dbname, self.id] = now
        self._tell_progress()
        OrmStore(self).commit()


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def session_info(self):
        result = super().session_info()
        if self.env.user._is_internal():
            result["crm_mailboxes"] = self.env["crm.mailbox"]._notable()
        return result


# When a progress note was sent last, by database and mailbox, in `time.monotonic` seconds.
_announced: dict[tuple[str, int], float] = {}
