"""What waits, as the chatters of all cards of a mail show it."""

from odoo.tests import new_test_user, tagged

from odoo.addons.mail.tools.discuss import Store

from .received_case import ReceivedCase


@tagged("-at_install", "post_install")
class TestTodoOnCards(ReceivedCase):
    def setUp(self):
        super().setUp()
        self.deal = self.opportunity("Twelve pumps", self.anna)
        self.mail = self.receive(subject="Secret subject")

    def on_top_of(self, card, user=None):
        """Return what the card's chatter gets of the activities on top of it."""
        card = card.with_user(user or self.owner)
        store = Store()
        store.add(card, [], as_thread=True, request_list=["activities"])
        data = store.get_result()
        [thread] = (one for one in data["mail.thread"] if one["id"] == card.id and one["model"] == card._name)
        shown = set(thread["activities"])
        return [one for one in data.get("mail.activity", []) if one["id"] in shown]

    def test_one_activity_is_on_top_of_every_card(self):
        for card in (self.deal, self.anna, self.mill):
            [activity] = self.on_top_of(card)
            self.assertEqual(activity["id"], self.mail.activity_ids.id)
            self.assertEqual(activity["crm_email"]["subject"], "Secret subject")
            self.assertEqual(activity["crm_email"]["correspondent"], "Anna Meyer")
            self.assertTrue(activity["crm_email"]["can_process"])

    def test_an_ordinary_activity_of_the_card_stays_beside_it(self):
        call = self.mill.activity_schedule("mail.mail_activity_data_call", user_id=self.owner.id)
        shown = self.on_top_of(self.mill)
        self.assertEqual({one["id"] for one in shown}, {call.id, self.mail.activity_ids.id})
        [ordinary] = (one for one in shown if one["id"] == call.id)
        self.assertFalse(ordinary["crm_email"])

    def test_processed_is_gone_from_all_of_them(self):
        self.mail.with_user(self.owner).action_mark_processed()
        for card in (self.deal, self.anna, self.mill):
            self.assertFalse(self.on_top_of(card))

    def test_taken_off_a_card_it_does_not_wait_there(self):
        self.mail.unlink_from("res.partner", self.mill.id)
        self.assertFalse(self.on_top_of(self.mill))
        self.assertTrue(self.on_top_of(self.anna))

    def test_a_colleague_learns_neither_the_subject_nor_a_hidden_opportunity(self):
        colleague = new_test_user(self.env, "todo_colleague", "sales_team.group_sale_salesman")
        self.assertFalse(self.deal.with_user(colleague).has_access("read"))
        [activity] = self.on_top_of(self.mill, colleague)
        self.assertFalse(activity["crm_email"]["subject"])
        self.assertFalse(activity["crm_email"]["can_process"])
        self.assertEqual((activity["res_model"], activity["res_id"]), ("res.partner", self.mill.id))
        self.assertNotIn("Twelve pumps", str(activity))

    def test_many_to_dos_take_as_many_queries_as_few(self):
        few = self.queries_on_top_of(self.mill)
        for number in range(12):
            self.receive(subject=f"Pump {number}")
        self.assertEqual(len(self.on_top_of(self.mill)), 13)
        self.assertLessEqual(self.queries_on_top_of(self.mill), few)

    def queries_on_top_of(self, card):
        self.on_top_of(card)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.on_top_of(card)
        return self.env.cr.sql_log_count - before

    def test_who_is_asked_to_answer_a_private_mail_may_say_it_is_processed(self):
        other = new_test_user(self.env, "todo_other", "sales_team.group_sale_salesman_all_leads")
        self.deal.user_id = other
        self.assertFalse(self.mail.with_user(other).has_content_access)
        [activity] = self.on_top_of(self.deal, other)
        self.assertTrue(activity["crm_email"]["can_process"])
        self.mail.with_user(other).action_mark_processed()
        self.assertEqual(self.mail.state, "processed")
