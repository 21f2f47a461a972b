"""Cards whose mail changed, and what follows of it for the moments on them.

A change is noted in the transaction that makes it, by one statement a page, and never
updated: two that note the same card do not wait for each other. What is worked off goes with
the moments that were written, so nothing is lost when the process dies in between.

What moves a moment on is written so that automation rules see it. Mail from before its
mailbox was connected, and what goes back because a mail was taken away, is written silently.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.tools import SQL

from .crm_email import CARD_FIELDS
from .crm_email_card_moments import MOST_HOURS

_logger = logging.getLogger(__name__)

BATCH = 200
WAITING = "mail_unanswered_since"
HOURS = "mail_unanswered_hours"
# Of each card's mails (``e``) the one that a moment is of.
DECIDING = {
    "last_mail_received_at": SQL(
        "(array_agg(e.id ORDER BY e.date DESC, e.id DESC)"
        " FILTER (WHERE e.direction = 'in' AND e.automatic = 'none'))[1]"
    ),
    "last_mail_sent_at": SQL(
        "(array_agg(e.id ORDER BY e.date DESC, e.id DESC)"
        " FILTER (WHERE e.direction = 'out' AND e.automatic = 'none'))[1]"
    ),
    WAITING: SQL("(array_agg(e.id ORDER BY e.date, e.id) FILTER (WHERE e.state = 'to_process'))[1]"),
    "mail_bounced_at": SQL(
        "(array_agg(e.id ORDER BY e.bounced_at DESC, e.id DESC) FILTER (WHERE e.bounced_at IS NOT NULL))[1]"
    ),
}


class _Mail(NamedTuple):
    """A mail that decides about a moment."""

    date: datetime
    bounced_at: datetime | None
    connected_at: datetime | None
    owner_id: int | None

    def moment(self, name: str) -> datetime:
        return self.bounced_at if name == "mail_bounced_at" else self.date

    def is_news(self, name: str) -> bool:
        """Whether it happened since a mailbox that has it was connected."""
        return bool(self.connected_at) and self.moment(name) >= self.connected_at


class CrmEmailCardChange(models.Model):
    _name = "crm.email.card.change"
    _description = "Card Whose Emails Changed"
    _log_access = False

    lead_id = fields.Many2one("crm.lead", index="btree_not_null", ondelete="cascade")
    partner_id = fields.Many2one("res.partner", index="btree_not_null", ondelete="cascade")

    # --- noting -------------------------------------------------------------------------

    @api.model
    def _note_cards_of(self, email_ids: Sequence[int]) -> None:
        """Note the cards of these mails, also those that a mail was taken off."""
        self.env["crm.email.link"].flush_model(["email_id", "lead_id", "partner_id"])
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_email_card_change (lead_id, partner_id)"
                " SELECT DISTINCT lead_id, partner_id FROM crm_email_link WHERE email_id = ANY(%s)",
                list(email_ids),
            )
        )

    @api.model
    def _note_cards(self, cards) -> None:
        column = CARD_FIELDS[cards._name]
        self.sudo().create([{column: card.id} for card in cards])

    @api.model
    def _cron_audit(self) -> None:
        """Note the cards whose moments are not what their mail says, whatever has changed it."""
        self.env.flush_all()
        for model, column in CARD_FIELDS.items():
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO crm_email_card_change (%(column)s)
                    SELECT c.id FROM %(table)s c
                      LEFT JOIN (
                           SELECT k.%(column)s AS card_id,
                                  max(e.date) FILTER (WHERE e.direction = 'in' AND e.automatic = 'none') AS received,
                                  max(e.date) FILTER (WHERE e.direction = 'out' AND e.automatic = 'none') AS sent,
                                  min(e.date) FILTER (WHERE e.state = 'to_process') AS waiting,
                                  max(e.bounced_at) AS bounced
                             FROM crm_email_link k JOIN crm_email e ON e.id = k.email_id
                            WHERE k.active AND k.%(column)s IS NOT NULL
                            GROUP BY 1) f ON f.card_id = c.id
                     WHERE (c.last_mail_received_at, c.last_mail_sent_at, c.mail_unanswered_since, c.mail_bounced_at)
                           IS DISTINCT FROM (f.received, f.sent, f.waiting, f.bounced)
                    """,
                    column=SQL.identifier(column),
                    table=SQL.identifier(self.env[model]._table),
                )
            )

    # --- working off --------------------------------------------------------------------

    @api.model
    def _cron_follow(self) -> None:
        """Bring the moments of the noted cards up to date, a page in each transaction."""
        for model, column in CARD_FIELDS.items():
            last = 0
            while ids := self._noted(column, last):
                self._follow(self.env[model].browse(ids))
                last = ids[-1]
                if not self.env["ir.cron"]._commit_progress(len(ids), remaining=int(len(ids) == BATCH)):
                    return

    def _noted(self, column: str, after: int) -> list[int]:
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT %(column)s FROM crm_email_card_change WHERE %(column)s > %(after)s"
                " ORDER BY 1 LIMIT %(limit)s",
                column=SQL.identifier(column),
                after=after,
                limit=BATCH,
            )
        )
        return [card_id for (card_id,) in rows]

    def _follow(self, cards) -> None:
        """Write the moments of these cards. One that somebody is saving just now waits for the next time."""
        cards = cards.try_lock_for_update(allow_referencing=True)
        cards._update_moments()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_email_card_change WHERE %s = ANY(%s)",
                SQL.identifier(CARD_FIELDS[cards._name]),
                cards.ids,
            )
        )

    @api.model
    def _cron_count_hours(self) -> None:
        """Count on how long cards wait, a page in each transaction."""
        for model in CARD_FIELDS:
            last = 0
            while waiting := self.env[model]._waiting_cards(last):
                waiting.try_lock_for_update(allow_referencing=True)._update_hours()
                last = waiting[-1].id
                if not self.env["ir.cron"]._commit_progress(len(waiting), remaining=int(len(waiting) == BATCH)):
                    return


class CrmEmailCard(models.AbstractModel):
    _inherit = "crm.email.card"

    # --- what mail says -----------------------------------------------------------------

    def _update_moments(self) -> None:
        """Write what the mail of these cards says about them."""
        if not self:
            return
        deciding = self._deciding_mails()
        mails = self._described({email_id for by_name in deciding.values() for email_id in by_name.values()})
        hours = self._counted({card_id: mails[one[WAITING]] for card_id, one in deciding.items() if WAITING in one})
        news = []
        for card in self:
            by_name = {name: mails[email_id] for name, email_id in deciding.get(card.id, {}).items()}
            silent, told = card._changes(by_name, hours.get(card.id, 0))
            card._write_moments(silent)
            if told:
                news.append((card, told))
        self._tell(news)

    def _deciding_mails(self) -> dict[int, dict[str, int]]:
        """Return the mails that decide about the moments of each card, by name."""
        self.env["crm.email.link"].flush_model()
        self.env["crm.email"].flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT k.%(card)s, %(deciding)s FROM crm_email_link k JOIN crm_email e ON e.id = k.email_id"
                " WHERE k.%(card)s = ANY(%(ids)s) AND k.active GROUP BY 1",
                card=SQL.identifier(self._crm_email_link_column),
                deciding=SQL(", ").join(DECIDING.values()),
                ids=self.ids,
            )
        )
        found = {
            card_id: {name: email_id for name, email_id in zip(DECIDING, ids, strict=True) if email_id}
            for card_id, *ids in rows
        }
        for card_id, email_id in self._turns():
            found[card_id]["mail_turned_negative_at"] = email_id
        return found

    def _turns(self) -> list[tuple[int, int]]:
        """Return of each card the last mail that was negative after one that was not."""
        return self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (card_id) card_id, id FROM (
                       SELECT k.%(card)s AS card_id, e.id, e.date, e.sentiment,
                              lag(e.sentiment) OVER (PARTITION BY k.%(card)s ORDER BY e.date, e.id) AS before
                         FROM crm_email_link k JOIN crm_email e ON e.id = k.email_id
                        WHERE k.%(card)s = ANY(%(ids)s) AND k.active AND e.direction = 'in'
                          AND e.sentiment != 'unknown') AS judged
                 WHERE sentiment = 'negative' AND before IS DISTINCT FROM 'negative'
                 ORDER BY card_id, date DESC, id DESC
                """,
                card=SQL.identifier(self._crm_email_link_column),
                ids=self.ids,
            )
        )

    def _described(self, email_ids) -> dict[int, _Mail]:
        rows = self.env.execute_query(
            SQL(
                """
                SELECT e.id, e.date, e.bounced_at, min(m.connected_at), (array_agg(m.user_id ORDER BY m.id))[1]
                  FROM crm_email e
                  LEFT JOIN crm_email_mailbox_rel r ON r.email_id = e.id
                  LEFT JOIN crm_mailbox m ON m.id = r.mailbox_id
                 WHERE e.id = ANY(%s) GROUP BY e.id
                """,
                list(email_ids),
            )
        )
        return {email_id: _Mail(*values) for email_id, *values in rows}

    def _changes(self, mails: dict[str, _Mail], hours: int) -> tuple[dict, dict]:
        """Return what is to be written silently, and what automation rules are to see."""
        silent, told = {}, {}
        for name in (*DECIDING, "mail_turned_negative_at"):
            mail = mails.get(name)
            moment = mail.moment(name) if mail else False
            if moment != self[name]:
                (told if name == WAITING or self._is_news(name, mail) else silent)[name] = moment
        if hours != self[HOURS]:
            told[HOURS] = hours
        return silent, told

    def _is_news(self, name: str, mail: _Mail | None) -> bool:
        return bool(mail) and mail.is_news(name) and (not self[name] or mail.moment(name) > self[name])

    # --- working hours ------------------------------------------------------------------

    def _waiting_cards(self, after: int):
        return self.search(
            [("id", ">", after), (WAITING, "!=", False), (HOURS, "<", MOST_HOURS)], order="id", limit=BATCH
        )

    def _update_hours(self) -> None:
        waiting = {card_id: one[WAITING] for card_id, one in self._deciding_mails().items() if WAITING in one}
        mails = self._described(waiting.values())
        hours = self._counted({card_id: mails[email_id] for card_id, email_id in waiting.items()})
        changed = defaultdict(self.browse)
        for card in self:
            if card.id in hours and hours[card.id] != card[HOURS]:
                changed[hours[card.id]] |= card
        self._tell([(cards, {HOURS: count}) for count, cards in changed.items()])

    def _counted(self, mails: dict[int, _Mail]) -> dict[int, int]:
        """Return the whole working hours since each card's mail."""
        now = fields.Datetime.now()
        rows = [(mail.owner_id, card_id, mail.date, max(now, mail.date)) for card_id, mail in mails.items()]
        counted = self.env["crm.email"]._working_hours(rows)
        return {card_id: min(int(hours), MOST_HOURS) for card_id, hours in counted.items()}

    # --- telling automation rules -------------------------------------------------------

    def _tell(self, news: Sequence[tuple]) -> None:
        """Write so that automation rules see it. A rule that fails costs its card the rule, not the moment.

        :param news: cards, and what to write on them
        """
        if not news:
            return
        try:
            with self.env.cr.savepoint():
                for cards, vals in news:
                    cards.write(vals)
        except OperationalError:
            raise
        except Exception:
            if len(news) > 1:
                self._tell(news[: len(news) // 2])
                self._tell(news[len(news) // 2 :])
                return
            [(cards, vals)] = news
            _logger.exception("%s: what its mail sets off failed", cards)
            cards._write_moments(vals)


class CrmEmailBinding(models.AbstractModel):
    _inherit = "crm.email.binding"

    @api.model
    def _changed(self, emails) -> None:
        super()._changed(emails)
        emails._cards_changed()


class CrmEmail(models.Model):
    _inherit = "crm.email"

    def _cards_changed(self) -> None:
        """Have the moments on the cards of these mails looked at, in the background."""
        self.env["crm.email.card.change"]._note_cards_of(self.ids)

    def _plan_activities(self, mailbox) -> None:
        super()._plan_activities(mailbox)
        self._cards_changed()

    def _processed(self) -> None:
        waiting = self.filtered(lambda email: email.state == "to_process")
        super()._processed()
        if waiting:
            waiting._cards_changed()

    def unlink(self):
        self._cards_changed()
        return super().unlink()


class CrmEmailLink(models.Model):
    _inherit = "crm.email.link"

    def unlink(self):
        self.email_id._cards_changed()
        return super().unlink()
