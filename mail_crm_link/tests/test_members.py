"""Who reads a shared mailbox, and who may send from it."""

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .received_case import ReceivedCase


@tagged("-at_install", "post_install")
class TestMembers(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member = new_test_user(cls.env, "members_member", "sales_team.group_sale_salesman")
        cls.team = cls.env["crm.team"].create({"name": "Pump team", "member_ids": [Command.link(cls.member.id)]})
        cls.mailbox.write({"access": "shared", "team_ids": [Command.link(cls.team.id)]})

    def setUp(self):
        super().setUp()
        self.email = self.receive("x@unknown.example", "Only for the team")

    def subject_for(self, user):
        self.env.invalidate_all()
        email = self.env["crm.email"].with_user(user).search([("id", "=", self.email.id)])
        return email.subject

    def test_members_of_its_teams_read_it(self):
        self.assertEqual(self.subject_for(self.member), "Only for the team")
        self.assertIn(self.mailbox, self.env["crm.mailbox"].with_user(self.member).search([]))
        self.assertIn(self.member, self.mailbox.reader_ids)

    def test_who_left_the_team_reads_it_no_more(self):
        self.team.crm_team_member_ids.active = False
        self.assertFalse(self.subject_for(self.member))

    def test_who_left_reads_nothing_of_an_archived_mailbox_either(self):
        self.mailbox.active = False
        self.assertTrue(self.subject_for(self.member))
        self.team.crm_team_member_ids.active = False
        self.assertFalse(self.subject_for(self.member))

    def test_a_closed_team_reads_it_no_more(self):
        self.team.active = False
        self.assertFalse(self.subject_for(self.member))

    def test_made_personal_it_is_closed_at_once(self):
        self.mailbox.member_ids = self.member
        self.mailbox.access = "personal"
        self.assertFalse(self.subject_for(self.member))
        self.assertFalse(self.env["crm.mailbox"].with_user(self.member).search([("id", "=", self.mailbox.id)]))
        self.assertEqual(self.mailbox.reader_ids, self.owner)

    def test_reading_is_not_sending(self):
        self.assertNotIn(self.mailbox.id, self.env["crm.mailbox"].with_user(self.member)._sendable_ids())
        self.assertFalse(self.mailbox._may_send_as(self.member))

    def test_sending_is_not_reading(self):
        sender = new_test_user(self.env, "members_sender", "sales_team.group_sale_salesman")
        self.mailbox.sender_ids = sender
        mailboxes = self.env["crm.mailbox"].with_user(sender)
        self.assertEqual(mailboxes._sendable_ids(), self.mailbox._ids)
        self.assertTrue(self.mailbox._may_send_as(sender))
        self.assertEqual(mailboxes.search([]), self.mailbox)
        self.assertFalse(self.subject_for(sender))
        self.mailbox.access = "personal"
        self.assertFalse(mailboxes._sendable_ids())

    def test_the_owner_always_sends_but_not_from_an_archived_mailbox(self):
        self.assertTrue(self.mailbox._may_send_as(self.owner))
        self.mailbox.active = False
        self.assertFalse(self.mailbox._may_send_as(self.owner))

    def test_administrators_cannot_open_the_mail_of_others(self):
        admin = new_test_user(self.env, "members_admin", "base.group_system,sales_team.group_sale_manager")
        mailbox = self.mailbox.with_user(admin)
        for values in (
            {"member_ids": [Command.link(admin.id)]},
            {"user_id": admin.id},
            {"visibility": "public"},
            {"sender_ids": [Command.link(admin.id)]},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                mailbox.write(values)
        mailbox.todo_days = 3

    def test_administrators_have_no_scenario_tell_of_the_mail_of_others(self):
        admin = new_test_user(self.env, "members_admin", "base.group_system,sales_team.group_sale_manager")
        rule = self.mailbox.rule_ids[0].with_user(admin)
        for attempt in (
            rule.action_rehearse,
            lambda: rule.write({"active": True, "naming": "subject"}),
            lambda: rule._create_from(self.email),
        ):
            with self.assertRaises(AccessError):
                attempt()
        rule.active = False

    def test_nobody_moves_a_scenario_into_the_mailbox_of_somebody_else(self):
        rule = self.new_mailbox("member@our.example", self.member).rule_ids[0]
        with self.assertRaises(AccessError):
            rule.with_user(self.member).mailbox_id = self.mailbox

    def test_nobody_moves_a_folder_into_the_mailbox_of_somebody_else(self):
        folder = self.new_mailbox("member@our.example", self.member).folder_ids[0]
        with self.assertRaises(AccessError):
            folder.with_user(self.member).mailbox_id = self.mailbox

    def test_administrators_hand_over_the_mailbox_of_who_left(self):
        admin = new_test_user(self.env, "members_admin", "base.group_system,sales_team.group_sale_manager")
        self.owner.active = False
        self.mailbox.with_user(admin).user_id = admin
        self.assertTrue(self.subject_for(admin))
