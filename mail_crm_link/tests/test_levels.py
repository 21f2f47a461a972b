"""Who sees what of a mail: by mailbox, by conversation, and field by field."""

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .received_case import ReceivedCase

# What anybody who sees the card may know of a private mail.
OF_PRIVATE = {
    "activity_ids",
    "correspondent",
    "create_date",
    "create_uid",
    "date",
    "direction",
    "display_name",
    "email_from",
    "id",
    "is_bound",
    "lead_ids",
    "link_ids",
    "partner_ids",
    "reader_level",
    "state",
    "subject",
    "write_date",
    "write_uid",
}
OF_SUBJECT = {"email_cc", "email_to"}


@tagged("-at_install", "post_install")
class TestLevels(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = new_test_user(cls.env, "levels_colleague", "sales_team.group_sale_salesman_all_leads")

    def setUp(self):
        super().setUp()
        self.email = self.receive(subject="Pumps", Cc="Bob <bob@mill.example>")
        self.email.write(
            {
                "has_attachment": True,
                "automatic": "bulk",
                "automatic_reason": "List-Id",
                "unbound_reason": "manual",
                "candidate_lead_ids": [Command.link(self.opportunity("Candidate").id)],
            }
        )
        self.email._processed()
        self.others = self.env["crm.email"].with_user(self.colleague)

    def seen(self, email=None):
        self.env.invalidate_all()
        return (email or self.email).with_user(self.colleague)

    def filled(self):
        """Names of the fields in which the colleague is given anything."""
        email = self.seen()
        [values] = email.read([name for name in email._fields if email._has_field_access(email._fields[name], "read")])
        return {name for name, value in values.items() if value}

    # --- field by field -----------------------------------------------------------------

    def test_private_shows_that_there_is_a_mail(self):
        self.assertLessEqual(self.filled(), OF_PRIVATE)
        self.assertEqual(self.seen().subject, "Email received")

    def test_subject_shows_date_people_subject(self):
        self.mailbox.visibility = "subject"
        self.assertLessEqual(self.filled(), OF_PRIVATE | OF_SUBJECT)
        self.assertEqual(self.seen().subject, "Pumps")

    def test_public_shows_everything(self):
        self.mailbox.visibility = "public"
        self.assertLessEqual({"message_id", "size", "automatic", "conversation_id", "has_attachment"}, self.filled())

    def test_hidden_fields_cannot_be_filtered_by(self):
        email = self.email
        for name, value in (
            ("message_id", email.message_id),
            ("size", email.size),
            ("has_attachment", True),
            ("automatic", "bulk"),
            ("conversation_id", email.conversation_id.id),
            ("mailbox_ids", self.mailbox.id),
            ("mailbox_ids.email", self.mailbox.email),
            ("candidate_lead_ids", email.candidate_lead_ids.id),
            ("candidate_lead_ids.name", "Candidate"),
            ("copy_ids", email.copy_ids.id),
            ("processed_by", self.env.uid),
            ("body_state", email.body_state),
        ):
            with self.subTest(field=name):
                of_email = [("id", "=", email.id)]
                self.assertTrue(self.env["crm.email"].with_user(self.owner).search([(name, "=", value), *of_email]))
                self.assertFalse(self.others.search([(name, "=", value), *of_email]))
                if not email._fields[name.partition(".")[0]].required:
                    self.assertFalse(self.others.search([(name, "!=", False), *of_email]))

    def test_hidden_fields_cannot_be_grouped_by(self):
        for name in ("automatic", "size:sum", "conversation_id", "mailbox_ids", "message_id", "processed_at:month"):
            with self.subTest(field=name):
                groups = [] if ":sum" in name else [name]
                aggregates = [name] if ":sum" in name else ["__count"]
                of_email = [("id", "=", self.email.id)]
                [group] = self.others.formatted_read_group(of_email, groups, aggregates)
                self.assertFalse(group[name])
                [group] = self.others.with_user(self.owner).formatted_read_group(of_email, groups, aggregates)
                self.assertTrue(group[name])

    def test_hidden_fields_cannot_be_sorted_by(self):
        small, big = self.receive(), self.receive()
        for name, values in (("size", (1, 2)), ("message_id", ("a", "b")), ("automatic", ("bounce", "none"))):
            small[name], big[name] = values
            domain = [("id", "in", (small | big).ids)]
            orders = [self.others.search(domain, order=f"{name} {way}, id").ids for way in ("asc", "desc")]
            self.assertEqual(*orders)
        owned = self.others.with_user(self.owner)
        self.assertEqual(owned.search(domain, order="size desc")[0], big)

    def test_a_list_of_nothing_is_empty(self):
        self.assertFalse(self.others.search_read([("id", "=", 0)], ["message_id", "mailbox_ids", "copy_ids"]))

    def test_the_cache_of_one_reader_is_not_the_others(self):
        self.env.invalidate_all()
        email = self.email
        self.assertFalse(email.with_user(self.colleague).message_id)
        self.assertTrue(email.with_user(self.owner).message_id)
        self.assertTrue(email.message_id)
        self.assertFalse(email.with_user(self.colleague).message_id)
        self.assertEqual(email.with_user(self.colleague).mapped("size"), [0])

    # --- by conversation ----------------------------------------------------------------

    def choose(self, visibility, user=None, email=None):
        return (email or self.email).with_user(user or self.owner).set_conversation_visibility(visibility)

    def test_the_owner_opens_one_conversation(self):
        other = self.receive(subject="Another conversation")
        self.assertEqual(self.choose("public"), "public")
        answer = self.receive(subject="Re: Pumps", In_Reply_To=self.email.message_id)
        self.assertEqual(answer.conversation_id, self.email.conversation_id)
        self.assertEqual(self.seen(answer).subject, "Re: Pumps")
        self.assertEqual(self.seen(other).subject, "Email received")

    def test_the_owner_closes_one_conversation(self):
        self.mailbox.visibility = "public"
        self.assertEqual(self.seen().subject, "Pumps")
        self.choose("private")
        self.assertEqual(self.seen().subject, "Email received")
        self.assertFalse(self.others.search([("subject", "ilike", "Pumps"), ("id", "=", self.email.id)]))
        self.assertEqual(self.choose("mailbox"), "mailbox")
        self.assertEqual(self.seen().subject, "Pumps")

    def test_a_choice_is_for_all_of_the_owners_mailboxes(self):
        public = self.new_mailbox("owner2@our.example", self.owner, visibility="public")
        self.choose("private")
        answer = self.receive(subject="Re: Pumps", mailbox=public, In_Reply_To=self.email.message_id)
        self.assertEqual(self.seen(answer).subject, "Email received")

    def test_the_highest_of_all_copies_counts(self):
        third = new_test_user(self.env, "levels_third", "sales_team.group_sale_salesman_all_leads")
        self.email.mailbox_ids |= self.new_mailbox("third@our.example", third)
        self.choose("subject", third)
        self.choose("private")
        self.assertEqual(self.seen().reader_level, "subject")

    def test_only_owners_choose(self):
        self.mailbox.write({"access": "shared", "member_ids": [Command.link(self.colleague.id)]})
        self.assertFalse(self.seen().conversation_visibility)
        with self.assertRaises(AccessError):
            self.choose("public", self.colleague)
        self.mailbox.write({"access": "personal", "visibility": "public"})
        with self.assertRaises(AccessError):
            self.choose("public", self.colleague)
        with self.assertRaises(AccessError):
            self.env["crm.email.conversation.visibility"].with_user(self.owner).search([])

    def test_a_mail_that_joins_two_conversations_opens_neither(self):
        secret = self.receive(subject="Secret")
        self.choose("public")
        self.receive(subject="Trick", References=f"{self.email.message_id} {secret.message_id}")
        self.assertEqual(secret.conversation_id, self.email.conversation_id)
        self.assertEqual(self.seen(secret).subject, "Email received")

    def test_conversations_are_for_readers_of_their_mail(self):
        conversation = self.email.conversation_id
        conversations = self.env["crm.email.conversation"].with_user(self.colleague)
        self.assertFalse(conversations.search([]) & conversation)
        with self.assertRaises(AccessError):
            conversation.with_user(self.colleague).read(["display_name"])
        self.assertEqual(conversation.with_user(self.owner).display_name, "Pumps")
