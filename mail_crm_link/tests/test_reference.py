"""What is written for programmers is what the models say, and its example does what it says."""

import importlib.util
import os
import time
import xmlrpc.client
from pathlib import Path

import odoo
from odoo.tests import HOST, TransactionCase, tagged

from .committing_case import mail
from .reference import reference
from .test_sending import SendingCase

DOCS = Path(__file__).resolve().parents[2] / "docs"

#: Clients and other modules rely on these names; they do not change without a new major version.
CONTRACT = {
    "crm.mailbox": (
        "name email provider user_id access member_ids company_id active state status_message last_sync next_sync"
        " imap_host imap_port imap_security smtp_host smtp_port smtp_security login password ews_server ews_username"
        " crm_link link_mode sync_scope history_days visibility sentiment preferred rule_ids folder_ids email_count"
        " to_process_count action_connect action_sync_now action_pause action_resume action_disconnect action_audit"
    ),
    "crm.mailbox.rule": (
        "mailbox_id scenario active target source_id responsible user_id team_id naming skip_automatic"
        " skip_if_open_deal action_rehearse action_undo"
    ),
    "crm.mailbox.folder": "mailbox_id name role sync total_count synced_count",
    "crm.email": (
        "message_id subject email_from email_to email_cc date direction state snippet body attachment_ids"
        " has_attachment size automatic sentiment conversation_id mailbox_ids copy_ids link_ids lead_ids partner_ids"
        " mail_message_id link_to unlink_from create_record action_mark_processed action_reply action_reply_all"
        " action_forward"
    ),
    "crm.email.copy": "email_id mailbox_id folder_id uidvalidity remote_id seen",
    "crm.email.link": "email_id lead_id partner_id origin reason user_id active",
    "crm.email.composer": (
        "mailbox_id to cc bcc subject body attachment_ids template_id parent_id model res_id scheduled_date action_send"
    ),
    "crm.lead": (
        "crm_email_ids crm_email_count crm_email_to_process_count action_open_crm_emails action_compose_crm_email"
    ),
    "res.partner": (
        "crm_email_ids crm_email_count crm_email_to_process_count source_id action_open_crm_emails"
        " action_compose_crm_email"
    ),
}
SELECTIONS = {
    ("crm.mailbox", "provider"): "imap gmail graph ews",
    ("crm.mailbox", "access"): "personal shared",
    ("crm.mailbox", "state"): "draft connecting connected error waiting paused",
    ("crm.mailbox", "imap_security"): "ssl starttls none",
    ("crm.mailbox", "smtp_security"): "ssl starttls none",
    ("crm.mailbox", "link_mode"): "manual automatic",
    ("crm.mailbox", "sync_scope"): "all open_deals",
    ("crm.mailbox", "visibility"): "public subject private",
    ("crm.mailbox.rule", "scenario"): "inbound_unknown outbound_unknown inbound_known",
    ("crm.mailbox.rule", "target"): "lead opportunity contact company",
    ("crm.mailbox.rule", "responsible"): "user sender contact",
    ("crm.mailbox.rule", "naming"): "auto subject",
    ("crm.mailbox.folder", "role"): "inbox sent archive drafts junk trash other",
    ("crm.email", "direction"): "in out",
    ("crm.email", "state"): "to_process processed",
    ("crm.email", "automatic"): "none bulk auto_reply bounce notification",
    ("crm.email", "sentiment"): "positive neutral negative unknown",
    ("crm.email.link", "origin"): "address thread rule inherited manual",
}


@tagged("-at_install", "post_install")
class TestReference(TransactionCase):
    def test_every_name_of_the_contract_is_there(self):
        for model, names in CONTRACT.items():
            missing = [name for name in names.split() if not hasattr(self.env[model], name)]
            self.assertFalse(missing, model)

    def test_selections_have_the_values_of_the_contract(self):
        for (model, name), values in SELECTIONS.items():
            with self.subTest(f"{model}.{name}"):
                self.assertLessEqual(set(values.split()), set(self.env[model]._fields[name].get_values(self.env)))

    def test_every_name_of_the_contract_is_in_the_reference(self):
        text = reference(self.env)
        for names in CONTRACT.values():
            for name in names.split():
                self.assertTrue(f"``{name}``" in text or f"``{name}(" in text, name)

    def test_the_reference_is_what_the_models_say(self):
        path = DOCS / "reference.rst"
        if not DOCS.is_dir():
            self.skipTest("Installed without the documentation")
        if os.environ.get("WRITE_REFERENCE"):
            path.write_text(reference(self.env))
        # Other modules may add values and fields of their own to what is described here.
        self.assertEqual(path.read_text().splitlines(), reference(self.env).splitlines(), "Set WRITE_REFERENCE=1")


class TestExample(SendingCase):
    """The example, over HTTP, against an IMAP server and one for sending."""

    def setUp(self):
        super().setUp()
        path = DOCS / "examples" / "first_answer.py"
        if not path.is_file():
            self.skipTest("Installed without the documentation")
        spec = importlib.util.spec_from_file_location("first_answer", path)
        self.example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.example)
        self.url = f"http://{HOST}:{odoo.service.server.server.httpd.server_port}"
        self.client = self.example.Odoo(self.url, self.env.cr.dbname, self.author.login, self.author.login)
        self.servers = {
            "imap_host": self.dovecot.host,
            "imap_port": self.dovecot.port,
            "imap_security": "none",
            "smtp_host": self.submission.host,
            "smtp_port": self.submission.port,
            "smtp_security": "none",
            "login": self.user,
        }
        # The address of the mailbox that the case has connected is free for the example.
        self.mailbox.active = False
        self.env.cr.commit()

    def connect(self):
        return self.example.connect(self.client, self.mailbox.email, self.dovecot.password, **self.servers)

    def test_from_connecting_to_the_first_answer(self):
        self.deliver(mail("Old <old@mill.example>", self.mailbox.email, "Last week"), days_ago=7)
        mailbox_id = self.connect()
        mailbox = self.example.wait_for_first_sync(self.client, mailbox_id)
        self.assertEqual((mailbox["state"], mailbox["email_count"]), ("connected", 1))

        question = mail("Anna Meyer <anna@mill.example>", self.mailbox.email, "Pumps", Message_ID="<q@mill.example>")
        self.deliver(question, days_ago=0)
        self.example.wait_for_first_sync(self.client, mailbox_id)
        [email] = self.example.waiting(self.client, mailbox_id)
        self.assertEqual(email["subject"], "Pumps")
        self.assertEqual(email["partner_ids"], self.anna.ids)

        deal_id = self.example.create_opportunity(self.client, email["id"], name="Ten pumps")
        partner_id = self.client.call("res.partner", "create", {"name": "Mill Ltd"})
        self.example.bind(self.client, email["id"], "res.partner", partner_id)
        # Dates of mail are whole seconds, and an answer is later than the question.
        time.sleep(1)
        draft_id = self.example.answer(self.client, email["id"], "<p>With pleasure.</p>")

        self.env.cr.rollback()
        stored = self.emails([("id", "=", email["id"])])
        self.assertEqual((stored.lead_ids.ids, stored.lead_ids.name), ([deal_id], "Ten pumps"))
        self.assertIn(partner_id, stored.partner_ids.ids)
        self.assertEqual(stored.state, "processed")
        self.assertEqual(self.env["crm.email.composer"].browse(draft_id).state, "sent")
        [[_sender, recipients, raw]] = [(one.sender, one.recipients, one.raw) for one in self.submission.taken]
        self.assertEqual(recipients, ["anna@mill.example"])
        self.assertIn(b"<q@mill.example>", raw)

    def test_a_wrong_password_is_a_sentence_and_leaves_nothing(self):
        with self.assertRaisesRegex(xmlrpc.client.Fault, "password"):
            self.example.connect(self.client, "else@our.example", "wrong", **self.servers)
        self.env.cr.rollback()
        self.assertFalse(self.env["crm.mailbox"].search([("email", "=", "else@our.example")]))

    def test_a_stranger_is_not_let_in(self):
        with self.assertRaises(PermissionError):
            self.example.Odoo(self.url, self.env.cr.dbname, "nobody", "nothing")
