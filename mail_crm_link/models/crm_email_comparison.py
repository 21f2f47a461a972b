"""Which mailboxes are known to have the content of a mail, see `email_comparison`."""

from collections.abc import Sequence

from odoo import models
from odoo.tools import SQL


class CrmEmail(models.Model):
    _inherit = "crm.email"

    def init(self):
        # Not proven unless it says so: two mailboxes may store their share of a mail at once.
        self.env.cr.execute("ALTER TABLE crm_email_mailbox_rel ADD COLUMN IF NOT EXISTS proven boolean")
        self.env.cr.execute(
            "CREATE INDEX IF NOT EXISTS crm_email_mailbox_rel_proven_idx"
            " ON crm_email_mailbox_rel (mailbox_id, email_id) WHERE proven"
        )

    def _held_sql(self, alias: str, mailbox_ids: Sequence[int]) -> SQL:
        """Whether one of these mailboxes has the content of the mail in the row ``alias``."""
        return SQL(
            "(%(id)s IN (%(had)s) AND (%(digest)s IS NULL OR %(id)s IN (%(had)s AND proven)))",
            id=SQL.identifier(alias, "id"),
            had=SQL("SELECT email_id FROM crm_email_mailbox_rel WHERE mailbox_id = ANY(%s)", list(mailbox_ids)),
            digest=self._digest_sql(alias),
        )

    def _digest_sql(self, alias: str) -> SQL:
        return SQL.identifier(alias, "body_digest", to_flush=self._fields["body_digest"])

    def _holding_ids(self) -> set[int]:
        """Return the mailboxes that have the content of this mail, as far as that is known."""
        rows = self.env.execute_query(
            SQL(
                "SELECT r.mailbox_id FROM crm_email_mailbox_rel r JOIN crm_email e ON e.id = r.email_id"
                " WHERE e.id = %s AND (r.proven OR %s IS NULL)",
                self.id,
                self._digest_sql("e"),
            )
        )
        return {mailbox_id for (mailbox_id,) in rows}

    def _awaits_body(self) -> bool:
        return self.body_state == "wanted" and bool(self.mail_message_id)

    def _prove(self, mailbox_id: int) -> None:
        """Remember that this mailbox has the content that is stored of these mails, or may be."""
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email_mailbox_rel SET proven = true"
                " WHERE mailbox_id = %s AND email_id = ANY(%s) AND proven IS NOT TRUE",
                mailbox_id,
                self.ids,
            )
        )

    def _ask_to_compare(self) -> None:
        """Have the mailboxes fetch, once, what they are taken to have."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_email_copy c SET suspect = true
                  FROM (SELECT DISTINCT ON (c.email_id, c.mailbox_id) c.id
                          FROM crm_email_copy c
                          JOIN crm_email e ON e.id = c.email_id AND e.body_digest IS NOT NULL
                          JOIN crm_email_mailbox_rel r ON r.email_id = c.email_id AND r.mailbox_id = c.mailbox_id
                         WHERE c.email_id = ANY(%s) AND r.proven IS NOT TRUE
                           AND c.state = 'ok' AND c.compared IS NOT TRUE
                         ORDER BY c.email_id, c.mailbox_id, c.id) AS asked
                 WHERE c.id = asked.id AND c.suspect IS NOT TRUE
                """,
                self.ids,
            )
        )
