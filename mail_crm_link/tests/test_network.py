"""Who may connect a mailbox to which server (F4)."""

import socket

from servers.canned_imap import CannedImap

from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged

from ..connectors.errors import NotAllowed


@tagged("-at_install", "post_install")
class TestNetwork(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(CannedImap())
        cls.ann = new_test_user(cls.env, "network_ann", "sales_team.group_sale_salesman")
        cls.boss = new_test_user(cls.env, "network_boss", "base.group_system,sales_team.group_sale_manager")
        cls.env["ir.config_parameter"].set_param("mail_crm_link.forbid_local_servers", "True")

    def mailbox(self, user, **values):
        """Return a mailbox of the salesperson that ``user`` entered."""
        mailbox = self.env["crm.mailbox"].with_user(user)
        return mailbox.create(
            {
                "email": "ann@our.example",
                "user_id": self.ann.id,
                "imap_host": "127.0.0.1",
                "imap_port": self.server.port,
                "imap_security": "none",
                "smtp_host": False,
                "password": "pw",
                **values,
            }
        ).with_user(self.ann)

    def allow(self, hosts: str = "", **parameters) -> None:
        values = {"allowed_hosts": hosts, **parameters}
        for name, value in values.items():
            self.env["ir.config_parameter"].set_param(f"mail_crm_link.{name}", value)

    def assert_refused(self, mailbox, sentence: str) -> None:
        self.server.commands.clear()
        with self.assertRaisesRegex(UserError, sentence):
            mailbox.action_test_connection()
        self.assertFalse(self.server.commands)

    def assert_works(self, mailbox) -> None:
        self.assertIn("It works", mailbox.action_test_connection()["params"]["message"])

    def test_a_salesperson_cannot_look_around_in_the_company_network(self):
        for host in ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "::ffff:127.0.0.1"):
            mailbox = self.mailbox(self.ann, email=f"{len(host)}@our.example", imap_host=host, imap_security="ssl")
            self.assert_refused(mailbox, "not in the Internet but in a private network")

    def test_a_mail_server_beside_odoo_is_for_everybody_until_an_administrator_says_otherwise(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.forbid_local_servers", False)
        self.assert_works(self.mailbox(self.ann))
        for host in ("0x7f.1", "2130706433", "127.1"):
            mailbox = self.mailbox(self.ann, email=f"{host}@our.example", imap_host=host, imap_security="ssl")
            self.assert_refused(mailbox, "private network")
        self.allow("mail.example.com")
        self.assert_refused(self.mailbox(self.ann, email="other@our.example"), "has not allowed connections to")

    def test_a_name_that_leads_to_this_machine_is_not_its_own(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.forbid_local_servers", False)
        address = socket.getaddrinfo("127.0.0.1", self.server.port, type=socket.SOCK_STREAM)
        self.patch(socket, "getaddrinfo", lambda *_args, **_options: address)
        mailbox = self.mailbox(self.ann, imap_host="rebound.example.com", imap_security="ssl")
        self.assert_refused(mailbox, "private network")

    def test_an_administrator_may_enter_a_private_server(self):
        self.assert_works(self.mailbox(self.boss))

    def test_what_an_administrator_corrects_is_trusted(self):
        mailbox = self.mailbox(self.ann)
        mailbox.with_user(self.boss).write({"imap_port": self.server.port, "password": "pw"})
        self.assert_works(mailbox)

    def test_a_salesperson_cannot_go_on_from_there(self):
        mailbox = self.mailbox(self.boss)
        mailbox.write({"imap_port": 22, "password": "pw"})
        self.assert_refused(mailbox, "private network")
        mailbox.write({"imap_port": self.server.port, "imap_host": "127.0.0.2", "password": "pw"})
        self.assert_refused(mailbox, "private network")
        mailbox.write({"imap_host": "127.0.0.1", "smtp_host": False, "password": "pw"})
        self.assert_works(mailbox)

    def test_the_server_for_sending_that_follows_from_it_is_trusted_too(self):
        mailbox = self.mailbox(self.ann, imap_host="imap.example.com", smtp_host="127.0.0.9")
        mailbox.with_user(self.boss).imap_host = "127.0.0.1"
        self.assertEqual(mailbox.sudo().trusted_servers, [["127.0.0.1", self.server.port]])
        mailbox.with_user(self.boss).write({"smtp_host": False, "imap_host": "127.0.0.2"})
        created = (
            self.env["crm.mailbox"].with_user(self.boss).create({"email": "b@our.example", "imap_host": "10.0.0.1"})
        )
        self.assertEqual(created.sudo().trusted_servers, [["10.0.0.1", 993], [created.smtp_host, created.smtp_port]])

    def test_nobody_says_by_hand_what_is_trusted(self):
        servers = [["127.0.0.1", self.server.port]]
        for user in (self.ann, self.boss):
            with self.assertRaises(AccessError):
                self.mailbox(user, trusted_servers=servers)
        mailbox = self.mailbox(self.ann)
        with self.assertRaises(AccessError):
            mailbox.trusted_servers = servers
        copied = self.mailbox(self.boss, email="other@our.example").copy({"email": "copy@our.example"})
        self.assertFalse(copied.sudo().trusted_servers)

    def test_the_list_of_allowed_servers_opens_a_private_one_to_everybody(self):
        mailbox = self.mailbox(self.ann)
        for hosts in ("127.0.0.1", "*, 127.0.0.0/8", "mail.example.com; 127.0.0.1"):
            self.allow(hosts)
            self.assert_works(mailbox)
        self.allow("*")
        self.assert_refused(mailbox, "private network")

    def test_the_list_of_allowed_servers_closes_the_internet(self):
        self.allow("mail.example.com, *.example.org")
        mailbox = self.mailbox(self.ann, imap_host="imap.example.com", imap_security="ssl")
        self.assert_refused(mailbox, "has not allowed connections to")

    def test_no_password_leaves_this_machine_unencrypted(self):
        address = socket.getaddrinfo("127.0.0.1", self.server.port, type=socket.SOCK_STREAM)
        self.patch(socket, "getaddrinfo", lambda *_args, **_options: address)
        mailbox = self.mailbox(self.boss, imap_host="mail.example.com")
        self.assert_refused(mailbox, "Without encryption, everybody on the way to mail.example.com")
        self.allow("mail.example.com", allow_unencrypted="True")
        self.assert_works(mailbox)

    def test_the_settings_page_sets_both(self):
        settings = self.env["res.config.settings"].create(
            {"crm_mailbox_allowed_hosts": "*, 127.0.0.1", "crm_mailbox_allow_unencrypted": True}
        )
        settings.execute()
        network = self.mailbox(self.ann)._network()
        self.assertEqual((network.allowed, network.plain), (("*", "127.0.0.1"), True))

    def test_the_synchronisation_obeys_too(self):
        mailbox = self.mailbox(self.boss)
        mailbox.action_connect()
        mailbox.sudo().trusted_servers = False
        with self.assertRaises(NotAllowed):
            mailbox.sudo()._connector().open()
