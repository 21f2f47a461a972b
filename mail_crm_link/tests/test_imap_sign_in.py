"""IMAP mailboxes that sign in on the provider's page: from the consent to the mail that is read and sent."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from servers.dovecot import Dovecot
from servers.oauth import AuthorizationServer, Grant
from servers.submission import Submission

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..connectors.oauth import Tokens
from .committing_case import CommittingCase, mail
from .oauth_case import GoogleCase

ANNA = "anna@our.example"


@contextmanager
def provider(authority):
    """A mail server that takes the authority's access tokens."""
    with TemporaryDirectory() as folder, Dovecot(settings=authority.dovecot_settings(Path(folder))) as dovecot:
        Path(folder).chmod(0o755)
        yield dovecot


def servers(dovecot, **values) -> dict:
    return {
        "email": ANNA,
        "imap_host": dovecot.host,
        "imap_port": dovecot.port,
        "imap_security": "none",
        "smtp_host": False,
        **values,
    }


@tagged("-at_install", "post_install")
class TestConsent(GoogleCase):
    def setUp(self):
        self.dovecot = None
        super().setUp()
        self.dovecot = self.enterContext(provider(self.google))
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_mail_hosts", self.dovecot.host)
        self.mailbox.unlink()
        self.authenticate("oauth_owner", "oauth_owner")

    def imap_mailbox(self, **values):
        mailboxes = self.env["crm.mailbox"].with_user(self.owner)
        return mailboxes.create(servers(self.dovecot, **{"imap_sign_in": "google", **values})).sudo()

    def test_who_agrees_is_connected_by_imap(self):
        mailbox = self.imap_mailbox()
        self.assertEqual(mailbox.oauth_authority, "google")
        self.assertIn("Everything in Gmail", mailbox.consent_rights)
        response = self.sign_in(mailbox)
        self.assertEqual(response.status_code, 303, response.text)
        self.assertEqual(mailbox.state, "connecting")
        self.assertIn("sent", mailbox.folder_ids.mapped("role"))
        [asked] = self.google.asked
        self.assertIn("https://mail.google.com/", asked["scope"].split())

    def test_a_right_that_was_left_out_is_missed(self):
        mailbox = self.imap_mailbox()
        self.google.plan = "fewer"
        self.assertIn("One of the rights was left out", self.sign_in(mailbox).text)
        self.assertFalse(mailbox.has_consent)

    def test_the_dialog_leads_there_with_the_servers_entered(self):
        dialog = self.env["crm.mailbox.connect"].with_user(self.owner).create(servers(self.dovecot, provider="imap"))
        dialog.write({"stage": "settings", "imap_sign_in": "google"})
        action = dialog.action_provider_sign_in()
        mailbox = self.env["crm.mailbox"].search([("email", "=", ANNA)])
        self.assertTrue(action["url"].endswith(f"/begin/{mailbox.id}"))
        self.assertEqual(self.sign_in(mailbox).status_code, 303)
        choices = mailbox.with_user(self.owner).action_set_up()
        self.env["crm.mailbox.connect"].with_user(self.owner).browse(choices["res_id"]).action_finish()
        self.assertEqual((mailbox.state, mailbox.provisional), ("connecting", False))

    def test_no_other_server_is_given_the_sign_in(self):
        mailbox = self.imap_mailbox()
        for name in ("imap_host", "smtp_host"):
            with self.assertRaisesRegex(ValidationError, "no mail server of Google"):
                mailbox[name] = "imap.elsewhere.example"
            self.env.transaction.clear()
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_mail_hosts", False)
        mailbox.write({"imap_host": "imap.gmail.com", "smtp_host": "smtp.gmail.com"})
        with self.assertRaises(ValidationError):
            mailbox.imap_host = "gmail.com.elsewhere.example"

    def test_another_way_to_sign_in_keeps_nothing_of_the_first(self):
        mailbox = self.imap_mailbox(imap_sign_in="password", password="secret")
        self.assertTrue(mailbox.has_password)
        mailbox.imap_sign_in = "google"
        self.assertFalse(mailbox.has_password)
        self.sign_in(mailbox)
        self.assertTrue(mailbox.has_consent)
        mailbox.imap_sign_in = "password"
        self.assertFalse(mailbox.has_consent)

    def test_disconnecting_gives_the_consent_back(self):
        mailbox = self.imap_mailbox()
        self.sign_in(mailbox)
        mailbox.with_user(self.owner).action_disconnect()
        self.assertFalse(self.google.refresh_tokens)

    def test_who_cannot_send_is_told_when_connecting(self):
        submission = self.enterContext(Submission(takes_token=lambda _login, _token: False))
        mailbox = self.imap_mailbox(
            smtp_host=submission.host, smtp_port=submission.port, smtp_security="none", imap_sign_in="password"
        )
        mailbox.imap_sign_in = "google"
        with self.enter_registry_test_mode():
            self.sign_in(mailbox)
        self.assertEqual(mailbox.state, "connecting")
        self.env.flush_all()
        notes = self.env["bus.bus"].search([("message", "ilike", "receives and cannot send")])
        self.assertEqual(len(notes), 1)

    def test_microsoft_is_asked_for_imap_and_smtp_alone(self):
        mailbox = self.imap_mailbox(imap_sign_in="password")
        self.env["ir.config_parameter"].set_param("mail_crm_link.microsoft_mail_hosts", self.dovecot.host)
        mailbox.imap_sign_in = "microsoft"
        self.assertEqual(
            set(mailbox._oauth_scopes()) - {"openid", "email", "profile"},
            {
                "offline_access",
                "https://outlook.office.com/IMAP.AccessAsUser.All",
                "https://outlook.office.com/SMTP.Send",
            },
        )


class TestMail(CommittingCase):
    def setUp(self):
        super().setUp()
        self.authority = self.enterContext(AuthorizationServer(account=ANNA))
        self.provider = self.enterContext(provider(self.authority))
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("mail_crm_link.microsoft_client_id", self.authority.client_id)
        parameters.set_param("mail_crm_link.microsoft_authority", self.authority.url)
        parameters.set_param("mail_crm_link.microsoft_mail_hosts", self.provider.host)
        secrets = self.env["crm.mailbox.secret"]
        secrets._store__(self.env["crm.mailbox"], "microsoft_client_secret", self.authority.client_secret)
        self.addCleanup(self._forget)

    def _forget(self):
        self.env.cr.rollback()
        self.env["ir.config_parameter"].search([("key", "=like", "mail_crm_link.microsoft_%")]).unlink()
        self.env.cr.commit()

    def connected(self, **values):
        """A mailbox with its owner's consent and no access token."""
        mailbox = self.env["crm.mailbox"].create(servers(self.provider, imap_sign_in="microsoft", **values))
        self.authority.refresh_tokens["refresh-0"] = Grant(ANNA, "")
        mailbox._keep_tokens__(Tokens("", "refresh-0", 0))
        self.env.cr.commit()
        mailbox.action_connect()
        self.env.cr.commit()
        return mailbox

    def test_mail_comes_to_cards_and_a_token_that_ended_early_is_replaced(self):
        eva = self.partner("Eva Mill", "eva@mill.example")
        mailbox = self.connected()
        for subject in ("Pumps", "Valves"):
            self.provider.deliver(ANNA, [mail("Eva Mill <eva@mill.example>", ANNA, subject)])
            self.authority.forget_access()
            mailbox.action_sync_now()
            self.env.cr.commit()
        self.assertEqual(set(self.emails().mapped("subject")), {"Pumps", "Valves"})
        self.assertEqual(self.emails().partner_ids, eva)
        self.assertEqual(self.authority.calls["refresh_token"], 3)

    def test_two_workers_use_up_a_refresh_token_once(self):
        mailbox = self.connected()
        self.authority.rotates = True
        asked = self.authority.calls["refresh_token"]
        both = threading.Barrier(2)

        def renewed(_worker: int) -> str:
            with self.another_worker() as env:
                token = env["crm.mailbox"].browse(mailbox.id)._token__()
                both.wait(10)
                return token(True)

        with ThreadPoolExecutor(2) as workers:
            tokens = set(workers.map(renewed, range(2)))
        self.assertEqual((len(tokens), self.authority.calls["refresh_token"]), (1, asked + 1))

    def test_a_consent_that_was_taken_back_waits_for_its_owner(self):
        mailbox = self.connected()
        self.authority.take_back()
        with self.assertRaisesRegex(UserError, "The consent of anna@our.example is not valid any more"):
            mailbox.action_sync_now()
        self.assertEqual((mailbox.state, mailbox.status_cause), ("error", "consent_expired"))

    def test_what_is_written_goes_out_by_token(self):
        submission = self.enterContext(
            Submission(takes_token=lambda login, token: login == ANNA and token in self.authority.access_tokens)
        )
        mailbox = self.connected(smtp_host=submission.host, smtp_port=submission.port, smtp_security="none")
        self.assertIn("Sending works, too", mailbox.action_test_connection()["params"]["message"])
        composer = self.env["crm.email.composer"].create(
            {"mailbox_id": mailbox.id, "to": "eva@mill.example", "subject": "Offer", "body": "<p>Hello</p>"}
        )
        self.env.cr.commit()
        composer.action_send()
        self.env.cr.commit()
        self.env.cr.execute("UPDATE crm_email_composer SET send_at = now() at time zone 'utc' - interval '1 second'")
        self.env.cr.commit()
        self.env.invalidate_all()
        for draft in self.env["crm.email.composer"]._due():
            draft._send_guarded()
        self.assertEqual([taken.login for taken in submission.taken], [ANNA])

    def test_the_watcher_listens_with_the_same_sign_in(self):
        mailbox = self.connected()
        [target] = self.env["crm.mailbox"]._watch_targets__().values()
        self.authority.forget_access()
        waiting = target.connect()
        self.addCleanup(waiting.close)
        mailbox.invalidate_recordset()
        [again] = self.env["crm.mailbox"]._watch_targets__().values()
        self.assertEqual(again.signature, target.signature)
        self.provider.deliver(ANNA, [mail("eva@mill.example", ANNA)])
        end = time.monotonic() + 5
        while not waiting.news() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertLess(time.monotonic(), end)
