"""Whom a 1:1 e-mail is not sent to and why, in whose name it goes, and who may say so."""

from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import CheckViolation, UniqueViolation

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models.crm_email_automation_reasons import CrmEmailAutomation as Reasons
from .automation_case import DecisionCase
from .received_case import NOW

RENDERING = "odoo.addons.mail.models.mail_render_mixin"


@tagged("-at_install", "post_install")
class TestReasons(DecisionCase):
    def test_nothing_is_against_it(self):
        self.trigger()
        self.assertEqual(self.decided(), "written")
        draft = self.row().draft_ids
        self.assertEqual((draft.create_uid, draft.mailbox_id), (self.author, self.mailbox))

    def test_a_record_without_address(self):
        self.anna.email = False
        self.lead.email_from = False
        self.assert_skipped("no_address")

    def test_an_archived_record(self):
        self.lead.active = False
        self.assert_skipped("archived")

    def test_an_own_address(self):
        self.anna.email = self.mailbox.email
        self.assert_skipped("own_address")

    def test_who_unsubscribed(self):
        self.env["mail.blacklist"].create({"email": "Anna@mill.example"})
        self.assert_skipped("unsubscribed")

    def test_whose_mail_was_erased_and_is_kept_out(self):
        self.env["crm.email.suppression"]._suppress(["anna@mill.example"], None)
        self.assert_skipped("unsubscribed")

    def test_they_wrote_meanwhile(self):
        self.trigger()
        self.backdate(triggered_at=timedelta(hours=1))
        self.receive()
        self.assertEqual(self.decided(), "answered")

    def test_somebody_answered_meanwhile(self):
        self.trigger()
        self.backdate(triggered_at=timedelta(hours=1))
        self.send("anna@mill.example")
        self.assertEqual(self.decided(), "answered")

    def test_of_mail_in_a_mailbox_without_connections_it_tells_nothing(self):
        self.mailbox.crm_link = False
        self.trigger()
        self.backdate(triggered_at=timedelta(hours=1))
        self.receive()
        self.receive(Auto_Submitted="auto-generated")
        self.assertEqual(self.decided(), "written")

    def test_mail_from_before_and_to_others_is_no_answer(self):
        self.trigger()
        self.backdate(triggered_at=timedelta(hours=1))
        self.receive(received=NOW - timedelta(hours=2))
        self.send("else@mill.example")
        self.assertEqual(self.decided(), "written")

    def test_nobody_is_responsible(self):
        self.lead.user_id = False
        self.assert_skipped("no_owner", user=self.admin)

    def test_an_owner_without_mailbox(self):
        self.lead.user_id = self.colleague
        self.assert_skipped("no_mailbox", user=self.colleague)

    def test_an_owner_whose_mailbox_is_not_looked_at(self):
        self.mailbox.state = "paused"
        self.assert_skipped("no_mailbox")

    def test_an_owner_who_left(self):
        self.author.active = False
        self.assert_skipped("no_mailbox", user=self.colleague)

    def test_an_owner_who_did_not_allow_it(self):
        self.mailbox.automation = False
        self.assert_skipped("not_allowed")

    def test_a_record_that_its_author_may_not_write_on(self):
        limited = new_test_user(self.env, "automation_limited", "sales_team.group_sale_salesman")
        mailbox = self.new_mailbox("limited@our.example", limited, automation=True, smtp_host="smtp.our.example")
        self.action.write({"crm_email_sender": "mailbox", "crm_email_mailbox_id": mailbox.id})
        self.assert_skipped("no_access")

    def test_a_template_that_does_not_work_for_one_record(self):
        self.template.body_html = "<p><t t-out=\"100 / len(object.contact_name or '')\"/></p>"
        other = self.new_lead("Other", email_from="other@mill.example", contact_name="O")
        self.lead.contact_name = False
        self.trigger(self.lead | other)
        with mute_logger(RENDERING):
            self.assertEqual((self.decided(), self.decided(other)), ("template", "written"))
        self.assertIn("division by zero", self.row().detail)

    def test_a_template_that_is_gone(self):
        self.trigger()
        self.action.crm_email_template_id = False
        self.assertEqual(self.decided(), "template")

    def test_an_action_that_does_something_else_now(self):
        self.trigger()
        self.action.state = "code"
        self.assertEqual(self.decided(), "stopped")

    def test_what_was_skipped_gets_another_chance(self):
        self.mailbox.automation = False
        self.assert_skipped("not_allowed")
        self.mailbox.automation = True
        self.trigger()
        self.assertEqual(self.decided(), "written")

    def test_what_was_stopped(self):
        self.trigger()
        self.row().with_user(self.admin).action_stop()
        self.assertEqual(self.outcome(), ("skipped", "stopped"))

    def test_what_is_in_the_outbox_is_stopped_too(self):
        self.trigger()
        self.decided()
        self.row().with_user(self.author).action_stop()
        self.assertEqual((self.outcome(), self.row().draft_ids.state), (("skipped", "stopped"), "draft"))

    def test_the_address_on_the_lead_is_written_to_if_wanted(self):
        lead = self.new_lead("Desk", partner_id=self.anna.id, email_from="desk@mill.example")
        self.anna.email = "anna@mill.example"
        lead.email_from = "desk@mill.example"
        self.action.crm_email_recipient = "address"
        self.assertIn("desk@mill.example", self.action._crm_email_to(lead))

    def test_the_mailbox_of_who_triggers_it(self):
        mailbox = self.new_mailbox(
            "colleague@our.example", self.colleague, automation=True, smtp_host="smtp.our.example"
        )
        self.action.crm_email_sender = "user"
        self.trigger(user=self.colleague)
        self.assertEqual(self.decided(), "written")
        self.assertEqual(self.row().draft_ids.mailbox_id, mailbox)

    def test_the_database_knows_at_most_one(self):
        self.trigger()
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.row().copy()


@tagged("-at_install", "post_install")
class TestAutomaticMail(DecisionCase):
    def test_automation_never_answers_an_automatic_mail(self):
        self.receive(Auto_Submitted="auto-generated")
        self.assert_skipped("automatic")

    def test_nor_lists_bounces_and_automatic_replies(self):
        for header in (
            {"List_Id": "<pumps.mill.example>"},
            {"X_Auto_Response_Suppress": "All"},
            {"Return_Path": "<>", "In_Reply_To": "<x@our.example>"},
            {"Auto_Submitted": "auto-replied"},
        ):
            self.receive(**header)
            self.assert_skipped("automatic")

    def test_without_the_guard_it_would_answer(self):
        self.receive(Auto_Submitted="auto-generated")
        self.trigger()
        with patch.object(Reasons, "_may_be_answering_a_program", lambda *args: False):
            self.assertEqual(self.decided(), "written")

    def test_a_person_who_wrote_after_the_program_is_written_to(self):
        self.receive(Auto_Submitted="auto-replied", received=NOW - timedelta(hours=2))
        self.receive(received=NOW - timedelta(hours=1))
        self.trigger()
        self.assertEqual(self.decided(), "written")

    def test_what_a_program_wrote_long_ago_triggers_nothing(self):
        email = self.receive(Auto_Submitted="auto-replied")
        self.env.cr.execute("UPDATE crm_email SET create_date = now() - interval '2 days' WHERE id = %s", [email.id])
        self.trigger()
        self.assertEqual(self.decided(), "written")


@tagged("-at_install", "post_install")
class TestFallback(DecisionCase):
    def setUp(self):
        super().setUp()
        self.second = self.new_mailbox("second@our.example", self.author, smtp_host="smtp.our.example")
        self.mailbox.state = "error"

    def test_another_mailbox_of_the_owner_if_it_is_allowed(self):
        self.assert_skipped("no_mailbox")
        self.second.automation = True
        self.trigger()
        self.assertEqual(self.decided(), "written")
        self.assertEqual(self.row().mailbox_id, self.second)

    def test_nothing_is_sent_if_the_action_says_so(self):
        self.second.automation = True
        self.action.crm_email_fallback = "none"
        self.assert_skipped("no_mailbox")

    def test_the_companys_server_sends_in_the_companys_name(self):
        self.action.crm_email_fallback = "server"
        self.author.company_id.email = "company@our.example"
        self.trigger()
        self.decided()
        row = self.row()
        self.assertEqual((row.state, row.by_server, row.mailbox_id.id), ("sent", True, False))
        [queued] = self.env["mail.mail"].search([("subject", "=", "About Mill")])
        self.assertIn("company@our.example", queued.email_from)
        self.assertIn("Auto-Submitted", queued.headers)
        self.assertIn("anna@mill.example", queued.email_to)
        self.assertIn(queued.mail_message_id, self.lead.message_ids)

    def test_by_itself_an_action_does_as_the_company_says(self):
        self.second.automation = True
        self.author.company_id.crm_email_fallback = "none"
        self.assert_skipped("no_mailbox")


@tagged("-at_install", "post_install")
class TestRights(DecisionCase):
    def test_only_its_owner_allows_automation_to_write(self):
        self.mailbox.automation = False
        with self.assertRaises(AccessError):
            self.mailbox.with_user(self.admin).automation = True
        self.mailbox.with_user(self.author).automation = True
        self.mailbox.with_user(self.admin).automation = False
        self.assertFalse(self.mailbox.automation)

    def test_nobody_allows_it_by_making_the_mailbox_for_somebody_else(self):
        with self.assertRaises(AccessError):
            self.env["crm.mailbox"].with_user(self.admin).create(
                {"email": "x@our.example", "user_id": self.author.id, "automation": True}
            )

    def test_it_is_off_until_the_owner_allows_it(self):
        self.assertFalse(self.new_mailbox("new@our.example", self.author).automation)

    def test_who_takes_over_a_mailbox_is_asked_anew(self):
        self.mailbox.user_id = self.colleague
        self.assertFalse(self.mailbox.automation)

    def test_administrators_make_the_action(self):
        with self.assertRaises(AccessError):
            self.action.with_user(self.author).crm_email_repeat_days = 3

    def test_who_may_not_write_on_the_record_does_not_trigger_it(self):
        stranger = new_test_user(self.env, "automation_stranger", "sales_team.group_sale_salesman")
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_actions"):
            self.trigger(user=stranger)

    def test_the_template_shows_no_more_than_the_author_may_read(self):
        self.author.group_ids = self.env.ref("sales_team.group_sale_salesman") | self.env.ref("base.group_user")
        secret = self.env["crm.lead"].create({"name": "Secret deal", "user_id": self.admin.id})
        self.template.body_html = f"<p><t t-out=\"object.env['crm.lead'].browse({secret.id}).name\"/></p>"
        with mute_logger(RENDERING, "odoo.addons.base.models.ir_rule"):
            self.assert_skipped("template", user=self.admin)

    def test_the_list_is_for_managers_and_whom_it_concerns(self):
        self.trigger()
        self.decided()
        rows = self.env["crm.email.automation"]
        for user, count in ((self.author, 1), (self.admin, 1), (self.colleague, 0)):
            self.assertEqual(rows.with_user(user).search_count([]), count)
        with self.assertRaises(AccessError):
            self.row().with_user(self.colleague).action_stop()
        with self.assertRaises(AccessError):
            self.row().with_user(self.author).write({"state": "waiting"})
        with self.assertRaises(AccessError):
            self.action.with_user(self.author).action_crm_email_stop()

    def test_nobody_passes_their_mail_off_as_automations(self):
        self.trigger()
        drafts = self.env["crm.email.composer"].with_user(self.author)
        with self.assertRaises(AccessError):
            drafts.create({"to": "anna@mill.example", "automation_id": self.row().id})

    def test_limits_are_at_least_one(self):
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.mailbox.automation_per_day = 0
            self.env.flush_all()

    def test_administrators_say_what_limits_begin_with(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.automation_per_day", "50")
        mailbox = self.new_mailbox("new@our.example", self.author)
        self.assertEqual((mailbox.automation_per_minute, mailbox.automation_per_day), (10, 50))

    def test_the_owners_address_is_the_preferred_mailboxs(self):
        self.assertEqual((self.lead.owner_email, self.anna.owner_email), (self.mailbox.email, False))
        self.lead.user_id = self.colleague
        self.assertEqual(self.lead.owner_email, self.colleague.email)

    def test_erasing_a_person_takes_their_address_out_of_the_list(self):
        self.trigger()
        self.row().detail = "anna@mill.example: 550"
        self.trigger(self.anna, self.new_action(self.new_template("1:1 contact", "res.partner")), self.admin)
        erasure = self.env["crm.email.erasure"].with_user(self.admin)._begin(self.anna, "asked", False)
        self.assertEqual(erasure.state, "done")
        self.assertFalse(self.row().detail)
        self.assertFalse(self.row(self.anna))


@tagged("-at_install", "post_install")
class TestPreview(DecisionCase):
    def preview(self):
        action = self.action.with_user(self.admin).action_crm_email_preview()
        preview = self.env["crm.email.automation.preview"].with_user(self.admin).browse(action["res_id"])
        preview.lead_id = self.lead
        return preview

    def test_it_shows_the_mail_for_a_record_and_sends_nothing(self):
        preview = self.preview()
        self.assertEqual((preview.subject, preview.email_from), ("About Mill", self.mailbox.email))
        self.assertIn("anna@mill.example", preview.email_to)
        self.assertIn("How is", preview.body)
        self.assertFalse(preview.problem)
        self.assertFalse(self.row())

    def test_it_says_why_nothing_would_be_sent(self):
        self.mailbox.automation = False
        self.assertIn("does not let automation write", self.preview().problem)

    def test_an_action_that_cannot_work_says_so(self):
        self.assertFalse(self.action.warning)
        self.action.crm_email_template_id = False
        self.assertIn("template", self.action.warning)
        wrong = self.new_action(self.new_template("1:1 user", "res.users"))
        self.assertIn("leads, opportunities and contacts", wrong.warning)
