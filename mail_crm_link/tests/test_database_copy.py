"""A copy of a database leaves the mailboxes of the original alone."""

import os
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo.exceptions import UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged

from ..connectors.errors import SignInNeeded
from ..connectors.imap import IMAPConnector
from ..connectors.smtp import SMTPConnector
from ..models.crm_mailbox_database import CrmMailboxSecret
from .mailbox_case import MailboxCase


@tagged("post_install", "-at_install")
class TestDatabaseCopy(MailboxCase):
    def setUp(self):
        super().setUp()
        self.enterContext(patch.dict(os.environ, {"MAIL_CRM_LINK_KEY": Fernet.generate_key().decode()}))
        # Whatever is tried, nothing is to be reached.
        for connector in (IMAPConnector, SMTPConnector):
            self.enterContext(patch.object(connector, "open", side_effect=AssertionError("it connects")))
        self.mailbox.write({"imap_host": "imap.our.example", "smtp_host": "smtp.our.example", "password": "secret"})
        self.mailbox.state = "connected"
        composers = self.env["crm.email.composer"].with_user(self.owner)
        self.waiting = composers.create({"mailbox_id": self.mailbox.id, "to": "a@b.example", "subject": "Hello"})
        self.waiting.sudo().write({"state": "scheduled", "send_at": "2020-01-01"})
        self.env.flush_all()

    def copy_database(self) -> None:
        """What Odoo does with a duplicated or restored copy."""
        self.env["ir.config_parameter"].init(force=True)

    def neutralize(self) -> None:
        for query in get_neutralization_queries(["mail_crm_link"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()

    def test_the_database_itself_connects(self):
        for reach in (self.mailbox._connector, self.mailbox._submission):
            with self.assertRaisesRegex(AssertionError, "it connects"):
                reach().open()

    def test_a_password_is_read_by_one_query(self):
        """The process that waits for new mail reads all of them every ten seconds."""
        secrets = self.env["crm.mailbox.secret"]
        self.assertEqual(secrets._reveal__(self.mailbox, "password"), "secret")
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            secrets._reveal__(self.mailbox, "password")

    def test_a_copy_asks_for_a_new_sign_in_and_says_why(self):
        self.copy_database()
        for reach in (self.mailbox._connector, self.mailbox._submission):
            with self.assertRaises(SignInNeeded) as caught:
                reach()
            self.assertIn("This database is a copy", self.mailbox._sentence(caught.exception))
        with self.assertRaisesRegex(UserError, "This database is a copy"):
            self.mailbox.action_test_connection()

    def test_without_the_guard_a_copy_would_connect(self):
        self.copy_database()
        with patch.object(CrmMailboxSecret, "_of_another_database", lambda self: self.browse()):
            with self.assertRaisesRegex(AssertionError, "it connects"):
                self.mailbox._connector().open()

    def test_signed_in_again_a_copy_is_a_database_of_its_own(self):
        self.copy_database()
        self.mailbox.password = "secret"
        self.assertEqual(self.waiting.state, "draft", "the original sends it")
        with self.assertRaisesRegex(AssertionError, "it connects"):
            self.mailbox._connector().open()

    def test_a_moved_database_goes_on(self):
        """Dump and restore change nothing in the database."""
        self.env.registry.clear_cache()
        self.env.invalidate_all()
        with self.assertRaisesRegex(AssertionError, "it connects"):
            self.mailbox._connector().open()
        self.mailbox.password = "secret"
        self.assertEqual(self.waiting.state, "scheduled")

    def test_neutralized_nothing_is_left_to_connect_with(self):
        self.neutralize()
        self.assertEqual(self.mailbox.state, "paused")
        self.assertFalse(self.env["crm.mailbox.secret"].search([]))
        self.assertEqual(self.waiting.state, "draft")
        self.assertNotIn(self.mailbox, self.mailbox._due())
        self.assertNotIn(self.waiting, self.waiting.sudo()._due())
        for action in (self.mailbox.action_sync_now, self.mailbox.action_connect, self.mailbox.action_audit):
            with self.assertRaises(UserError):
                action()
