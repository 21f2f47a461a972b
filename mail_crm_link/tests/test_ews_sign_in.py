"""The ways into an Exchange mailbox: the dialog, autodiscover, the sign-in at Microsoft, and the service account."""

from unittest.mock import patch

from servers.ews import EWSServer
from servers.oauth import AuthorizationServer, Grant

from odoo.exceptions import AccessError, UserError

from ..connectors.discovery import Found, known_provider
from ..connectors.oauth import Tokens
from ..models import crm_mailbox_ews
from .committing_case import mail
from .exchange_case import ADDRESS, ExchangeCase, discovering


class EWSSignInCase(ExchangeCase):
    def setUp(self):
        super().setUp()
        self.service = self.enterContext(EWSServer())
        self.account = self.service.mailbox(ADDRESS)
        self.addCleanup(self._forget_parameters)

    def _forget_parameters(self):
        self.env.cr.rollback()
        self.env["ir.config_parameter"].search([("key", "=like", "mail_crm_link.%")]).unlink()
        self.env.cr.commit()

    def new_mailbox(self, **values):
        return self.env["crm.mailbox"].create({"email": ADDRESS, "provider": "ews", **values})


class TestConnectExchange(EWSSignInCase):
    def setUp(self):
        super().setUp()
        self.found = Found("ews", None, None, ADDRESS, "autodiscover", exchange="mail.our.example")
        self.enterContext(patch.object(type(self.env["crm.mailbox.connect"]), "_servers", lambda _dialog: self.found))

    def dialog(self, **values):
        dialog = self.env["crm.mailbox.connect"].create({"email": ADDRESS})
        dialog.action_find()
        known = {"ews_server": self.service.endpoint, "ews_username": self.service.login, "password": "secret"}
        dialog.write({**known, **values})
        return dialog

    def sign_in(self, dialog) -> list[tuple[str, bool]]:
        marks = []
        for step in ("server", "incoming", "outgoing"):
            self.result = dialog.check_step(step)
            marks += [(mark["name"], mark["passed"]) for mark in self.result["marks"]]
            if self.result["failure"]:
                break
        return marks

    def test_from_the_address_to_the_first_synchronisation(self):
        self.account.deliver(mail("eva@mill.example", ADDRESS, "Pumps"))
        dialog = self.dialog()
        self.assertEqual((dialog.provider, dialog.protocol, dialog.hint), ("ews", "ews", False))
        self.assertIn("mail.our.example", dialog.found)
        names = ["server", "not_encrypted", "signed_in", "folders", "outgoing"]
        self.assertEqual(self.sign_in(dialog), [(name, True) for name in names])
        self.assertFalse(self.env["crm.mailbox"].search([("email", "=", ADDRESS)]), "nothing before the end")
        mailbox = self.env["crm.mailbox"].browse(dialog.action_finish()["res_id"])
        self.env.cr.commit()
        mailbox.action_sync_now()
        self.assertEqual((mailbox.state, self.emails().subject), ("connected", "Pumps"))

    def test_a_server_that_nothing_names_is_asked_of_autodiscover(self):
        self.enterContext(discovering(self.service, ADDRESS))
        dialog = self.dialog(ews_server=False)
        self.assertEqual(self.sign_in(dialog)[0], ("server", True))
        self.assertEqual(dialog.ews_server, self.service.endpoint)

    def test_without_an_autodiscover_service_the_name_is_asked_for(self):
        self.enterContext(discovering(self.service, ADDRESS))
        self.service.autodiscover.clear()
        self.assertEqual(self.sign_in(self.dialog(ews_server=False)), [("autodiscover", False)])
        self.assertIn("Your administrator knows its name", self.result["failure"]["sentence"])

    def test_a_wrong_password_is_said_with_the_user_name(self):
        self.assertEqual(self.sign_in(self.dialog(password="guessed"))[-1], ("signed_in", False))
        self.assertIn(r"User name used: OUR\anna", self.result["failure"]["sentence"])
        self.assertNotIn("guessed", self.result["failure"]["detail"])

    def test_a_server_at_exchange_online_is_led_to_microsoft_365(self):
        self.assertEqual(self.sign_in(self.dialog(ews_server="outlook.office365.com")), [("server", False)])
        self.assertIn("Connect it as Microsoft 365", self.result["failure"]["sentence"])

    def test_exchange_is_chosen_where_something_else_was_found(self):
        self.found = known_provider("yahoo.com").found(ADDRESS, "mx")
        dialog = self.dialog()
        self.assertEqual((dialog.protocol, dialog.ews_server), ("imap", self.service.endpoint))
        dialog.protocol = "ews"
        self.assertEqual(dialog.provider, "ews")
        self.assertEqual(self.sign_in(dialog)[-1], ("outgoing", True))

    def test_without_its_library_it_says_so(self):
        with patch.object(crm_mailbox_ews, "find_spec", lambda _name: None):
            dialog = self.dialog()
        self.assertEqual(dialog.provider, "imap")
        self.assertIn("exchangelib", dialog.hint)

    def test_connecting_again_keeps_server_and_user_name(self):
        mailbox = self.new_mailbox(ews_server=self.service.endpoint, ews_username="OUR\\anna", password="secret")
        mailbox.action_connect()
        self.env.cr.commit()
        self.service.password = "another"
        mailbox._sync(float("inf"))
        self.assertEqual(mailbox.state, "error")
        dialog = self.env["crm.mailbox.connect"].browse(mailbox.action_reconnect()["res_id"])
        self.assertEqual((dialog.ews_server, dialog.ews_username), (self.service.endpoint, "OUR\\anna"))
        dialog.password = "another"
        self.assertEqual(self.sign_in(dialog)[-1], ("outgoing", True))
        dialog.check_step("finish")
        self.assertEqual(mailbox.state, "connecting")


class TestEWSSignIn(EWSSignInCase):
    def test_a_mailbox_made_by_hand_finds_its_server(self):
        self.enterContext(discovering(self.service, ADDRESS))
        mailbox = self.connected(ews_username=self.service.login, password="secret")
        self.assertEqual((mailbox.ews_server, mailbox.has_password), (self.service.endpoint, True))
        self.assertEqual(mailbox.state, "connecting")

    def test_what_a_domain_names_is_no_administrator_s_word(self):
        self.enterContext(discovering(self.service, ADDRESS))
        seller = self.committed_user("ews_seller")
        mailbox = self.new_mailbox(user_id=seller.id, ews_username=self.service.login, password="secret")
        with self.assertRaisesRegex(UserError, "in a private network"):
            mailbox.action_connect()
        self.assertFalse(mailbox.trusted_servers)

    def test_a_password_does_not_follow_to_another_s_mailbox(self):
        mailbox = self.new_mailbox(ews_server=self.service.endpoint, password="of a service account")
        mailbox.name = "Mine"
        self.assertTrue(mailbox.has_password)
        mailbox.email = "boss@our.example"
        self.assertFalse(mailbox.has_password)

    # --- a service account ----------------------------------------------------------------

    def set_up_service_account(self, **values):
        self.service.impersonates = True
        self.service.denied.add(ADDRESS)
        self.env["res.config.settings"].create(
            {
                "crm_mailbox_exchange_service_server": self.service.endpoint,
                "crm_mailbox_exchange_service_username": self.service.login,
                "crm_mailbox_exchange_service_password": "secret",
                **values,
            }
        ).execute()

    def test_a_service_account_reads_and_sends_for_the_owner(self):
        self.set_up_service_account()
        mailbox = self.connected(ews_impersonated=True)
        self.account.deliver(mail("eva@mill.example", ADDRESS, "Pumps"))
        mailbox.action_sync_now()
        self.assertEqual(self.emails().subject, "Pumps")
        draft = self.draft(mailbox)
        draft.action_send()
        self.assertEqual((len(self.service.sent), self.service.acts_as), (1, ADDRESS))
        mailbox.action_disconnect()
        self.assertFalse(mailbox.ews_impersonated)

    def test_its_password_is_written_and_never_read(self):
        self.set_up_service_account()
        settings = self.env["res.config.settings"].create({})
        self.assertTrue(settings.crm_mailbox_exchange_has_service_password)
        self.assertFalse(settings.crm_mailbox_exchange_service_password)
        self.env.cr.execute("SELECT value FROM ir_config_parameter WHERE key LIKE 'mail_crm_link.exchange%'")
        self.assertNotIn(("secret",), self.env.cr.fetchall())

    def test_only_an_administrator_lets_it_and_for_one_mailbox(self):
        self.set_up_service_account()
        owner = self.committed_user("ews_owner")
        mailbox = self.new_mailbox(user_id=owner.id, ews_impersonated=True)
        with self.assertRaises(AccessError):
            mailbox.with_user(owner).ews_impersonated = True
        mailbox.with_user(owner).name = "Mine"
        self.assertTrue(mailbox.ews_impersonated)
        mailbox.with_user(owner).email = "boss@our.example"
        self.assertFalse(mailbox.ews_impersonated)

    def test_without_a_service_account_it_says_so(self):
        with self.assertRaisesRegex(UserError, "no service account"):
            self.connected(ews_impersonated=True)

    # --- at Microsoft -----------------------------------------------------------------------

    def test_who_signed_in_at_microsoft_needs_no_password(self):
        sign_in = self.enterContext(AuthorizationServer())
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("mail_crm_link.microsoft_authority", sign_in.url)
        parameters.set_param("mail_crm_link.microsoft_client_id", sign_in.client_id)
        self.env["crm.mailbox.secret"]._store__(
            self.env["crm.mailbox"], "microsoft_client_secret", sign_in.client_secret
        )
        self.service.schemes = ("Bearer",)
        self.service.accepts = sign_in.access_tokens.__contains__
        mailbox = self.new_mailbox(ews_server=self.service.endpoint, ews_sign_in="microsoft")
        self.assertEqual(mailbox.oauth_authority, "microsoft")
        self.assertIn("https://127.0.0.1/EWS.AccessAsUser.All", mailbox._oauth_scopes())
        with self.assertRaisesRegex(UserError, "sign in with Microsoft first"):
            mailbox.action_connect()
        sign_in.refresh_tokens["refresh-0"] = Grant(ADDRESS, "")
        mailbox._keep_tokens__(Tokens("", "refresh-0", 0))
        self.env.cr.commit()
        mailbox.action_connect()
        self.account.deliver(mail("eva@mill.example", ADDRESS, "Pumps"))
        mailbox.action_sync_now()
        sign_in.forget_access()
        self.account.deliver(mail("eva@mill.example", ADDRESS, "Pipes"))
        mailbox.action_sync_now()
        self.assertEqual(set(self.emails().mapped("subject")), {"Pumps", "Pipes"})
        mailbox.ews_server = "mail.elsewhere.example"
        self.assertFalse(mailbox.has_consent, "what was given for one server is not for another")
