"""The mailbox that a person writes from first: one, chosen in two places, and replaced while it does not work."""

from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, RedirectWarning, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .received_case import ReceivedCase


@tagged("-at_install", "post_install")
class TestPreferred(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mailbox.smtp_host = "smtp.our.example"
        cls.second = cls.new_mailbox("second@our.example", cls.owner, smtp_host="smtp.our.example")
        cls.colleague = new_test_user(cls.env, "preferred_colleague", "sales_team.group_sale_salesman_all_leads")
        cls.company = cls.owner.company_id

    def first_for_writing(self):
        self.env.invalidate_all()
        return self.env["crm.email.composer"].with_user(self.owner)._mailbox()

    def told(self):
        notices = self.env["mail.notification"].search([("res_partner_id", "=", self.owner.partner_id.id)])
        return [str(body) for body in notices.mail_message_id.mapped("body")]

    def test_it_comes_first_in_the_composer(self):
        self.assertEqual(self.first_for_writing(), self.mailbox)
        self.second.preferred = True
        self.assertEqual(self.first_for_writing(), self.second)

    def test_choosing_another_one_takes_it_from_the_first(self):
        self.mailbox.with_user(self.owner).preferred = True
        self.second.with_user(self.owner).preferred = True
        self.assertFalse(self.mailbox.preferred)
        self.assertEqual(self.owner.preferred_mailbox_id, self.second)

    def test_an_archived_one_gives_way_too(self):
        self.mailbox.preferred = True
        self.mailbox.active = False
        self.second.preferred = True
        self.assertFalse(self.mailbox.preferred)

    def test_a_new_one_takes_over(self):
        self.mailbox.preferred = True
        third = self.new_mailbox("third@our.example", self.owner, preferred=True)
        self.assertEqual((self.mailbox.preferred, third.preferred), (False, True))

    def test_of_several_chosen_at_once_the_last_one_stays(self):
        (self.mailbox | self.second).preferred = True
        self.assertEqual((self.mailbox | self.second).filtered("preferred"), self.second)

    def test_the_database_knows_at_most_one(self):
        self.mailbox.preferred = True
        self.env.flush_all()
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env.cr.execute(SQL("UPDATE crm_mailbox SET preferred = TRUE WHERE id = %s", self.second.id))

    def test_who_gets_a_mailbox_chooses_anew(self):
        self.mailbox.preferred = True
        self.mailbox.user_id = self.colleague
        self.assertFalse(self.mailbox.preferred)

    def test_it_is_chosen_in_the_preferences(self):
        user = self.owner.with_user(self.owner)
        user.write({"preferred_mailbox_id": self.second.id})
        self.assertTrue(self.second.preferred)
        self.assertEqual(user.read(["preferred_mailbox_id"])[0]["preferred_mailbox_id"][0], self.second.id)
        with Form(user, view="base.view_users_form_simple_modif") as form:
            form.preferred_mailbox_id = self.mailbox
        self.assertEqual((self.mailbox.preferred, self.second.preferred), (True, False))
        user.preferred_mailbox_id = False
        self.assertFalse(self.mailbox.preferred)

    def test_a_mailbox_of_somebody_else_cannot_be_chosen(self):
        with self.assertRaises(ValidationError):
            self.colleague.with_user(self.colleague).preferred_mailbox_id = self.mailbox
        with self.assertRaises(AccessError):
            self.mailbox.with_user(self.colleague).preferred = True
        self.assertFalse(self.owner.with_user(self.colleague).preferred_mailbox_id)

    def test_one_that_needs_attention_is_replaced_and_told_of(self):
        self.mailbox.preferred = True
        self.mailbox.write({"state": "error", "status_message": "The password is wrong"})
        self.assertEqual(self.first_for_writing(), self.second)
        mail = self.env["mail.mail"].search([("subject", "like", self.mailbox.email)])
        self.assertEqual(len(mail), 1)
        self.assertIn(f"written from {self.second.email} instead", mail.body_html)
        self.assertFalse(self.told())

    def test_its_owner_is_told_once_that_it_stopped(self):
        self.mailbox.preferred = True
        self.mailbox.with_user(self.owner).action_disconnect()
        self.mailbox.status_message = "Later"
        [told] = self.told()
        self.assertIn(f"written from {self.second.email} instead", told)

    def test_an_archived_one_is_replaced(self):
        self.mailbox.preferred = True
        self.mailbox.active = False
        self.assertEqual(self.first_for_writing(), self.second)
        self.assertEqual(len(self.told()), 1)

    def test_without_replacement_nothing_is_written_and_it_is_said_why(self):
        self.company.crm_email_fallback = "none"
        self.mailbox.preferred = True
        self.mailbox.state = "error"
        writing = self.env["crm.email"].with_user(self.owner)
        with self.assertRaisesRegex(RedirectWarning, self.mailbox.email):
            writing.action_write_new()
        self.company.crm_email_fallback = "server"
        with self.assertRaisesRegex(RedirectWarning, "Send message"):
            writing.action_write_new()
        self.company.crm_email_fallback = "own"
        self.assertTrue(writing.action_write_new()["res_id"])
        self.assertTrue(self.second.with_user(self.owner).action_compose()["res_id"])
