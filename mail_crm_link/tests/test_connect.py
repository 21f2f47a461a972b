"""Connecting a mailbox by its address: what is found, what is tried, and that nothing stays of a failure."""

from unittest.mock import patch

from servers.dovecot import free_port

from odoo.exceptions import UserError
from odoo.tests import Form

from ..connectors.discovery import Found, Server, known_provider
from ..connectors.imap.causes import login_refusal
from ..connectors.smtp import SMTPConnector
from ..models.oauth_authorities import AUTHORITIES
from .committing_case import CommittingCase, mail


class TestConnect(CommittingCase):
    def setUp(self):
        super().setUp()
        self.found = Found(
            "imap",
            Server(self.dovecot.host, self.dovecot.port, "none"),
            None,
            self.user,
            "autoconfig",
        )
        dialogs = type(self.env["crm.mailbox.connect"])
        self.patch(dialogs, "_servers", lambda _dialog: self.found)

    def dialog(self, **values):
        email = values.pop("email", f"{self.user}@our.example")
        dialog = self.env["crm.mailbox.connect"].create({"email": email})
        dialog.action_find()
        dialog.write({"password": self.dovecot.password, **values})
        return dialog

    def sign_in(self, dialog) -> list[dict]:
        results = []
        for step in ("server", "incoming", "outgoing"):
            results.append(dialog.check_step(step))
            if results[-1]["failure"]:
                break
        return results

    def marks(self, results) -> list[tuple[str, bool]]:
        return [(mark["name"], mark["passed"]) for result in results for mark in result["marks"]]

    def assert_fails(self, mark: str, sentence: str, **values) -> dict:
        results = self.sign_in(self.dialog(**values))
        self.assertEqual(self.marks(results)[-1], (mark, False))
        self.assertIn(sentence, results[-1]["failure"]["sentence"])
        self.assertFalse(self.env["crm.mailbox"].search([("email", "=", f"{self.user}@our.example")]))
        return results[-1]["failure"]

    # --- the way through ----------------------------------------------------------------

    def test_from_the_address_to_the_first_synchronisation(self):
        self.deliver(mail("a@b.example", f"{self.user}@our.example"))
        self.deliver(mail("a@b.example", f"{self.user}@our.example"), folder="Junk")
        dialog = self.dialog()
        self.assertEqual((dialog.stage, dialog.imap_host, dialog.login), ("settings", self.dovecot.host, self.user))
        results = self.sign_in(dialog)
        names = ["server", "not_encrypted", "signed_in", "folders", "no_outgoing"]
        self.assertEqual(self.marks(results), [(name, True) for name in names])
        self.assertEqual(dialog.stage, "options")
        self.assertFalse(self.env["crm.mailbox"].search([("login", "=", self.user)]), "nothing before the end")
        chosen = {line.role: line.sync for line in dialog.folder_ids}
        self.assertEqual((chosen["inbox"], chosen["junk"]), (True, False))
        dialog.write({"history_days": 30, "inbound_unknown": True, "visibility": "subject"})
        dialog.folder_ids.filtered(lambda line: line.role == "junk").sync = True
        action = dialog.action_finish()
        mailbox = self.env["crm.mailbox"].browse(action["res_id"])
        self.assertEqual((mailbox.state, mailbox.history_days, mailbox.visibility), ("connecting", 30, "subject"))
        self.assertEqual(mailbox.rule_ids.filtered("active").mapped("scenario"), ["inbound_unknown"])
        self.assertIn("junk", mailbox.folder_ids.filtered("sync").mapped("role"))
        self.env.cr.commit()
        mailbox.action_sync_now()
        self.assertEqual((mailbox.state, len(self.emails())), ("connected", 1))

    def test_outgoing_mail_is_tried_too_and_may_be_left_out(self):
        dialog = self.dialog(smtp_host=self.dovecot.host, smtp_port=free_port(), smtp_security="none")
        results = self.sign_in(dialog)
        self.assertEqual(self.marks(results)[-1], ("outgoing", False))
        self.assertTrue(results[-1]["skippable"])
        self.assertEqual(dialog.stage, "settings")
        dialog.action_without_outgoing()
        self.assertTrue(dialog.check_step("outgoing")["done"])
        self.assertEqual(dialog.stage, "options")

    def test_outgoing_mail_that_signs_in_passes(self):
        dialog = self.dialog(smtp_host="smtp.our.example", smtp_port=465, smtp_security="ssl")
        with patch.object(SMTPConnector, "open", lambda _connector: None):
            self.assertEqual(self.marks(self.sign_in(dialog))[-1], ("outgoing", True))

    # --- failures -----------------------------------------------------------------------

    def test_a_port_follows_its_encryption_unless_it_is_the_servers_own(self):
        with Form(self.env["crm.mailbox.connect"].create({"email": "x@our.example", "stage": "settings"})) as form:
            form.advanced, form.imap_port = True, 1993
            form.smtp_security = "ssl"
            self.assertEqual((form.imap_port, form.smtp_port), (1993, 465))
            form.smtp_security, form.imap_security = "starttls", "starttls"
            self.assertEqual((form.imap_port, form.smtp_port), (1993, 587))

    def test_a_wrong_password(self):
        failure = self.assert_fails("signed_in", "password is wrong", password="wrong-secret")
        self.assertIn("AUTHENTICATIONFAILED", failure["detail"])
        self.assertNotIn("wrong-secret", failure["detail"])

    def test_a_host_that_is_not_there(self):
        self.assert_fails("server", "was not found", imap_host="imap.nowhere.invalid", imap_security="ssl")

    def test_a_certificate_nobody_vouches_for(self):
        port = self.dovecot.tls_port
        self.assert_fails(
            "encrypted", "an authority that this server does not know", imap_security="ssl", imap_port=port
        )

    def test_a_provider_that_wants_an_app_password(self):
        def refused(_mailbox):
            raise login_refusal("[AUTHENTICATIONFAILED] Invalid credentials", "imap.gmail.com")

        with patch.object(type(self.env["crm.mailbox"]), "_opened", refused):
            dialog = self.dialog(imap_host="localhost")
            dialog.imap_port = self.dovecot.port
            failure = dialog.check_step("incoming")["failure"]
        self.assertIn("app password", failure["sentence"])

    def test_missing_values_are_named(self):
        dialog = self.env["crm.mailbox.connect"].create({"email": f"{self.user}@our.example"})
        with self.assertRaisesRegex(UserError, "Please fill in: IMAP server, Password"):
            dialog.check_step("server")

    def test_what_is_no_address(self):
        for typed in ("nonsense", "anna@our.example, bob@our.example"):
            with self.subTest(typed), self.assertRaisesRegex(UserError, "is not an email address"):
                self.env["crm.mailbox.connect"].create({"email": typed}).action_find()

    def test_what_is_pasted_may_have_more_than_the_address(self):
        self.found = None
        named, linked = "Anna Meyer <Anna.M@our.example>", "mailto:Anna.M@our.example"
        for typed in (" Anna.M@our.example ", named, linked, "Anna.M\u200b@our.example"):
            with self.subTest(typed):
                self.assertEqual(self.dialog(email=typed).email, "Anna.M@our.example")

    def test_nothing_found_asks_for_the_servers(self):
        self.found = None
        dialog = self.dialog()
        self.assertTrue(dialog.advanced and dialog.connectable)
        self.assertIn("your provider or your administrator", dialog.hint)

    # --- providers ----------------------------------------------------------------------

    def test_known_providers_say_what_their_password_is(self):
        self.patch(type(self.env["crm.mailbox.connect"]), "_servers", _servers_of_known)
        hints = {
            "anna@yahoo.com": "wants an app password",
            "anna@icloud.com": "wants an app password",
            "anna@outlook.com": "does not accept passwords",
            "anna@proton.me": "cannot be connected",
        }
        for address, hint in hints.items():
            dialog = self.dialog(email=address)
            self.assertIn(hint, dialog.hint)
            self.assertTrue(dialog.help_url.startswith("https://"))
            self.assertEqual(dialog.connectable, address != "anna@proton.me")

    def test_servers_of_an_address_tried_before_are_forgotten(self):
        self.patch(type(self.env["crm.mailbox.connect"]), "_servers", _servers_of_known)
        dialog = self.dialog(email="anna@yahoo.com")
        self.assertEqual(dialog.smtp_host, "smtp.mail.yahoo.com")
        self.patch(type(self.env["crm.mailbox.connect"]), "_servers", lambda _dialog: None)
        dialog.action_back()
        dialog.email = f"{self.user}@our.example"
        dialog.action_find()
        self.assertFalse(dialog.imap_host or dialog.smtp_host or dialog.login)

    def test_a_provider_that_is_set_up_is_signed_in_at_and_nothing_half_connected_stays(self):
        self.patch(type(self.env["crm.mailbox.connect"]), "_servers", _servers_of_known)
        self.env["ir.config_parameter"].set_param(AUTHORITIES["google"].parameter("client_id"), "an-id")
        self.addCleanup(self.env["ir.config_parameter"].set_param, AUTHORITIES["google"].parameter("client_id"), False)
        dialog = self.dialog(email="anna@gmail.com")
        self.assertEqual((dialog.provider, dialog.hint), ("gmail", False))
        action = dialog.action_provider_sign_in()
        self.assertEqual(action["type"], "ir.actions.act_url")
        mailbox = self.env["crm.mailbox"].search([("email", "=", "anna@gmail.com")])
        self.assertTrue(mailbox.provisional and mailbox.state == "draft")
        self.env.cr.execute("UPDATE crm_mailbox SET create_date = create_date - interval '2 hours'")
        mailbox.invalidate_recordset()
        mailbox._gc_provisional()
        self.assertFalse(mailbox.exists())
        dialog.action_use_imap()
        self.assertEqual((dialog.provider, dialog.imap_host), ("imap", "imap.gmail.com"))
        self.assertIn("app password", dialog.hint)

    # --- again --------------------------------------------------------------------------

    def test_a_connected_address_is_not_connected_twice(self):
        mailbox = self.connected_mailbox()
        with self.assertRaisesRegex(UserError, "already"):
            self.dialog(email=mailbox.email)

    def test_reconnecting_keeps_everything_and_goes_on(self):
        mailbox = self.connected_mailbox()
        self.deliver(mail("a@b.example", mailbox.email, subject="First"))
        mailbox.action_sync_now()
        self.dovecot_refuses(mailbox)
        mails = self.env["mail.mail"].search([("email_to", "ilike", mailbox.user_id.email)])
        self.assertEqual(len(mails), 1)
        self.assertIn(mailbox.email, mails.subject)
        self.assertEqual(mailbox.status_cause, "wrong_password")
        self.assertTrue(mailbox.stopped_at)
        dialog = self.env["crm.mailbox.connect"].browse(mailbox.action_reconnect()["res_id"])
        self.assertIn("password is wrong", dialog.hint)
        dialog.password = self.dovecot.password
        results = self.sign_in(dialog)
        self.assertFalse(results[-1]["done"])
        self.assertTrue(dialog.check_step("finish")["done"])
        self.env.cr.commit()
        self.assertFalse(mailbox.status_cause or mailbox.stopped_at)
        self.deliver(mail("a@b.example", mailbox.email, subject="Second"))
        mailbox.action_sync_now()
        self.assertEqual((mailbox.state, len(self.emails())), ("connected", 2))

    def test_the_owner_is_told_once(self):
        mailbox = self.connected_mailbox()
        self.dovecot_refuses(mailbox)
        for _try in range(2):
            with self.assertRaisesRegex(UserError, "password is wrong"):
                mailbox.action_sync_now()
        self.assertEqual(self.env["mail.mail"].search_count([("subject", "ilike", mailbox.email)]), 1)

    def dovecot_refuses(self, mailbox) -> None:
        mailbox.password = "changed elsewhere"
        self.env.cr.commit()
        mailbox._sync(float("inf"))
        self.assertEqual(mailbox.state, "error")

    # --- secrets ------------------------------------------------------------------------

    def test_the_password_is_stored_encrypted_and_told_to_nobody(self):
        dialog = self.dialog(password="very secret")
        self.env.flush_all()
        self.env.cr.execute("SELECT row_to_json(d)::text FROM crm_mailbox_connect d WHERE id = %s", [dialog.id])
        self.assertNotIn("very secret", self.env.cr.fetchone()[0])
        self.assertFalse(dialog.read(["password"])[0]["password"])
        self.assertNotIn("sealed_password", dialog.with_user(self.env.ref("base.user_admin")).fields_get())


def _servers_of_known(dialog) -> Found:
    return known_provider(dialog.email.rpartition("@")[2]).found(dialog.email, "known")
