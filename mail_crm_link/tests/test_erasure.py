"""Nothing of a person's mail is left, and the mail server does not bring it back."""

import json
import time
from email.message import EmailMessage
from pathlib import Path
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..models import crm_email_erasure
from ..models.crm_email_suppression import CrmEmailSuppression
from .committing_case import CommittingCase, mail
from .received_case import ReceivedCase

PERSON = "qanary@person.example"
WORDS = ("qanary", "Kanarienvogel")


class TestErasure(CommittingCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self._forget_reports)
        self.person = self.partner("Kanarienvogel", PERSON)
        self.other = self.partner("Other", "other@else.example")
        self.mailbox = self.connected_mailbox()
        # As if all mail came after it.
        self.mailbox.connected_at = "2020-01-01 00:00:00"
        self.address = self.mailbox.email
        self.deliver(
            self._with_attachment(),
            mail("other@else.example", f"Kanarienvogel <Qanary+tag@person.example>, {self.address}", "Of-others"),
            mail("other@else.example", self.address, "Not-about", Reply_To=f"Kanarienvogel <{PERSON}>"),
        )
        self.deliver(mail(self.address, f"Kanarienvogel <{PERSON}>", "qanary-sent", "To Kanarienvogel"), folder="Sent")
        self.synchronise()

    def _forget_reports(self) -> None:
        self.env.cr.execute("TRUNCATE crm_email_erasure, crm_email_suppression, crm_email_block, crm_email_creation")
        self.env.cr.commit()

    def _with_attachment(self) -> bytes:
        message = EmailMessage()
        message["From"] = f"Kanarienvogel <{PERSON}>"
        message["To"] = self.address
        message["Subject"] = "qanary-received"
        message["Message-ID"] = "<qanary@person.example>"
        message.set_content("I am Kanarienvogel")
        message.add_attachment(b"qanary" * 99, maintype="application", subtype="pdf", filename="qanary.pdf")
        return message.as_bytes()

    def synchronise(self) -> None:
        self.mailbox.invalidate_recordset()
        self.mailbox._sync(time.monotonic() + 60)
        self.env.invalidate_all()

    def erase(self, keep_out_later=False):
        erasure = self.env["crm.email.erasure"]._begin(self.person, "Request 17", keep_out_later)
        self.env.cr.commit()
        return erasure

    def subjects(self) -> list[str]:
        return sorted(self.emails().mapped("subject"))

    def traces(self, *words: str) -> set[str]:
        """Return the columns of all tables in which one of the words stands, but for the contact's own."""
        self.env.cr.execute(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables t"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            " AND data_type IN ('character varying', 'text', 'json', 'jsonb') AND table_name != 'res_partner'"
        )
        found = set()
        for table, column in self.env.cr.fetchall():
            self.env.cr.execute(
                f'SELECT 1 FROM "{table}" WHERE "{column}"::text ILIKE ANY(%s) LIMIT 1',
                [[f"%{word}%" for word in words]],
            )
            if self.env.cr.fetchone():
                found.add(f"{table}.{column}")
        return found

    def test_no_table_and_no_file_has_anything_of_it_any_more(self):
        rule = self.mailbox.rule_ids[:1]
        email = self.emails([("subject", "=", "qanary-received")])
        self.env["crm.email.creation"].create(
            {"rule_id": rule.id, "mailbox_id": self.mailbox.id, "email_id": email.id, "address": PERSON}
        )
        self.env["crm.email.block"].create({"name": PERSON})
        self.mailbox.smtp_host = "smtp.our.example"
        written = self.env["crm.email.composer"].create(
            [
                {"mailbox_id": self.mailbox.id, "to": to, "subject": "Hello", "body": "To whom"}
                for to in (f"Kanarienvogel <{PERSON}>", f"{PERSON}, other@else.example")
            ]
        )
        of_others = self.emails([("subject", "=", "Of-others")])
        of_others.link_ids.filtered(lambda link: link.partner_id == self.other).reason = "Company of Kanarienvogel"
        attachment = self.emails().mail_message_id.attachment_ids.filtered(lambda one: one.name == "qanary.pdf")
        file = Path(attachment._full_path(attachment.store_fname))
        self.assertTrue(file.exists())
        for column in ("crm_email.header_from", "crm_email_link.reason", "mail_message.body", "crm_email_block.name"):
            self.assertIn(column, self.traces(*WORDS))
        self.erase()
        self.env["ir.attachment"]._gc_file_store_unsafe()
        self.assertEqual(self.traces(*WORDS), set())
        self.assertFalse(file.exists())
        self.assertEqual(written.exists().mapped("to"), ["other@else.example"])
        self.assertFalse(self.env["mail.activity"].search([("crm_email_id.subject", "like", "qanary")]))

    def test_mail_of_others_stays_without_the_person(self):
        self.erase()
        self.assertEqual(self.subjects(), ["Not-about", "Of-others"])
        email = self.emails([("subject", "=", "Of-others")])
        self.assertEqual((email.email_to, email.email_from), (self.address, "other@else.example"))
        self.assertEqual(email.partner_ids, self.other)
        self.assertEqual(email.body_state, "stored")

    def test_the_report_counts_and_names_nobody(self):
        erasure = self.erase()
        self.assertEqual((erasure.state, erasure.user_id, erasure.reason), ("done", self.env.user, "Request 17"))
        self.assertEqual((erasure.email_count, erasure.redacted_count, erasure.attachment_count), (2, 1, 1))
        self.assertEqual((erasure.activity_count, erasure.link_count), (1, 3))
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "mail_crm_link.crm_email_erasure_document", erasure.ids
        )
        self.assertIn(b"Emails erased", html)
        self.assertNotIn(b"qanary", html.lower())

    def test_neither_synchronisation_nor_audit_nor_new_numbers_bring_it_back(self):
        self.erase()
        self.synchronise()
        self.assertEqual(sum(folder.missing for folder in self.mailbox._audit().folders), 0)
        for folder in ("INBOX", "Sent"):
            self.dovecot.doveadm("mailbox", "update", "--uid-validity", "7", "-u", self.user, folder)
        self.synchronise()
        self.assertEqual(self.subjects(), ["Not-about", "Of-others"])
        self.assertEqual(self.traces(*WORDS), set())
        self.assertEqual(sum(folder.missing for folder in self.mailbox._audit().folders), 0)

    def test_without_the_list_of_hashes_it_would_be_back(self):
        self.erase()
        with patch.object(CrmEmailSuppression, "_of", lambda self, headers: {}):
            self.dovecot.doveadm("mailbox", "update", "--uid-validity", "7", "-u", self.user, "INBOX")
            self.synchronise()
        self.assertIn("qanary-received", self.subjects())

    def test_another_mailbox_does_not_bring_it_either(self):
        self.erase()
        self.user = "another"
        self.mailbox = self.connected_mailbox()
        self.deliver(self._with_attachment())
        self.synchronise()
        self.assertEqual(self.subjects(), ["Not-about", "Of-others"])

    def test_mail_that_comes_later_comes_in(self):
        self.erase()
        self.deliver(mail(PERSON, self.address, "Hello again"), days_ago=-0.01)
        self.synchronise()
        self.assertIn("Hello again", self.subjects())

    def test_unless_it_is_to_be_kept_out_too(self):
        self.erase(keep_out_later=True)
        self.deliver(mail("Qanary <QANARY+x@person.example>", self.address, "Hello again"), days_ago=-0.01)
        self.synchronise()
        self.assertNotIn("Hello again", self.subjects())

    def test_the_hashes_do_not_tell_the_address(self):
        self.erase()
        stored = self.env["crm.email.suppression"].search([])
        self.assertEqual(len(stored), 1)
        self.assertRegex(stored.digest, "^[0-9a-f]{64}$")
        with patch.object(CrmEmailSuppression, "_key", lambda self: b"another key"):
            self.env["crm.email.suppression"]._suppress([PERSON], None)
        other = self.env["crm.email.suppression"].search([]) - stored
        self.assertTrue(other and other.digest != stored.digest)

    def test_what_does_not_fit_into_a_request_is_done_in_the_background(self):
        with patch.object(crm_email_erasure, "BATCH", 1):
            erasure = self.erase()
            self.assertEqual((erasure.state, erasure.email_count + erasure.redacted_count), ("running", 1))
            self.env["crm.email.erasure"]._cron_erase()
        self.assertEqual((erasure.state, erasure.email_count, erasure.redacted_count), ("done", 2, 1))
        self.assertEqual(self.traces(*WORDS), set())

    def test_nothing_on_the_server_changes(self):
        before = self.dovecot.doveadm("fetch", "-u", self.user, "uid flags", "mailbox", "INBOX")
        self.erase()
        self.synchronise()
        self.assertEqual(self.dovecot.doveadm("fetch", "-u", self.user, "uid flags", "mailbox", "INBOX"), before)


@tagged("post_install", "-at_install")
class TestWhoMayErase(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = new_test_user(
            cls.env, "erasure_officer", "mail_crm_link.group_data_protection,base.group_partner_manager"
        )
        cls.manager = new_test_user(cls.env, "erasure_manager", "sales_team.group_sale_manager")

    def wizard(self, user, **values):
        wizards = self.env["crm.email.erase"].with_user(user).with_context(active_id=self.anna.id)
        return wizards.create({"reason": "Request 17", **values})

    def test_the_wizard_says_what_will_be_counted(self):
        self.receive(subject="From Anna")
        self.receive("bob@else.example", "To both", to="anna@mill.example, owner@our.example")
        wizard = self.wizard(self.officer)
        names = ("email_count", "redacted_count", "attachment_count", "activity_count", "link_count", "note_count")
        before = [wizard[name] for name in names]
        self.assertEqual(before[:2], [1, 1])
        action = wizard.action_erase()
        report = self.env["crm.email.erasure"].with_user(self.officer).browse(action["res_id"])
        self.assertEqual([report[name] for name in names], before)

    def test_who_erases_reads_nothing_of_it(self):
        self.receive(subject="Qanary subject")
        wizard = self.wizard(self.officer)
        self.assertNotIn("Qanary", json.dumps(wizard.read(), default=str))
        self.assertFalse(self.env["crm.email"].with_user(self.officer).search([("subject", "ilike", "Qanary")]))

    def test_it_takes_the_office_and_the_right_to_edit_the_contact(self):
        with self.assertRaises(AccessError):
            self.wizard(self.manager)
        erasures = self.env["crm.email.erasure"]
        for user in (self.manager, self.owner):
            with self.assertRaises(AccessError):
                erasures.with_user(user)._begin(self.anna.with_user(user), "", False)
        reader = new_test_user(self.env, "erasure_reader", "mail_crm_link.group_data_protection")
        with self.assertRaises(AccessError):
            erasures.with_user(reader)._begin(self.anna.with_user(reader), "", False)

    def test_own_addresses_are_no_persons(self):
        own = self.env["res.partner"].create({"name": "Us", "email": self.mailbox.email})
        with self.assertRaisesRegex(UserError, "of yours"):
            self.env["crm.email.erasure"]._begin(own, "", False)
        with self.assertRaisesRegex(UserError, "no email address"):
            self.env["crm.email.erasure"]._begin(self.mill, "", False)

    def test_nobody_changes_a_report(self):
        report = (
            self.env["crm.email.erasure"].with_user(self.officer)._begin(self.anna.with_user(self.officer), "", False)
        )
        for change in (lambda: report.write({"email_count": 0}), report.unlink):
            with self.assertRaises(AccessError):
                change()
