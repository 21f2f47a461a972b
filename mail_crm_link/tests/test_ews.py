"""Mailboxes of Exchange, from the password to the card, on a server written from Microsoft's documents."""

from servers.ews import EWSRefusal, EWSServer

from odoo.exceptions import UserError
from odoo.tests import new_test_user

from ..connectors.errors import NotAllowed
from .committing_case import mail
from .exchange_case import ADDRESS, ExchangeCase


class TestEWS(ExchangeCase):
    def setUp(self):
        super().setUp()
        self.service = self.enterContext(EWSServer())
        self.account = self.service.mailbox(ADDRESS)

    def new_mailbox(self, **values):
        known = {
            "email": ADDRESS,
            "provider": "ews",
            "ews_server": self.service.endpoint,
            "ews_username": self.service.login,
            "password": self.service.password,
        }
        return self.env["crm.mailbox"].create({**known, **values})

    def test_mail_comes_to_cards_and_goes_on_coming(self):
        mailbox = self.assert_mail_comes()
        moved = self.account.deliver(mail("Eva Mill <eva@mill.example>", ADDRESS, "Once more"))
        mailbox.action_sync_now()
        [before] = self.emails([("subject", "=", "Once more")])
        self.account.move(moved, "sentitems")
        mailbox.action_sync_now()
        [after] = self.emails([("subject", "=", "Once more")])
        self.assertEqual((after, after.copy_ids.folder_id.role), (before, "sent"))

    def test_forgotten_states_cost_a_listing_and_no_mail(self):
        self.assert_nothing_is_lost(self.service.forget_states)

    def test_a_busy_server_is_left_alone_for_as_long_as_it_says(self):
        self.assert_waits(EWSRefusal("ErrorServerBusy", back_off=1_200_000, fault=True))

    def test_a_wrong_password_is_said_with_the_user_name(self):
        with self.assertRaisesRegex(UserError, r"User name used: OUR\\anna"):
            self.connected(password="guessed")

    def test_exchange_online_is_led_to_microsoft_365(self):
        with self.assertRaisesRegex(UserError, "Connect it as Microsoft 365"):
            self.connected(ews_server="outlook.office365.com")

    def test_what_is_missing_is_asked_for(self):
        with self.assertRaisesRegex(UserError, "Exchange server, Password"):
            self.connected(ews_server=False, password=False)

    def test_a_password_does_not_follow_to_another_server(self):
        mailbox = self.connected()
        mailbox.ews_server = "mail.elsewhere.example"
        self.assertFalse(mailbox.has_password)

    def test_servers_of_the_own_network_are_an_administrator_s_to_name(self):
        salesman = new_test_user(self.env, "ews_salesman", "sales_team.group_sale_salesman")
        self.addCleanup(self._forget, salesman)
        self.env["ir.config_parameter"].set_param("mail_crm_link.forbid_local", "True")
        mailbox = self.env["crm.mailbox"].with_user(salesman)
        mailbox = mailbox.create({"email": ADDRESS, "provider": "ews", "ews_server": "10.1.2.3", "password": "x"})
        account = mailbox._ews_account__()
        with self.assertRaises(NotAllowed) as caught:
            account.network.connect(*account.place, 1)
        self.assertEqual(caught.exception.cause, "host_private")
        self.env.cr.rollback()

    def _forget(self, user):
        self.env.cr.rollback()
        user.exists().unlink()
        self.env.cr.commit()

    def test_a_certificate_is_checked_unless_an_administrator_vouches_for_the_host(self):
        mailbox = self.new_mailbox(ews_server="mail.our.example")
        self.assertTrue(mailbox._ews_account__().verify)
        self.env["ir.config_parameter"].set_param(
            "mail_crm_link.exchange_unverified_hosts", "x.example, Mail.our.example"
        )
        self.assertFalse(mailbox._ews_account__().verify)
        mailbox.ews_server = "mail2.our.example"
        self.assertTrue(mailbox._ews_account__().verify)
        self.env.cr.rollback()

    def test_what_is_written_here_goes_out_and_is_one_mail(self):
        eva = self.partner("Eva Mill", "eva@mill.example")
        author = self.committed_user("ews_author")
        mailbox = self.connected(user_id=author.id)
        mailbox.action_sync_now()
        draft = self.draft(mailbox)
        draft.action_send()
        self.assertEqual((len(self.service.sent), draft.state), (1, "sent"))
        mailbox.action_sync_now()
        [email] = self.emails()
        self.assertEqual((email.partner_ids, email.direction), (eva, "out"))
