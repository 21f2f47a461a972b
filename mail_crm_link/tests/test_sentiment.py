"""What is judged of stored mail, who sees it, and that it goes when it is not allowed any more."""

from datetime import timedelta
from unittest.mock import patch

from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..models import crm_email_sentiment
from ..rules import sentiment
from ..rules.sentiment import Judge, LibraryMissing
from .received_case import NOW, ReceivedCase
from .test_connections_tour import TourCase

COMPLAINT = "<p>Unfortunately we are still waiting for the pumps.</p><blockquote><p>Great, perfect!</p></blockquote>"
PRAISE = "<p>We are delighted with the pumps, excellent work!</p>"
POLISH = "<p>Dziękujemy za ofertę, czekamy na dostawę pomp do przyszłego tygodnia.</p>"


class SentimentCase(ReceivedCase):
    """A mailbox that allows to judge its mail, and an opportunity of Anna's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mailbox.write({"sentiment": True, "visibility": "private"})
        cls.deal = cls.opportunity("Pumps", cls.anna)
        cls.colleague = new_test_user(cls.env, "sentiment_colleague", "sales_team.group_sale_salesman_all_leads")
        cls.env["crm.email.relink"].search([]).unlink()
        # Each batch commits in real life.
        cls.startClassPatcher(patch.object(cls.registry["ir.cron"], "_commit_progress", return_value=60.0))

    def received(self, body=COMPLAINT, days=0, **header):
        """Return a mail of ``days`` ago whose body is here."""
        email = self.receive(received=NOW - timedelta(days=days), **header)
        self.arrive(email, body)
        return email

    def arrive(self, email, body):
        """Store the body as a synchronisation does."""
        self.env.flush_all()
        email.mail_message_id.body = body
        email.body_state = "stored"
        self.env["crm.email"]._judge_later(email.ids)

    def judge(self) -> None:
        self.env["crm.email"]._cron_sentiment()
        self.env.invalidate_all()

    def judged(self, *bodies, **header):
        emails = self.env["crm.email"]
        for days, body in enumerate(reversed(bodies)):
            emails |= self.received(body, days, **header)
        self.judge()
        return emails.sorted("date")


class TestSentiment(SentimentCase):
    # --- what is judged -----------------------------------------------------------------

    def test_mail_of_a_contact_of_an_open_opportunity_is_judged(self):
        emails = self.judged(PRAISE, POLISH, COMPLAINT)
        self.assertEqual(emails.mapped("sentiment"), ["positive", "unknown", "negative"])
        self.assertGreater(emails[0].sentiment_score, 0.25)
        self.assertLess(emails[2].sentiment_score, -0.2)
        self.assertFalse(any(emails.mapped("sentiment_due")))

    def test_where_it_is_not_allowed_nothing_is_judged(self):
        self.mailbox.sentiment = False
        self.judge()
        self.assertFalse(self.judged(COMPLAINT).sentiment)
        self.assertFalse(self.env["crm.mailbox"].create({"email": "new@our.example"}).sentiment)

    def test_without_an_open_opportunity_nothing_is_judged(self):
        self.deal.stage_id = self.env["crm.stage"].create({"name": "Won here", "is_won": True})
        self.assertFalse(self.judged(COMPLAINT).sentiment)

    def test_mail_of_strangers_and_of_machines_is_not_judged(self):
        question = self.received(PRAISE)
        stranger = self.received(sender="Bob <bob@elsewhere.example>", In_Reply_To=question.message_id)
        machine = self.received(Auto_Submitted="auto-replied")
        self.judge()
        self.assertTrue(stranger.is_bound)
        self.assertEqual((question.sentiment, stranger.sentiment, machine.sentiment), ("positive", False, False))

    def test_mail_of_a_colleague_of_the_contact_is_judged(self):
        self.env["res.partner"].create({"name": "Carl", "email": "carl@mill.example", "parent_id": self.mill.id})
        self.assertEqual(self.judged(COMPLAINT, sender="Carl <carl@mill.example>").sentiment, "negative")

    def test_what_was_sent_is_not_judged(self):
        sent = self.send("anna@mill.example")
        self.arrive(sent, COMPLAINT)
        self.judge()
        self.assertFalse(sent.sentiment)

    def test_mail_waits_for_its_text(self):
        email = self.receive()
        self.judge()
        self.assertFalse(email.sentiment)
        self.arrive(email, COMPLAINT)
        self.judge()
        self.assertEqual(email.sentiment, "negative")

    def test_an_empty_text_and_a_huge_one_have_a_clear_outcome(self):
        emails = self.judged("", "<p>We are disappointed. </p>" * 50_000)
        self.assertEqual(emails.mapped("sentiment"), ["unknown", "negative"])

    # --- after the fact -----------------------------------------------------------------

    def test_a_mail_that_an_engine_stumbles_over_keeps_no_other_from_being_judged(self):
        judged = Judge.judge

        def stumble(judge, text):
            if "Stumble" in text:
                raise RecursionError("too deep")
            return judged(judge, text)

        with patch.object(Judge, "judge", stumble), mute_logger(crm_email_sentiment.__name__):
            emails = self.judged("<p>Stumble</p>", COMPLAINT)
        self.assertEqual(emails.mapped("sentiment"), ["unknown", "negative"])

    def test_past_mail_is_judged_when_an_opportunity_is_opened(self):
        self.deal.active = False
        email = self.judged(COMPLAINT)
        self.assertFalse(email.sentiment)
        self.opportunity("Valves", self.anna)
        self.relink()
        self.judge()
        self.assertEqual(email.sentiment, "negative")

    def test_past_mail_is_judged_when_it_is_allowed(self):
        self.mailbox.sentiment = False
        email = self.judged(COMPLAINT)
        self.mailbox.with_user(self.owner).sentiment_choice = "allow"
        self.relink()
        self.judge()
        self.assertEqual(email.sentiment, "negative")

    def test_switching_it_off_removes_what_was_judged_a_batch_at_a_time(self):
        emails = self.judged(PRAISE, COMPLAINT, COMPLAINT)
        self.mailbox.with_user(self.owner).sentiment_choice = "deny"
        self.assertTrue(self.mailbox.sentiment_forgetting)
        with patch.object(crm_email_sentiment, "FORGET_BATCH", 1):
            self.judge()
        self.assertEqual(emails.mapped("sentiment"), [False] * 3)
        self.assertEqual(emails.mapped("sentiment_score"), [0.0] * 3)
        self.assertFalse(self.mailbox.sentiment_forgetting)

    def test_what_another_mailbox_allows_stays(self):
        email = self.judged(COMPLAINT)
        other = self.new_mailbox("other@our.example", self.colleague, sentiment=True)
        email.sudo().mailbox_ids |= other
        self.env.flush_all()
        self.mailbox.sentiment = False
        self.judge()
        self.assertEqual(email.sentiment, "negative")

    def test_a_page_that_was_judged_is_not_judged_again(self):
        emails = self.received() | self.received(PRAISE)
        with patch.object(crm_email_sentiment, "BATCH", 1):
            self.judge()
        self.assertEqual(set(emails.mapped("sentiment")), {"positive", "negative"})
        self.assertFalse(self.env["crm.email"]._due_texts(10))

    def test_without_the_library_a_sentence_says_so_and_mail_waits(self):
        email = self.received()
        missing = patch.object(crm_email_sentiment, "_judge", side_effect=LibraryMissing("py3langid"))
        with missing, self.assertLogs(crm_email_sentiment.__name__, "WARNING") as logs:
            self.env["crm.email"]._cron_sentiment()
        self.assertIn("py3langid", logs.output[0])
        with patch.object(sentiment, "missing_library", return_value="py3langid"):
            self.mailbox.invalidate_recordset()
            self.assertIn("py3langid is not installed", self.mailbox.sentiment_note)
        self.judge()
        self.assertEqual(email.sentiment, "negative")

    def test_the_setting_lists_the_languages(self):
        with Form(self.mailbox.with_user(self.owner)) as form:
            self.assertEqual(form.sentiment_choice, "allow")
            self.assertEqual(
                form.sentiment_note,
                "Works for Dutch, English, French, German, Spanish. Mail in other languages stays unjudged.",
            )

    def test_judging_is_never_part_of_the_synchronisation(self):
        with patch.object(crm_email_sentiment, "_judge", side_effect=AssertionError("judged while mail is stored")):
            self.received()

    # --- who sees it --------------------------------------------------------------------

    def test_who_may_not_read_the_mail_does_not_learn_its_mood(self):
        email = self.judged(COMPLAINT)
        self.env.invalidate_all()
        mine, theirs = email.with_user(self.owner), email.with_user(self.colleague)
        self.assertEqual((mine.sentiment, theirs.sentiment), ("negative", False))
        self.assertEqual(theirs.sentiment_score, 0.0)
        self.assertFalse(theirs.search([("id", "=", email.id), ("sentiment", "=", "negative")]))
        self.assertFalse(theirs.search([("id", "=", email.id), ("sentiment_score", "<", 0)]))
        groups = theirs._read_group([("id", "=", email.id)], ["sentiment"], ["sentiment_score:avg"])
        self.assertEqual(groups, [(False, False)])

    def test_the_report_averages_what_its_reader_may_read(self):
        email = self.judged(COMPLAINT)
        email.flush_recordset()
        domain = [("id", "=", email.id)]
        report = self.env["crm.email.report"]
        [[mood, score]] = report.with_user(self.owner)._read_group(domain, ["sentiment"], ["sentiment_score:avg"])
        self.assertEqual((mood, round(score, 4)), ("negative", round(email.sentiment_score, 4)))
        self.assertEqual(
            report.with_user(self.colleague)._read_group(domain, ["sentiment"], ["sentiment_score:avg"]),
            [(False, False)],
        )
        rows = report.with_user(self.colleague).search_read(domain, ["sentiment", "sentiment_score"])
        self.assertEqual(rows, [{"id": email.id, "sentiment": False, "sentiment_score": 0.0}])
        self.assertFalse(report.with_user(self.colleague).search([*domain, ("sentiment", "!=", False)]))

    def test_the_trend_of_a_card_is_of_the_mails_its_reader_may_read(self):
        emails = self.judged(PRAISE, COMPLAINT)
        self.assertEqual(emails.lead_ids, self.deal)
        mine, theirs = self.deal.with_user(self.owner), self.deal.with_user(self.colleague)
        self.assertEqual(mine.mail_sentiment, "negative")
        self.assertEqual([one["sentiment"] for one in mine.mail_sentiment_trend], ["positive", "negative"])
        self.assertEqual((theirs.mail_sentiment, theirs.mail_sentiment_trend), (False, False))

    def test_cards_are_found_by_the_mood_that_their_reader_may_know(self):
        self.judged(PRAISE, COMPLAINT)
        quiet = self.opportunity("Quiet")
        of_deals = [("id", "in", (self.deal | quiet).ids)]
        mine, theirs = (self.env["crm.lead"].with_user(user) for user in (self.owner, self.colleague))
        self.assertEqual(mine.search([*of_deals, ("mail_sentiment", "=", "negative")]), self.deal)
        self.assertFalse(mine.search([*of_deals, ("mail_sentiment", "=", "positive")]))
        self.assertEqual(mine.search([*of_deals, ("mail_sentiment", "=", False)]), quiet)
        self.assertEqual(mine.search([*of_deals, ("mail_sentiment", "!=", False)]), self.deal)
        self.assertFalse(theirs.search([*of_deals, ("mail_sentiment", "=", "negative")]))

    def test_mail_that_leaves_its_cards_keeps_no_mood(self):
        email = self.judged(COMPLAINT)
        for link in email.link_ids:
            email.unlink_from(*link._card_key())
        self.assertFalse(email.sentiment)


@tagged("-at_install", "post_install")
class TestSentimentTour(SentimentCase, TourCase):
    def test_the_owner_allows_it_in_the_mailbox(self):
        self.mailbox.sentiment = False
        self.tour(f"/odoo/connected-emails/{self.mailbox.id}", "mail_crm_link_sentiment_allowed")
        self.assertTrue(self.mailbox.sentiment)

    def test_the_mood_stands_on_card_and_mail(self):
        self.judged(PRAISE, COMPLAINT)
        self.tour(f"/odoo/crm/{self.deal.id}", "mail_crm_link_sentiment_on_card")

    def test_mails_are_filtered_by_mood(self):
        self.judged(PRAISE, COMPLAINT)
        self.tour("/odoo/crm-emails", "mail_crm_link_sentiment_filter")
