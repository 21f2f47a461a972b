"""The dialog that connects a mailbox, as a salesperson uses it in a browser, against a real IMAP server."""

import os

from cryptography.fernet import Fernet
from servers.dovecot import Dovecot
from servers.ews import EWSServer

from odoo.tests import HttpCase, new_test_user, tagged

from ..connectors.discovery import Found, Server, known_provider
from ..connectors.imap import IMAPConnector
from ..connectors.imap.causes import login_refusal
from .exchange_case import discovering


class ConnectCase(HttpCase):
    """A salesperson without a mailbox, and what is found of their address."""

    browser_size = "1440x900"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.environ.setdefault("MAIL_CRM_LINK_KEY", Fernet.generate_key().decode())
        cls.dovecot = cls.enterClassContext(Dovecot())
        cls.seller = new_test_user(cls.env, "seller", "sales_team.group_sale_salesman_all_leads")

    def setUp(self):
        super().setUp()
        self.found = Found(
            "imap", Server("127.0.0.1", self.dovecot.port, "none"), None, "seller@mill.example", "autoconfig"
        )
        dialogs = self.registry["crm.mailbox.connect"]
        self.patch(dialogs, "_servers", lambda _dialog: self.found)

    def start(self, tour: str) -> None:
        self.start_tour("/odoo/connected-emails", tour, login="seller", timeout=120)

    def mailbox(self):
        return self.env["crm.mailbox"].search([("user_id", "=", self.seller.id)])


@tagged("post_install", "-at_install")
class TestConnectOnPhone(ConnectCase):
    browser_size = "375x667"

    def test_what_went_wrong_is_in_sight(self):
        self.found = None
        self.start("mail_crm_link_connect_unknown_host")


@tagged("post_install", "-at_install")
class TestConnectTour(ConnectCase):
    def test_an_address_and_a_password_are_enough(self):
        self.start("mail_crm_link_connect")
        mailbox = self.mailbox()
        self.assertEqual((mailbox.state, mailbox.email), ("connecting", "seller@mill.example"))
        self.assertEqual(mailbox.rule_ids.filtered("active").mapped("scenario"), ["inbound_unknown"])

    def test_a_wrong_password_is_explained_and_can_be_entered_anew(self):
        self.start("mail_crm_link_connect_wrong_password")
        self.assertFalse(self.mailbox())

    def test_an_unknown_host_is_explained_and_can_be_corrected(self):
        self.found = None
        self.start("mail_crm_link_connect_unknown_host")
        self.assertFalse(self.mailbox())

    def test_who_needs_an_app_password_is_led_there(self):
        provider = known_provider("yahoo.com")
        self.found = provider.found("seller@yahoo.com", "known")

        def refuse(_connector):
            raise login_refusal("[AUTHENTICATIONFAILED] LOGIN Invalid credentials", provider.incoming.host)

        self.patch(IMAPConnector, "open", refuse)
        self.patch(self.registry["crm.mailbox.connect"], "_check_server", lambda dialog: dialog._passed("server"))
        self.start("mail_crm_link_connect_app_password")
        self.assertFalse(self.mailbox())

    def test_an_exchange_server_is_found_by_the_sign_in(self):
        self.found = None
        exchange = self.enterContext(EWSServer(login="MILL\\seller", password=self.dovecot.password))
        exchange.mailbox("seller@mill.example")
        self.env["ir.config_parameter"].set_param("mail_crm_link.allowed_hosts", "*, 127.0.0.1")
        self.enterContext(discovering(exchange, "seller@mill.example"))
        self.start("mail_crm_link_connect_exchange")
        mailbox = self.mailbox()
        self.assertEqual((mailbox.provider, mailbox.ews_server), ("ews", exchange.endpoint))
        self.assertEqual((mailbox.state, mailbox.ews_username), ("connecting", "MILL\\seller"))
