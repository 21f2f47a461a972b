"""What somebody reads who connects a mailbox and does something wrong."""

import os
from unittest.mock import patch

from cryptography.fernet import Fernet
from servers.dovecot import free_port

from odoo.exceptions import UserError, ValidationError

from ..connectors.errors import CAUSES, ConnectorError
from ..models.connection_causes import sentence
from .committing_case import CommittingCase, mail


class TestConnection(CommittingCase):
    def mailbox(self, **values):
        return self.env["crm.mailbox"].create(
            {
                "email": f"{self.user}@our.example",
                "imap_host": self.dovecot.host,
                "imap_port": self.dovecot.port,
                "imap_security": "none",
                "smtp_host": False,
                "login": self.user,
                "password": self.dovecot.password,
                **values,
            }
        )

    def assert_says(self, sentence: str, **values) -> None:
        mailbox = self.mailbox(**values)
        for action in (mailbox.action_test_connection, mailbox.action_connect):
            with self.assertRaisesRegex(UserError, sentence):
                action()
        self.assertEqual(mailbox.state, "draft")
        self.assertFalse(mailbox.folder_ids)

    def test_the_right_values_sign_in_and_change_nothing(self):
        mailbox = self.mailbox()
        answer = mailbox.action_test_connection()
        self.assertIn("It works", answer["params"]["message"])
        self.assertEqual(mailbox.state, "draft")

    def test_a_wrong_password(self):
        self.assert_says("User name or password is wrong", password="wrong")

    def test_a_host_that_is_not_there(self):
        self.assert_says("was not found", imap_host="imap.nowhere.invalid")

    def test_a_port_where_nothing_listens(self):
        self.assert_says("does not accept connections on this port", imap_port=free_port())

    def test_no_tls_on_that_port(self):
        self.assert_says("speaks no TLS on this port", imap_security="ssl")

    def test_a_certificate_nobody_vouches_for(self):
        self.assert_says(
            "an authority that this server does not know", imap_security="ssl", imap_port=self.dovecot.tls_port
        )

    def test_missing_values(self):
        self.assert_says("Please fill in: IMAP server, Password", imap_host=False, password=False)

    def test_what_is_no_address(self):
        with self.assertRaisesRegex(ValidationError, "is not an email address"):
            self.mailbox(email="nonsense")

    def test_a_changed_password_stops_the_mailbox_and_says_so(self):
        mailbox = self.connected_mailbox()
        mailbox.password = "wrong"
        self.env.cr.commit()
        with self.assertRaisesRegex(UserError, "password is wrong"):
            mailbox.action_sync_now()
        mailbox.invalidate_recordset()
        self.assertEqual(mailbox.state, "error")
        self.assertIn("password is wrong", mailbox.status_message)
        mailbox.password = self.dovecot.password
        mailbox.action_connect()
        self.deliver(mail("a@b.example", mailbox.email))
        mailbox.action_sync_now()
        self.assertEqual((mailbox.state, len(self.emails())), ("connected", 1))

    def test_another_encryption_key_asks_for_the_password_again(self):
        mailbox = self.connected_mailbox()
        with patch.dict(os.environ, {"MAIL_CRM_LINK_KEY": Fernet.generate_key().decode()}):
            with self.assertRaisesRegex(UserError, "encryption key is another one"):
                mailbox.action_test_connection()
            mailbox._sync(float("inf"))
        self.assertEqual(mailbox.state, "error")
        self.assertIn("Enter the password again", mailbox.status_message)

    def test_a_server_that_is_away_is_waited_for(self):
        mailbox = self.connected_mailbox()
        mailbox.imap_port = free_port()
        mailbox.password = self.dovecot.password
        self.env.cr.commit()
        mailbox._sync(float("inf"))
        self.assertEqual(mailbox.state, "waiting")
        self.assertGreater(mailbox.next_sync, mailbox.write_date)

    def test_paused_mailboxes_rest_until_they_are_resumed(self):
        mailbox = self.connected_mailbox()
        mailbox.action_pause()
        self.assertNotIn(mailbox, self.env["crm.mailbox"]._due())
        with self.assertRaisesRegex(UserError, "Connect or resume"):
            mailbox.action_sync_now()
        mailbox.action_resume()
        self.assertIn(mailbox, self.env["crm.mailbox"]._due())

    def test_a_pause_during_a_run_stays_a_pause(self):
        mailbox = self.connected_mailbox()
        engine = type(mailbox)._engine

        def paused_meanwhile(record, store):
            record.action_pause()
            return engine(record, store)

        self.patch(type(mailbox), "_engine", paused_meanwhile)
        mailbox._sync(float("inf"))
        self.assertEqual(mailbox.state, "paused")

    def test_a_disconnected_mailbox_forgets_its_password_and_keeps_its_mail(self):
        mailbox = self.connected_mailbox()
        self.deliver(mail("a@b.example", mailbox.email))
        mailbox.action_sync_now()
        mailbox.action_disconnect()
        self.assertEqual((mailbox.state, mailbox.has_password), ("draft", False))
        self.assertEqual(len(self.emails()), 1)


class TestCauses(CommittingCase):
    # What people are told of in other words, or not at all, as it mends itself.
    UNTOLD = {"cursor_expired", "mail_missing", "no_idle", "protocol", "uidvalidity", "wrong_account"}

    def test_every_cause_has_its_sentence(self):
        told = {cause: sentence(self.env, ConnectorError("", cause=cause), "mx.example", "ann") for cause in CAUSES}
        unknown = sentence(self.env, ConnectorError(""), "mx.example", "ann")
        self.assertEqual({cause for cause, text in told.items() if text == unknown}, self.UNTOLD)
        apart = [text for cause, text in told.items() if cause not in self.UNTOLD]
        self.assertEqual(len(apart), len(set(apart)))
