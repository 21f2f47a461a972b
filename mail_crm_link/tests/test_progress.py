"""How far a first synchronisation is: the figures, and where its owner sees them."""

import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from .mailbox_case import MailboxCase


@tagged("-at_install", "post_install")
class TestProgress(MailboxCase):
    def setUp(self):
        super().setUp()
        self.folder = self.env["crm.mailbox.folder"].create(
            {"mailbox_id": self.mailbox.id, "name": "INBOX", "remote_id": "INBOX", "total_count": 9000}
        )
        self.mailbox.state = "connecting"

    def text_after(self, seconds: int, synced: int) -> str:
        self.folder.synced_count = synced
        begun = fields.Datetime.now() - timedelta(seconds=seconds)
        self.mailbox.sync_started = begun
        with patch.object(fields.Datetime, "now", lambda: begun + timedelta(seconds=seconds)):
            self.mailbox.invalidate_recordset(["progress_text"])
            return self.mailbox.progress_text

    def test_rate_and_time_left(self):
        self.assertEqual(self.text_after(1, 100), "100 of 9000 messages")
        self.assertEqual(self.text_after(60, 3000), "3000 of 9000 messages, 50 a second, about 2 minutes left")
        self.assertEqual(self.text_after(60, 8990), "8990 of 9000 messages, 150 a second, less than a minute left")

    def test_waiting_for_the_provider_counts(self):
        # What Gmail allows new projects: 300 in the first seconds of each minute.
        self.assertEqual(self.text_after(60, 300), "300 of 9000 messages, 5 a second, about 29 minutes left")
        self.assertEqual(self.text_after(120, 60), "60 of 9000 messages, 30 a minute, about 4 h 58 min left")

    def test_a_break_does_not_count(self):
        self.folder.synced_count = 5000
        self.mailbox.state = "paused"
        self.mailbox.state = "connecting"
        self.assertEqual(self.text_after(60, 5600), "5600 of 9000 messages, 10 a second, about 6 minutes left")
        self.assertEqual(self.text_after(60, 5000), "5000 of 9000 messages")

    def notes(self, user=None) -> list[dict]:
        return self.env["crm.mailbox"].with_user(user or self.owner)._notable()

    def test_a_page_tells_its_user_of_own_mailboxes_that_have_something_to_tell(self):
        [note] = self.notes()
        self.assertEqual((note["email"], note["state"]), ("owner@our.example", "connecting"))
        self.assertFalse(self.notes(self.colleague))
        self.mailbox.state = "connected"
        self.assertFalse(self.notes())

    def test_a_page_costs_one_query_more(self):
        self.mailbox.state = "connected"
        mailboxes = self.env["crm.mailbox"].with_user(self.owner)
        self.env.flush_all()
        with self.assertQueryCount(1):
            mailboxes._notable()

    def told_when(self, **values) -> dict:
        self.env.cr.precommit.run()
        self.env["bus.bus"].sudo().search([]).unlink()
        self.mailbox.write(values)
        self.env.cr.precommit.run()
        told = [json.loads(message) for message in self.env["bus.bus"].sudo().search([]).mapped("message")]
        [note] = [message["payload"] for message in told if message["type"] == "mail_crm_link.progress"]
        return note

    def test_a_change_of_state_is_told_to_the_owner(self):
        note = self.told_when(state="error", status_message="The password is wrong.")
        self.assertEqual((note["state"], note["status_message"]), ("error", "The password is wrong."))

    def test_it_is_told_in_the_owner_s_language(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.owner.lang = "de_DE"
        self.mailbox.state = "connected"
        mailboxes = self.env.registry["crm.mailbox"]
        with patch.object(mailboxes, "_progress_sentence", lambda mailbox, _done, _total: mailbox.env.lang):
            self.assertEqual(self.told_when(state="connecting")["progress_text"], "de_DE")


@tagged("-at_install", "post_install")
class TestSystray(HttpCase):
    browser_size = "1440x900"

    def test_it_shows_what_goes_on_and_what_needs_its_owner(self):
        self.start_tour("/odoo", "mail_crm_link_systray", login=self.owner_of_two().login)

    def test_so_does_the_page_of_mailboxes(self):
        self.start_tour("/odoo/connected-emails", "mail_crm_link_mailbox_list", login=self.owner_of_two().login)

    def owner_of_two(self):
        """Return the owner of a mailbox that is synchronised for the first time and one that needs them."""
        owner = new_test_user(self.env, "systray_owner", "sales_team.group_sale_salesman")
        mailboxes = self.env["crm.mailbox"]
        first = mailboxes.create({"email": "first@our.example", "user_id": owner.id, "imap_host": "imap.our.example"})
        second = mailboxes.create({"email": "second@our.example", "user_id": owner.id})
        self.env["crm.mailbox.folder"].create(
            {
                "mailbox_id": second.id,
                "name": "INBOX",
                "remote_id": "INBOX",
                "total_count": 200,
                "synced_count": 50,
            }
        )
        first.write({"state": "error", "status_message": "The password is wrong."})
        second.state = "connecting"
        second.write(
            {
                "status_message": "The server imap.our.example asks us to wait.",
                "next_sync": fields.Datetime.now() + timedelta(minutes=5),
            }
        )
        return owner

    def test_it_is_not_there_without_anything_to_tell(self):
        owner = new_test_user(self.env, "systray_owner", "sales_team.group_sale_salesman")
        mailbox = self.env["crm.mailbox"].create({"email": "first@our.example", "user_id": owner.id})
        mailbox.state = "connected"
        self.start_tour("/odoo", "mail_crm_link_systray_quiet", login=owner.login)
