"""Whether customers are content: judged of received mail, where the owner of its mailbox allows it.

::

    body stored ─┐
    mail linked ─┼─► due ──► judged, in the background ──► card, report, automation rules
    deal opened ─┘  (only mail of a contact of an open opportunity)

Switching it off in a mailbox removes what was judged of its mail. What is judged is content
of the mail: who may not read the mail does not learn it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from babel import Locale

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .. import rules
from . import reader_fields

if TYPE_CHECKING:
    from ..rules.sentiment import Judge

_logger = logging.getLogger(__name__)

BATCH = 200
FORGET_BATCH = 1000
# Of older mail nobody waits for the judgement in front of the card.
RECENT = timedelta(days=1)
# Mails; more than a small picture can show.
LONGEST_TREND = 12
# Characters of a body; more than is judged of the text in it.
LONGEST_BODY = 200_000

SENTIMENTS = [
    ("positive", "Positive"),
    ("neutral", "Neutral"),
    ("negative", "Negative"),
    ("unknown", "Could not be judged"),
]


@lru_cache(maxsize=1)
def _judge() -> Judge:
    """One a process: it holds a megabyte of words and takes a second to load."""
    return rules.sentiment.Judge()


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    sentiment = fields.Boolean(
        "Judge sentiment",
        help="Whether mail of contacts of open opportunities is judged to be positive, neutral or negative. On this"
        " server, by its words; nothing leaves it. Switching it off removes what was judged.",
    )
    sentiment_choice = fields.Selection(
        [("deny", "Do not allow"), ("allow", "Allow")],
        "Sentiment",
        compute="_compute_sentiment_choice",
        inverse="_inverse_sentiment_choice",
    )
    sentiment_note = fields.Char(compute="_compute_sentiment_note")
    sentiment_forgetting = fields.Boolean(
        readonly=True, copy=False, help="What was judged of its mail is being removed."
    )

    @api.depends("sentiment")
    def _compute_sentiment_choice(self):
        for mailbox in self:
            mailbox.sentiment_choice = "allow" if mailbox.sentiment else "deny"

    def _inverse_sentiment_choice(self):
        for mailbox in self:
            mailbox.sentiment = mailbox.sentiment_choice == "allow"

    @api.depends_context("lang")
    def _compute_sentiment_note(self):
        self.sentiment_note = self._sentiment_languages()

    @api.model
    def _sentiment_languages(self) -> str:
        """Return a sentence on what can be judged here, or on what is missing for it."""
        if library := rules.sentiment.missing_library():
            return self.env._(
                "Nothing can be judged yet: the Python library %s is not installed on this server.", library
            )
        names = Locale.parse(self.env.lang or "en_US").languages
        return self.env._(
            "Works for %s. Mail in other languages stays unjudged.",
            ", ".join(sorted(names.get(code, code) for code in rules.sentiment.languages())),
        )

    def write(self, vals):
        changed = self.filtered(lambda mailbox: "sentiment" in vals and mailbox.sentiment != bool(vals["sentiment"]))
        result = super().write(vals)
        if changed and vals["sentiment"]:
            self.env["crm.email.relink"].sudo()._enqueue_mailboxes(changed)
        elif changed:
            # sudo: what a mailbox is doing is for nobody to write
            changed.sudo().sentiment_forgetting = True
            self.env["crm.email"]._sentiment_soon()
        return result

    def _forget_sentiments(self) -> bool:
        """Remove a batch of what was judged of mail that no other mailbox allows to judge; return whether it is all."""
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE crm_email SET sentiment = NULL, sentiment_score = NULL, sentiment_due = NULL
                 WHERE id IN (
                       SELECT e.id FROM crm_email_mailbox_rel r JOIN crm_email e ON e.id = r.email_id
                        WHERE r.mailbox_id = %s AND (e.sentiment IS NOT NULL OR e.sentiment_due)
                          AND NOT %s LIMIT %s)
                RETURNING id
                """,
                self.id,
                self.env["crm.email"]._sentiment_allowed_sql(),
                FORGET_BATCH,
            )
        )
        emails = self.env["crm.email"].browse(email_id for (email_id,) in rows)
        emails.invalidate_recordset(flush=False)
        emails._sentiment_changed()
        done = len(emails) < FORGET_BATCH
        if done:
            self.sentiment_forgetting = False
        return done


class CrmEmail(models.Model):
    _inherit = "crm.email"

    sentiment = reader_fields.Selection(
        SENTIMENTS,
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Of what its writer added to the conversation; empty: not judged.",
    )
    sentiment_score = reader_fields.Float(
        readonly=True, copy=False, aggregator="avg", help="From -1 (negative) to 1 (positive)."
    )
    sentiment_due = fields.Boolean(readonly=True, copy=False, groups=fields.NO_ACCESS)

    _sentiment_due_idx = models.Index("(id) WHERE sentiment_due")

    # ------------------------------------------------------------------------------------
    # What is to be judged
    # ------------------------------------------------------------------------------------

    @api.model
    def _judge_later(self, email_ids: Collection[int]) -> None:
        """Have those of these mails judged that may be, and that a contact of an open opportunity wrote.

        They are judged when their text is here; until then this is asked again.
        """
        if not email_ids or not self._is_sentiment_allowed():
            return
        self.flush_model()
        due = self.env.execute_query(
            SQL(
                """
                UPDATE crm_email e SET sentiment_due = true
                 WHERE e.id IN (%(of_customers)s)
                   AND e.direction = 'in' AND e.automatic = 'none' AND e.is_bound AND e.body_state = 'stored'
                   AND e.sentiment IS NULL AND e.sentiment_due IS NOT TRUE AND %(allowed)s
                RETURNING e.id
                """,
                of_customers=self._of_customers_sql(email_ids),
                allowed=self._sentiment_allowed_sql(),
            )
        )
        if due:
            self._sentiment_soon()

    @api.model
    def _is_sentiment_allowed(self) -> bool:
        """Whether any mailbox allows it: who has it nowhere pays nothing for it."""
        # sudo: no reader of mail needs to know the mailboxes of others
        mailboxes = self.env["crm.mailbox"].sudo().with_context(active_test=False)
        return bool(mailboxes.search_count([("sentiment", "=", True)], limit=1))

    @api.model
    def _sentiment_allowed_sql(self) -> SQL:
        """Whether a mailbox that has the mail ``e`` allows to judge it."""
        return SQL(
            "EXISTS (SELECT FROM crm_email_mailbox_rel ar JOIN crm_mailbox am ON am.id = ar.mailbox_id"
            " WHERE ar.email_id = e.id AND (ar.proven OR e.body_digest IS NULL) AND am.%s)",
            SQL.identifier("sentiment", to_flush=self.env["crm.mailbox"]._fields["sentiment"]),
        )

    @api.model
    def _of_customers_sql(self, email_ids: Collection[int]) -> SQL:
        """Those of these mails whose sender has an open opportunity, or whose company has one."""
        for model in ("crm.lead", "res.partner"):
            self.env[model].flush_model()
        return SQL(
            """
            WITH sender AS MATERIALIZED (
                 SELECT email_id, ARRAY[address, bare] AS addresses FROM crm_email_participant
                  WHERE email_id = ANY(%(emails)s) AND kind = 'from')
            SELECT sender.email_id FROM sender
              JOIN crm_lead l ON l.email_normalized = ANY(sender.addresses) AND %(open)s
             UNION
            SELECT sender.email_id FROM sender
              JOIN res_partner p ON p.email_normalized = ANY(sender.addresses) AND p.active
              JOIN res_partner c ON c.commercial_partner_id = p.commercial_partner_id
              JOIN crm_lead l ON l.partner_id = c.id AND %(open)s
            """,
            emails=list(email_ids),
            open=SQL(
                "l.active AND l.type = 'opportunity'"
                " AND NOT EXISTS (SELECT FROM crm_stage s WHERE s.id = l.stage_id AND s.is_won)"
            ),
        )

    @api.model
    def _sentiment_soon(self) -> None:
        if cron := self.env.ref("mail_crm_link.cron_sentiment", raise_if_not_found=False):
            cron._trigger()

    # ------------------------------------------------------------------------------------
    # In the background
    # ------------------------------------------------------------------------------------

    @api.model
    def _cron_sentiment(self) -> None:
        """Remove what is not allowed any more, then judge what is due, a batch in each transaction."""
        if self._forget_disallowed():
            self._judge_due()

    def _forget_disallowed(self) -> bool:
        """Return whether there is time left."""
        mailboxes = self.env["crm.mailbox"].with_context(active_test=False)
        for mailbox in mailboxes.search([("sentiment_forgetting", "=", True)]):
            done = False
            while not done:
                done = mailbox._forget_sentiments()
                if not self.env["ir.cron"]._commit_progress(1, remaining=int(not done)):
                    return False
        return True

    def _judge_due(self) -> None:
        while due := self._due_texts(BATCH):
            try:
                judge = _judge()
            except rules.sentiment.LibraryMissing as error:
                _logger.warning("Mail cannot be judged. %s", error)
                return
            self._store_judgements(judge, due)
            if not self.env["ir.cron"]._commit_progress(len(due), remaining=int(len(due) == BATCH)):
                return

    def _due_texts(self, limit: int) -> list[tuple[int, str]]:
        """Return id and beginning of the body of mails that are to be judged; "" of what may not be any more."""
        self.env.flush_all()
        return self.env.execute_query(
            SQL(
                """
                SELECT e.id, CASE WHEN %(allowed)s THEN left(m.body, %(longest)s) ELSE NULL END
                  FROM crm_email e LEFT JOIN mail_message m ON m.id = e.mail_message_id
                 WHERE e.sentiment_due ORDER BY e.id LIMIT %(limit)s
                """,
                allowed=self._sentiment_allowed_sql(),
                longest=LONGEST_BODY,
                limit=limit,
            )
        )

    def _store_judgements(self, judge: Judge, texts: Sequence[tuple[int, str | None]]) -> None:
        rows = [self._judged(judge, email_id, body) for email_id, body in texts]
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_email e SET sentiment = j.sentiment, sentiment_score = j.score, sentiment_due = NULL
                  FROM json_to_recordset(%s) AS j(id int, sentiment text, score float) WHERE e.id = j.id
                """,
                json.dumps(rows),
            )
        )
        emails = self.browse(row["id"] for row in rows)
        emails.invalidate_recordset(flush=False)
        emails._sentiment_changed()

    @staticmethod
    def _judged(judge: Judge, email_id: int, body: str | None) -> dict:
        if body is None:
            return {"id": email_id, "sentiment": None, "score": None}
        try:
            found = judge.judge(rules.plaintext.html_to_text(body))
        except Exception:
            # One mail that an engine stumbles over keeps no other mail from being judged.
            _logger.exception("The mood of the mail %s cannot be judged", email_id)
            found = rules.sentiment.Judgement("unknown")
        score = None if found.sentiment == "unknown" else found.score
        return {"id": email_id, "sentiment": found.sentiment, "score": score}

    def _sentiment_changed(self) -> None:
        """What is shown of the cards of these mails may be another."""
        self._cards_changed()
        self.filtered(lambda email: email.date >= fields.Datetime.now() - RECENT)._announce()

    def _drop_content(self) -> None:
        """What was judged of the text goes with the text."""
        super()._drop_content()
        self.write({"sentiment": False, "sentiment_score": False, "sentiment_due": False})


class CrmEmailBinding(models.AbstractModel):
    _inherit = "crm.email.binding"

    def _changed(self, emails) -> None:
        super()._changed(emails)
        emails._judge_later(emails.ids)


class CrmEmailRelink(models.Model):
    _inherit = "crm.email.relink"

    def _bind_batch(self) -> None:
        """An opportunity that is opened makes mail of its contacts worth judging, bound to it or not."""
        email_ids = self._next_emails()
        super()._bind_batch()
        self.env["crm.email"]._judge_later(email_ids)


class CrmEmailReport(models.Model):
    _inherit = "crm.email.report"

    sentiment = reader_fields.Selection(SENTIMENTS, readonly=True)
    sentiment_score = reader_fields.Float(
        "Sentiment (-1 to 1)", readonly=True, aggregator="avg", help="Of those emails that you may read."
    )
    has_content_access = fields.Boolean(compute="_compute_has_content_access")

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_has_content_access(self):
        levels = self.env["crm.email"].browse(self.ids)._content_levels()
        for row in self:
            row.has_content_access = levels.get(row.id) == "full"

    def _content_sql(self, alias: str) -> SQL:
        """Whether the current user may read the mail of the row ``alias`` in full, see `reader_fields`."""
        return SQL(
            "%s IN (SELECT readable.id FROM crm_email readable WHERE %s)",
            SQL.identifier(alias, "id"),
            self.env["crm.email"]._content_sql("readable"),
        )

    def _fetch_query(self, query, fields):
        """Put the truth into the cache, for everybody, as `crm_email_levels` does."""
        # sudo: the masks of the columns' SQL are for filters, groups and orders
        return super(CrmEmailReport, self.sudo())._fetch_query(query, fields).sudo(self.env.su)


class CrmLead(models.Model):
    _inherit = "crm.lead"

    mail_sentiment = fields.Selection(
        SENTIMENTS[:-1],
        "Mood",
        compute="_compute_mail_sentiment",
        search="_search_mail_sentiment",
        groups="base.group_user",
        help="Of the last email of the customer that was judged and that you may read.",
    )
    mail_sentiment_trend = fields.Json(
        compute="_compute_mail_sentiment",
        groups="base.group_user",
        help="Score, mood and date of the last judged emails that you may read, oldest first.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_mail_sentiment(self):
        trends = {}
        for lead_id, *mail in self._judged_mails(SQL("k.lead_id = ANY(%s)", self._origin.ids), LONGEST_TREND):
            trends.setdefault(lead_id, []).insert(0, mail)
        for lead in self:
            trend = trends.get(lead._origin.id, [])
            lead.mail_sentiment = trend[-1][0] if trend else False
            lead.mail_sentiment_trend = [
                {"sentiment": sentiment, "score": round(score, 2), "date": date.isoformat()}
                for sentiment, score, date in trend
            ]

    def _judged_mails(self, condition: SQL, limit: int) -> list[tuple]:
        """Return lead, sentiment, score and date (UTC) of each lead's last judged mails that the user may read."""
        return self.env.execute_query(self._judged_mails_sql(condition, limit))

    def _judged_mails_sql(self, condition: SQL, limit: int) -> SQL:
        """
        :param condition: on the links (``k``)
        """
        emails = self.env["crm.email"]
        for model in ("crm.email", "crm.email.link"):
            self.env[model].flush_model()
        return SQL(
            """
            SELECT lead_id, sentiment, sentiment_score, date FROM (
                   SELECT k.lead_id, e.sentiment, e.sentiment_score, e.date, row_number() OVER newest_first AS place
                     FROM crm_email_link k JOIN crm_email e ON e.id = k.email_id
                    WHERE %(condition)s AND k.active AND e.sentiment_score IS NOT NULL AND %(readable)s
                   WINDOW newest_first AS (PARTITION BY k.lead_id ORDER BY e.date DESC, e.id DESC)) AS judged
             WHERE place <= %(limit)s ORDER BY lead_id, place
            """,
            condition=condition,
            readable=SQL("TRUE") if self.env.su else emails._content_sql("e"),
            limit=limit,
        )

    @api.model
    def _search_mail_sentiment(self, operator, value):
        if operator != "in":
            return NotImplemented
        last = self._judged_mails_sql(SQL("k.lead_id IS NOT NULL"), 1)
        wanted = SQL("SELECT lead_id FROM (%s) AS last WHERE sentiment = ANY(%s)", last, [one for one in value if one])
        found = Domain("id", "in", wanted)
        if False not in value:
            return found
        return found | Domain("id", "not in", SQL("SELECT lead_id FROM (%s) AS last", last))
