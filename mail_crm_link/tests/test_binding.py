from datetime import timedelta

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from .received_case import NOW, ReceivedCase


@tagged("-at_install", "post_install")
class TestBinding(ReceivedCase):
    def test_a_mail_is_bound_to_contact_company_and_the_open_opportunity(self):
        deal = self.opportunity("Twelve pumps", self.anna)
        email = self.receive()
        self.assertEqual(self.cards(email), {self.anna, self.mill, deal})

    def test_every_link_says_why_it_is_there(self):
        self.opportunity("Twelve pumps", self.anna)
        reasons = self.receive().link_ids.mapped("reason")
        self.assertEqual(
            set(reasons),
            {
                "Address of Anna Meyer",
                "Company of Anna Meyer",
                "Open opportunity of Anna Meyer",
            },
        )

    def test_case_and_plus_sign_of_an_address_do_not_matter(self):
        email = self.receive("ANNA+Offers@Mill.EXAMPLE")
        self.assertIn(self.anna, self.cards(email))

    def test_an_international_domain_is_found_in_both_spellings(self):
        partner = self.env["res.partner"].create({"name": "Jörg", "email": "j@bücher.example"})
        email = self.receive("j@xn--bcher-kva.example")
        self.assertEqual(self.cards(email), {partner})

    def test_a_lead_is_found_by_its_address(self):
        lead = self.env["crm.lead"].create({"name": "New", "type": "lead", "email_from": "Bo <Bo@new.example>"})
        self.assertEqual(self.cards(self.receive("bo@new.example")), {lead})

    def test_everybody_in_to_and_cc_counts(self):
        email = self.receive("x@unknown.example", to="owner@our.example, anna@mill.example")
        self.assertIn(self.anna, self.cards(email))

    def test_mail_between_own_addresses_is_not_bound(self):
        colleague = new_test_user(self.env, "received_colleague", "base.group_user", email="mate@our.example")
        email = self.receive(colleague.email)
        self.assertFalse(self.cards(email))
        self.assertEqual(email.unbound_reason, "own")

    def test_an_alias_of_the_mailbox_is_never_bound(self):
        self.mailbox.aliases = "Anna@mill.example, other@our.example"
        self.assertEqual(self.receive().unbound_reason, "own")

    def test_a_mailbox_that_was_never_connected_owns_no_address(self):
        self.env["crm.mailbox"].create({"email": "anna@mill.example"})
        self.assertIn(self.anna, self.cards(self.receive()))

    def test_mails_are_found_by_their_cards(self):
        bound, loose = self.receive(), self.receive("x@unknown.example")
        for operator, value, expected in (
            ("in", self.anna.ids, bound),
            ("not in", self.anna.ids, loose),
            ("=", False, loose),
            ("!=", False, bound),
        ):
            with self.subTest(operator=operator, value=value):
                found = self.env["crm.email"].search([("partner_ids", operator, value)])
                self.assertEqual(found & (bound | loose), expected)

    def test_an_own_domain_is_never_bound(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.own_domains", "mill.example")
        self.assertEqual(self.receive().unbound_reason, "own")

    def test_a_won_opportunity_is_not_open(self):
        deal = self.opportunity("Won", self.anna)
        deal.action_set_won()
        self.assertNotIn(deal, self.cards(self.receive()))

    def test_the_scope_of_open_opportunities_leaves_other_contacts_out(self):
        self.mailbox.sync_scope = "open_deals"
        outside = self.receive()
        self.assertEqual(outside.unbound_reason, "out_of_scope")
        deal = self.opportunity("Twelve pumps", self.anna)
        self.assertIn(deal, self.cards(self.receive()))

    def test_manual_mode_and_the_switch_bind_nothing(self):
        self.mailbox.link_mode = "manual"
        self.assertEqual(self.receive().unbound_reason, "manual")
        self.mailbox.crm_link = False
        self.assertEqual(self.receive().unbound_reason, "off")

    def test_of_several_opportunities_the_subject_names_one(self):
        self.opportunity("Pipes for the roof", self.anna)
        pumps = self.opportunity("Twelve pumps", self.anna)
        email = self.receive(subject="Re: Twelve pumps")
        self.assertEqual(email.lead_ids, pumps)
        self.assertFalse(email.candidate_lead_ids)

    def test_of_several_opportunities_none_is_guessed(self):
        deals = self.opportunity("Pipes", self.anna) | self.opportunity("Pumps B", self.anna)
        email = self.receive(subject="Good morning")
        self.assertEqual(self.cards(email), {self.anna, self.mill})
        self.assertEqual(email.candidate_lead_ids, deals)
        email.link_to("crm.lead", deals[0].id)
        self.assertFalse(email.candidate_lead_ids)

    def test_the_mail_of_a_bound_conversation_follows_it(self):
        first = self.receive(Message_ID="<first@mill.example>")
        answer = self.receive("assistant@else.example", In_Reply_To="<first@mill.example>")
        self.assertIn(self.anna, self.cards(answer))
        self.assertEqual(first.conversation_id, answer.conversation_id)

    def test_an_older_mail_that_comes_later_binds_its_conversation(self):
        answer = self.receive("assistant@else.example", In_Reply_To="<first@mill.example>")
        self.assertFalse(self.cards(answer))
        self.receive(Message_ID="<first@mill.example>", received=NOW - timedelta(days=3))
        self.assertIn(self.anna, self.cards(answer))

    def test_the_same_mail_in_two_mailboxes_is_one(self):
        other = new_test_user(self.env, "received_other", "base.group_user")
        second = self.new_mailbox("second@our.example", other)
        first = self.receive(Message_ID="<same@mill.example>", to="owner@our.example")
        again = self.receive(Message_ID="<same@mill.example>", to="owner@our.example", mailbox=second)
        self.assertEqual(first, again)
        self.assertEqual(first.mailbox_ids, self.mailbox | second)
        self.assertEqual(len(first.copy_ids), 2)


@tagged("-at_install", "post_install")
class TestThroughTime(ReceivedCase):
    def test_an_address_added_to_a_contact(self):
        email = self.receive("anna@home.example")
        self.anna.email = "anna@home.example"
        self.relink()
        self.assertIn(self.anna, self.cards(email))

    def test_switching_the_mailbox_on_binds_what_came_before(self):
        self.mailbox.crm_link = False
        email = self.receive()
        self.assertFalse(self.cards(email))
        self.mailbox.crm_link = True
        self.relink()
        self.assertIn(self.anna, self.cards(email))

    def test_switching_the_mailbox_off_removes_nothing(self):
        email = self.receive()
        self.mailbox.crm_link = False
        self.relink()
        self.assertIn(self.anna, self.cards(email))

    def test_an_opportunity_opened_later_gets_the_past_mail(self):
        email = self.receive()
        deal = self.opportunity("Twelve pumps", self.anna)
        self.relink()
        self.assertIn(deal, self.cards(email))

    def test_a_reopened_opportunity(self):
        deal = self.opportunity("Twelve pumps", self.anna)
        deal.action_set_lost()
        email = self.receive()
        self.assertNotIn(deal, self.cards(email))
        deal.action_unarchive()
        self.relink()
        self.assertIn(deal, self.cards(email))

    def test_a_lead_converted_with_a_new_customer(self):
        lead = self.env["crm.lead"].create(
            {"name": "New", "type": "lead", "email_from": "bo@new.example", "contact_name": "Bo"}
        )
        email = self.receive("bo@new.example")
        self.env["crm.lead2opportunity.partner"].with_context(
            active_model="crm.lead", active_id=lead.id, active_ids=lead.ids
        ).create({"name": "convert", "action": "create"}).action_apply()
        self.relink()
        self.assertEqual(lead.type, "opportunity")
        self.assertEqual(self.cards(email), {lead, lead.partner_id})

    def test_merged_leads_keep_the_mail_of_all(self):
        one = self.env["crm.lead"].create({"name": "One", "type": "lead", "email_from": "bo@new.example"})
        two = self.env["crm.lead"].create({"name": "Two", "type": "lead", "email_from": "bo@old.example"})
        emails = self.receive("bo@new.example") | self.receive("bo@old.example")
        merged = (one | two).merge_opportunity()
        self.env.invalidate_all()
        self.assertEqual(emails.mapped("lead_ids"), merged)
        self.assertTrue(all(email.is_bound for email in emails))
        self.assertEqual(merged.crm_email_count, 2)

    def test_merged_contacts_keep_the_mail_of_all(self):
        twin = self.env["res.partner"].create({"name": "Anna M.", "email": "am@mill.example"})
        emails = self.receive() | self.receive("am@mill.example")
        self.env["base.partner.merge.automatic.wizard"]._merge((self.anna | twin).ids, self.anna)
        self.env.invalidate_all()
        self.assertEqual(emails.mapped("partner_ids"), self.anna | self.mill)

    def test_merged_contacts_of_one_mail_lose_none_of_the_others(self):
        twin = self.env["res.partner"].create({"name": "Anna M.", "email": "am@mill.example"})
        shared = self.receive(to="owner@our.example, am@mill.example")
        alone = self.receive("am@mill.example")
        by_hand = self.receive("x@unknown.example")
        by_hand.with_user(self.owner).link_to("res.partner", twin.id)
        self.env["base.partner.merge.automatic.wizard"]._merge((self.anna | twin).ids, self.anna)
        self.env.invalidate_all()
        for email in shared | alone | by_hand:
            self.assertIn(self.anna, email.partner_ids)

    def test_a_deleted_contact_leaves_the_mail_unbound(self):
        loner = self.env["res.partner"].create({"name": "Lo", "email": "lo@lo.example"})
        email = self.receive("lo@lo.example")
        loner.unlink()
        email.invalidate_recordset()
        self.assertFalse(email.is_bound)

    def test_saving_an_address_costs_the_same_with_much_mail(self):
        self._queries_to_save("warm@home.example")
        little = self._queries_to_save("bo@home.example")
        for _index in range(5):
            self.receive("anna@home.example")
        self.assertLess(self._queries_to_save("anna@home.example"), little + 5)

    def test_moving_an_open_lead_to_another_stage_reads_no_mail(self):
        deal = self.opportunity("Twelve pumps", self.anna)
        self.relink()
        deal.stage_id = self.env["crm.stage"].search([("is_won", "=", False), ("id", "!=", deal.stage_id.id)], limit=1)
        self.assertFalse(self.env["crm.email.relink"].search([]))

    def _queries_to_save(self, address):
        partner = self.env["res.partner"].create({"name": "Somebody"})
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        partner.email = address
        self.env.flush_all()
        return self.env.cr.sql_log_count - before


@tagged("-at_install", "post_install")
class TestByHand(ReceivedCase):
    def setUp(self):
        super().setUp()
        self.as_owner = self.env(user=self.owner)

    def test_a_link_removed_by_hand_stays_removed(self):
        email = self.receive(Message_ID="<first@mill.example>")
        email.with_env(self.as_owner).unlink_from("res.partner", self.anna.id)
        self.anna.email = "anna@mill.example "
        self.env["crm.email.relink"]._enqueue(["anna@mill.example"])
        self.relink()
        self.receive(In_Reply_To="<first@mill.example>")
        self.assertNotIn(self.anna, self.cards(email))

    def test_linking_by_hand_says_who(self):
        lead = self.opportunity("By hand")
        email = self.receive("x@unknown.example").with_env(self.as_owner)
        email.link_to("crm.lead", lead.id)
        self.assertEqual(email.lead_ids, lead)
        self.assertEqual(email.link_ids.user_id, self.owner)
        self.assertIn(self.owner.name, email.link_ids.reason)

    def test_unknown_models_and_ids_are_refused(self):
        email = self.receive("x@unknown.example").with_env(self.as_owner)
        wrong = (("res.users", 1), ("crm.lead", 0), ("crm.lead", 2**30), ("crm.lead", True))
        for model, card_id in (*wrong, ("crm.lead", "7"), ("crm.lead", False), (None, 1)):
            with self.subTest(model=model, card_id=card_id), self.assertRaises(ValidationError):
                email.link_to(model, card_id)
        for call in (
            lambda: email.save_connections(add=[["crm.lead"]]),
            lambda: email.search_cards("x", "bogus"),
            lambda: email.prefill("bogus"),
            lambda: email.create_record("bogus"),
        ):
            with self.assertRaises(ValidationError):
                call()

    def test_an_archived_card_is_not_linked_to(self):
        lead = self.opportunity("Archived", active=False)
        email = self.receive("x@unknown.example").with_env(self.as_owner)
        with self.assertRaisesRegex(ValidationError, "is archived"):
            email.link_to("crm.lead", lead.id)

    def test_another_companys_card_is_not_linked_to(self):
        company = self.env["res.company"].create({"name": "Other company"})
        lead = self.opportunity("Foreign", company_id=company.id, user_id=False)
        email = self.receive("x@unknown.example").with_env(self.as_owner)
        with self.assertRaises(AccessError):
            email.link_to("crm.lead", lead.id)

    def test_joining_a_conversation_opens_nobody_elses_mail(self):
        stranger = new_test_user(self.env, "received_joiner", "sales_team.group_sale_salesman")
        mailbox = self.new_mailbox("joiner@our.example", stranger)
        foreign = self.receive("x@unknown.example", Message_ID="<vip@unknown.example>")
        joined = self.receive("y@unknown.example", mailbox=mailbox, In_Reply_To="<vip@unknown.example>")
        mine = self.opportunity("Mine", user_id=stranger.id)
        joined.with_user(stranger).link_to("crm.lead", mine.id)
        self.assertFalse(self.cards(foreign))

    def test_somebody_elses_mail_cannot_be_linked(self):
        stranger = new_test_user(self.env, "received_stranger", "sales_team.group_sale_salesman_all_leads")
        email = self.receive("x@unknown.example").with_user(stranger)
        with self.assertRaises(AccessError):
            email.link_to("crm.lead", self.opportunity("Mine").id)


@tagged("-at_install", "post_install")
class TestBlocklist(ReceivedCase):
    def block(self, name, **values):
        return self.env["crm.email.block"].create({"name": name, "user_id": self.owner.id, **values})

    def test_a_blocked_address_binds_nothing(self):
        self.block("Anna@mill.example")
        email = self.receive()
        self.assertFalse(self.cards(email))
        self.assertEqual(email.unbound_reason, "blocked")

    def test_an_entry_acts_on_past_mail_and_lifting_it_brings_it_back(self):
        email = self.receive()
        entry = self.block("mill.example")
        self.relink()
        self.assertFalse(self.cards(email))
        self.assertEqual(email.unbound_reason, "blocked")
        entry.unlink()
        self.relink()
        self.assertEqual(self.cards(email), {self.anna, self.mill})

    def test_lifting_an_entry_does_not_bring_back_what_a_person_removed(self):
        email = self.receive()
        email.with_user(self.owner).unlink_from("res.partner", self.mill.id)
        entry = self.block("mill.example")
        self.relink()
        entry.unlink()
        self.relink()
        self.assertEqual(self.cards(email), {self.anna})

    def test_other_participants_stay_bound(self):
        bo = self.env["res.partner"].create({"name": "Bo", "email": "bo@roof.example"})
        email = self.receive(to="owner@our.example, bo@roof.example")
        self.block("anna@mill.example")
        self.relink()
        self.assertEqual(self.cards(email), {bo})

    def test_a_personal_entry_is_not_for_a_colleagues_mailbox(self):
        self.block("anna@mill.example")
        other = new_test_user(self.env, "received_other", "base.group_user")
        second = self.new_mailbox("second@our.example", other)
        self.assertIn(self.anna, self.cards(self.receive(mailbox=second)))

    def test_only_managers_block_for_everybody(self):
        blocks = self.env["crm.email.block"].with_user(self.owner)
        blocks.create({"name": "own.example"})
        with self.assertRaises(AccessError):
            blocks.create({"name": "all.example", "scope": "company"})

    def test_what_is_no_address_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "neither an email address nor a domain"):
            self.block("not an address")
