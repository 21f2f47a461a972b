"""A Gmail account from sign-in to the card and back, against servers written from Google's documents."""

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import requests
from servers.gmail import GmailServer, error
from servers.oauth import AuthorizationServer

from odoo.tests import tagged

from ..connectors.discovery import known_provider
from ..connectors.errors import SignInNeeded, Transient
from .committing_case import CommittingCase, mail
from .oauth_case import GmailCase


class TestGmail(CommittingCase):
    def setUp(self):
        super().setUp()
        self.google = self.enterContext(AuthorizationServer())
        self.gmail = self.enterContext(GmailServer())
        self.account = self.gmail.account
        self.gmail.is_good = lambda token: token in self.google.access_tokens
        self._set_up_google()

    def _set_up_google(self):
        parameters = self.env["ir.config_parameter"]
        self.addCleanup(self._forget_google)
        for name in ("authorize", "token", "revoke"):
            parameters.set_param(f"mail_crm_link.google_{name}_url", f"{self.google.url}/{name}")
        parameters.set_param("mail_crm_link.google_api_url", self.gmail.url)
        parameters.set_param("mail_crm_link.google_client_id", self.google.client_id)
        secrets = self.env["crm.mailbox.secret"]
        secrets._store__(self.env["crm.mailbox"], "google_client_secret", self.google.client_secret)
        self.google.redirects.add(f"{self.env['crm.mailbox'].get_base_url()}/mail_crm_link/oauth/google")

    def _forget_google(self):
        self.env.cr.rollback()
        self.env["ir.config_parameter"].search([("key", "=like", "mail_crm_link.google_%")]).unlink()
        self.env.cr.commit()

    def connected_mailbox(self, **values):
        mailbox = self.env["crm.mailbox"].create({"email": self.account.address, "provider": "gmail", **values})
        self.sign_in(mailbox)
        mailbox.action_connect()
        self.env.cr.commit()
        return mailbox

    def sign_in(self, mailbox):
        """Agree, as the owner does in a browser."""
        page = requests.get(mailbox._consent_url__("browser"), allow_redirects=False, timeout=5)
        answer = {name: values[0] for name, values in parse_qs(urlsplit(page.headers["Location"]).query).items()}
        taken, verifier = self.env["crm.mailbox.consent"]._take__(answer["state"], "browser")
        taken._signed_in__(answer["code"], verifier)

    def receive(self, *args, labels=("INBOX",), days_ago=1.0, **fields):
        received = datetime.now(timezone.utc) - timedelta(days=days_ago)
        return self.account.deliver(mail(*args, **fields), *labels, received=received)

    def test_mail_comes_to_the_card_and_goes_with_the_account(self):
        anna = self.partner("Anna Meyer", "anna@mill.example")
        self.account.make_label("Customers")
        remote_id = self.receive("Anna Meyer <anna@mill.example>", self.account.address, "Pumps")
        mailbox = self.connected_mailbox()
        mailbox.action_sync_now()
        [email] = self.emails()
        self.assertEqual((email.partner_ids, email.direction, email.subject), (anna, "in", "Pumps"))
        self.assertIn("Hello there", email.body)
        self.assertEqual(mailbox.state, "connected")
        self.assertEqual(mailbox.folder_ids.filtered("selectable").mapped("name"), ["All Mail"])
        self.assertIn("Customers", mailbox.folder_ids.mapped("name"))
        self.receive("anna@mill.example", self.account.address, "More pumps", days_ago=0)
        self.account.label(remote_id, remove="UNREAD")
        mailbox.action_sync_now()
        self.assertEqual(set(self.emails().mapped("subject")), {"Pumps", "More pumps"})
        self.assertTrue(email.copy_ids.seen)
        self.account.delete(remote_id)
        mailbox.action_sync_now()
        self.assertFalse(email.copy_ids)

    def test_a_mail_that_was_sent_from_another_address_of_the_account_is_sent(self):
        anna = self.partner("Anna Meyer", "anna@mill.example")
        self.receive("old@private.example", "anna@mill.example", "Our offer", labels=("SENT",))
        self.connected_mailbox().action_sync_now()
        self.assertEqual((self.emails().direction, self.emails().partner_ids), ("out", anna))

    def test_labels_are_chosen_and_another_choice_brings_what_it_adds(self):
        private = self.account.make_label("Private")
        self.receive("a@b.example", self.account.address, "Private matter", labels=("INBOX", private))
        self.receive("a@b.example", self.account.address, "Pumps")
        mailbox = self.connected_mailbox()
        label = mailbox.folder_ids.filtered(lambda folder: folder.name == "Private")
        self.assertTrue(label.choosable)
        self.assertFalse(mailbox.folder_ids.filtered(lambda folder: folder.role == "junk").choosable)
        label.sync = False
        mailbox.action_sync_now()
        self.assertEqual(self.emails().mapped("subject"), ["Pumps"])
        self.assertEqual(mailbox.progress, 100)
        label.sync = True
        mailbox.action_sync_now()
        self.assertEqual(set(self.emails().mapped("subject")), {"Pumps", "Private matter"})

    def test_with_all_mail_off_only_chosen_labels_are_synchronised(self):
        customers = self.account.make_label("Customers")
        self.receive("a@b.example", self.account.address, "Pumps", labels=("INBOX", customers))
        self.receive("a@b.example", self.account.address, "News")
        mailbox = self.connected_mailbox()
        mailbox.folder_ids.filtered(lambda folder: folder.name != "Customers").sync = False
        mailbox.action_sync_now()
        self.assertEqual((mailbox.state, self.emails().mapped("subject")), ("connected", ["Pumps"]))
        self.account.make_label("Made later")
        mailbox.action_sync_now()
        self.assertFalse(mailbox.folder_ids.filtered(lambda folder: folder.name == "Made later").sync)

    def test_sender_addresses_of_the_account_are_offered_and_are_its_own(self):
        self.account.aliases.append({"sendAsEmail": "sales@our.example", "verificationStatus": "accepted"})
        mailbox = self.connected_mailbox(aliases="me@our.example")
        self.assertEqual(mailbox.aliases, "me@our.example, sales@our.example")
        self.assertIn("sales@our.example", mailbox._sender_addresses())
        mailbox.action_connect()
        self.assertEqual(mailbox.aliases, "me@our.example, sales@our.example")

    def test_a_run_with_nothing_new_asks_little(self):
        self.receive("a@b.example", self.account.address)
        mailbox = self.connected_mailbox()
        mailbox.action_sync_now()
        self.gmail.calls.clear()
        mailbox.action_sync_now()
        self.assertEqual(dict(self.gmail.calls), {"profile": 1, "labels": 1, "history": 1})

    def test_who_spends_the_quota_goes_on_when_it_is_there_again(self):
        for number in range(120):
            self.receive("a@b.example", self.account.address, f"Number {number}")
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_units_per_minute", "1020")
        mailbox = self.connected_mailbox()
        self.assertIsInstance(mailbox._sync(float("inf")), Transient)
        self.assertEqual(len(self.emails()), 50)
        self.assertEqual(mailbox.state, "connecting")
        wait = (mailbox.next_sync - datetime.now()).total_seconds()
        self.assertTrue(30 < wait < 90, wait)
        self.assertEqual(mailbox.failures, 1)
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_units_per_minute", False)
        self.assertIsNone(mailbox._sync(float("inf")))
        self.assertEqual(len(self.emails()), 120)

    def test_what_a_throttled_batch_delivered_is_kept(self):
        for number in range(50):
            self.receive("a@b.example", self.account.address, f"Number {number}")
        mailbox = self.connected_mailbox()
        for call in (3, 41):
            self.gmail.fail("message", call, error(429, "rateLimitExceeded", headers={"Retry-After": "90"}))
        self.assertIsInstance(mailbox._sync(float("inf")), Transient)
        self.assertEqual(len(self.emails()), 48)
        self.assertGreater((mailbox.next_sync - datetime.now()).total_seconds(), 80)
        self.assertIsNone(mailbox._sync(float("inf")))
        self.assertEqual(len(self.emails()), 50)

    def test_forgotten_history_costs_no_mail_and_no_link(self):
        anna = self.partner("Anna Meyer", "anna@mill.example")
        gone = self.receive("anna@mill.example", self.account.address, "Gone")
        self.receive("anna@mill.example", self.account.address, "Stays")
        mailbox = self.connected_mailbox()
        mailbox.action_sync_now()
        stays = self.emails([("header_subject", "=", "Stays")])
        self.account.delete(gone)
        self.account.forget_history()
        self.receive("anna@mill.example", self.account.address, "New", days_ago=0)
        mailbox.action_sync_now()
        self.assertEqual(self.emails([("copy_ids", "!=", False)]).mapped("subject"), ["New", "Stays"])
        self.assertEqual(self.emails().partner_ids, anna)
        self.assertEqual(stays.exists(), stays)

    def test_an_expired_token_is_renewed_in_the_middle(self):
        self.receive("a@b.example", self.account.address)
        mailbox = self.connected_mailbox()
        self.google.rotates = True
        self.google.forget_access()
        mailbox.action_sync_now()
        self.assertEqual(len(self.emails()), 1)
        self.assertEqual(self.google.calls["refresh_token"], 1)
        with self.another_worker() as env:
            stored = env["crm.mailbox.secret"]._reveal__(env["crm.mailbox"].browse(mailbox.id), "refresh_token")
        self.assertIn(stored, self.google.refresh_tokens)

    def test_a_consent_that_was_taken_back_asks_and_signing_in_again_goes_on(self):
        self.receive("a@b.example", self.account.address)
        mailbox = self.connected_mailbox()
        mailbox.action_sync_now()
        self.google.take_back()
        self.assertIsInstance(mailbox._sync(float("inf")), SignInNeeded)
        self.assertEqual(mailbox.state, "error")
        self.receive("a@b.example", self.account.address, "Meanwhile", days_ago=0)
        self.sign_in(mailbox)
        mailbox.action_connect()
        self.env.cr.commit()
        self.gmail.calls.clear()
        mailbox.action_sync_now()
        self.assertEqual(len(self.emails()), 2)
        self.assertEqual(self.gmail.calls["list"], 0, "it goes on where it stopped")

    def test_an_answer_goes_out_through_gmail_once(self):
        self.receive("anna@mill.example", self.account.address, "Pumps", Message_ID="<1@mill.example>")
        mailbox = self.connected_mailbox()
        mailbox.action_sync_now()
        draft = self.env["crm.email.composer"].create(
            {
                "mailbox_id": mailbox.id,
                "kind": "reply",
                "parent_id": self.emails().id,
                "to": "anna@mill.example",
                "bcc": "boss@our.example",
                "subject": "Re: Pumps",
                "body": "<p>Here they are</p>",
            }
        )
        draft.action_send()
        [sent] = [each for each in self.account.mails.values() if "SENT" in each.labels]
        self.assertEqual(draft.state, "sent")
        self.assertIn(b"Bcc: boss@our.example", sent.raw)
        [asked] = [each for each in self.account.mails.values() if "INBOX" in each.labels]
        self.assertEqual(sent.thread, asked.thread)
        mailbox.action_sync_now()
        answers = self.emails([("direction", "=", "out")])
        self.assertEqual(len(answers), 1)
        self.assertEqual(answers.copy_ids.mapped("remote_id"), [sent.id])


@tagged("-at_install", "post_install")
class TestGmailTour(GmailCase):
    def test_from_the_button_to_the_mail_on_the_card(self):
        anna = self.env["res.partner"].create({"name": "Anna Meyer", "email": "anna@mill.example"})
        self.gmail.account.deliver(mail("Anna Meyer <anna@mill.example>", "anna@our.example", "Pumps"))
        self.tour("mail_crm_link_gmail")
        [email] = self.env["crm.email"].search([])
        self.assertEqual((email.partner_ids, email.mailbox_ids), (anna, self.mailbox))
        self.assertEqual(self.mailbox.state, "connected")

    def test_who_refuses_reads_what_to_do(self):
        self.google.plan = "refuse"
        self.tour("mail_crm_link_gmail_refused")
        self.assertFalse(self.mailbox.has_consent)

    def test_who_chooses_another_account_reads_which(self):
        self.google.account = "bob@our.example"
        self.tour("mail_crm_link_gmail_wrong_account")
        self.assertFalse(self.mailbox.has_consent)

    def test_whose_code_is_too_old_signs_in_once_more(self):
        self.google.plan = "expired"
        self.tour("mail_crm_link_gmail_expired")
        self.assertFalse(self.mailbox.has_consent)

    def test_an_answer_that_comes_twice_counts_once(self):
        self.google.replays = True
        self.tour("mail_crm_link_gmail_replayed")
        self.assertTrue(self.mailbox.has_consent)
        self.assertEqual(self.google.calls["authorization_code"], 1)


@tagged("-at_install", "post_install")
class TestGmailConnectTour(GmailCase):
    """The dialog goes on where it was when its owner comes back from the provider."""

    def setUp(self):
        super().setUp()
        self.mailbox.unlink()
        self.mailbox = self.env["crm.mailbox"]
        found = known_provider("gmail.com").found("anna@our.example", "known")
        self.patch(self.registry["crm.mailbox.connect"], "_servers", lambda _dialog: found)

    def test_what_becomes_of_the_mail_is_said_after_the_sign_in(self):
        self.tour("mail_crm_link_gmail_connect")
        mailbox = self.env["crm.mailbox"].search([("user_id", "=", self.owner.id)])
        self.assertEqual((mailbox.state, mailbox.history_days, mailbox.visibility), ("connecting", 30, "subject"))
        self.assertEqual(mailbox.rule_ids.filtered("active").mapped("scenario"), ["inbound_unknown"])
        self.assertFalse(mailbox.provisional)

    def assert_connected_in_the_end(self, tour: str) -> None:
        self.tour(tour)
        [mailbox] = self.env["crm.mailbox"].search([("user_id", "=", self.owner.id)])
        self.assertEqual((mailbox.state, mailbox.provisional), ("connecting", False))
        self.assertEqual(len(self.google.refresh_tokens), 1, "of the last sign-in alone")
        self.assertFalse(self.env["crm.mailbox.consent"].search([]))

    def test_who_refuses_reads_what_to_do_and_may_begin_anew(self):
        self.google.visits.append({"plan": "refuse"})
        self.assert_connected_in_the_end("mail_crm_link_gmail_connect_refused")

    def test_who_chooses_another_account_reads_which_and_tries_again(self):
        self.google.visits.append({"account": "bob@our.example"})
        self.assert_connected_in_the_end("mail_crm_link_gmail_connect_wrong_account")

    def test_whose_code_is_too_old_tries_again(self):
        self.google.visits.append({"plan": "expired"})
        self.assert_connected_in_the_end("mail_crm_link_gmail_connect_expired")

    def test_an_answer_that_comes_twice_goes_on_where_the_first_was(self):
        self.google.replays = True
        self.assert_connected_in_the_end("mail_crm_link_gmail_connect_replayed")
        self.assertEqual(self.google.calls["authorization_code"], 1)

    def test_who_does_not_go_on_leaves_nothing(self):
        self.tour("mail_crm_link_gmail_give_up")
        self.assertFalse(self.env["crm.mailbox"].search([("user_id", "=", self.owner.id)]))
        self.assertEqual(len(self.google.revoked), 1)
