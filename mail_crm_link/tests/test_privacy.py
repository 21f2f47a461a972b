"""What a colleague who sees the card may not learn of a private mail, on any path."""

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .received_case import ReceivedCase

SECRET = "canary-subject"


@tagged("-at_install", "post_install")
class TestPrivacy(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = new_test_user(cls.env, "privacy_colleague", "sales_team.group_sale_salesman_all_leads")
        cls.mailbox.visibility = "private"

    def setUp(self):
        super().setUp()
        self.email = self.receive(subject=SECRET)
        self.email.mail_message_id.body = f"<p>{SECRET}</p>"
        self.reader = self.env(user=self.colleague)

    def assert_hidden(self, value):
        self.assertNotIn(SECRET, str(value))

    def test_the_owner_reads_it(self):
        email = self.email.with_user(self.owner)
        self.assertEqual((email.subject, email.display_name), (SECRET, SECRET))

    def test_fields_are_masked(self):
        email = self.email.with_env(self.reader)
        self.assertEqual(email.subject, "Email received")
        fields = [name for name, field in email._fields.items() if email._has_field_access(field, "read")]
        for name in fields:
            with self.subTest(field=name):
                self.assert_hidden(email.read([name]))

    def test_names_of_referring_records_are_masked(self):
        links = self.reader["crm.email.link"].search([("email_id", "=", self.email.id)])
        self.assertTrue(links)
        self.assert_hidden(links.read(["email_id"]))
        activities = self.reader["mail.activity"].search([("crm_email_id", "=", self.email.id)])
        self.assertTrue(activities)
        self.assert_hidden(activities.read(["crm_email_id", "summary", "note", "display_name"]))
        self.assert_hidden(self.reader["crm.email.conversation"].search([]).read(["display_name"]))

    def test_groups_are_masked(self):
        links = self.reader["crm.email.link"]
        self.assert_hidden(links.formatted_read_group([], ["email_id"], ["__count"]))

    def test_searching_the_subject_tells_nothing(self):
        emails = self.reader["crm.email"]
        self.assertFalse(emails.search([("subject", "ilike", SECRET)]))
        self.assertFalse(emails.search([("body", "ilike", SECRET)]))
        self.assertFalse(emails.name_search(SECRET))
        self.assertFalse(self.reader["mail.message"].search([("subject", "ilike", SECRET)]))
        self.assertFalse(self.reader["crm.email.link"].search([("email_id.subject", "ilike", SECRET)]))

    def test_the_stored_truth_cannot_be_named(self):
        with self.assertRaises(AccessError):
            self.reader["crm.email"].search([("header_subject", "ilike", SECRET)])
        with self.assertRaises(AccessError):
            self.reader["crm.email"].browse(self.email.id).read(["header_subject"])

    def test_the_message_cannot_be_read(self):
        with self.assertRaises(AccessError):
            self.email.mail_message_id.with_env(self.reader).read(["subject", "body"])

    def test_a_made_up_rehearsal_creates_nothing_of_others_mail(self):
        mailbox = self.new_mailbox("colleague@our.example", self.colleague)
        rule = mailbox.rule_ids[0].with_user(self.colleague)
        rehearsal = self.reader["crm.mailbox.rehearsal"].create(
            {"rule_id": rule.id, "line_ids": [Command.create({"email_id": self.email.id, "chosen": True})]}
        )
        rehearsal.action_create()
        self.assertFalse(self.email.creation_ids)

    def test_rehearsals_are_their_makers(self):
        action = self.mailbox.rule_ids[0].with_user(self.owner).action_rehearse()
        lines = self.reader["crm.mailbox.rehearsal.line"].search([])
        self.assert_hidden(lines.read(["name"]))
        self.assertFalse(self.reader[action["res_model"]].search([("id", "=", action["res_id"])]))

    def test_subject_visibility_shows_the_subject_and_no_more(self):
        self.mailbox.visibility = "subject"
        email = self.email.with_env(self.reader)
        self.assertEqual(email.subject, SECRET)
        self.assertFalse(email.body)
        self.assertTrue(self.reader["crm.email"].search([("subject", "ilike", SECRET)]))

    def test_public_visibility_shows_all_also_of_an_archived_mailbox(self):
        self.mailbox.visibility = "public"
        self.assertIn(SECRET, self.email.with_env(self.reader).body)
        self.mailbox.active = False
        self.env.invalidate_all()
        self.assertEqual(self.email.with_env(self.reader).subject, SECRET)

    def test_portal_users_get_nothing_of_a_public_mailbox(self):
        self.mailbox.visibility = "public"
        portal = new_test_user(self.env, "privacy_portal", "base.group_portal")
        self.anna.write({"user_ids": [Command.link(portal.id)]})
        email = self.email.with_user(portal)
        for read in (email.load_content, lambda: email.prefill("lead"), email.get_connections):
            with self.assertRaises(AccessError):
                read()

    def test_a_mailbox_with_mail_cannot_be_deleted(self):
        with self.assertRaisesRegex(UserError, "archive"):
            self.mailbox.unlink()

    def test_the_password_is_never_read(self):
        self.mailbox.with_user(self.owner).password = "canary-password"
        for user in (self.owner, self.env.ref("base.user_admin")):
            mailbox = self.mailbox.with_user(user)
            self.assertTrue(mailbox.has_password)
            answer = mailbox.web_save({"password": "canary-password"}, {"password": {}})
            self.assertNotIn("canary", f"{mailbox.read()}{mailbox.copy_data()}{answer}")
        with self.assertRaises(AccessError):
            self.env["crm.mailbox.secret"].with_user(self.env.ref("base.user_admin")).search([])

    def test_a_password_does_not_go_to_another_server(self):
        self.mailbox.with_user(self.owner).password = "canary-password"
        self.mailbox.with_user(self.owner).imap_host = "elsewhere.example"
        self.assertFalse(self.mailbox.has_password)
