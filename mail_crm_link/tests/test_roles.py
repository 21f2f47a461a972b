"""Bindings follow the roles of CRM, in the models, so that every client obeys."""

import re

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .received_case import ReceivedCase


@tagged("-at_install", "post_install")
class TestRoles(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own_only = new_test_user(cls.env, "roles_own", "sales_team.group_sale_salesman")
        cls.manager = new_test_user(cls.env, "roles_manager", "sales_team.group_sale_manager")
        cls.outsider = new_test_user(cls.env, "roles_outsider", "base.group_user")
        cls.mailbox.write(
            {
                "access": "shared",
                "visibility": "public",
                "member_ids": [(6, 0, (cls.own_only | cls.manager | cls.outsider).ids)],
            }
        )

    def connections(self, email, user):
        return email.with_user(user).get_connections()

    def test_a_user_without_crm_is_shown_no_deal_not_even_as_a_number(self):
        self.opportunity("Secret deal", self.anna)
        email = self.receive().with_user(self.outsider)
        self.assertFalse(email.lead_ids)
        names = [card["name"] for card in self.connections(email, self.outsider)["cards"]]
        self.assertNotIn("Secret deal", names)
        self.assertFalse(email.search_cards("Secret", "opportunity"))
        self.assertNotIn("lead", self.connections(email, self.outsider)["can_create"])

    def test_own_documents_only_sees_own_deals_only(self):
        self.opportunity("Not mine", self.anna)
        mine = self.opportunity("Mine", self.anna, user_id=self.own_only.id)
        email = self.receive(subject="Mine").with_user(self.own_only)
        self.assertEqual(email.lead_ids, mine)

    def test_own_documents_only_cannot_touch_others(self):
        foreign = self.opportunity("Not mine")
        email = self.receive().with_user(self.own_only)
        with self.assertRaises(AccessError):
            email.link_to("crm.lead", foreign.id)

    def test_own_documents_only_can_add_an_own_one(self):
        mine = self.opportunity("Mine", user_id=self.own_only.id)
        email = self.receive().with_user(self.own_only)
        email.link_to("crm.lead", mine.id)
        self.assertIn(mine, email.lead_ids)

    def test_view_without_edit_cannot_remove_what_another_set(self):
        email = self.receive("x@unknown.example")
        email.with_user(self.manager).link_to("res.partner", self.anna.id)
        [card] = self.connections(email, self.outsider)["cards"]
        self.assertFalse(card["can_remove"])
        self.assertIn(self.manager.name, card["why_not"])
        with self.assertRaisesRegex(AccessError, re.escape(self.manager.name)):
            email.with_user(self.outsider).unlink_from("res.partner", self.anna.id)

    def test_without_the_right_to_create_nothing_is_created(self):
        email = self.receive("x@unknown.example").with_user(self.outsider)
        for target in ("lead", "contact"):
            with self.assertRaises(AccessError):
                email.create_record(target, {})

    def test_a_portal_user_reads_nothing(self):
        portal = new_test_user(self.env, "roles_portal", "base.group_portal")
        email = self.receive().with_user(portal)
        with self.assertRaises(AccessError):
            email.read(["subject"])
        with self.assertRaises(AccessError):
            email.get_connections()

    def test_the_public_user_reads_nothing(self):
        public = self.env.ref("base.public_user")
        email = self.receive().with_user(public)
        for read in (lambda: email.read(["subject"]), email.get_connections, email.load_content):
            with self.assertRaises(AccessError):
                read()

    def test_an_own_group_and_record_rule_are_obeyed(self):
        group = self.env["res.groups"].create({"name": "Pump people"})
        model = self.env["ir.model"]._get("crm.lead")
        self.env["ir.model.access"].create(
            {"name": "Pump people", "model_id": model.id, "group_id": group.id, "perm_read": True}
        )
        self.env["ir.rule"].create(
            {
                "name": "Pumps only",
                "model_id": model.id,
                "groups": [(4, group.id)],
                "domain_force": "[('name', 'ilike', 'pump')]",
            }
        )
        self.outsider.group_ids = [(4, group.id)]
        pumps, pipes = self.opportunity("Pumps"), self.opportunity("Pipes")
        email = self.receive("x@unknown.example")
        email.with_user(self.manager).link_to("crm.lead", pumps.id)
        email.with_user(self.manager).link_to("crm.lead", pipes.id)
        seen = email.with_user(self.outsider)
        self.assertEqual(seen.lead_ids, pumps)
        [card] = seen.get_connections()["cards"]
        self.assertEqual((card["name"], card["can_remove"]), ("Pumps", False))
        with self.assertRaises(AccessError):
            seen.link_to("crm.lead", pipes.id)
        with self.assertRaises(AccessError):
            seen.unlink_from("crm.lead", pumps.id)

    def test_another_companys_card_is_not_bound(self):
        company = self.env["res.company"].create({"name": "Other company"})
        self.anna.company_id = company
        self.mill.company_id = company
        self.assertFalse(self.cards(self.receive()))


@tagged("-at_install", "post_install")
class TestConnections(ReceivedCase):
    def setUp(self):
        super().setUp()
        self.deal = self.opportunity("By hand")

    def mine(self, email):
        return email.with_user(self.owner)

    def test_the_block_says_what_there_is_and_why(self):
        cards = self.mine(self.receive()).get_connections()["cards"]
        self.assertEqual(
            [(card["type"], card["name"], card["reason"]) for card in cards],
            [
                ("contact", self.anna.display_name, "Address of Anna Meyer"),
                ("company", "Mill Ltd", "Company of Anna Meyer"),
            ],
        )

    def test_saving_does_all_of_it(self):
        email = self.mine(self.receive())
        result = email.save_connections(
            add=[["crm.lead", self.deal.id]],
            create=[{"target": "opportunity", "values": {"name": "Made here"}}],
            remove=[["res.partner", self.mill.id]],
        )
        self.assertEqual(
            {card["name"] for card in result["cards"]},
            {self.anna.display_name, "By hand", "Made here"},
        )

    def test_saving_does_nothing_when_one_part_fails(self):
        email = self.mine(self.receive())
        before = self.cards(email)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            email.save_connections(add=[["crm.lead", self.deal.id]], remove=[["crm.lead", 2**30]])
        self.assertEqual(self.cards(email), before)

    def test_a_created_card_is_prefilled_from_the_mail(self):
        email = self.mine(self.receive("Bo Berg <bo@new.example>", "AW: Pumps?"))
        made = email.create_record("lead", {})
        lead = self.env["crm.lead"].browse(made["id"])
        self.assertEqual((lead.name, lead.contact_name), ("Pumps?", "Bo Berg"))
        self.assertEqual(lead.email_normalized, "bo@new.example")
        self.assertEqual(lead.user_id, self.owner)

    def test_an_opportunity_of_a_known_contact_is_the_contacts(self):
        made = self.mine(self.receive()).create_record("opportunity", {})
        self.assertEqual(self.env["crm.lead"].browse(made["id"]).partner_id, self.anna)

    def test_taking_a_mail_off_one_card_leaves_the_others_and_the_conversation(self):
        first = self.receive(Message_ID="<one@mill.example>")
        second = self.receive(In_Reply_To="<one@mill.example>")
        self.mine(first).unlink_from("res.partner", self.anna.id)
        self.assertEqual(self.cards(first), {self.mill})
        self.assertEqual(self.cards(second), {self.anna, self.mill})
