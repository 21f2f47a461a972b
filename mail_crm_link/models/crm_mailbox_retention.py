"""How long a mailbox keeps mail that is on no card, and what becomes of it after that.

What is forgotten leaves nothing of the mail here, only its place: folder and number on the
server. The comparison with the server so tells mail that is too old from mail that is
missing, and fetches only the latter.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from .orm_store import OrmStore

BATCH = 1000
# When a synchronisation has the mailbox at the moment.
LATER = timedelta(minutes=1)


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    retention_days = fields.Integer(
        "Days to keep unbound mail",
        help="Mail that is on no card is forgotten here when it is older; 0: never. The mailbox itself is not changed.",
    )
    forgetting = fields.Selection(
        [("unbound", "What is on no card"), ("all", "All mail")],
        "To be removed",
        readonly=True,
        copy=False,
        help="What is being removed since the mailbox was disconnected.",
    )

    @api.constrains("retention_days")
    def _check_retention_days(self):
        if any(mailbox.retention_days < 0 for mailbox in self):
            raise ValidationError(self.env._("Mail is kept for a number of days, or 0 for always."))

    def write(self, vals):
        result = super().write(vals)
        if "retention_days" in vals:
            for mailbox in self:
                mailbox._await_again()
            self._forget_soon()
        return result

    def _await_again(self) -> None:
        """Have the next comparison with the server fetch what is not too old any more."""
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_email_copy WHERE mailbox_id = %s AND state = 'expired' AND %s",
                self.id,
                SQL("received >= %s", self._oldest_kept()) if self.retention_days else SQL("true"),
            )
        )

    def _oldest_kept(self):
        return fields.Datetime.now() - timedelta(days=self.retention_days)

    def _forget_soon(self) -> None:
        if cron := self.env.ref("mail_crm_link.cron_forget", raise_if_not_found=False):
            cron._trigger()

    def _remove_synchronised(self, what: str) -> None:
        """Have the mail of disconnected mailboxes removed.

        :param what: a value of ``forgetting``
        :raise AccessError: when they are not the user's
        """
        self.check_access("write")
        # sudo: what a mailbox is doing is for nobody to write
        self.sudo().write({"forgetting": what})
        self._forget_soon()

    # ------------------------------------------------------------------------------------
    # In the background
    # ------------------------------------------------------------------------------------

    @api.model
    def _cron_forget(self) -> None:
        """Forget what is too old, and what was to be removed, a batch in each transaction."""
        cron = self.env["ir.cron"]
        due = self.with_context(active_test=False).search(
            ["|", ("retention_days", ">", 0), ("forgetting", "!=", False)]
        )
        seconds = cron._commit_progress(remaining=len(due))
        for mailbox in due:
            while seconds > 0 and mailbox._forget_batch():
                seconds = cron._commit_progress()
            seconds = cron._commit_progress(1)
            if not seconds:
                break

    def _forget_batch(self) -> bool:
        """Return whether there is more; a mailbox that is being synchronised waits its turn."""
        store = OrmStore(self)
        with store.exclusive() as mine:
            if mine:
                return store.forget(BATCH) == BATCH
        self.env.ref("mail_crm_link.cron_forget")._trigger(fields.Datetime.now() + LATER)
        return False

    def _forget_next(self, limit: int) -> int:
        """Forget at most ``limit`` mails; return how many."""
        email_ids = self._to_forget(limit)
        if self.forgetting:
            self._take_copies_away(email_ids)
        else:
            self._mark_copies_expired(email_ids)
        self._let_go(email_ids)
        if self.forgetting and len(email_ids) < limit:
            self._forgotten()
        return len(email_ids)

    def _forget_expired_among(self, email_ids) -> None:
        """Forget at once what the server delivered again although it is too old.

        But for the first synchronisation: newest mail comes first there, and older mail may
        still put it on a card.
        """
        if self.retention_days and self.state != "connecting":
            expired = self._expired(SQL("e.id = ANY(%s)", list(email_ids)))
            self._mark_copies_expired(expired)
            self._let_go(expired)

    # ------------------------------------------------------------------------------------
    # What goes
    # ------------------------------------------------------------------------------------

    def _to_forget(self, limit: int) -> list[int]:
        limited = SQL("true ORDER BY e.id LIMIT %s", limit)
        if self.forgetting == "all":
            return self._select_emails(limited)
        if self.forgetting == "unbound":
            return self._select_emails(SQL("e.is_bound IS NOT TRUE AND %s", limited))
        return self._expired(limited)

    def _expired(self, condition: SQL) -> list[int]:
        """Ids of mail that is too old and nobody needs: on no card, and answered."""
        if not self.retention_days:
            return []
        return self._select_emails(
            SQL(
                "e.is_bound IS NOT TRUE AND e.state != 'to_process' AND e.date < %s AND %s",
                self._oldest_kept(),
                condition,
            )
        )

    def _select_emails(self, condition: SQL) -> list[int]:
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT e.id FROM crm_email_mailbox_rel r JOIN crm_email e ON e.id = r.email_id"
                # Locked, so that nobody puts one on a card in the meantime.
                " WHERE r.mailbox_id = %s AND %s FOR UPDATE OF e",
                self.id,
                condition,
            )
        )
        return [email_id for (email_id,) in rows]

    def _mark_copies_expired(self, email_ids) -> None:
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email_copy SET email_id = NULL, state = 'expired', reason = NULL, seen = NULL,"
                " size = NULL, sha256 = NULL, suspect = NULL WHERE mailbox_id = %s AND email_id = ANY(%s)",
                self.id,
                list(email_ids),
            )
        )

    def _take_copies_away(self, email_ids) -> None:
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_email_copy WHERE mailbox_id = %s AND email_id = ANY(%s)",
                self.id,
                list(email_ids),
            )
        )

    def _let_go(self, email_ids) -> None:
        """These mails are not this mailbox's any more; what no other one has is deleted."""
        if not email_ids:
            return
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_email_mailbox_rel WHERE mailbox_id = %s AND email_id = ANY(%s)",
                self.id,
                list(email_ids),
            )
        )
        self.env.invalidate_all(flush=False)
        left = self.env.execute_query(
            SQL("SELECT DISTINCT email_id FROM crm_email_mailbox_rel WHERE email_id = ANY(%s)", list(email_ids))
        )
        emails = self.env["crm.email"].browse(set(email_ids) - {email_id for (email_id,) in left})
        emails.activity_ids.unlink()
        emails.unlink()

    def _forgotten(self) -> None:
        """What was to be removed is; connected again, the mailbox begins anew."""
        if self.forgetting == "all":
            self.env.cr.execute(SQL("DELETE FROM crm_email_copy WHERE mailbox_id = %s", self.id))
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.folder_ids.write({"cursor": False, "synced_count": 0})
        self.forgetting = False

    def _connected(self, folders) -> None:
        if self.forgetting:
            self._begin_anew()
        return super()._connected(folders)

    # ------------------------------------------------------------------------------------
    # The comparison with the server
    # ------------------------------------------------------------------------------------

    def _audit_sentence(self, report) -> str:
        found = super()._audit_sentence(report)
        expired = (
            self.env["crm.email.copy"].sudo().search_count([("mailbox_id", "=", self.id), ("state", "=", "expired")])
        )
        if report is None or not expired:
            return found
        return self.env._(
            "%(found)s %(expired)d on no card are older than %(days)d days and were forgotten here.",
            found=found,
            expired=expired,
            days=self.retention_days,
        )


class CrmEmail(models.Model):
    _inherit = "crm.email"

    def unlink(self):
        """The Message-IDs of a conversation go with the last of its mails."""
        conversations = self.sudo().conversation_id
        result = super().unlink()
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_email_conversation c WHERE c.id = ANY(%s)"
                " AND NOT EXISTS (SELECT FROM crm_email e WHERE e.conversation_id = c.id)",
                conversations.ids,
            )
        )
        conversations.invalidate_recordset(flush=False)
        return result
