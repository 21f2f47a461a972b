"""What Google may tell this server, and what its administrator may have a service account do."""

import base64
import json
import time
from datetime import timedelta
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..connectors.errors import NotAllowed, SignInNeeded
from ..connectors.gmail import push
from ..connectors.oauth import Tokens
from ..models.crm_mailbox_gmail_push import RENEW_BEFORE
from .oauth_case import GmailCase

PUSHER = "pusher@project.iam.gserviceaccount.com"
CERTIFICATES = "https://certificates.test/v1"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def certificate(key) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "google")])
    now = fields.Datetime.now()
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class SignedInCase(GmailCase):
    def setUp(self):
        super().setUp()
        self.parameters = self.env["ir.config_parameter"]
        self.authenticate(self.owner.login, self.owner.login)
        self.sign_in()
        self.env.invalidate_all()


@tagged("-at_install", "post_install")
class TestPush(SignedInCase):
    def setUp(self):
        super().setUp()
        self.parameters.set_param("mail_crm_link.google_push_account", PUSHER)
        self.parameters.set_param("mail_crm_link.google_certificates_url", CERTIFICATES)
        self.enterContext(patch.dict(push._certificates, {CERTIFICATES: (time.monotonic(), {"1": certificate(KEY)})}))
        self.mailbox.write({"state": "connected", "next_sync": fields.Datetime.now() + timedelta(hours=1)})

    def token(self, key=KEY, **claims):
        now = int(time.time())
        content = {
            "iss": "https://accounts.google.com",
            "aud": f"{self.base_url()}/mail_crm_link/gmail/push",
            "email": PUSHER,
            "email_verified": True,
            "iat": now,
            "exp": now + 600,
            **claims,
        }
        return jwt.encode(crypt.RSASigner.from_string(pem(key), "1"), content).decode()

    def push(self, token, address="anna@our.example"):
        told = base64.b64encode(json.dumps({"emailAddress": address, "historyId": 7}).encode()).decode()
        body = json.dumps({"message": {"data": told}, "subscription": "projects/p/subscriptions/s"})
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        status = self.url_open("/mail_crm_link/gmail/push", data=body, headers=headers).status_code
        self.env.invalidate_all()
        return status

    def test_a_push_of_google_has_the_mailbox_synchronised(self):
        self.assertEqual(self.push(self.token()), 204)
        self.assertFalse(self.mailbox.next_sync)

    def test_a_push_of_anybody_else_does_nothing(self):
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        over = int(time.time()) - 60
        nested = base64.urlsafe_b64encode(b"[" * 20_000).decode()
        for token in (
            "",
            "x.y.z",
            f"x.{nested}.z",
            self.token(stranger),
            self.token(aud="https://elsewhere.example/"),
            self.token(email="other@project.iam.gserviceaccount.com"),
            self.token(email_verified=False),
            self.token(iss="https://evil.example"),
            self.token(iat=over - 600, exp=over),
        ):
            self.assertEqual(self.push(token), 403)
        self.assertTrue(self.mailbox.next_sync)

    def test_without_a_service_account_nobody_pushes(self):
        self.parameters.set_param("mail_crm_link.google_push_account", False)
        self.assertEqual(self.push(self.token(email=None)), 403)

    def test_a_push_tells_nothing_of_which_mailboxes_there_are(self):
        self.assertEqual(self.push(self.token(), "nobody@our.example"), 204)
        self.assertTrue(self.mailbox.next_sync)

    def test_a_push_does_not_shorten_a_wait(self):
        self.mailbox.state = "waiting"
        self.assertEqual(self.push(self.token()), 204)
        self.assertTrue(self.mailbox.next_sync)

    def test_a_watch_is_renewed_every_day(self):
        self.mailbox._gmail_watch_guarded("projects/p/topics/mail")
        self.assertEqual(self.gmail.account.topic, "projects/p/topics/mail")
        self.assertGreater(self.mailbox.gmail_watched_until, fields.Datetime.now() + RENEW_BEFORE)

    def test_disconnecting_ends_the_watch(self):
        self.mailbox._gmail_watch_guarded("projects/p/topics/mail")
        self.mailbox.action_disconnect()
        self.assertEqual((self.gmail.account.topic, self.mailbox.gmail_watched_until), ("", False))

    def test_disconnecting_works_when_the_registration_is_gone(self):
        self.mailbox._gmail_watch_guarded("projects/p/topics/mail")
        self.mailbox._keep_tokens__(Tokens("over", "", 0))
        self.parameters.set_param("mail_crm_link.google_client_id", False)
        with self.enter_registry_test_mode(), self.assertLogs("odoo.addons.mail_crm_link", "WARNING"):
            self.mailbox.action_disconnect()
        self.assertEqual(self.mailbox.state, "draft")


@tagged("-at_install", "post_install")
class TestDelegation(SignedInCase):
    def setUp(self):
        super().setUp()
        self.mailbox._forget_consent__()
        self.google.service_accounts["robot@project.iam.gserviceaccount.com"] = KEY.public_key()
        self.key = json.dumps(
            {
                "type": "service_account",
                "client_email": "robot@project.iam.gserviceaccount.com",
                "private_key": pem(KEY),
                "private_key_id": "1",
                "token_uri": f"{self.google.url}/token",
            }
        )

    def enter_key(self):
        self.env["res.config.settings"].create({"crm_mailbox_google_service_account": self.key})

    def test_the_service_account_reads_the_mailbox_that_an_administrator_named(self):
        self.enter_key()
        self.mailbox.gmail_delegated = True
        token, _until = self.mailbox._renew_token__()
        grant = self.google.access_tokens[token]
        self.assertEqual(grant.account, "anna@our.example")
        self.assertEqual(grant.scope.count("gmail."), 2)
        self.assertTrue(self.mailbox.has_consent)

    def test_owners_do_not_switch_it_on(self):
        with self.assertRaises(AccessError):
            self.mailbox.with_user(self.owner).gmail_delegated = True

    def test_owners_do_not_turn_it_to_another_mailbox(self):
        self.enter_key()
        self.mailbox.gmail_delegated = True
        self.mailbox.with_user(self.owner).email = "boss@our.example"
        self.assertFalse(self.mailbox.gmail_delegated)
        with self.assertRaises(SignInNeeded):
            self.mailbox._renew_token__()

    def test_nobody_writes_past_the_address_whose_mailbox_is_read(self):
        self.enter_key()
        self.mailbox.gmail_delegated = True
        mailbox = self.mailbox.with_user(self.owner)
        with self.assertRaises(ValidationError):
            mailbox.write({"email_normalized": "boss@our.example"})
        other = mailbox.create({"email": "a@our.example", "email_normalized": "boss@our.example"})
        self.assertEqual(other.email_normalized, "a@our.example")

    def test_mailboxes_of_other_domains_are_out_of_reach(self):
        self.enter_key()
        self.mailbox.write({"email": "anna@elsewhere.example", "gmail_delegated": True})
        with self.assertRaises(NotAllowed):
            self.mailbox._renew_token__()
        with self.assertRaisesRegex(UserError, "domain-wide delegation.*gmail.readonly"):
            self.mailbox.action_connect()

    def test_disconnecting_ends_it(self):
        self.enter_key()
        self.mailbox.gmail_delegated = True
        self.mailbox._renew_token__()
        self.mailbox.with_user(self.owner).action_disconnect()
        self.assertFalse(self.mailbox.gmail_delegated or self.mailbox.has_consent)

    def test_the_key_is_written_and_never_read(self):
        self.enter_key()
        settings = self.env["res.config.settings"].create({})
        self.assertTrue(settings.crm_mailbox_google_has_service_account)
        self.assertFalse(settings.crm_mailbox_google_service_account)

    def test_what_is_no_key_is_refused(self):
        cut = json.dumps({**json.loads(self.key), "private_key": pem(KEY)[:200]})
        for text in ("robot", "[]", "{}", cut):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self.env["res.config.settings"].create({"crm_mailbox_google_service_account": text})

    def test_nobody_but_administrators_enters_it(self):
        with self.assertRaises(AccessError):
            settings = self.env["res.config.settings"].with_user(self.owner)
            settings.create({"crm_mailbox_google_service_account": self.key})
