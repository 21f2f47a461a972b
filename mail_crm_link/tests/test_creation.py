import re
from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .received_case import NOW, ReceivedCase


@tagged("-at_install", "post_install")
class TestCreation(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.env["utm.source"].create({"name": "Mailbox of the test"})
        cls.rules = {rule.scenario: rule for rule in cls.mailbox.rule_ids}

    def switch_on(self, scenario, **values):
        rule = self.rules[scenario]
        rule.write({"active": True, "source_id": self.source.id, **values})
        rule.active_since = (NOW - timedelta(hours=1)).replace(tzinfo=None)
        return rule

    def leads(self):
        return self.env["crm.lead"].search([("source_id", "=", self.source.id)])

    # --- the three scenarios ------------------------------------------------------------

    def test_a_mailbox_has_three_scenarios_that_are_off(self):
        self.assertEqual(
            {(rule.scenario, rule.target, rule.active) for rule in self.mailbox.rule_ids},
            {
                ("inbound_unknown", "lead", False),
                ("outbound_unknown", "contact", False),
                ("inbound_known", "opportunity", False),
            },
        )
        self.receive("Bo Berg <bo@new.example>")
        self.assertFalse(self.env["crm.lead"].search([("email_normalized", "=", "bo@new.example")]))

    def test_mail_of_an_unknown_address_makes_a_lead(self):
        self.switch_on("inbound_unknown", user_id=self.owner.id)
        email = self.receive("Bo Berg <bo@new.example>", "Re: Fwd: Do you sell pumps?")
        lead = self.leads()
        self.assertEqual(lead.type, "lead")
        self.assertEqual(lead.name, "Do you sell pumps?")
        self.assertEqual(lead.email_normalized, "bo@new.example")
        self.assertEqual(lead.contact_name, "Bo Berg")
        self.assertEqual(lead.user_id, self.owner)
        self.assertEqual(email.lead_ids, lead)
        self.assertEqual(email.link_ids.origin, "rule")
        self.assertIn("Mail from an unknown address", email.link_ids.reason)

    def test_mail_to_unknown_addresses_makes_a_contact_each(self):
        self.switch_on("outbound_unknown")
        email = self.send("Bo Berg <bo@new.example>, cy@new.example, anna@mill.example")
        partners = self.env["res.partner"].search([("source_id", "=", self.source.id)])
        self.assertEqual(set(partners.mapped("name")), {"Bo Berg", "Our offer"})
        self.assertEqual(partners.mapped("user_id"), self.owner)
        self.assertLessEqual(partners, email.partner_ids)

    def test_recipients_in_bcc_make_nothing(self):
        self.switch_on("outbound_unknown")
        self.send("anna@mill.example", Bcc="secret@new.example")
        self.assertFalse(self.env["res.partner"].search([("source_id", "=", self.source.id)]))

    def test_mail_of_a_known_contact_makes_an_opportunity(self):
        self.mill.user_id = self.owner
        self.switch_on("inbound_known")
        email = self.receive(subject="New pumps, please")
        deal = self.leads()
        self.assertEqual((deal.type, deal.name), ("opportunity", "New pumps, please"))
        self.assertEqual(deal.partner_id, self.anna)
        self.assertEqual(deal.user_id, self.owner)
        self.assertEqual(self.cards(email), {self.anna, self.mill, deal})

    # --- once, and not for everything ---------------------------------------------------

    def test_two_mails_of_one_stranger_make_one_lead(self):
        self.switch_on("inbound_unknown")
        emails = self.receive("bo@new.example") | self.receive("bo@new.example")
        self.assertEqual(len(self.leads()), 1)
        self.assertEqual(emails.lead_ids, self.leads())

    def test_an_answer_in_a_known_conversation_makes_nothing(self):
        self.switch_on("inbound_unknown")
        self.send("anna@mill.example", Message_ID="<q@our.example>")
        self.receive("assistant@else.example", In_Reply_To="<q@our.example>")
        self.assertFalse(self.leads())

    def test_automatic_mail_makes_nothing_unless_somebody_wants_it(self):
        self.switch_on("inbound_unknown")
        email = self.receive("news@shop.example", List_Unsubscribe="<https://shop.example>")
        self.assertEqual(email.automatic, "bulk")
        self.assertFalse(self.leads())
        email.with_user(self.owner).action_create_anyway()
        self.assertEqual(email.lead_ids, self.leads())

    def test_history_makes_nothing(self):
        self.switch_on("inbound_unknown")
        self.receive("bo@new.example", received=NOW - timedelta(days=3))
        self.assertFalse(self.leads())

    def test_a_contact_with_an_open_opportunity_gets_no_second_one(self):
        self.switch_on("inbound_known")
        self.opportunity("Twelve pumps", self.anna)
        self.receive(subject="Something else")
        self.assertFalse(self.leads())

    def test_manual_mode_and_the_switch_make_nothing(self):
        self.switch_on("inbound_unknown")
        self.mailbox.link_mode = "manual"
        self.receive("bo@new.example")
        self.mailbox.write({"link_mode": "automatic", "crm_link": False})
        self.receive("cy@new.example")
        self.assertFalse(self.leads())

    def test_the_same_mail_in_two_mailboxes_makes_one_lead(self):
        other = new_test_user(self.env, "creation_other", "sales_team.group_sale_salesman")
        second = self.new_mailbox("second@our.example", other)
        self.switch_on("inbound_unknown")
        second.rule_ids.filtered(lambda rule: rule.scenario == "inbound_unknown").write(
            {"active": True, "source_id": self.source.id}
        )
        for mailbox in (self.mailbox, second):
            self.receive("bo@new.example", mailbox=mailbox, to="all@our.example", Message_ID="<s@new.example>")
        self.assertEqual(len(self.leads()), 1)

    # --- responsible --------------------------------------------------------------------

    def test_an_archived_responsible_is_replaced_and_the_record_says_so(self):
        former = new_test_user(self.env, "creation_former", "sales_team.group_sale_salesman")
        self.switch_on("inbound_unknown", user_id=former.id)
        former.active = False
        self.receive("bo@new.example")
        lead = self.leads()
        self.assertEqual(lead.user_id, self.owner)
        self.assertIn("is archived", "".join(lead.message_ids.mapped("body")))

    def test_nobody_chosen_is_the_owner(self):
        self.switch_on("inbound_unknown", user_id=False)
        self.receive("bo@new.example")
        self.assertEqual(self.leads().user_id, self.owner)

    # --- undo ---------------------------------------------------------------------------

    def test_undo_removes_an_untouched_record(self):
        self.switch_on("inbound_unknown")
        email = self.receive("bo@new.example")
        created = email.creation_ids.with_user(self.owner)
        created.action_undo()
        self.assertFalse(self.leads())
        self.assertEqual(created.state, "undone")
        email.invalidate_recordset()
        self.assertFalse(email.is_bound)

    def test_what_is_noted_of_its_mail_does_not_touch_a_record(self):
        self.switch_on("inbound_unknown")
        created = self.receive("bo@new.example").creation_ids.with_user(self.owner)
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0):
            self.env["crm.email.card.change"]._cron_follow()
        self.assertTrue(self.leads().last_mail_received_at)
        created.action_undo()
        self.assertFalse(self.leads())

    def test_undo_says_what_was_changed_and_by_whom(self):
        self.switch_on("inbound_unknown")
        email = self.receive("bo@new.example")
        self.leads().with_user(self.owner).write({"phone": "+43 1 234"})
        with self.assertRaisesRegex(UserError, f"changed by {re.escape(self.owner.name)}: Phone"):
            email.creation_ids.with_user(self.owner).action_undo()
        self.assertTrue(self.leads())

    def test_undo_leaves_what_is_used_elsewhere(self):
        self.switch_on("outbound_unknown")
        email = self.send("Bo Berg <bo@new.example>")
        self.opportunity("Uses the contact", email.partner_ids)
        with self.assertRaisesRegex(UserError, "crm_lead"):
            email.creation_ids.with_user(self.owner).action_undo()

    def test_undo_and_never_again(self):
        self.switch_on("inbound_unknown")
        email = self.receive("bo@new.example")
        email.creation_ids.with_user(self.owner).action_undo_and_block_sender()
        self.receive("bo@new.example")
        self.assertFalse(self.leads())

    def test_after_its_record_was_deleted_a_new_mail_makes_one_again(self):
        self.switch_on("inbound_unknown")
        self.receive("bo@new.example")
        self.leads().unlink()
        self.receive("bo@new.example")
        self.assertEqual(len(self.leads()), 1)

    def test_a_stranger_whose_lead_was_lost_makes_a_new_one(self):
        self.switch_on("inbound_unknown")
        self.receive("bo@new.example")
        lost = self.leads()
        lost.action_set_lost()
        email = self.receive("bo@new.example")
        self.assertEqual(len(self.leads()), 1)
        self.assertEqual(email.lead_ids, self.leads())

    def test_a_record_that_cannot_be_made_costs_no_mail(self):
        rule = self.switch_on("inbound_unknown")
        refuse = patch.object(type(self.env["crm.email"]), "_create_card_from", side_effect=UserError("No more leads"))
        with refuse:
            email = self.receive("bo@new.example")
        self.assertTrue(email)
        self.assertEqual(rule.problem, "No more leads")

    def test_who_may_not_create_leads_has_none_created(self):
        outsider = new_test_user(self.env, "creation_outsider", "base.group_user")
        mailbox = self.new_mailbox("outsider@our.example", outsider)
        rule = mailbox.rule_ids.filtered(lambda rule: rule.scenario == "inbound_unknown")
        with self.assertRaisesRegex(ValidationError, "may not create"):
            rule.with_user(outsider).active = True

    def test_a_scenario_takes_back_all_that_nobody_touched(self):
        rule = self.switch_on("inbound_unknown")
        self.receive("bo@new.example")
        bo = self.leads()
        self.receive("cy@new.example")
        self.receive("di@new.example")
        bo.with_user(self.owner).write({"phone": "+43 1 234"})
        shown = rule.with_user(self.owner).action_undo()["params"]
        self.assertEqual(self.leads(), bo)
        self.assertEqual(shown["title"], "Deleted: 2, kept: 1")
        self.assertIn("Phone", shown["message"])
        self.assertEqual(rule.with_user(self.owner).action_undo()["params"]["title"], "Deleted: 0, kept: 1")

    def test_a_colleague_takes_nothing_back(self):
        rule = self.switch_on("inbound_unknown")
        self.receive("bo@new.example")
        colleague = new_test_user(self.env, "creation_colleague", "sales_team.group_sale_manager")
        with self.assertRaises(AccessError):
            rule.with_user(colleague).action_undo()
        self.assertTrue(self.leads())

    def test_undo_leaves_a_company_that_got_contacts(self):
        self.switch_on("outbound_unknown", target="company")
        email = self.send("Roof Ltd <office@roof.example>")
        self.env["res.partner"].create({"name": "Cy", "parent_id": email.partner_ids.id})
        with self.assertRaisesRegex(UserError, "res_partner"):
            email.creation_ids.with_user(self.owner).action_undo()

    # --- rehearsal ----------------------------------------------------------------------

    def test_a_rehearsal_lists_and_writes_nothing(self):
        rule = self.rules["inbound_unknown"]
        rule.source_id = self.source
        self.receive("Bo <bo@new.example>", "First", received=NOW - timedelta(days=5))
        self.receive("news@shop.example", "News", List_Id="<x>", received=NOW - timedelta(days=4))
        self.receive("Old <old@new.example>", "Too old", received=NOW - timedelta(days=50))
        lines = rule.with_user(self.owner)._rehearse()
        self.assertEqual(
            [(line["name"], line["skipped"]) for line in lines],
            [("First", ""), ("News", "Automatic mail: List-ID header")],
        )
        self.assertFalse(self.leads())

    def test_what_was_rehearsed_can_be_created(self):
        rule = self.rules["inbound_unknown"]
        rule.source_id = self.source
        email = self.receive("Bo <bo@new.example>", "First", received=NOW - timedelta(days=5))
        action = rule.with_user(self.owner).action_rehearse()
        wizard = self.env[action["res_model"]].with_user(self.owner).browse(action["res_id"])
        wizard.action_create()
        self.assertEqual(email.lead_ids, self.leads())
