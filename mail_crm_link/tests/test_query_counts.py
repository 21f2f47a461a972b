"""What a page of mail may cost the database, whatever it holds."""

from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.utils import format_datetime

from odoo.tests import tagged
from odoo.tools import SQL

from ..connectors.base import Envelope
from ..models.email_rows import EnvelopeRows
from ..models.orm_store import OrmStore
from .committing_case import CommittingCase, mail
from .received_case import NOW, ReceivedCase

PAGE = 200
HISTORY = NOW - timedelta(days=30)


@tagged("-at_install", "post_install")
class TestQueriesOfAPage(ReceivedCase):
    """A page of history, and the same with ten times as many mails of its kind."""

    @contextmanager
    def counted(self):
        """Yield a list that holds the number of queries in the end."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        count = []
        yield count
        self.env.flush_all()
        count.append(self.env.cr.sql_log_count - before)

    def envelope(self, sender, message_id="", received=HISTORY, **header):
        message = EmailMessage()
        number = next(self.uids)
        message["From"] = sender
        message["To"] = self.mailbox.email
        message["Subject"] = f"Mail {number}"
        message["Date"] = format_datetime(received)
        message["Message-ID"] = message_id or f"<{number}@count.example>"
        for name, value in header.items():
            message[name.replace("_", "-")] = value
        return Envelope(str(number), message.as_bytes(), 1000, received, False)

    def queries(self, envelopes) -> int:
        folder = self.mailbox.folder_ids.filtered(lambda one: one.role == "inbox")
        with self.counted() as count:
            EnvelopeRows(self.mailbox.sudo(), folder.id, "1").save(envelopes)
        return count[0]

    def contacts(self, count, deals=False):
        partners = self.env["res.partner"].create(
            [{"name": f"Person {n}", "email": f"person{n}@crowd.example"} for n in range(count)]
        )
        if deals:
            self.env["crm.lead"].create(
                [{"name": f"Deal {one.id}", "type": "opportunity", "partner_id": one.id} for one in partners]
            )
        return partners

    def pages(self, count):
        """Pages of so many mails each, by what they hold."""
        known = [f"person{n}@crowd.example" for n in range(count)]
        return {
            "strangers": [self.envelope(f"nobody{n}@nowhere.example") for n in range(count)],
            "contacts": [self.envelope(address) for address in known],
            "one contact": [self.envelope(known[0]) for _ in range(count)],
            "one conversation": [self.envelope(one, In_Reply_To=f"<start{count}@count.example>") for one in known],
            "newsletters": [self.envelope(one, List_Id="<news.example>") for one in known],
        }

    def test_ten_times_as_many_mails_take_no_query_more(self):
        self.contacts(PAGE, deals=True)
        self.queries(self.pages(PAGE)["contacts"])
        few = {kind: self.queries(page) for kind, page in self.pages(PAGE // 10).items()}
        many = {kind: self.queries(page) for kind, page in self.pages(PAGE).items()}
        self.assertEqual(many, few)

    def test_more_contacts_take_no_query_more(self):
        self.contacts(20)
        self.queries(self.pages(20)["contacts"])
        before = self.queries(self.pages(20)["contacts"])
        self.env.cr.execute(
            "INSERT INTO res_partner (name, email_normalized, active, type)"
            " SELECT 'Crowd', 'crowd' || n || '@crowd.example', true, 'contact' FROM generate_series(1, 5000) n"
        )
        self.assertEqual(self.queries(self.pages(20)["contacts"]), before)

    def rows_read(self, envelopes) -> int:
        """How many rows of mails and links PostgreSQL looks at to store these."""
        query = (
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('crm_email', 'crm_email_link')"
        )
        before = self.env.execute_query(SQL(query))[0][0]
        self.queries(envelopes)
        return self.env.execute_query(SQL(query))[0][0] - before

    def test_mails_are_not_compared_with_one_another_when_statistics_say_there_are_none(self):
        """As a vacuum leaves them where all mail was removed."""
        if not self.env.execute_query(SQL("SELECT usesuper FROM pg_user WHERE usename = current_user"))[0][0]:
            self.skipTest("Only superusers change statistics")
        self.contacts(200)
        self.env.cr.execute(
            "UPDATE pg_class SET reltuples = 0, relpages = 1 WHERE relname ~ '^crm_email(_link)?(_.*index|_pkey)?$'"
        )
        few, many = (self.rows_read(self.pages(count)["one conversation"]) for count in (20, 200))
        self.assertLess(many, 100 * few)


@tagged("-at_install", "post_install")
class TestQueriesOfAFirstSync(CommittingCase):
    """A mailbox of 1,000 mails, half of them from contacts."""

    MAILS = 1000

    def setUp(self):
        super().setUp()
        for number in range(10):
            self.partner(f"Person {number}", f"person{number}@crowd.example")
        self.mailbox = self.connected_mailbox()
        senders = (f"person{n % 20}@crowd.example" for n in range(self.MAILS))
        sent = datetime.now(timezone.utc) - timedelta(days=40)
        mails = [mail(one, self.mailbox.email, f"Mail {n}", sent=sent) for n, one in enumerate(senders)]
        self.deliver(*mails, days_ago=40)

    def queries_a_mail(self, store) -> float:
        before = self.env.cr.sql_log_count
        outcome = self.mailbox._engine(store).run(float("inf"))
        self.assertTrue(outcome.finished)
        self.assertEqual(outcome.envelopes, self.MAILS)
        return (self.env.cr.sql_log_count - before) / self.MAILS

    def test_envelopes_take_at_most_a_tenth_of_a_query_each(self):
        class WithoutContents(OrmStore):
            def wanted(self, limit):
                return []

        self.assertLessEqual(self.queries_a_mail(WithoutContents(self.mailbox)), 0.1)

    def test_mails_with_bodies_take_at_most_half_a_query_each(self):
        self.assertLessEqual(self.queries_a_mail(OrmStore(self.mailbox)), 0.5)
        self.assertEqual(len(self.emails([("body_state", "=", "stored")])), self.MAILS // 2)
