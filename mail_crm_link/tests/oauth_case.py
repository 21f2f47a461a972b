"""What tests of sign-in need: a mailbox to be, an authorization server, and a browser."""

import os
from unittest.mock import patch

from cryptography.fernet import Fernet
from servers.gmail import GmailServer
from servers.oauth import AuthorizationServer

from odoo.tests import HttpCase, new_test_user

from ..connectors.scripted import ScriptedAccount, ScriptedConnector


class GoogleCase(HttpCase):
    browser_size = "1920x1080"

    def setUp(self):
        super().setUp()
        os.environ.setdefault("MAIL_CRM_LINK_KEY", Fernet.generate_key().decode())
        self.google = self.enterContext(AuthorizationServer())
        self.set_up_google(self.google)
        self.owner = new_test_user(self.env, "oauth_owner", "sales_team.group_sale_salesman")
        self.mailbox = self.new_mailbox()

    def set_up_google(self, server) -> None:
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("web.base.url", self.base_url())
        for name in ("authorize", "token", "revoke"):
            parameters.set_param(f"mail_crm_link.google_{name}_url", f"{server.url}/{name}")
        settings = self.env["res.config.settings"].create(
            {
                "crm_mailbox_google_client_id": server.client_id,
                "crm_mailbox_google_client_secret": server.client_secret,
            }
        )
        settings.execute()
        server.redirects.add(settings.crm_mailbox_google_redirect)

    def new_mailbox(self, email="anna@our.example", owner=None):
        mailboxes = self.env["crm.mailbox"].with_user(owner or self.owner)
        return mailboxes.create({"email": email, "provider": "gmail"}).sudo()

    def secrets(self, mailbox=None) -> dict[str, str]:
        """Return the stored secrets of a mailbox, by kind."""
        mailbox = mailbox or self.mailbox
        stored = self.env["crm.mailbox.secret"].search([("mailbox_id", "=", mailbox.id)])
        return {secret.kind: stored._reveal__(mailbox, secret.kind) for secret in stored}

    # --- a browser without a screen -----------------------------------------------------

    def begin(self, mailbox=None) -> str:
        """Return where the provider would send the browser back to."""
        mailbox = mailbox or self.mailbox
        consent = self.url_open(f"/mail_crm_link/oauth/begin/{mailbox.id}", allow_redirects=False)
        self.assertEqual(consent.status_code, 303)
        page = self.opener.get(consent.headers["Location"], allow_redirects=False)
        return page.headers["Location"]

    def come_back(self, address: str):
        return self.opener.get(address, allow_redirects=False)

    def sign_in(self, mailbox=None):
        return self.come_back(self.begin(mailbox))


class OAuthCase(GoogleCase):
    """Sign-in alone: the account behind it is a scripted one."""

    def setUp(self):
        super().setUp()
        self.server = self.google
        self.account = ScriptedAccount()
        mailboxes = self.env.registry["crm.mailbox"]
        scripted = patch.object(mailboxes, "_connector_gmail", lambda mailbox: ScriptedConnector(self.account))
        self.enterContext(scripted)
        self.enterContext(patch.object(mailboxes, "_take_over_aliases"))


class GmailCase(GoogleCase):
    """A browser, and an account at Gmail behind the sign-in."""

    def setUp(self):
        super().setUp()
        self.gmail = self.enterContext(GmailServer())
        self.gmail.is_good = lambda token: token in self.google.access_tokens
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_api_url", self.gmail.url)

    def tour(self, name: str) -> None:
        self.env.flush_all()
        page = f"/odoo/connected-emails/{self.mailbox.id or ''}"
        self.start_tour(page, name, login=self.owner.login, timeout=240)
        self.env.invalidate_all()
