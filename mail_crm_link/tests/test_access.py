"""Who opened mail of others is noted, for the owners of the mailboxes."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.mail.tools.discuss import Store

from ..models.crm_email_access import DAYS_PARAMETER
from .received_case import ReceivedCase


@tagged("-at_install", "post_install")
class TestAccess(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reader = new_test_user(
            cls.env, "access_reader", "sales_team.group_sale_salesman_all_leads,base.group_allow_export"
        )
        cls.admin = new_test_user(cls.env, "access_admin", "base.group_system")
        cls.mailbox.visibility = "public"

    def setUp(self):
        super().setUp()
        self.email = self.receive(subject="Pumps")
        self.email.mail_message_id.body = "<p>Forty of them</p>"
        self.email.body_state = "stored"
        self.env.flush_all()
        self.accesses = self.env["crm.email.access"]

    def opened(self):
        """Return what was noted once the transaction has ended."""
        with self.enter_registry_test_mode():
            self.env.cr.postcommit.run()
        self.env.invalidate_all()
        return self.accesses.search([])

    def assert_noted(self):
        [access] = self.opened()
        self.assertEqual((access.email_id, access.user_id), (self.email, self.reader))
        return access

    def test_reading_the_body_is_noted(self):
        self.email.with_user(self.reader).read(["body"])
        self.assertAlmostEqual(self.assert_noted().date, fields.Datetime.now(), delta=timedelta(minutes=1))

    def test_loading_the_content_is_noted(self):
        self.email.with_user(self.reader).load_content()
        self.assert_noted()

    def test_exporting_is_noted(self):
        self.email.with_user(self.reader).export_data(["body"])
        self.assert_noted()

    def test_reading_the_message_is_noted(self):
        self.email.mail_message_id.with_user(self.reader).read(["body"])
        self.assert_noted()

    def test_exporting_the_message_is_noted(self):
        self.reader.group_ids |= self.env.ref("base.group_system")
        self.email.mail_message_id.with_user(self.reader).export_data(["body"])
        self.assert_noted()

    def test_the_chatter_is_noted_with_its_card(self):
        card = self.anna.with_user(self.reader)
        messages = self.env["mail.message"].with_user(self.reader)
        found = messages._message_fetch(None, thread=card)["messages"]
        Store().add(found).get_result()
        access = self.assert_noted()
        self.assertEqual(access.partner_id, self.anna)
        self.assertEqual(access.with_user(self.owner).card, self.anna.display_name)

    def test_a_reader_a_mail_and_a_day_are_one_row(self):
        for _ in range(2):
            self.env.invalidate_all()
            self.email.with_user(self.reader).read(["body"])
            self.opened()
        self.assert_noted()

    def test_the_list_of_mails_is_no_reading(self):
        self.email.with_user(self.reader).read(["subject", "snippet", "date"])
        self.email.mail_message_id.with_user(self.reader).read(["author_id"])
        self.assertFalse(self.opened())

    def test_ones_own_mail_is_not_noted(self):
        self.mailbox.write({"access": "shared", "member_ids": [Command.link(self.reader.id)]})
        for user in (self.owner, self.reader):
            self.email.with_user(user).load_content()
        self.assertFalse(self.opened())

    def test_what_is_not_shown_is_not_noted(self):
        self.mailbox.visibility = "private"
        self.email.with_user(self.reader).read(["body"])
        with self.assertRaises(AccessError):
            self.email.with_user(self.reader).load_content()
        self.assertFalse(self.opened())

    def test_what_was_rolled_back_was_not_given(self):
        self.email.with_user(self.reader).load_content()
        self.env.cr.postcommit.clear()
        self.assertFalse(self.opened())

    # --- who sees it --------------------------------------------------------------------

    def test_the_owner_reads_the_list(self):
        self.email.with_user(self.reader).load_content()
        access = self.opened()
        action = self.mailbox.with_user(self.owner).action_open_access_log()
        self.assertEqual(self.accesses.with_user(self.owner).search(action["domain"]), access)
        self.assertEqual(access.with_user(self.owner).email_id.display_name, "Pumps")
        for user in (self.reader, new_test_user(self.env, "access_else", "sales_team.group_sale_manager")):
            self.assertFalse(self.accesses.with_user(user).search([]))
            with self.assertRaises(AccessError):
                access.with_user(user).read(["date"])

    def test_administrators_see_names_and_times_only(self):
        self.email.with_user(self.reader).load_content()
        self.mailbox.visibility = "private"
        [values] = self.opened().with_user(self.admin).read()
        self.assertEqual(values["user_id"][0], self.reader.id)
        self.assertNotIn("Pumps", str(values))

    def test_nobody_changes_it(self):
        self.email.with_user(self.reader).load_content()
        access = self.opened()
        for user in (self.owner, self.admin, self.env.ref("base.user_admin")):
            for change in (
                access.with_user(user).unlink,
                lambda user=user: access.with_user(user).write({"date": fields.Datetime.now()}),
                lambda user=user: access.with_user(user).create({"email_id": self.email.id, "user_id": user.id}),
            ):
                with self.assertRaises(AccessError):
                    change()

    def test_it_is_forgotten_after_some_time(self):
        self.email.with_user(self.reader).load_content()
        access = self.opened()
        access.date = fields.Datetime.now() - timedelta(days=31)
        parameters = self.env["ir.config_parameter"]
        parameters.set_param(DAYS_PARAMETER, "0")
        self.accesses._gc_old()
        self.assertTrue(access.exists())
        parameters.set_param(DAYS_PARAMETER, "30")
        self.accesses._gc_old()
        self.assertFalse(access.exists())
