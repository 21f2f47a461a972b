"""Sign-in at the provider: who may begin, who may come back, and what becomes of the tokens."""

import json
import os
import re
from contextlib import suppress
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urljoin

from cryptography.fernet import Fernet

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..connectors.errors import NotAllowed, SignInNeeded, Transient
from ..models.crm_mailbox_consent import LIFETIME
from .oauth_case import OAuthCase


@tagged("-at_install", "post_install")
class TestSignIn(OAuthCase):
    def setUp(self):
        super().setUp()
        self.authenticate("oauth_owner", "oauth_owner")

    def assertRefused(self, response, words: str) -> None:
        self.assertEqual(response.status_code, 200)
        self.assertIn(words, response.text)
        self.assertNotIn("refresh_token", self.secrets())
        self.assertEqual(self.mailbox.state, "draft")

    def test_who_agrees_is_connected(self):
        response = self.sign_in()
        self.assertEqual(response.status_code, 303, response.text)
        self.assertTrue(response.headers["Location"].endswith(f"/odoo/connected-emails/{self.mailbox.id}"))
        self.assertEqual(self.mailbox.state, "connecting")
        self.assertTrue(self.mailbox.has_consent)
        self.assertEqual(json.loads(self.secrets()["token"])[0], list(self.server.access_tokens)[0])

    def test_who_came_from_the_dialog_is_asked_what_becomes_of_the_mail(self):
        self.mailbox.provisional = True
        response = self.sign_in()
        self.assertTrue(response.headers["Location"].endswith(f"/odoo/set-up-mailbox/{self.mailbox.id}"))
        self.assertEqual(self.mailbox.state, "draft")
        mailbox = self.mailbox.with_user(self.owner)
        dialog = mailbox.env["crm.mailbox.connect"].browse(mailbox.action_set_up()["res_id"])
        self.assertEqual((dialog.stage, dialog.folder_ids.mapped("role")), ("options", ["inbox"]))
        dialog.write({"link_mode": "manual", "outbound_unknown": True})
        dialog.action_finish()
        self.assertEqual((mailbox.state, mailbox.link_mode, mailbox.provisional), ("connecting", "manual", False))
        self.assertEqual(mailbox.rule_ids.filtered("active").scenario, "outbound_unknown")

    def test_who_came_from_the_dialog_reads_there_why_nothing_came_of_it(self):
        for visit, words in (
            ({"plan": "refuse"}, "You did not allow it"),
            ({"plan": "expired"}, "This sign-in is not valid any more"),
            ({"plan": "fewer"}, "One of the rights was left out"),
            ({"account": "bob@our.example"}, "You signed in as bob@our.example"),
        ):
            with self.subTest(words):
                self.server.visits.append({"account": "carla@our.example", **visit})
                self.assertNothingStays(words)

    def test_a_consent_whose_mailbox_cannot_be_opened_does_not_stay(self):
        self.server.account = "carla@our.example"

        def refuse(_mailbox):
            raise NotAllowed("Off", cause="api_off")

        self.patch(self.env.registry["crm.mailbox"], "_connector_gmail", refuse)
        self.assertNothingStays("The Gmail API is not switched on")

    def assertNothingStays(self, words: str) -> None:
        dialogs = self.env["crm.mailbox.connect"].with_user(self.owner)
        dialog = dialogs.create({"email": "Carla@our.example", "provider": "gmail", "stage": "settings"})
        dialog.action_provider_sign_in()
        mailbox = self.env["crm.mailbox"].search([("provisional", "=", True)])
        response = self.sign_in(mailbox)
        self.assertTrue(response.headers["Location"].endswith(f"/odoo/connect-mailbox/{dialog.id}"), response.text)
        self.env.invalidate_all()
        self.assertIn(words, dialog.hint)
        self.assertEqual(dialog.action_go_on()["res_id"], dialog.id)
        self.assertFalse(mailbox.exists())
        self.assertFalse(self.env["crm.mailbox.secret"].search([("mailbox_id", "!=", False)]))
        self.assertFalse(self.env["crm.mailbox.consent"].search([]))
        self.assertFalse(self.server.refresh_tokens)

    def test_who_gave_up_and_goes_back_in_the_browser_finds_the_list(self):
        self.mailbox.provisional = True
        self.sign_in()
        mailbox = self.mailbox.with_user(self.owner)
        dialog = mailbox.env["crm.mailbox.connect"].browse(mailbox.action_set_up()["res_id"])
        dialog.action_give_up()
        self.assertFalse(mailbox.action_set_up())
        self.assertFalse(dialog.action_go_on())

    def test_who_never_comes_back_to_the_dialog_leaves_no_consent(self):
        self.mailbox.provisional = True
        self.sign_in()
        self.env.cr.execute("UPDATE crm_mailbox SET create_date = create_date - interval '2 hours'")
        self.mailbox.invalidate_recordset()
        self.mailbox._gc_provisional()
        self.assertFalse(self.mailbox.exists())
        self.assertFalse(self.server.refresh_tokens)

    def test_what_is_asked_for_is_bound_narrow_and_exact(self):
        self.sign_in()
        [asked] = self.server.asked
        self.assertEqual(asked["redirect_uri"], f"{self.base_url()}/mail_crm_link/oauth/google")
        self.assertEqual(asked["scope"].split(), list(self.mailbox._oauth_scopes()))
        self.assertNotIn("modify", asked["scope"])
        self.assertEqual((asked["access_type"], asked["login_hint"]), ("offline", "anna@our.example"))

    def test_who_does_not_agree_is_told_and_nothing_stays(self):
        self.server.plan = "refuse"
        self.assertRefused(self.sign_in(), "You did not allow it")

    def test_who_may_not_agree_is_sent_to_the_administrator(self):
        self.server.plan = "forbidden"
        self.assertRefused(self.sign_in(), "administrator at Google has to allow this application")

    def test_the_consent_of_another_account_is_refused_and_given_back(self):
        self.server.account = "bob@our.example"
        self.assertRefused(self.sign_in(), "You signed in as bob@our.example, and this mailbox is anna@our.example")
        self.assertFalse(self.server.refresh_tokens)

    def test_a_consent_that_is_given_back_cuts_off_no_other_mailbox(self):
        self.server.account = "bob@our.example"
        bob = self.new_mailbox("bob@our.example")
        self.sign_in(bob)
        self.assertTrue(bob.has_consent)
        self.assertRefused(self.sign_in(), "You signed in as bob@our.example")
        self.assertFalse(self.server.revoked)

    def test_a_right_that_was_left_out_is_missed(self):
        self.server.plan = "fewer"
        self.assertRefused(self.sign_in(), "One of the rights was left out")

    def test_a_code_that_is_too_old_is_refused(self):
        self.server.plan = "expired"
        self.assertRefused(self.sign_in(), "Sign in once more")

    def test_an_answer_counts_once(self):
        address = self.begin()
        self.assertEqual(self.come_back(address).status_code, 303)
        again = self.come_back(address)
        self.assertIn("was used already", again.text)
        self.assertEqual(self.server.calls["authorization_code"], 1)

    def test_an_answer_after_ten_minutes_is_refused(self):
        address = self.begin()
        consent = self.env["crm.mailbox.consent"].search([])
        begun = fields.Datetime.now() - LIFETIME - timedelta(seconds=1)
        self.env.cr.execute("UPDATE crm_mailbox_consent SET create_date = %s WHERE id = %s", [begun, consent.id])
        self.assertRefused(self.come_back(address), "took longer than ten minutes")

    def test_an_answer_counts_for_the_browser_that_began(self):
        address = self.begin()
        self.authenticate("oauth_owner", "oauth_owner")
        self.assertRefused(self.come_back(address), "in another browser")

    def test_a_state_is_the_user_s_alone(self):
        other = new_test_user(self.env, "oauth_other", "sales_team.group_sale_salesman")
        consents = self.env["crm.mailbox.consent"]
        state, _verifier = consents.with_user(self.owner).sudo()._begin__(self.mailbox, "browser")
        with suppress(UserError):  # assertRaises would take back what it did
            consents.with_user(other).sudo()._take__(state, "browser")
            self.fail("somebody else's sign-in")
        with self.assertRaises(UserError):
            # nobody knows who has seen it
            consents.with_user(self.owner).sudo()._take__(state, "browser")

    def test_a_made_up_state_is_refused(self):
        response = self.come_back(f"{self.base_url()}/mail_crm_link/oauth/google?state=x&code=y")
        self.assertRefused(response, "not valid any more")
        self.assertFalse(self.server.calls)

    def test_an_answer_at_another_provider_s_address_is_refused(self):
        address = self.begin().replace("/oauth/google", "/oauth/microsoft")
        self.assertRefused(self.come_back(address), "came back from another provider")
        self.assertFalse(self.server.calls)

    def test_only_who_may_change_a_mailbox_begins(self):
        new_test_user(self.env, "oauth_other", "sales_team.group_sale_salesman")
        self.authenticate("oauth_other", "oauth_other")
        response = self.url_open(f"/mail_crm_link/oauth/begin/{self.mailbox.id}", allow_redirects=False)
        self.assertEqual(response.status_code, 200)
        self.assertFalse(self.env["crm.mailbox.consent"].search([]))

    def test_a_server_in_trouble_is_told_and_the_next_try_works(self):
        address = self.begin()
        self.server.faults.append((503, {}))
        self.assertRefused(self.come_back(address), "cannot serve at the moment. Try again in a few minutes.")
        self.assertEqual(self.sign_in().status_code, 303)

    def test_nothing_is_shown_that_was_stored(self):
        self.sign_in()
        tokens = self.secrets().values()
        self.assertTrue(tokens)
        with self.assertRaises(AccessError):
            self.env["crm.mailbox.secret"].with_user(self.owner).search([])
        with self.assertRaises(AccessError):
            self.env["crm.mailbox.consent"].with_user(self.owner).search([])
        self.env.cr.execute("SELECT ciphertext FROM crm_mailbox_secret")
        stored = " ".join(row[0] for row in self.env.cr.fetchall())
        for token in (*self.server.refresh_tokens, *self.server.access_tokens):
            self.assertNotIn(token, stored)

    def test_disconnecting_gives_the_consent_back(self):
        self.sign_in()
        refresh_token = self.secrets()["refresh_token"]
        self.mailbox.with_user(self.owner).action_disconnect()
        self.assertEqual(self.server.revoked, [refresh_token])
        self.assertFalse(self.secrets())
        self.assertEqual(self.mailbox.state, "draft")

    def test_deleting_gives_the_consent_back(self):
        self.sign_in()
        refresh_token = self.secrets()["refresh_token"]
        self.mailbox.with_user(self.owner).unlink()
        self.assertEqual(self.server.revoked, [refresh_token])

    def test_what_may_not_be_deleted_keeps_its_consent(self):
        self.sign_in()
        with (
            patch.object(self.env.registry["crm.mailbox"], "_unlink_except_with_mail", side_effect=UserError("No")),
            self.assertRaises(UserError),
        ):
            self.mailbox.unlink()
        self.assertFalse(self.server.revoked)

    def test_disconnecting_works_without_the_provider(self):
        self.sign_in()
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_revoke_url", "http://127.0.0.1:9/")
        with self.assertLogs("odoo.addons.mail_crm_link.models.crm_mailbox_oauth", "WARNING"):
            self.mailbox.action_disconnect()
        self.assertFalse(self.secrets())

    def test_disconnecting_works_without_the_key(self):
        self.sign_in()
        with patch.dict(os.environ, {"MAIL_CRM_LINK_KEY": Fernet.generate_key().decode()}):
            self.mailbox.with_user(self.owner).action_disconnect()
        self.assertFalse(self.secrets())
        self.assertEqual(self.mailbox.state, "draft")

    def test_a_consent_is_not_one_for_another_address(self):
        self.sign_in()
        self.mailbox.email = "else@our.example"
        self.assertFalse(self.mailbox.has_consent)
        with self.assertRaises(UserError):
            self.mailbox.action_connect()


@tagged("-at_install", "post_install")
class TestAccessToken(OAuthCase):
    def setUp(self):
        super().setUp()
        self.authenticate("oauth_owner", "oauth_owner")
        self.sign_in()
        self.env.invalidate_all()

    def token(self, force=False):
        with self.enter_registry_test_mode():
            return self.mailbox._token__()(force)

    def refreshed(self) -> int:
        return self.server.calls["refresh_token"]

    def test_a_good_token_costs_no_request(self):
        self.assertIn(self.token(), self.server.access_tokens)
        self.assertEqual(self.refreshed(), 0)

    def test_a_token_is_renewed_before_it_ends(self):
        self.mailbox._keep_tokens__(self.mailbox._oauth__().refresh(self.secrets()["refresh_token"]))
        self.server.lifetime = 60
        renewed = self.token(force=True)
        self.assertEqual(self.refreshed(), 2)
        self.assertNotEqual(self.token(), renewed)
        self.assertEqual(self.refreshed(), 3)

    def test_a_rotated_refresh_token_is_stored_at_once(self):
        self.server.rotates = True
        first = self.secrets()["refresh_token"]
        self.token(force=True)
        self.token(force=True)
        self.assertNotEqual(self.secrets()["refresh_token"], first)
        self.assertIn(self.secrets()["refresh_token"], self.server.refresh_tokens)

    def test_a_consent_that_was_taken_back_asks_the_owner(self):
        self.server.take_back()
        with self.assertRaises(SignInNeeded) as caught:
            self.token(force=True)
        self.assertEqual(caught.exception.cause, "consent_expired")
        sentence = self.mailbox._sentence(caught.exception)
        self.assertIn("The consent of anna@our.example is not valid any more", sentence)

    def test_a_server_that_is_not_registered_any_more_says_so(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_client_id", False)
        with self.assertRaises(NotAllowed) as caught:
            self.token(force=True)
        self.assertEqual(caught.exception.cause, "oauth_client")

    def test_a_server_in_trouble_does_not_ask_the_owner(self):
        self.server.faults.append((429, {"Retry-After": "90"}))
        with self.assertRaises(Transient) as caught:
            self.token(force=True)
        self.assertEqual(caught.exception.retry_after, 90)
        self.assertTrue(self.token(force=True))


@tagged("-at_install", "post_install")
class TestOAuthSettings(OAuthCase):
    def test_the_secret_is_written_and_never_read(self):
        settings = self.env["res.config.settings"].create({"crm_mailbox_google_client_secret": "new-secret"})
        self.assertFalse(settings.crm_mailbox_google_client_secret)
        self.assertTrue(settings.crm_mailbox_google_has_secret)
        self.assertFalse(settings.crm_mailbox_microsoft_has_secret)
        read = settings.read(["crm_mailbox_google_client_secret"])
        self.assertNotIn("new-secret", str(read) + str(self.env["ir.config_parameter"].search([]).mapped("value")))
        secrets = self.env["crm.mailbox.secret"]
        self.assertEqual(secrets._reveal__(self.env["crm.mailbox"], "google_client_secret"), "new-secret")

    def test_an_empty_field_keeps_the_secret(self):
        self.env["res.config.settings"].create({"crm_mailbox_google_client_secret": False}).execute()
        secrets = self.env["crm.mailbox.secret"]
        self.assertEqual(secrets._reveal__(self.env["crm.mailbox"], "google_client_secret"), "secret-1")

    def test_the_test_tells_right_from_wrong(self):
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.action_test_google_client()["params"]["type"], "success")
        settings.crm_mailbox_google_client_secret = "wrong"
        with self.assertRaisesRegex(UserError, "does not accept this server's client id or client secret"):
            settings.action_test_google_client()

    def test_at_microsoft_the_application_itself_is_asked_for_too(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.microsoft_authority", self.server.url)
        values = {"client_id": self.server.client_id, "client_secret": self.server.client_secret}
        entered = {f"crm_mailbox_microsoft_{name}": value for name, value in values.items()}
        settings = self.env["res.config.settings"].create(entered)
        self.assertEqual(settings.action_test_microsoft_client()["params"]["type"], "success")
        self.assertEqual(self.server.calls["client_credentials"], 1)

    def test_the_guide_is_for_administrators_and_its_pictures_are_there(self):
        new_test_user(self.env, "oauth_admin", "base.group_system")
        self.authenticate("oauth_admin", "oauth_admin")
        page = "/mail_crm_link/guide/provider-sign-in"
        text = self.url_open(page).text
        for words in ("Authorized redirect URIs", "Application (client) ID", 'id="google"', 'id="microsoft"'):
            self.assertIn(words, text)
        pictures = re.findall(r'src="([^"]+)"', text)
        self.assertEqual(len(pictures), 3)
        for picture in pictures:
            self.assertEqual(self.url_open(urljoin(page, picture)).headers["Content-Type"], "image/png")
        self.authenticate("oauth_owner", "oauth_owner")
        self.assertEqual(self.url_open(page).status_code, 404)

    def test_nobody_but_administrators_enters_it(self):
        with self.assertRaises(AccessError):
            settings = self.env["res.config.settings"].with_user(self.owner)
            settings.create({"crm_mailbox_google_client_secret": "mine"})

    def test_without_registration_people_are_sent_to_the_administrator(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_client_id", False)
        with self.assertRaisesRegex(UserError, "Ask your administrator to enter the client id"):
            self.mailbox.action_sign_in()
