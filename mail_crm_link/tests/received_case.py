"""Mail that is stored as a synchronisation stores it, inside the test's transaction."""

import itertools
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.utils import format_datetime

from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import SQL

from ..connectors.base import Envelope
from ..models.crm_email import CARD_FIELDS
from ..models.email_rows import EnvelopeRows

NOW = datetime.now(timezone.utc).replace(microsecond=0)


@tagged("-at_install", "post_install")
class ReceivedCase(TransactionCase):
    """A salesperson with a connected mailbox, and the contact Anna of the company Mill."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = new_test_user(cls.env, "received_owner", "sales_team.group_sale_salesman_all_leads")
        cls.mailbox = cls.new_mailbox("owner@our.example", cls.owner)
        cls.mill = cls.env["res.partner"].create({"name": "Mill Ltd", "is_company": True})
        cls.anna = cls.env["res.partner"].create(
            {"name": "Anna Meyer", "email": "anna@mill.example", "parent_id": cls.mill.id}
        )
        cls.uids = itertools.count(1)

    @classmethod
    def new_mailbox(cls, address, owner, **values):
        mailbox = cls.env["crm.mailbox"].create(
            {
                "email": address,
                "user_id": owner.id,
                "state": "connected",
                "connected_at": (NOW - timedelta(days=1)).replace(tzinfo=None),
                **values,
            }
        )
        for name, role in (("INBOX", "inbox"), ("Sent", "sent")):
            mailbox.folder_ids.create({"mailbox_id": mailbox.id, "name": name, "remote_id": name, "role": role})
        return mailbox

    @classmethod
    def opportunity(cls, name, partner=None, **values):
        return cls.env["crm.lead"].create(
            {
                "name": name,
                "type": "opportunity",
                "partner_id": partner.id if partner else False,
                "user_id": cls.owner.id,
                **values,
            }
        )

    @classmethod
    def work_from_nine_to_five(cls, tz="UTC"):
        """Have the company work on Monday to Friday; return its calendar."""
        days = [
            Command.create({"name": str(day), "dayofweek": str(day), "hour_from": 9, "hour_to": 17}) for day in range(5)
        ]
        calendar = cls.env["resource.calendar"].create(
            {"name": "Nine to five", "tz": tz, "attendance_ids": [Command.clear(), *days]}
        )
        cls.env.company.resource_calendar_id = calendar
        return calendar

    def store_100_000_mails(self, card) -> None:
        """One a minute until now, every third of them sent, all on the card.

        The foreign keys of what refers to them are checked one by one, by plans that were made when the table was
        empty, until it is analysed.
        """
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_email (identity, variant, date, direction, state, automatic, is_bound, body_state)
                SELECT 'speed-' || n, '', now() - n * interval '1 minute',
                       CASE WHEN n %% 3 = 0 THEN 'out' ELSE 'in' END, 'processed', 'none', true, 'none'
                  FROM generate_series(1, 100000) n;
                ANALYZE crm_email;
                INSERT INTO crm_email_mailbox_rel (email_id, mailbox_id)
                SELECT id, %(mailbox)s FROM crm_email WHERE identity LIKE 'speed-%%';
                INSERT INTO crm_email_link (email_id, %(column)s, origin, reason, active)
                SELECT id, %(card)s, 'address', 'Speed', true FROM crm_email WHERE identity LIKE 'speed-%%';
                ANALYZE crm_email_mailbox_rel; ANALYZE crm_email_link;
                """,
                mailbox=self.mailbox.id,
                column=SQL.identifier(CARD_FIELDS[card._name]),
                card=card.id,
            )
        )

    @contextmanager
    def assertRowsRead(self, at_most: int):
        """What reads more than this many rows of tables fails: a measure of work that no busy machine changes.

        Rows that parallel workers of the server read are not counted.
        """
        before = self._rows_read()
        yield
        self.assertLessEqual(self._rows_read() - before, at_most)

    def _rows_read(self) -> int:
        self.env.cr.execute("SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables")
        return int(self.env.cr.fetchone()[0])

    def receive(
        self,
        sender="Anna Meyer <anna@mill.example>",
        subject="Pumps",
        mailbox=None,
        role="inbox",
        to=None,
        received=NOW,
        **header,
    ):
        """Return the stored mail; ``header`` has further fields, ``_`` standing for ``-``."""
        mailbox = mailbox or self.mailbox
        message = EmailMessage()
        message["From"] = sender
        message["To"] = to or mailbox.email
        message["Subject"] = subject
        message["Date"] = format_datetime(received)
        number = next(self.uids)
        header.setdefault("Message_ID", f"<{number}@test.example>")
        for name, value in header.items():
            message[name.replace("_", "-")] = value
        envelope = Envelope(str(number), message.as_bytes(), 1000, received, False)
        return self.store(mailbox, [envelope], role)

    def send(self, to, subject="Our offer", **options):
        """Return the stored mail that the mailbox's owner sent."""
        sender = (options.get("mailbox") or self.mailbox).email
        return self.receive(sender, subject, role="sent", to=to, **options)

    def store(self, mailbox, envelopes, role="inbox"):
        folder = mailbox.folder_ids.filtered(lambda one: one.role == role)
        self.env.flush_all()
        EnvelopeRows(mailbox.sudo(), folder.id, "1").save(envelopes)
        self.env.invalidate_all()
        ids = [envelope.remote_id for envelope in envelopes]
        copies = self.env["crm.email.copy"].search([("folder_id", "=", folder.id), ("remote_id", "in", ids)])
        return copies.email_id

    def relink(self):
        """Do what a change of a card left to the background."""
        self.env.flush_all()
        for waiting in self.env["crm.email.relink"].search([]):
            while waiting.exists():
                waiting._bind_batch()
        self.env.invalidate_all()

    def cards(self, email):
        email.invalidate_recordset()
        return set(email.lead_ids) | set(email.partner_ids)
