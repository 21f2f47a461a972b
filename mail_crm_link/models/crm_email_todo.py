"""New mail waits to be answered: one planned activity for one mail.

The activity stands on the mail's most specific card, opportunity or lead before contact
before company; the chatters of its other cards project it. It is done when somebody says
so on the mail, on a card or in the activity menu, or when the mail is answered, from here
or from any other mail program.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from . import reader_fields


class CrmEmail(models.Model):
    _inherit = "crm.email"

    state = fields.Selection(
        [("to_process", "To process"), ("processed", "Processed")],
        required=True,
        readonly=True,
        default="processed",
    )
    processed_by = reader_fields.Many2one("res.users", readonly=True, ondelete="set null")
    processed_at = reader_fields.Datetime(readonly=True)
    activity_ids = fields.One2many("mail.activity", "crm_email_id", readonly=True)

    _to_process_idx = models.Index("(date DESC) WHERE state = 'to_process'")

    # --- becoming one -------------------------------------------------------------------

    def _ask_to_process(self, mailbox) -> None:
        """Plan the answer to those of these mails that are new to this mailbox.

        History and automatic mail are no to-dos, and what is answered already is none.
        """
        if not mailbox.connected_at:
            return
        waiting = self.env.execute_query(
            SQL(
                """
                UPDATE crm_email e SET state = 'to_process'
                 WHERE e.id = ANY(%(ids)s) AND e.is_bound AND e.direction = 'in'
                   AND e.automatic = 'none' AND e.date >= %(since)s
                   AND e.state = 'processed' AND e.processed_at IS NULL
                   AND NOT EXISTS (
                       SELECT FROM crm_email answer
                        WHERE answer.conversation_id = e.conversation_id
                          AND answer.direction = 'out' AND answer.automatic = 'none'
                          AND answer.date > e.date)
                RETURNING id
                """,
                ids=self.ids,
                since=mailbox.connected_at,
            )
        )
        if not waiting:
            return
        emails = self.browse(email_id for (email_id,) in waiting)
        emails.invalidate_recordset(["state"])
        emails._plan_activities(mailbox)

    def _ask_to_process_late(self) -> None:
        """What was bound after it had arrived waits like any other new mail."""
        self.env.flush_all()
        for mailbox in self.mailbox_ids:
            self.filtered(lambda email, mailbox=mailbox: mailbox in email.mailbox_ids)._ask_to_process(mailbox)

    def _plan_activities(self, mailbox) -> None:
        """Create the activity of each of these mails on its most specific card."""
        days = timedelta(days=mailbox.todo_days)
        values = [
            {
                "activity_type_id": mailbox._todo_activity_type().id,
                "crm_email_id": email.id,
                "res_model_id": self.env["ir.model"]._get_id(card._name),
                "res_id": card.id,
                # No word of the mail here: whoever reads the card reads the activity.
                "summary": self.env._("Answer email"),
                "date_deadline": fields.Date.context_today(self) + days,
                "user_id": email._responsible(card, mailbox).id,
            }
            for email, card in self._main_cards().items()
            if not email.activity_ids
        ]
        # Nobody is mailed about a mail, and nobody becomes a follower by getting one.
        self.env["mail.activity"].with_context(mail_activity_quick_update=True, mail_create_nosubscribe=True).create(
            values
        )

    def _main_cards(self) -> dict:
        """Return the most specific card of each mail."""
        links = self.env["crm.email.link"].sudo().search([("email_id", "in", self.ids)])
        cards = defaultdict(list)
        for link in links:
            card = link.lead_id or link.partner_id
            if card.active:
                cards[link.email_id].append(card)
        return {email: min(of_email, key=_specificity) for email, of_email in cards.items()}

    def _responsible(self, card, mailbox):
        """Who answers: the record's responsible, or the owner of the mailbox."""
        user = card.user_id
        return user if user.active and not user.share else mailbox.user_id

    def _move_activities(self) -> None:
        """Keep each to-do on the most specific card, also after cards came and went."""
        waiting = self.filtered(lambda email: email.state == "to_process")
        if not waiting:
            return
        for email, card in waiting._main_cards().items():
            activity = email.activity_ids
            if not activity:
                email._plan_activities(email.mailbox_ids[:1])
            else:
                email._move_activity(card)

    def _move_activity(self, card) -> None:
        activity = self.activity_ids
        user = self._responsible(card, self.mailbox_ids[:1])
        if (activity.res_model, activity.res_id, activity.user_id) == (card._name, card.id, user):
            return
        activity.with_context(mail_activity_quick_update=True).write(
            {
                "res_model_id": self.env["ir.model"]._get_id(card._name),
                "res_id": card.id,
                "user_id": user.id,
            }
        )

    # --- being done ---------------------------------------------------------------------

    def action_mark_processed(self) -> bool:
        """Take these mails off the list of what waits, on all their cards.

        :raise AccessError: unless the user may read each of them, or do its activity
        """
        if self - self._filter_processable():
            raise AccessError(self.env._("You may not say that this email is processed."))
        self.sudo()._processed()
        return True

    def _filter_processable(self):
        """Return those the user may read in full, or was asked to answer."""
        activities = self.env["mail.activity"].search([("crm_email_id", "in", self.ids)])
        theirs = set(activities._filtered_access("write").crm_email_id.ids)
        return self._filter_content_readable() | self.filtered(lambda email: email.id in theirs)

    def _todo_facts(self, level: str, can_process: bool) -> dict:
        """What the activity of this mail shows of it, to who sees it at ``level``."""
        return {
            "id": self.id,
            "can_process": can_process,
            "correspondent": self.correspondent,
            "level": level,
            "subject": self.subject if level != "private" else False,
        }

    def _processed(self) -> None:
        waiting = self.filtered(lambda email: email.state == "to_process")
        if not waiting:
            return
        waiting.write(
            {
                "state": "processed",
                "processed_by": self.env.uid,
                "processed_at": fields.Datetime.now(),
            }
        )
        waiting.activity_ids.unlink()

    @api.model
    def _answered_by(self, email_ids: Iterable[int]) -> None:
        """What these outgoing mails answer waits no longer."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT e.id FROM crm_email answer
                  JOIN crm_email e ON e.conversation_id = answer.conversation_id
                   AND e.date < answer.date AND e.state = 'to_process'
                 WHERE answer.id = ANY(%s) AND answer.direction = 'out'
                   AND answer.automatic = 'none'
                """,
                list(email_ids),
            )
        )
        self.browse(email_id for (email_id,) in rows)._processed()


def _specificity(card) -> tuple[int, int]:
    if card._name == "crm.lead":
        return (0 if card.type == "opportunity" else 1, -card.id)
    return (3 if card.is_company else 2, card.id)
