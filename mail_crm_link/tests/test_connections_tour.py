"""Records from mail and the connections of a mail, in a real browser."""

import os
from datetime import timedelta

from cryptography.fernet import Fernet
from servers.dovecot import Dovecot

from odoo.tests import HttpCase, new_test_user, tagged

from .committing_case import mail
from .received_case import NOW, ReceivedCase


class TourCase(ReceivedCase, HttpCase):
    # wide enough for the chatter to stand beside the form
    browser_size = "1920x1080"

    def tour(self, path, tour, user=None):
        self.env.flush_all()
        self.start_tour(path, tour, login=(user or self.owner).login, timeout=240)
        self.env.invalidate_all()

    def receive(self, *args, **options):
        """Return the stored mail, with a text: there is no server to fetch it from."""
        email = super().receive(*args, **options)
        email.mail_message_id.body = "<p>Hello</p>"
        email.filtered("mail_message_id").body_state = "stored"
        return email

    def lead(self, name):
        return self.env["crm.lead"].search([("name", "=", name)])


@tagged("-at_install", "post_install")
class TestConnectionsTour(TourCase):
    def setUp(self):
        super().setUp()
        self.deal = self.opportunity("Twelve pumps", self.anna)
        self.spare_parts = self.opportunity("Spare parts")

    def test_connections_are_changed_all_at_once_or_not_at_all(self):
        email = self.receive()
        self.tour(f"/odoo/crm-emails/{email.id}", "mail_crm_link_connections")
        created = self.lead("Service contract")
        self.assertEqual(created.type, "lead")
        self.assertEqual(created.email_from, "anna@mill.example")
        self.assertEqual(self.cards(email), {self.anna, self.mill, self.spare_parts, created})

    def test_what_is_not_theirs_to_remove_is_disabled_and_says_why(self):
        email = self.receive(mailbox=self.mailbox_of_one_who_only_reads())
        self.tour(
            f"/odoo/crm-emails/{email.id}",
            "mail_crm_link_connections_refused",
            email.mailbox_ids.user_id,
        )

    def mailbox_of_one_who_only_reads(self):
        reader = new_test_user(self.env, "received_reader", "sales_team.group_sale_salesman_all_leads")
        self.env["ir.rule"].create(
            {
                "name": "Read the pumps",
                "model_id": self.env.ref("crm.model_crm_lead").id,
                "domain_force": [("name", "!=", "Twelve pumps")],
                "perm_read": False,
            }
        )
        return self.new_mailbox("reader@our.example", reader)

    def test_the_question_which_opportunity_it_is_takes_one_click(self):
        bob = self.env["res.partner"].create({"name": "Bob Lee", "email": "bob@two.example"})
        roof, cellar = self.opportunity("Roof", bob), self.opportunity("Cellar", bob)
        email = self.receive("Bob Lee <bob@two.example>")
        self.assertEqual(email.candidate_lead_ids, roof | cellar)
        self.tour(f"/odoo/crm-emails/{email.id}", "mail_crm_link_candidates")
        self.assertEqual(self.cards(email), {bob, roof})

    def test_the_to_do_stands_on_every_card_and_is_done_on_all(self):
        email = self.receive(subject="Delivery date")
        self.assertEqual(email.activity_ids.res_model, "crm.lead")
        self.tour(f"/odoo/res.partner/{self.mill.id}", "mail_crm_link_todo")
        self.assertEqual(email.state, "processed")
        self.assertFalse(self.deal.activity_ids)

    def test_the_to_do_of_a_private_mail_tells_no_subject(self):
        self.receive(subject="Delivery date")
        colleague = new_test_user(self.env, "received_colleague", "sales_team.group_sale_salesman_all_leads")
        self.tour(f"/odoo/res.partner/{self.mill.id}", "mail_crm_link_todo_private", colleague)

    def test_a_mail_is_taken_off_one_card_only(self):
        email = self.receive(subject="Delivery date")
        other = self.receive(subject="Order", In_Reply_To=email.message_id)
        self.tour(
            f"/odoo/action-crm.crm_lead_action_pipeline/{self.deal.id}",
            "mail_crm_link_take_off",
        )
        self.assertEqual(self.cards(email), {self.anna, self.mill})
        self.assertIn(self.deal, self.cards(other))

    def test_many_mails_are_processed_linked_and_removed_from_the_list(self):
        emails = self.receive() | self.receive(subject="Pipes")
        self.tour("/odoo/crm-emails", "mail_crm_link_list_actions")
        self.assertEqual(set(emails.mapped("state")), {"processed"})
        for email in emails:
            self.assertEqual(self.cards(email), {self.anna, self.mill, self.spare_parts})


@tagged("-at_install", "post_install")
class TestScenariosTour(TourCase):
    def test_three_scenarios_are_set_up_rehearsed_and_run_on_older_mail(self):
        past = NOW - timedelta(days=3)
        self.receive("Old Friend <old@hist.example>", "Old question", received=past)
        self.receive("Odd Friend <odd@odd.example>", "Not this one", received=past)
        self.receive("news@shop.example", "Sale", received=past, List_Id="<a.b>")
        self.tour(f"/odoo/connected-emails/{self.mailbox.id}", "mail_crm_link_scenarios")
        self.assertTrue(all(self.mailbox.rule_ids.mapped("active")))
        self.assertEqual(self.mailbox.rule_ids.mapped("target"), ["lead", "company", "opportunity"])
        self.assertEqual(self.lead("Old question").email_from, "old@hist.example")
        self.assertFalse(self.lead("Not this one") | self.lead("Sale"))

    def test_what_was_made_is_undone_from_the_list(self):
        lead = self.made_lead()
        self.tour("/odoo/created-from-mail", "mail_crm_link_undo")
        self.assertFalse(lead.exists())
        self.assertTrue(self.env["crm.email.block"].search([("name", "=", "carla@new.example")]))

    def test_what_was_made_is_undone_on_its_card(self):
        lead = self.made_lead()
        self.tour(f"/odoo/action-crm.crm_lead_all_leads/{lead.id}", "mail_crm_link_undo_on_card")
        self.assertFalse(lead.exists())

    def made_lead(self):
        rule = self.mailbox.rule_ids.filtered(lambda one: one.scenario == "inbound_unknown")
        rule.active = True
        rule.active_since = NOW.replace(tzinfo=None) - timedelta(hours=1)
        self.receive("Carla Stranger <carla@new.example>", "Price list")
        return self.lead("Price list").ensure_one()


class ServedTourCase(TourCase):
    """With a mail server, and mailboxes on it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.environ.setdefault("MAIL_CRM_LINK_KEY", Fernet.generate_key().decode())
        cls.dovecot = cls.enterClassContext(Dovecot())

    def connected_mailbox(self, name=""):
        """Return a mailbox of its own on the test server, nothing synchronised yet."""
        self.env["ir.config_parameter"].set_param("mail_crm_link.allowed_hosts", self.dovecot.host)
        name = name or self.id().rpartition(".")[2]
        mailbox = self.env["crm.mailbox"].with_user(self.owner)
        mailbox = mailbox.create(
            {
                "email": f"{name}@our.example",
                "imap_host": self.dovecot.host,
                "imap_port": self.dovecot.port,
                "imap_security": "none",
                "login": name,
                "password": self.dovecot.password,
            }
        )
        mailbox.action_connect()
        return mailbox.sudo()


@tagged("-at_install", "post_install")
class TestReceivedTour(ServedTourCase):
    def test_mail_of_a_real_server_becomes_records_that_are_linked(self):
        mailbox = self.connected_mailbox()
        mailbox.rule_ids.active = True
        for folder, sender, to, subject in (
            ("INBOX", "Carla Stranger <carla@new.example>", mailbox.email, "Price list"),
            ("INBOX", "Anna Meyer <anna@mill.example>", mailbox.email, "Twelve pumps"),
            ("Sent", mailbox.email, "Dora Neu <dora@neu.example>", "Our offer"),
        ):
            self.dovecot.deliver(mailbox.login, [mail(sender, to, subject)], folder)
        self.tour(f"/odoo/connected-emails/{mailbox.id}", "mail_crm_link_received")
        self.assertEqual(self.lead("Twelve pumps").partner_id, self.anna)
        dora = self.env["res.partner"].search([("email", "=", "dora@neu.example")])
        self.assertEqual((dora.name, dora.crm_email_count), ("Dora Neu", 1))

    def test_of_automatic_mail_a_record_is_made_when_somebody_wants_it(self):
        mailbox = self.connected_mailbox()
        mailbox.rule_ids.active = True
        sale = mail("News <news@shop.example>", mailbox.email, "Spring sale", List_Id="<a.b>")
        self.dovecot.deliver(mailbox.login, [sale])
        self.tour(f"/odoo/connected-emails/{mailbox.id}", "mail_crm_link_create_anyway")
        self.assertEqual(self.lead("Spring sale").email_from, "news@shop.example")
