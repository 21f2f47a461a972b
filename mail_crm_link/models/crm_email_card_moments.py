"""When mail last came to a card, left it, came back, and since when it waits: stored on the card.

Filters find cards by these fields, and Odoo's automation rules watch them, so they are
written by the card's own `write`. What `crm.email.card.change` notes is worked off in the
background, a page of cards in each transaction.

A bounce and a turn of mood are content of a mail: who may not read the mail finds the field
empty, while automation rules, which run as superuser, see it.
"""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from . import reader_fields

# What becomes of it later is written no more: the card waits, and everybody knows.
MOST_HOURS = 200
CONTENT_MOMENTS = ("mail_bounced_at", "mail_turned_negative_at")
MOMENTS = {
    "last_mail_received_at",
    "last_mail_sent_at",
    "mail_unanswered_since",
    "mail_unanswered_hours",
    *CONTENT_MOMENTS,
}
# What is written in the background, and found by filters.
NOTED = {"readonly": True, "copy": False, "index": "btree_not_null", "groups": "base.group_user"}


class MomentOfReadableMail(reader_fields.Datetime):
    """Shown to those only who may read the mail that the moment is of."""

    def _readable_by(self) -> str:
        return f"is_{self.name}_readable"

    def _readable_sql(self, model, alias: str) -> SQL:
        return model._moment_readable_sql(self.name, alias)


class CrmEmailCard(models.AbstractModel):
    _inherit = "crm.email.card"

    last_mail_received_at = fields.Datetime(
        "Last email received",
        **NOTED,
        help="When a person last wrote; newsletters and automatic replies do not count.",
    )
    last_mail_sent_at = fields.Datetime(
        "Last email sent",
        **NOTED,
        help="When somebody of us last wrote, from here or from any other mail program.",
    )
    mail_unanswered_since = fields.Datetime(
        "Email unanswered since",
        **NOTED,
        help="When the oldest email came that still waits for an answer.",
    )
    mail_unanswered_hours = fields.Integer(
        "Unanswered working hours",
        **NOTED,
        aggregator="max",
        help="How long the oldest email has waited: whole working hours of the mailbox's owner, up to 200.",
    )
    mail_bounced_at = MomentOfReadableMail(
        "Email bounced",
        **NOTED,
        prefetch=False,
        help="When a mail system last said that it could not deliver an email.",
    )
    mail_turned_negative_at = MomentOfReadableMail(
        "Mood turned negative",
        **NOTED,
        prefetch=False,
        help="When an email last was negative after one that was not.",
    )
    is_mail_bounced_at_readable = fields.Boolean(compute="_compute_moments_readable", groups="base.group_user")
    is_mail_turned_negative_at_readable = fields.Boolean(compute="_compute_moments_readable", groups="base.group_user")

    # ------------------------------------------------------------------------------------
    # Who sees what
    # ------------------------------------------------------------------------------------

    @api.depends(*CONTENT_MOMENTS)
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_moments_readable(self):
        for name in CONTENT_MOMENTS:
            readable = self._with_readable(name)
            for card in self:
                card[f"is_{name}_readable"] = card._origin.id in readable

    def _with_readable(self, name: str) -> set[int]:
        """Return those of these cards whose moment is of a mail that the user may read."""
        # sudo: asked is whether there is one
        ids = self._origin.sudo().filtered(name).ids
        if not ids:
            return set()
        query = self.sudo().with_context(active_test=False)._search(Domain("id", "in", ids))
        query.add_where(self._moment_readable_sql(name, query.table))
        return set(query.get_result_ids())

    def _moment_readable_sql(self, name: str, alias: str) -> SQL:
        moment = SQL.identifier(alias, name, to_flush=self._fields[name])
        return SQL(
            """(%(moment)s IS NOT NULL AND EXISTS (
                SELECT FROM crm_email_link k JOIN crm_email e ON e.id = k.email_id
                 WHERE k.%(card)s = %(id)s AND k.active AND %(of_mail)s = %(moment)s AND %(readable)s))""",
            moment=moment,
            card=SQL.identifier(self._crm_email_link_column),
            id=SQL.identifier(alias, "id"),
            of_mail=SQL("e.bounced_at" if name == "mail_bounced_at" else "e.date"),
            readable=self.env["crm.email"]._content_sql("e"),
        )

    def _fetch_query(self, query, fields):
        """Put the truth of what is masked into the cache, for everybody, as `crm_email_levels` does."""
        masked = [field.name for field in fields if field.name in CONTENT_MOMENTS]
        if self.env.su or not masked:
            return super()._fetch_query(query, fields)
        fetched = super()._fetch_query(query, [field for field in fields if field.name not in CONTENT_MOMENTS])
        # sudo: the masks of the columns' SQL are for filters, groups and orders
        fetched.sudo().fetch(masked)
        return fetched

    # ------------------------------------------------------------------------------------
    # Writing: the background's matter
    # ------------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._without_moments(vals) for vals in vals_list])

    def write(self, vals):
        if self.env.su and vals and vals.keys() <= MOMENTS:
            self._write_moments(vals)
            return True
        return super().write(self._without_moments(vals))

    def _without_moments(self, vals: dict) -> dict:
        """Nobody says of a card when mail came: an import of exported cards brings it along."""
        return vals if self.env.su else {name: value for name, value in vals.items() if name not in MOMENTS}

    def _written_by_mail(self) -> set[str]:
        return super()._written_by_mail() | MOMENTS

    def _write_moments(self, vals: dict) -> None:
        """Write what only mail changes: without tracking, and without the hooks that people's changes have."""
        for name, value in vals.items():
            self._fields[name].write(self, value)
        self.modified(vals)

    def _write_multi(self, vals_list):
        """Mail that comes and goes is no change of the card: who changed it last, and when, stays."""
        kept = [
            {"write_uid": card.write_uid.id or None, "write_date": card.write_date or None, **vals}
            if vals.keys() <= MOMENTS
            else vals
            for card, vals in zip(self.sudo(), vals_list, strict=True)
        ]
        return super()._write_multi(kept)
