"""What stands on the left of the mailbox window, and what is unread."""

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..connectors.base import Envelope
from .received_case import NOW, ReceivedCase


@tagged("-at_install", "post_install")
class TestPlaces(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = new_test_user(cls.env, "place_colleague", "sales_team.group_sale_salesman_all_leads")
        cls.inbox = cls.mailbox.folder_ids.filtered(lambda one: one.role == "inbox")

    def receive_seen(self, subject):
        header = f"From: Zoe <zoe@far.example>\nSubject: {subject}\nMessage-ID: <{subject}@far.example>\n\n"
        envelope = Envelope(str(next(self.uids)), header.encode(), 100, NOW, True)
        return self.store(self.mailbox, [envelope])

    def as_user(self, user):
        return self.env(user=user)["crm.email"]

    def places(self, user=None):
        places = self.as_user(user or self.owner).search_panel_select_range("place")["values"]
        return {place["id"]: place for place in places}

    def counts(self, place, user=None):
        found = self.places(user)[place]
        return found["__count"], found["to_process"]

    # --- unread -------------------------------------------------------------------------

    def test_unread_is_what_no_program_has_read_and_the_user_has_not_opened(self):
        unread, seen = self.receive(), self.receive_seen("seen")
        emails = (unread | seen).with_user(self.owner)
        self.assertEqual(emails.mapped("is_unread"), [True, False])
        self.assertEqual(emails.search([("is_unread", "=", True)]), unread)
        self.assertIn(seen, emails.search([("is_unread", "=", False)]))
        unread.with_user(self.owner).action_mark_read()
        self.assertEqual(emails.mapped("is_unread"), [False, False])
        self.assertFalse(emails.search([("is_unread", "=", True)]))
        self.assertFalse(unread.copy_ids.seen, "what the server says is not ours to change")
        unread.with_user(self.owner).action_mark_unread()
        self.assertTrue(unread.with_user(self.owner).is_unread)

    def test_what_one_has_opened_another_has_not(self):
        self.mailbox.write({"access": "shared", "member_ids": [Command.link(self.colleague.id)]})
        email = self.receive()
        email.with_user(self.owner).action_mark_read()
        self.assertTrue(email.with_user(self.colleague).is_unread)
        self.assertEqual(self.counts(f"folder-{self.inbox.id}", self.colleague), (1, 1))
        self.assertEqual(self.counts(f"folder-{self.inbox.id}"), (0, 1))

    def test_of_who_only_sees_the_card_it_is_never_unread(self):
        self.mailbox.visibility = "public"
        email = self.receive()
        self.assertFalse(email.with_user(self.colleague).is_unread)
        self.assertFalse(self.as_user(self.colleague).search([("is_unread", "=", True)]))

    def test_reading_marks_as_read(self):
        email = self.receive()
        email.mail_message_id.body = "<p>Hello</p>"
        email.body_state = "stored"
        self.assertTrue(email.with_user(self.owner).load_content()["was_unread"])
        self.assertFalse(email.with_user(self.owner).load_content()["was_unread"])

    # --- places -------------------------------------------------------------------------

    def test_places_are_mailboxes_with_their_folders_and_what_waits(self):
        self.receive()
        self.receive_seen("seen")
        mailbox, inbox = f"mailbox-{self.mailbox.id}", f"folder-{self.inbox.id}"
        places = self.places()
        self.assertEqual(list(places)[:4], ["unread", "to_process", mailbox, inbox])
        self.assertEqual(places[inbox]["parent"], mailbox)
        self.assertEqual(places[inbox]["display_name"], "Inbox")
        self.assertEqual(self.counts("unread"), (1, 0))
        self.assertEqual(self.counts("to_process"), (0, 1))
        self.assertEqual(self.counts(inbox), (1, 1))

    def test_folders_lie_in_one_another(self):
        folders = self.mailbox.folder_ids
        names = {"A": False, "A/B": False, "A/B/C": True, "X/Y": True, "Z": False}
        made = {
            name: folders.create(
                {"mailbox_id": self.mailbox.id, "name": name, "remote_id": name, "role": "other", "sync": sync}
            )
            for name, sync in names.items()
        }
        places = self.places()
        shown = {name: places.get(f"folder-{folder.id}") for name, folder in made.items()}
        self.assertEqual(shown["A/B/C"]["parent"], f"folder-{made['A/B'].id}")
        self.assertEqual(shown["A/B"]["parent"], f"folder-{made['A'].id}")
        self.assertEqual(shown["A/B/C"]["display_name"], "C")
        self.assertEqual(shown["X/Y"]["parent"], f"mailbox-{self.mailbox.id}", "its parent is not on the server")
        self.assertIsNone(shown["Z"], "what is not synchronised has no mail here")

    def test_a_place_lists_its_mail(self):
        email = self.receive()
        sent = self.send("zoe@far.example")
        emails = self.as_user(self.owner)
        self.assertEqual(emails.search([("place", "=", f"folder-{self.inbox.id}")]), email)
        self.assertEqual(emails.search([("place", "=", f"mailbox-{self.mailbox.id}")]), email | sent)
        self.assertEqual(emails.search([("place", "=", "to_process")]), email)
        self.assertEqual(emails.search([("place", "=", "unread")]), email | sent)

    def test_a_list_of_nothing_is_read(self):
        names = {"mailbox_ids": {"fields": {"display_name": {}}}, "subject": {}}
        found = self.as_user(self.colleague).web_search_read([("place", "=", "unread")], names)
        self.assertEqual(found["length"], 0)

    def test_malformed_places_hold_nothing(self):
        self.receive()
        for place in ("folder-", "folder-x", "folder", "other-1", "", False, "folder-1;", "mailbox-99999999"):
            with self.subTest(place):
                self.assertFalse(self.as_user(self.owner).search([("place", "=", place)]))

    def test_places_of_others_neither_show_nor_answer(self):
        self.mailbox.visibility = "public"
        email = self.receive()
        self.assertTrue(self.as_user(self.colleague).search([("id", "=", email.id)]), "it is on a card")
        for place in (f"folder-{self.inbox.id}", f"mailbox-{self.mailbox.id}"):
            self.assertFalse(self.as_user(self.colleague).search([("place", "=", place)]))
        self.assertEqual(list(self.places(self.colleague)), ["unread", "to_process"])
        self.assertEqual(self.counts("to_process", self.colleague), (0, 0))

    def test_more_folders_take_no_query_more(self):
        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.places()
            return self.env.cr.sql_log_count - before

        self.receive()
        queries()
        few = queries()
        self.mailbox.folder_ids.create(
            [{"mailbox_id": self.mailbox.id, "name": f"F{n}", "remote_id": f"F{n}", "role": "other"} for n in range(50)]
        )
        self.assertEqual(queries(), few)

    def test_a_conversation_is_told_in_its_order_as_far_as_one_may_know(self):
        question = self.receive(subject="Question")
        answer = self.send("anna@mill.example", "Re: Question", In_Reply_To=question.message_id)
        told = question.with_user(self.owner).get_conversation()
        self.assertEqual([one["id"] for one in told], sorted((question | answer).ids))
        told = question.with_user(self.colleague).get_conversation()
        self.assertFalse(any(one["snippet"] or one["has_content_access"] for one in told))
