"""What administrators decide before anybody connects a mailbox: what becomes of the mail, and who connects what."""

from odoo.exceptions import AccessError
from odoo.tests import Form, TransactionCase, new_test_user, tagged

from ..connectors.discovery import known_provider


@tagged("-at_install", "post_install")
class TestConnectSettings(TransactionCase):
    def setUp(self):
        super().setUp()
        self.seller = new_test_user(self.env, "settings_seller", "sales_team.group_sale_salesman")
        found = known_provider("gmail.com").found("anna@gmail.com", "known")
        self.patch(self.registry["crm.mailbox.connect"], "_servers", lambda _dialog: found)

    def set(self, **values):
        self.env["res.config.settings"].create(
            {f"crm_mailbox_{name}": value for name, value in values.items()}
        ).execute()
        self.env.flush_all()

    def dialog(self):
        dialog = self.env["crm.mailbox.connect"].with_user(self.seller).create({"email": "anna@gmail.com"})
        dialog.action_find()
        return dialog

    def create(self, **values):
        return self.env["crm.mailbox"].with_user(self.seller).create({"email": "anna@gmail.com", **values})

    # --- what becomes of the mail -------------------------------------------------------

    def test_the_company_s_choices_are_the_dialog_s_defaults(self):
        self.set(
            link_mode="manual", visibility="public", history_days=30, outbound_unknown=True, sync_scope="open_deals"
        )
        dialog = self.dialog()
        self.assertEqual((dialog.link_mode, dialog.visibility, dialog.history_days), ("manual", "public", 30))
        self.assertEqual(
            (dialog.outbound_unknown, dialog.inbound_known, dialog.sync_scope), (True, False, "open_deals")
        )

    def test_they_are_a_mailbox_s_defaults_and_who_makes_it_may_say_otherwise(self):
        self.set(visibility="subject", history_days=0, crm_link=False)
        self.assertEqual((self.create().visibility, self.create(email="b@c.example").history_days), ("subject", 0))
        self.assertFalse(self.create(email="d@c.example").crm_link)
        self.assertEqual(self.create(email="e@c.example", visibility="private").visibility, "private")
        mailboxes = self.env["crm.mailbox"].with_context(default_visibility="public")
        self.assertEqual(mailboxes.default_get(["visibility"]), {"visibility": "public"})

    def test_each_company_has_its_own(self):
        other = self.env["res.company"].create({"name": "Other", "crm_mailbox_visibility": "public"})
        self.set(visibility="subject")
        self.assertEqual(
            self.env["crm.mailbox"].with_company(other).default_get(["visibility"])["visibility"], "public"
        )

    # --- who connects what --------------------------------------------------------------

    def test_everybody_in_sales_connects_unless_said_otherwise(self):
        self.assertTrue(self.create())
        outsider = new_test_user(self.env, "settings_outsider", "base.group_user")
        with self.assertRaisesRegex(AccessError, "people who work in sales"):
            self.env["crm.mailbox"].with_user(outsider).create({"email": "a@b.example"})

    def test_what_nobody_may_connect_is_refused_and_explained_first(self):
        self.set(imap_permission="nobody")
        dialog = self.dialog()
        self.assertEqual((dialog.connectable, dialog.help_url), (False, False))
        self.assertIn("lets nobody connect mailboxes of IMAP", dialog.hint)
        with self.assertRaisesRegex(AccessError, "lets nobody connect"):
            self.create()

    def test_a_group_connects_and_others_are_told_which(self):
        group = self.env["res.groups"].create({"name": "Mail pioneers"})
        self.set(imap_permission="group", imap_group_id=group.id)
        self.assertIn("people of the group “Mail pioneers”", self.dialog().hint)
        with self.assertRaises(AccessError):
            self.create()
        self.seller.write({"group_ids": [(4, group.id)]})
        self.assertTrue(self.dialog().connectable)
        self.assertTrue(self.create())

    def test_another_provider_is_no_way_around(self):
        mailbox = self.create()
        self.set(gmail_permission="nobody")
        with self.assertRaisesRegex(AccessError, "Gmail"):
            mailbox.provider = "gmail"

    def test_what_is_connected_goes_on_and_is_not_connected_again(self):
        mailbox = self.create(imap_host="localhost", password="secret")
        mailbox.sudo().state = "connected"
        self.set(imap_permission="nobody")
        mailbox.action_pause()
        mailbox.action_resume()
        with self.assertRaisesRegex(AccessError, "lets nobody connect"):
            mailbox.action_connect()

    def test_a_mailbox_that_is_connected_becomes_no_other_one(self):
        mailbox = self.create(imap_host="localhost", password="secret")
        mailbox.sudo().state = "connected"
        self.set(imap_permission="nobody")
        for values in ({"password": "other"}, {"imap_host": "imap.other.example"}, {"email": "b@gmail.com"}):
            with self.assertRaisesRegex(AccessError, "lets nobody connect"):
                mailbox.write(values)
        mailbox.write({"history_days": 30, "name": "Mine"})

    def test_nobody_begins_at_the_provider_without_the_button(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_client_id", "an-id")
        mailbox = self.create(provider="gmail")
        self.set(gmail_permission="nobody")
        with self.assertRaisesRegex(AccessError, "lets nobody connect"):
            mailbox._consent_url__("browser")

    def test_a_provider_that_is_closed_gives_way_to_one_that_is_open(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.google_client_id", "an-id")
        self.assertEqual(self.dialog().provider, "gmail")
        self.set(gmail_permission="nobody")
        dialog = self.dialog()
        self.assertEqual((dialog.provider, dialog.connectable), ("imap", True))

    def test_the_settings_page_opens_and_saves(self):
        with Form(self.env["res.config.settings"]) as settings:
            settings.crm_mailbox_visibility = "public"
            settings.crm_mailbox_ews_permission = "nobody"
        settings.record.execute()
        self.assertEqual(self.env.company.crm_mailbox_visibility, "public")
        self.assertFalse(self.env["crm.mailbox"].with_user(self.seller)._may_connect("ews"))
