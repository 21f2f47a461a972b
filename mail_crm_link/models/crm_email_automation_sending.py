"""Sending 1:1 e-mails: one mailbox after the other as its pace allows, each mail once.

The mail and the row that asked for it are stored in one transaction, then the outbox takes over.
Whatever is cut off in between finds the mail there, and goes on with it.
"""

import logging
from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import rules
from .crm_email_automation import GIVE_UP_AFTER, PUT_OFF
from .crm_email_automation_reasons import Sender
from .orm_store import AutomationStore

_logger = logging.getLogger(__name__)

# A conversation is still open when somebody wrote in it within this time.
OPEN_FOR = timedelta(days=60)


class CrmEmailAutomation(models.Model):
    _inherit = "crm.email.automation"

    @api.model
    def _cron_send(self) -> None:
        """Send what waits, as fast as the mailboxes' limits allow; one process at a time."""
        store = AutomationStore(self.env)
        with store.exclusive() as mine:
            if mine:
                self._send_due(store)

    def _send_due(self, store: AutomationStore) -> None:
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=self.search_count([("state", "=", "waiting")]))
        # Until when which mailbox rests.
        resting: dict[int, datetime] = {}
        while row := self._next(resting):
            if until := row._take_turn_guarded(store):
                resting[row.mailbox_id.id] = until
            elif not cron._commit_progress(1):
                return
        for until in resting.values():
            self._wake(until)
        # What is left waits for its time.
        cron._commit_progress(remaining=0)

    def _take_turn_guarded(self, store: AutomationStore) -> datetime | None:
        """Send one mail; whatever goes wrong stays its own matter."""
        try:
            return self._take_turn(store)
        except Exception:  # the guard around one mail: the others must have their turn
            _logger.exception("1:1 email %s: sending failed", self.id)
            store.rollback()
            store.take(self._put_off)
            return None

    def _put_off(self) -> None:
        self.detail = self.env._("Something unexpected happened. The server's log knows more.")
        if self.triggered_at + GIVE_UP_AFTER < fields.Datetime.now():
            self.state = "failed"
        else:
            self.send_at = fields.Datetime.now() + PUT_OFF

    def _take_turn(self, store: AutomationStore) -> datetime | None:
        """Send the mail, or say why not; return until when its mailbox rests instead."""
        until = store.take(self._begin_attempt if self.draft_ids else self._write_or_skip)
        if until or self.state != "waiting":
            return until
        self.draft_ids._send_waiting()
        store.take(self._follow)
        # A mailbox that could not send this one would not send the next one either.
        return self.send_at if self.state == "waiting" else None

    def _begin_attempt(self) -> datetime | None:
        if rests := self.mailbox_id._automation_rests(self.env.cr.now()):
            return rests[0]
        self.handed_at = self.env.cr.now()
        return None

    def _follow(self) -> None:
        """Take over what became of the mail in the outbox."""
        draft = self.draft_ids
        if draft.state == "sent":
            self.write({"state": "sent", "email_id": draft.email_id.id, "detail": draft.status_message})
        elif draft.state == "failed":
            self.write({"state": "failed", "detail": draft.status_message})
        elif draft.state in ("scheduled", "sending"):
            self.write({"send_at": max(draft.send_at, fields.Datetime.now()), "detail": draft.status_message})
        else:
            self._skip("taken_back")

    # ------------------------------------------------------------------------------------
    # Written
    # ------------------------------------------------------------------------------------

    def _write_or_skip(self) -> datetime | None:
        """Write the mail unless there is a reason not to; return until when its mailbox rests instead."""
        action, card = self.action_id, self._card()
        if action.state != "crm_email":
            return self._skip("stopped")
        if reason := self._reason_not_to_write(action, card, self.triggered_at):
            return self._skip(reason)
        sender = self._sender(action, action._crm_email_author(card, self.user_id))
        self.write({"author_id": sender.author.id, "mailbox_id": sender.mailbox.id, "by_server": sender.by_server})
        if sender.reason:
            return self._skip(sender.reason, sender.detail)
        if rests := sender.mailbox and sender.mailbox._automation_rests(self.env.cr.now()):
            until, limit = rests
            return self._skip("day_limit") if (limit, action.crm_email_over_limit) == ("day", "skip") else until
        return self._write_mail(sender)

    def _write_mail(self, sender: Sender) -> None:
        self.template_id = self.action_id.crm_email_template_id
        if not self.template_id:
            return self._skip("template", self.env._("There is no template any more."))
        if not self._card().with_user(sender.author).has_access(self._card()._mail_post_access):
            return self._skip("no_access")
        try:
            with self.env.cr.savepoint():
                self._to_server(sender) if sender.by_server else self._to_outbox(sender)
        except UserError as error:
            self._skip("template", str(error))
        return None

    def _to_outbox(self, sender: Sender) -> None:
        """Put the mail into the outbox, as its author's."""
        # As the author: what they may not read does not get into their mail, whoever triggered it.
        drafts = self.env["crm.email.composer"].with_user(sender.author)
        card = self._card().with_user(sender.author)
        draft = drafts.create(
            {
                **drafts._from_template(self.template_id.with_user(sender.author), card),
                **self._answered(sender),
                "mailbox_id": sender.mailbox.id,
                "to": self.action_id._crm_email_to(card),
                "model": card._name,
                "res_id": card.id,
            }
        )
        draft._check_complete()
        draft.sudo().write({**draft._queue_values(timedelta()), "automation_id": self.id})
        self.handed_at = self.env.cr.now()

    def _answered(self, sender: Sender) -> dict:
        """What makes it an answer in the conversation that is open, if it is to be one."""
        parent = self._open_mail(sender) if self.action_id.crm_email_threading == "open" else None
        if not parent:
            return {}
        # Mail programs find threads by the subject, too.
        return {
            "parent_id": parent.id,
            "kind": "reply",
            "subject": rules.composing.answer_subject(parent.header_subject or ""),
        }

    def _open_mail(self, sender: Sender):
        """The last mail of a person on the record that the sending mailbox has."""
        link = self.env["crm.email.link"]._card_column(self._card())
        return self.env["crm.email"].search(
            [
                ("mailbox_ids", "in", sender.mailbox.ids),
                ("link_ids", "any", [(link, "=", self._card().id)]),
                ("automatic", "=", "none"),
                ("date", ">", fields.Datetime.now() - OPEN_FOR),
            ],
            limit=1,
        )

    def _to_server(self, sender: Sender) -> None:
        """Hand the mail to the company's outgoing server, in the company's name."""
        card = self._card().with_user(sender.author)
        drafts = self.env["crm.email.composer"].with_user(sender.author)
        filled = drafts._from_template(self.template_id.with_user(sender.author), card)
        company = sender.author.company_id
        self.env["mail.mail"].create(
            {
                "subject": filled["subject"],
                "body_html": filled["body"],
                "body": filled["body"],
                "attachment_ids": filled["attachment_ids"],
                "email_from": company.email_formatted or self.env.ref("base.partner_root").email_formatted,
                "reply_to": sender.author.email_formatted,
                "email_to": self.action_id._crm_email_to(card),
                "headers": repr(dict(rules.composing.AUTOMATIC_FIELDS)),
                "model": card._name,
                "res_id": card.id,
                "message_type": "email_outgoing",
                "is_notification": True,
                "auto_delete": True,
            }
        )
        self.write({"state": "sent", "handed_at": self.env.cr.now()})
