"""Figures about mail: what they count, who sees them, and how fast they come."""

from datetime import datetime, timedelta, timezone

from odoo.tests import HttpCase, new_test_user, tagged

from .received_case import ReceivedCase

# A Friday.
FRIDAY = datetime(2026, 3, 6, 15, tzinfo=timezone.utc)


@tagged("post_install", "-at_install")
class TestReport(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work_from_nine_to_five()
        cls.mailbox.connected_at = "2020-01-01"

    def rows(self, *emails, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        reports = self.env["crm.email.report"].with_user(user or self.owner)
        return reports.search([("id", "in", [email.id for email in emails])] if emails else [])

    def count_hours(self) -> None:
        emails = self.env["crm.email"]
        emails._store_hours(emails._uncounted(1000))

    def answered(self, question_at: datetime, answer_at: datetime):
        question = self.receive(received=question_at)
        self.send("anna@mill.example", received=answer_at, In_Reply_To=question.message_id)
        self.count_hours()
        return self.rows(question)

    def test_what_is_sent_processed_and_waiting(self):
        waiting = self.receive(subject="Now")
        past = self.receive(subject="Then", received=datetime(2019, 1, 1, tzinfo=timezone.utc))
        sent = self.send("anna@mill.example")
        self.assertEqual([self.rows(email).kind for email in (waiting, past, sent)], ["waiting", "processed", "sent"])
        self.assertEqual([self.rows(email).unanswered for email in (waiting, past, sent)], [1, 1, 0])
        self.assertEqual(self.rows(sent).user_id, self.owner)
        self.assertEqual(self.rows(sent).partner_id, self.mill)

    def test_the_response_time_is_that_of_working_hours(self):
        row = self.answered(FRIDAY, FRIDAY + timedelta(days=2, hours=19))
        # Friday from 15 to 17, and Monday from 9 to 10.
        self.assertEqual(row.response_hours, 3)
        self.assertEqual(row.unanswered, 0)

    def test_a_response_out_of_hours_took_none(self):
        row = self.answered(FRIDAY + timedelta(hours=3), FRIDAY + timedelta(hours=4))
        self.assertEqual(row.response_hours, 0)

    def test_the_first_answer_counts_in_whatever_order_mail_comes(self):
        question = self.receive(received=FRIDAY)
        for hours in (26 + 48, 1, 25 + 48):
            self.send("anna@mill.example", received=FRIDAY + timedelta(hours=hours), In_Reply_To=question.message_id)
        self.count_hours()
        self.assertEqual(self.rows(question).response_hours, 1)

    def test_an_answer_stored_before_the_question_counts(self):
        question = {"Message_ID": "<question@mill.example>"}
        self.send("anna@mill.example", received=FRIDAY + timedelta(hours=1), In_Reply_To=question["Message_ID"])
        email = self.receive(received=FRIDAY, **question)
        self.count_hours()
        self.assertEqual(self.rows(email).response_hours, 1)

    def test_automatic_answers_are_none(self):
        question = self.receive(received=FRIDAY)
        self.send(
            "anna@mill.example",
            received=FRIDAY + timedelta(hours=1),
            In_Reply_To=question.message_id,
            Auto_Submitted="auto-replied",
        )
        self.assertEqual(self.rows(question).unanswered, 1)

    def test_a_later_question_has_its_own_answer(self):
        first = self.receive(received=FRIDAY)
        self.send("anna@mill.example", received=FRIDAY + timedelta(minutes=30), In_Reply_To=first.message_id)
        second = self.receive(received=FRIDAY + timedelta(hours=1), In_Reply_To=first.message_id)
        self.count_hours()
        self.assertEqual((self.rows(first).response_hours, self.rows(second).unanswered), (0.5, 1))

    # --- rights -------------------------------------------------------------------------

    def test_it_counts_what_the_user_may_know_of(self):
        email = self.receive(subject="Canary")
        colleague = new_test_user(self.env, "report_colleague", "sales_team.group_sale_salesman_all_leads")
        other = new_test_user(self.env, "report_other", "base.group_user")
        self.assertEqual(len(self.rows(email, user=colleague)), 1)
        self.assertEqual(self.rows(email, user=colleague).email_id.display_name, "Email received")
        self.env["crm.email.link"].search([("email_id", "=", email.id)]).unlink()
        self.assertFalse(self.rows(email, user=colleague))
        groups = self.env["crm.email.report"].with_user(colleague)._read_group([("id", "=", email.id)], ["user_id"])
        self.assertFalse(groups)
        self.assertFalse(self.rows(user=other).filtered(lambda row: row.id == email.id))

    def test_no_text_of_mail_is_in_it(self):
        texts = [
            name
            for name, field in self.env["crm.email.report"]._fields.items()
            if field.type in ("char", "text", "html")
        ]
        self.assertEqual(texts, ["display_name"])

    # --- speed --------------------------------------------------------------------------

    def test_figures_of_100_000_mails_read_each_a_few_times(self):
        self.store_100_000_mails(self.anna)
        colleague = new_test_user(self.env, "report_colleague", "sales_team.group_sale_salesman_all_leads")
        for user in (self.owner, colleague):
            reports = self.env["crm.email.report"].with_user(user)
            with self.assertRowsRead(at_most=5 * 100_000):
                groups = reports._read_group(
                    [], ["user_id", "kind"], ["__count", "response_hours:avg", "unanswered:sum"]
                )
            self.assertGreaterEqual(sum(count for _user, _kind, count, _hours, _open in groups), 100_000)


@tagged("post_install", "-at_install")
class TestReportTour(ReceivedCase, HttpCase):
    browser_size = "1440x900"

    def test_graph_pivot_calendar_and_list(self):
        self.receive()
        self.send("anna@mill.example")
        self.env.flush_all()
        self.start_tour("/odoo/crm-email-figures", "mail_crm_link_report", login=self.owner.login, timeout=120)
