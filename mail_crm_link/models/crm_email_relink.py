"""Past mail follows the cards: what a new or changed card means for stored mail.

Saving a card only notes its addresses here; the mail is bound again in the background, in
batches, so that saving a contact with ten thousand mails costs one row.
"""

from odoo import api, fields, models
from odoo.tools import SQL

from .crm_email_participant import bare
from .email_rows import prefer_indexes

BATCH = 1000
# No address begins with it.
MAILBOX_PREFIX = "mailbox:"


class CrmEmailRelink(models.Model):
    _name = "crm.email.relink"
    _description = "Address Whose Past Mail Is to Be Bound"
    _order = "id"

    address = fields.Char(required=True, help="Normalised; @example.com for a domain, mailbox:7 for all of one.")
    after_id = fields.Integer(help="Mail up to this id is done.")

    _address_uniq = models.UniqueIndex("(address)")

    @api.model
    def _enqueue(self, addresses) -> None:
        """Have the mail of these normalised addresses bound again, from its beginning."""
        addresses = sorted(address for address in set(addresses) if address)
        if not addresses:
            return
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_email_relink (address, after_id, create_date, write_date)
                SELECT unnest(%s::text[]), 0, %s, %s
                ON CONFLICT (address) DO UPDATE SET after_id = 0
                """,
                addresses,
                self.env.cr.now(),
                self.env.cr.now(),
            )
        )
        if cron := self.env.ref("mail_crm_link.cron_relink", raise_if_not_found=False):
            cron._trigger()

    @api.model
    def _enqueue_entry(self, entry: str) -> None:
        """Have the mail that a blocklist's entry hits looked at again."""
        self._enqueue([entry if "@" in entry else f"@{entry}"])

    @api.model
    def _enqueue_mailboxes(self, mailboxes) -> None:
        """Have all mail of these mailboxes looked at again."""
        self._enqueue([f"{MAILBOX_PREFIX}{mailbox.id}" for mailbox in mailboxes])

    @api.model
    def _cron_relink(self) -> None:
        """Work off the addresses, a batch of mails in each transaction."""
        while waiting := self.search([], limit=1):
            waiting._bind_batch()
            remaining = self.search_count([])
            if not self.env["ir.cron"]._commit_progress(1, remaining=remaining):
                return

    def _bind_batch(self) -> None:
        """Bind the next batch of one address; the address goes when none is left."""
        prefer_indexes(self.env)
        email_ids = self._next_emails()
        self.env["crm.email.binding"]._bind(email_ids)
        self.env["crm.email"].browse(email_ids)._ask_to_process_late()
        if len(email_ids) < BATCH:
            self.unlink()
        else:
            self.after_id = email_ids[-1]

    def _next_emails(self) -> list[int]:
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT email_id FROM %s
                 WHERE %s AND email_id > %s
                 ORDER BY email_id LIMIT %s
                """,
                *self._where_to_look(),
                self.after_id,
                BATCH,
            )
        )
        return [email_id for (email_id,) in rows]

    def _where_to_look(self) -> tuple[SQL, SQL]:
        """Return the table and the condition that find the mails."""
        if self.address.startswith(MAILBOX_PREFIX):
            mailbox_id = int(self.address.removeprefix(MAILBOX_PREFIX))
            return SQL("crm_email_mailbox_rel"), SQL("mailbox_id = %s", mailbox_id)
        participants = SQL("crm_email_participant")
        if self.address.startswith("@"):
            suffixes = f"%{self.address}", f"%.{self.address[1:]}"
            return participants, SQL("(bare LIKE %s OR bare LIKE %s)", *suffixes)
        return participants, SQL("bare = %s", bare(self.address))
