"""Writing as people do it, in a browser, against real servers."""

import imaplib
import os
from email import message_from_bytes, policy

from cryptography.fernet import Fernet
from servers.dovecot import Dovecot
from servers.submission import Submission

from odoo.tests import HttpCase, new_test_user, tagged

from .committing_case import mail

OWNER = "composer_owner"


class ComposingCase(HttpCase):
    """A salesperson with a connected mailbox, and an opportunity of theirs with Anna as its contact."""

    browser_size = "1920x1080"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.environ.setdefault("MAIL_CRM_LINK_KEY", Fernet.generate_key().decode())
        cls.dovecot = cls.enterClassContext(Dovecot())
        cls.submission = cls.enterClassContext(Submission())
        cls.owner = new_test_user(cls.env, OWNER, "sales_team.group_sale_salesman_all_leads", name="Olga Owner")
        cls.mailbox = cls.env["crm.mailbox"].create(
            {
                "email": f"{OWNER}@our.example",
                "user_id": cls.owner.id,
                "imap_host": cls.dovecot.host,
                "imap_port": cls.dovecot.port,
                "imap_security": "none",
                "smtp_host": cls.submission.host,
                "smtp_port": cls.submission.port,
                "smtp_security": "none",
                "login": OWNER,
                "password": cls.dovecot.password,
            }
        )
        cls.mailbox.action_connect()
        cls.anna = cls.env["res.partner"].create({"name": "Anna Meyer", "email": "anna@mill.example"})
        cls.lead = cls.env["crm.lead"].create(
            {"name": "Pumps for the mill", "partner_id": cls.anna.id, "user_id": cls.owner.id, "type": "opportunity"}
        )
        cls.env["ir.attachment"].create(
            {"name": "price list.pdf", "raw": b"%PDF-1.4 prices", "res_model": "crm.lead", "res_id": cls.lead.id}
        )

    def setUp(self):
        super().setUp()
        self.submission.taken.clear()

    def start(self, tour, path=None, login=OWNER):
        self.env.flush_all()
        path = path or f"action-crm.crm_lead_action_pipeline/{self.lead.id}"
        self.start_tour(f"/odoo/{path}", tour, login=login, timeout=120)
        self.env.invalidate_all()

    def synchronise(self):
        self.env.flush_all()
        with self.registry.cursor() as cursor:
            self.mailbox.with_env(self.env(cr=cursor)).action_sync_now()
        self.env.invalidate_all()

    def in_sent(self):
        with imaplib.IMAP4(self.dovecot.host, self.dovecot.port) as client:
            client.login(OWNER, self.dovecot.password)
            client.select("Sent", readonly=True)
            number = client.search(None, "ALL")[1][0].split()[-1]
            raw = client.fetch(number, "(BODY.PEEK[])")[1][0][1]
        return message_from_bytes(raw, policy=policy.default)


@tagged("post_install", "-at_install")
class TestComposerTour(ComposingCase):
    def test_a_new_mail_from_the_card(self):
        self.start("mail_crm_link_compose")
        [taken] = self.submission.taken
        self.assertEqual(taken.recipients, ["anna@mill.example", "second@mill.example", "boss@mill.example"])
        sent = self.in_sent()
        self.assertEqual(bytes(sent).replace(b"\r\n", b"\n"), taken.raw.replace(b"\r\n", b"\n"))
        self.assertEqual((sent["Subject"], sent["Cc"]), ("Our offer", "boss@mill.example"))
        self.assertIn("Twelve pumps", sent.get_body(("html",)).get_content())
        [part] = sent.iter_attachments()
        self.assertEqual((part.get_filename(), part.get_content()), ("price list.pdf", b"%PDF-1.4 prices"))

    def test_a_name_that_nobody_was_chosen_for_is_told_and_can_be_corrected(self):
        self.start("mail_crm_link_compose_unchosen")
        [taken] = self.submission.taken
        self.assertEqual(taken.recipients, ["anna@mill.example", "boss@mill.example"])

    def test_a_reply_from_the_card(self):
        raw = mail("Anna Meyer <anna@mill.example>", self.mailbox.email, "Pumps?", Message_ID="<q@mill.example>")
        self.dovecot.deliver(OWNER, [raw], "INBOX")
        self.synchronise()
        self.start("mail_crm_link_compose_reply")
        [taken] = self.submission.taken
        sent = self.in_sent()
        self.assertEqual((sent["Subject"], sent["In-Reply-To"]), ("Re: Pumps?", "<q@mill.example>"))
        self.assertIn("> Hello there", sent.get_body(("plain",)).get_content())
        self.synchronise()
        out = self.env["crm.email"].search([("direction", "=", "out"), ("header_subject", "=", "Re: Pumps?")])
        self.assertEqual(len(out), 1)
        self.assertIn(self.lead, out.lead_ids)
        self.assertEqual(taken.sender, self.mailbox.email)

    def test_a_mail_that_nobody_wrote_a_word_of_is_no_draft(self):
        self.start("mail_crm_link_compose_unwritten")
        drafts = self.env["crm.email.composer"].search([("create_uid", "=", self.owner.id)])
        self.assertEqual(drafts.mapped("subject"), ["A beginning, changed"])

    def test_undo_and_a_closed_window_keep_the_draft(self):
        self.start("mail_crm_link_compose_undo")
        self.assertFalse(self.submission.taken)
        [draft] = self.env["crm.email.composer"].search([("create_uid", "=", self.owner.id)])
        self.assertEqual((draft.state, draft.subject), ("draft", "Kept"))
