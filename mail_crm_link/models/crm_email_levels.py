"""What a user sees of an e-mail. This is the only place that decides it.

==============  ===================================================================  =========================
level           whose                                                                what
==============  ===================================================================  =========================
``full``        readers of a mailbox that has it; of a card, where it is public      everything
``subject``     readers of a card, where it says so                                  date, people, subject
``private``     readers of a card                                                    that it was sent or
                                                                                     received, when, by whom
none            everybody else                                                       nothing, not that it is
==============  ===================================================================  =========================

Each mailbox that has the mail says how visible it is on cards, for the conversation where
its owner chose that, else for all its mail; the highest counts. A mailbox of which only the
envelope is known to be the mail's opens no more than ``subject`` (see `email_comparison`).
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from .reader_fields import ForReadersMulti

LEVELS = ("private", "subject", "full")
LEVEL_OF_VISIBILITY = {"private": "private", "subject": "subject", "public": "full"}


class CrmEmail(models.Model):
    _inherit = "crm.email"

    reader_level = fields.Selection(
        [("private", "That there is a mail"), ("subject", "Date, people and subject"), ("full", "Everything")],
        "Readable",
        compute="_compute_reader_level",
    )
    has_content_access = fields.Boolean(compute="_compute_reader_level")

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_reader_level(self):
        levels = self._content_levels()
        for email in self:
            email.reader_level = levels.get(email._origin.id, False)
            email.has_content_access = email.reader_level == "full"

    # --- of some e-mails ----------------------------------------------------------------

    def _content_levels(self) -> dict[int, str]:
        """Return what the current user may see of each e-mail, by id; none: not in it."""
        if self.env.su or not self.ids:
            return dict.fromkeys(self.ids, "full")
        if not self.env.user._is_internal():
            return {}
        own = self._own_levels(self.ids)
        others = [id_ for id_ in self.ids if own.get(id_) != "full"]
        levels = self._card_levels(others) if others else {}
        return levels | {id_: max(level, levels.get(id_, level), key=LEVELS.index) for id_, level in own.items()}

    def _own_levels(self, email_ids) -> dict[int, str]:
        """Return what readers of their mailboxes see of these mails, where the user is one."""
        rows = self.env.execute_query(
            SQL(
                "SELECT r.email_id, bool_or(r.proven IS TRUE OR %s IS NULL)"
                " FROM crm_email_mailbox_rel r JOIN crm_email e ON e.id = r.email_id"
                " WHERE r.email_id = ANY(%s) AND r.mailbox_id = ANY(%s) GROUP BY 1",
                self._digest_sql("e"),
                list(email_ids),
                list(self.env["crm.mailbox"]._usable_ids()),
            )
        )
        return {email_id: "full" if held else "subject" for email_id, held in rows}

    def _own_among(self, email_ids) -> set[int]:
        """Return those of these mails whose content is in mailboxes which the user reads."""
        return {email_id for email_id, level in self._own_levels(email_ids).items() if level == "full"}

    def _card_levels(self, email_ids) -> dict[int, str]:
        """Return what readers of their cards see of these mails, where the user is one."""
        # sudo: what is asked is decided by the conditions themselves
        emails = self.sudo().with_context(active_test=False)
        query = emails._search(Domain("id", "in", email_ids) & self._id_in(self._on_card_ids()))
        level = SQL(
            "CASE WHEN %s THEN 'full' WHEN %s THEN 'subject' ELSE 'private' END",
            self._visible_sql(query.table, "full"),
            self._visible_sql(query.table, "subject"),
        )
        return dict(self.env.execute_query(query.select("id", level)))

    def _filter_content_readable(self):
        """Return those the current user may read in full."""
        levels = self._content_levels()
        return self.filtered(lambda email: levels.get(email.id) == "full")

    def _check_content_access(self) -> None:
        """:raise AccessError: unless the current user may read all of them in full"""
        self.check_access("read")
        if self - self._filter_content_readable():
            raise AccessError(self.env._("You may not read the content of this email."))

    # --- of all e-mails -----------------------------------------------------------------

    def _readable_domain(self) -> Domain:
        """E-mails of the user's mailboxes, and those on cards the user can read."""
        if not self.env.user._is_internal():
            return Domain.FALSE
        return self._id_in(self._own_ids()) | self._id_in(self._on_card_ids())

    @staticmethod
    def _id_in(ids: SQL) -> Domain:
        return Domain.custom(to_sql=lambda model, alias, query: SQL("%s IN (%s)", SQL.identifier(alias, "id"), ids))

    def _seen_domain(self, lowest: str) -> Domain:
        """Return the e-mails that the current user sees at this level or better."""
        return Domain.custom(to_sql=lambda model, alias, query: self._seen_sql(alias, lowest))

    def _run_uncompiled(self) -> None:
        """Have PostgreSQL not compile the queries of this transaction.

        It takes each question for the right to a mail for dear, and compiling dear queries for
        worth seconds; but few mails are asked for, and what is asked is found by hash.
        """
        self.env.cr.execute("SET LOCAL jit = off")

    def _content_sql(self, alias: str) -> SQL:
        """Whether the current user may read the row ``alias`` in full, see `reader_fields`."""
        return self._seen_sql(alias, "full")

    def _seen_sql(self, alias: str, lowest: str) -> SQL:
        if not self.env.user._is_internal():
            return SQL("FALSE")
        # In this order: mail of others is seldom open, and its cards are then not looked for.
        return SQL(
            "(%(own)s OR %(visible)s AND %(id)s IN (%(on_card)s))",
            id=SQL.identifier(alias, "id"),
            own=self._own_sql(alias, lowest),
            visible=self._visible_sql(alias, lowest),
            on_card=self._on_card_ids(),
        )

    def _own_sql(self, alias: str, lowest: str) -> SQL:
        if lowest == "full":
            return self._held_sql(alias, self.env["crm.mailbox"]._usable_ids())
        return SQL("%s IN (%s)", SQL.identifier(alias, "id"), self._own_ids())

    def _own_ids(self) -> SQL:
        """Subquery of the mail in mailboxes that the user reads."""
        return SQL(
            "SELECT email_id FROM crm_email_mailbox_rel WHERE mailbox_id = ANY(%s)",
            list(self.env["crm.mailbox"]._usable_ids()),
        )

    def _on_card_ids(self) -> SQL:
        """Subquery of the mail on cards that the user can read."""
        return self.env["crm.email.link"]._readable_query().select("email_id")

    def _visible_sql(self, alias: str, lowest: str) -> SQL:
        """Whether a mailbox shows a mail at this level or better to readers of its cards."""
        if lowest == LEVELS[0]:
            return SQL("TRUE")
        return SQL("EXISTS (SELECT %s)", self._from_opening(alias, lowest))

    def _from_opening(self, alias: str, lowest: str) -> SQL:
        """``FROM`` and ``WHERE`` of the mailboxes (``m``) that show a mail at this level or better on its cards."""
        high_enough = [
            visibility
            for visibility, level in LEVEL_OF_VISIBILITY.items()
            if LEVELS.index(level) >= LEVELS.index(lowest)
        ]
        # Not in the ORM: an archived mailbox's mail stays as visible as it was.
        return SQL(
            """FROM crm_email_mailbox_rel r
                  JOIN crm_mailbox m ON m.id = r.mailbox_id
                  LEFT JOIN crm_email_conversation_visibility v
                    ON v.mailbox_id = m.id AND v.conversation_id = %(conversation)s
                 WHERE r.email_id = %(email)s AND %(held)s
                   AND coalesce(%(chosen)s, %(default)s) = ANY(%(high_enough)s)""",
            conversation=SQL.identifier(alias, "conversation_id", to_flush=self._fields["conversation_id"]),
            email=SQL.identifier(alias, "id"),
            held=SQL("(r.proven OR %s IS NULL)", self._digest_sql(alias)) if lowest == "full" else SQL("TRUE"),
            chosen=SQL.identifier(
                "v", "visibility", to_flush=self.env["crm.email.conversation.visibility"]._fields["visibility"]
            ),
            default=SQL.identifier("m", "visibility", to_flush=self.env["crm.mailbox"]._fields["visibility"]),
            high_enough=high_enough,
        )

    def _opening_ids(self) -> list[int]:
        """Return the mailboxes that show all of a mail to the user, who reads one of its cards."""
        if self._card_levels(self.ids).get(self.id) != "full":
            return []
        rows = self.env.execute_query(
            SQL(
                "SELECT m.id FROM crm_email e, LATERAL (SELECT m.id %s) m WHERE e.id = %s",
                self._from_opening("e", "full"),
                self.id,
            )
        )
        return [mailbox_id for (mailbox_id,) in rows]

    # --- where the ORM would show more --------------------------------------------------

    def _fetch_query(self, query, fields):
        """Put the truth into the cache, for everybody; `reader_fields` masks what leaves it."""
        columns = [field for field in fields if field.column_type]
        # sudo: the masks of the columns' SQL are for filters, groups and orders
        fetched = super(CrmEmail, self.sudo())._fetch_query(query, columns).sudo(self.env.su)
        # Of nothing there is nothing to read, and no SQL for it.
        for field in fields if fetched else ():
            if not field.column_type:
                field.read(fetched)
        return fetched

    def _read_group_groupby(self, alias, groupby_spec, query):
        value = super()._read_group_groupby(alias, groupby_spec, query)
        field = self._fields.get(groupby_spec)
        if isinstance(field, ForReadersMulti):
            return field.shown_sql(self, alias, value)
        return value
