"""What the owner of a mailbox may say of it, and what it tells them."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..connectors.errors import SignInNeeded
from .mailbox_case import MailboxCase


@tagged("-at_install", "post_install")
class TestMailbox(MailboxCase):
    def setUp(self):
        super().setUp()
        now = fields.Datetime.now()
        self.mailbox.write({"state": "connected", "connected_at": now, "history_from": now - timedelta(days=365)})

    def test_its_owner_chooses_how_far_back_it_goes_at_any_time(self):
        folder = self.env["crm.mailbox.folder"].create(
            {"mailbox_id": self.mailbox.id, "name": "INBOX", "remote_id": "INBOX", "cursor": "7"}
        )
        mailbox = self.mailbox.with_user(self.owner)
        mailbox.history_days = 0
        self.assertFalse(mailbox.history_from or folder.cursor)
        mailbox.history_days = 30
        days = (fields.Datetime.now() - mailbox.history_from).days
        self.assertEqual(days, 30)

    def test_what_happens_to_it_is_for_nobody_to_write(self):
        for values in ({"provisional": True}, {"state": "paused"}, {"own_addresses": []}):
            with self.subTest(values=values), self.assertRaises(AccessError):
                self.mailbox.with_user(self.owner).write(values)

    def test_its_mail_goes_to_cards_of_a_company_of_its_owner(self):
        other = self.env["res.company"].create({"name": "Other"})
        with self.assertRaisesRegex(UserError, "company"):
            self.mailbox.with_user(self.owner).company_id = other
        self.owner.company_ids += other
        self.mailbox.with_user(self.owner).company_id = other

    def test_why_it_stopped_is_said_in_its_owner_s_language(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.owner.lang = "de_DE"
        mailboxes = self.env.registry["crm.mailbox"]
        with patch.object(mailboxes, "_sentence", lambda mailbox, _error: mailbox.env.lang):
            values = self.mailbox._failure_values(SignInNeeded("no"))
        self.assertEqual(values["status_message"], "de_DE")
