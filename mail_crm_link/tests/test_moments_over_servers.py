"""Each moment of a card that automation rules watch, set off by a real mail on real servers."""

from datetime import datetime, timedelta, timezone

from ..rules.sentiment import missing_library
from .committing_case import mail
from .test_sending import BOUNCE, SendingCase

CONTENT = "Thank you very much, the pumps work perfectly. We are delighted with your excellent help."
ANGRY = "This is terrible. The pumps broke again, I am very angry and disappointed with your awful service."


class TestMomentsOverServers(SendingCase):
    def setUp(self):
        super().setUp()
        self.deal = self.env["crm.lead"].create(
            {"name": "Pumps", "type": "opportunity", "partner_id": self.anna.id, "user_id": self.author.id}
        )
        self.synchronise()
        # As if the mail that comes now came after it.
        self.mailbox.connected_at = datetime.now() - timedelta(hours=6)
        self.written = []
        self.watch()

    def watch(self):
        """Remember what is written on cards so that automation rules see it."""
        leads = self.registry["crm.lead"]
        write = leads.write

        def remembered(records, vals):
            self.written += vals
            return write(records, vals)

        leads.write = remembered
        self.addCleanup(delattr, leads, "write")

    def follow(self) -> list[str]:
        """Do what the mail left to the background; return what automation rules saw of it."""
        self.written.clear()
        self.env["crm.email.card.change"]._cron_follow()
        self.env.invalidate_all()
        return self.written

    def receive(self, days_ago=0.1, body="Hello", **fields):
        sent = datetime.now(timezone.utc) - timedelta(days=days_ago)
        header = {"subject": "Pumps", "sent": sent, **fields}
        self.deliver(mail("Anna <anna@mill.example>", self.mailbox.email, body=body, **header), days_ago=days_ago)
        self.synchronise()
        return self.emails([("direction", "=", "in")])[:1]

    def test_received_and_unanswered(self):
        email = self.receive()
        self.assertFalse(self.deal.last_mail_received_at)
        self.assertLessEqual({"last_mail_received_at", "mail_unanswered_since"}, set(self.follow()))
        self.assertEqual(self.deal.last_mail_received_at, email.date)
        self.assertEqual(self.deal.mail_unanswered_since, email.date)
        self.assertEqual(self.follow(), [])

    def test_answered_from_here(self):
        email = self.receive(Message_ID="<pumps@mill.example>")
        self.follow()
        self.draft(parent_id=email.id).action_send()
        seen = self.follow()
        self.assertLessEqual({"last_mail_sent_at", "mail_unanswered_since"}, set(seen))
        self.assertTrue(self.deal.last_mail_sent_at)
        self.assertFalse(self.deal.mail_unanswered_since)
        # The copy in the folder of sent mail is no other mail.
        self.synchronise()
        self.assertEqual(self.follow(), [])

    def test_sent_from_another_program(self):
        sent = datetime.now(timezone.utc) - timedelta(days=0.1)
        self.deliver(mail(self.mailbox.email, "anna@mill.example", sent=sent), folder="Sent", days_ago=0.1)
        self.synchronise()
        self.assertEqual(self.follow(), ["last_mail_sent_at"])

    def test_bounced(self):
        draft = self.draft()
        draft.action_send()
        self.synchronise()
        self.follow()
        text = BOUNCE.format(owner=self.mailbox.email, recipient="anna@mill.example", message_id=draft.message_id)
        self.deliver(text.replace("\n", "\r\n").encode(), days_ago=0.01)
        self.synchronise()
        self.env["crm.email"]._read_reports()
        self.assertEqual(self.follow(), ["mail_bounced_at"])
        self.assertEqual(self.deal.mail_bounced_at, draft.email_id.bounced_at)

    def test_turned_negative(self):
        if library := missing_library():
            self.skipTest(f"The library {library} is not installed")
        self.mailbox.sentiment = True
        for days_ago, body, turned in ((0.2, CONTENT, False), (0.1, ANGRY, True)):
            email = self.receive(days_ago, body)
            self.env["crm.email"]._cron_sentiment()
            self.assertEqual("mail_turned_negative_at" in self.follow(), turned)
        self.assertEqual(self.deal.mail_turned_negative_at, email.date)

    def test_a_year_of_history_is_told_and_sets_nothing_off(self):
        for days_ago in (300, 30, 3):
            self.receive(days_ago)
        self.assertEqual(self.follow(), [])
        self.assertLess(abs(datetime.now() - timedelta(days=3) - self.deal.last_mail_received_at), timedelta(minutes=5))

    def test_what_a_killed_process_left_is_done_by_the_next(self):
        self.receive()
        changes = self.env["crm.email.card.change"]
        changes._follow(self.deal)
        self.assertTrue(self.deal.last_mail_received_at)
        self.env.cr.rollback()
        self.env.invalidate_all()
        self.assertFalse(self.deal.last_mail_received_at)
        self.assertIn("last_mail_received_at", self.follow())
        with self.another_worker() as env:
            self.assertTrue(env["crm.lead"].browse(self.deal.id).last_mail_received_at)
            self.assertFalse(env["crm.email.card.change"].search([]))

    def test_a_card_that_somebody_is_saving_waits_for_the_next_time(self):
        self.receive()
        self.env.cr.commit()
        with self.another_worker() as env:
            env.cr.execute("SELECT FROM crm_lead WHERE id = %s FOR UPDATE", [self.deal.id])
            self.follow()
            self.assertFalse(self.deal.last_mail_received_at)
        self.follow()
        self.assertTrue(self.deal.last_mail_received_at)
