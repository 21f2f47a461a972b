from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .received_case import NOW, ReceivedCase


@tagged("-at_install", "post_install")
class TestTodo(ReceivedCase):
    def test_new_mail_is_one_activity_on_its_most_specific_card(self):
        deal = self.opportunity("Twelve pumps", self.anna)
        email = self.receive()
        self.assertEqual(email.state, "to_process")
        [activity] = email.activity_ids
        self.assertEqual((activity.res_model, activity.res_id), ("crm.lead", deal.id))
        self.assertEqual(activity.user_id, self.owner)
        self.assertNotIn("Pumps", f"{activity.summary} {activity.note}")

    def test_without_an_opportunity_it_is_on_the_contact(self):
        [activity] = self.receive().activity_ids
        self.assertEqual((activity.res_model, activity.res_id), ("res.partner", self.anna.id))

    def test_history_sent_and_automatic_mail_are_none(self):
        old = self.receive(received=NOW - timedelta(days=9))
        sent = self.send("anna@mill.example")
        automatic = self.receive(Auto_Submitted="auto-replied")
        self.assertEqual((old | sent | automatic).mapped("state"), ["processed"] * 3)

    def test_unbound_mail_is_none(self):
        self.assertEqual(self.receive("x@unknown.example").state, "processed")

    def test_new_mail_that_is_bound_later_becomes_one(self):
        email = self.receive("bo@new.example")
        self.env["res.partner"].create({"name": "Bo", "email": "bo@new.example"})
        self.relink()
        self.assertEqual(email.state, "to_process")
        self.assertEqual(len(email.activity_ids), 1)

    def test_an_answer_processes_it(self):
        email = self.receive(Message_ID="<q@mill.example>", received=NOW - timedelta(hours=2))
        self.send("anna@mill.example", In_Reply_To="<q@mill.example>")
        email.invalidate_recordset()
        self.assertEqual(email.state, "processed")
        self.assertFalse(email.activity_ids)

    def test_what_is_answered_already_is_none(self):
        self.send("anna@mill.example", In_Reply_To="<q@mill.example>")
        email = self.receive(Message_ID="<q@mill.example>", received=NOW - timedelta(hours=2))
        self.assertEqual(email.state, "processed")

    def test_marking_it_processed_removes_the_activity(self):
        email = self.receive()
        email.with_user(self.owner).action_mark_processed()
        self.assertEqual(email.state, "processed")
        self.assertFalse(email.activity_ids)
        self.assertEqual(email.processed_by, self.owner)

    def test_doing_the_activity_processes_the_mail_without_another_message(self):
        email = self.receive()
        before = self.anna.message_ids
        email.activity_ids.with_user(self.owner).action_done()
        self.assertEqual(email.state, "processed")
        self.assertEqual(self.anna.message_ids, before)

    def test_who_may_not_do_the_activity_does_not_process_the_mail(self):
        email = self.receive()
        for group in ("base.group_portal", "base.group_user"):
            stranger = new_test_user(self.env, f"todo_{group[-6:]}", group)
            with self.assertRaises(AccessError):
                email.activity_ids.with_user(stranger).action_feedback()
        self.assertEqual(email.state, "to_process")

    def test_cancelling_the_activity_processes_the_mail(self):
        email = self.receive()
        email.activity_ids.unlink()
        self.assertEqual(email.state, "processed")

    def test_a_deleted_card_hands_the_to_do_to_the_next(self):
        deal = self.opportunity("Twelve pumps", self.anna)
        email = self.receive()
        deal.unlink()
        email.invalidate_recordset()
        self.assertEqual(email.state, "to_process")
        self.assertEqual(email.activity_ids.res_model, "res.partner")

    def test_a_reassigned_record_takes_its_to_dos_along(self):
        deal = self.opportunity("Twelve pumps", self.anna)
        email = self.receive()
        deal.user_id = self.env.ref("base.user_admin")
        self.assertEqual(email.activity_ids.user_id, self.env.ref("base.user_admin"))

    def test_an_archived_responsible_is_replaced_by_the_owner(self):
        former = self.env["res.users"].create({"name": "Former", "login": "former_todo"})
        self.opportunity("Twelve pumps", self.anna, user_id=former.id)
        former.active = False
        self.assertEqual(self.receive().activity_ids.user_id, self.owner)

    def test_counted_once_in_the_activity_menu_and_on_every_card(self):
        deal = self.opportunity("Twelve pumps", self.anna)
        self.receive()
        self.assertEqual(deal.crm_email_to_process_count, 1)
        self.assertEqual(self.anna.crm_email_to_process_count, 1)
        self.assertEqual(self.mailbox.to_process_count, 1)
        mine = self.env["mail.activity"].search([("user_id", "=", self.owner.id)])
        self.assertEqual(len(mine), 1)

    def test_a_lost_lead_hands_the_to_do_to_the_next_card(self):
        deal = self.opportunity("Twelve pumps", self.anna)
        email = self.receive()
        deal.action_set_lost()
        email.invalidate_recordset()
        self.assertEqual(email.state, "to_process")
        self.assertEqual(email.activity_ids.res_model, "res.partner")
