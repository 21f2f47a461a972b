"""Mail that is on no card goes after some days, and the server's copy of it does not bring it back."""

import time
from email.message import EmailMessage
from pathlib import Path
from unittest.mock import patch

from odoo.exceptions import AccessError

from ..models import crm_mailbox_retention
from ..models.crm_mailbox_retention import CrmMailbox
from .committing_case import CommittingCase, mail

OLD, NEW = 40, 2


class RetentionCase(CommittingCase):
    def setUp(self):
        super().setUp()
        self.partner("Anna", "anna@mill.example")

    def deliver_from(self, address: str, subject: str, days_ago: float) -> None:
        self.deliver(
            mail(address, f"{self.user}@our.example", subject, Message_ID=f"<{subject}@{address}>"),
            days_ago=days_ago,
        )

    def deliver_all(self) -> None:
        self.deliver_from("anna@mill.example", "Bound-old", OLD)
        self.deliver_from("stranger@else.example", "Loose-old", OLD)
        self.deliver_from("stranger@else.example", "Loose-new", NEW)

    def synchronise(self, mailbox) -> None:
        mailbox.invalidate_recordset()
        mailbox._sync(time.monotonic() + 60)
        self.env.invalidate_all()

    def forget(self) -> None:
        self.env["crm.mailbox"]._cron_forget()
        self.env.invalidate_all()

    def subjects(self) -> list[str]:
        return sorted(self.emails().mapped("subject"))

    def count(self, table: str) -> int:
        self.env.cr.execute(f"SELECT count(*) FROM {table}")
        return self.env.cr.fetchone()[0]


class TestRetention(RetentionCase):
    def retained_mailbox(self):
        """Return a mailbox whose old unbound mail was synchronised, then forgotten."""
        mailbox = self.connected_mailbox(retention_days=30)
        self.deliver_all()
        self.synchronise(mailbox)
        self.assertEqual(self.subjects(), ["Bound-old", "Loose-new", "Loose-old"])
        self.forget()
        return mailbox

    def test_what_is_old_and_on_no_card_goes_with_all_its_traces(self):
        self.retained_mailbox()
        self.assertEqual(self.subjects(), ["Bound-old", "Loose-new"])
        for table, left in (
            ("crm_email_copy WHERE email_id IS NOT NULL", 2),
            ("crm_email_mailbox_rel", 2),
            ("crm_email_participant", 4),
            ("crm_email_conversation", 2),
            ("crm_email_conversation_key", 2),
        ):
            self.assertEqual(self.count(table), left, table)

    def test_neither_synchronisation_nor_audit_brings_it_back_or_misses_it(self):
        mailbox = self.retained_mailbox()
        self.synchronise(mailbox)
        report = mailbox._audit()
        self.assertEqual([folder.missing for folder in report.folders], [0] * len(report.folders))
        self.assertEqual(self.subjects(), ["Bound-old", "Loose-new"])
        self.assertIn("1 on no card are older than 30 days", mailbox._audit_sentence(report))
        self.assertEqual(mailbox.problem_count, 0)

    def test_without_the_marked_places_the_audit_would_bring_it_back(self):
        with patch.object(CrmMailbox, "_mark_copies_expired", CrmMailbox._take_copies_away):
            mailbox = self.retained_mailbox()
            report = mailbox._audit()
        self.assertEqual(sum(folder.missing for folder in report.folders), 1)

    def test_mail_that_got_another_number_on_the_server_stays_forgotten(self):
        mailbox = self.retained_mailbox()
        self.dovecot.doveadm("mailbox", "update", "--uid-validity", "7", "-u", self.user, "INBOX")
        self.synchronise(mailbox)
        self.assertEqual(self.subjects(), ["Bound-old", "Loose-new"])
        self.assertEqual(len(self.emails().copy_ids), 2)
        self.synchronise(mailbox)
        self.assertEqual(sum(folder.missing for folder in mailbox._audit().folders), 0)

    def test_without_the_look_at_each_page_it_would_be_back(self):
        mailbox = self.retained_mailbox()
        self.dovecot.doveadm("mailbox", "update", "--uid-validity", "7", "-u", self.user, "INBOX")
        with patch.object(CrmMailbox, "_forget_expired_among"):
            self.synchronise(mailbox)
        self.assertIn("Loose-old", self.subjects())

    def test_what_another_mailbox_keeps_stays_with_that_one(self):
        raw = mail("stranger@else.example", "all@our.example", "Shared", Message_ID="<shared@else.example>")
        mailboxes = []
        for days in (30, 0):
            self.user = f"keeper{days}"
            mailboxes.append(self.connected_mailbox(retention_days=days))
            self.deliver(raw, days_ago=OLD)
            self.synchronise(mailboxes[-1])
        self.forget()
        [email] = self.emails()
        self.assertEqual(email.mailbox_ids, mailboxes[1])
        self.assertEqual(email.copy_ids.mailbox_id, mailboxes[1])
        mailboxes[1].retention_days = 35
        self.forget()
        self.assertFalse(self.emails())

    def test_what_waits_to_be_processed_stays(self):
        mailbox = self.connected_mailbox(retention_days=30)
        self.deliver_all()
        self.synchronise(mailbox)
        self.emails([("subject", "=", "Loose-old")]).state = "to_process"
        self.env.cr.commit()
        self.forget()
        self.assertIn("Loose-old", self.subjects())

    def test_a_longer_retention_fetches_again_what_the_server_still_has(self):
        mailbox = self.retained_mailbox()
        mailbox.retention_days = 60
        self.env.cr.commit()
        report = mailbox._audit()
        self.assertEqual(sum(folder.missing for folder in report.folders), 1)
        self.assertEqual(self.subjects(), ["Bound-old", "Loose-new", "Loose-old"])

    def test_a_shorter_one_does_not_fetch_and_forget(self):
        mailbox = self.retained_mailbox()
        mailbox.retention_days = 20
        self.env.cr.commit()
        self.assertEqual(sum(folder.missing for folder in mailbox._audit().folders), 0)

    def test_more_than_a_batch(self):
        mailbox = self.connected_mailbox(retention_days=30)
        for number in range(5):
            self.deliver_from("stranger@else.example", f"Loose-{number}", OLD)
        self.synchronise(mailbox)
        with patch.object(crm_mailbox_retention, "BATCH", 2):
            self.forget()
        self.assertFalse(self.emails())

    def test_mail_of_a_mailbox_that_keeps_everything_stays(self):
        mailbox = self.connected_mailbox()
        self.deliver_all()
        self.synchronise(mailbox)
        self.forget()
        self.assertEqual(len(self.subjects()), 3)


class TestDisconnect(RetentionCase):
    def setUp(self):
        super().setUp()
        self.mailbox = self.connected_mailbox()
        # As if all that mail came after it.
        self.mailbox.connected_at = "2020-01-01 00:00:00"
        self.deliver_all()
        self.deliver_with_attachment()
        self.synchronise(self.mailbox)

    def deliver_with_attachment(self) -> None:
        message = EmailMessage()
        message["From"] = "anna@mill.example"
        message["To"] = f"{self.user}@our.example"
        message["Subject"] = "Bound-attached"
        message["Message-ID"] = "<attached@mill.example>"
        message.set_content("See below")
        message.add_attachment(self.user.encode() * 10, maintype="application", subtype="pdf", filename="plan.pdf")
        self.deliver(message.as_bytes(), days_ago=NEW)

    def disconnect(self, mail: str, user=None) -> None:
        wizards = self.env["crm.mailbox.disconnect"].with_user(user or self.env.user)
        wizards.create({"mailbox_id": self.mailbox.id, "mail": mail}).action_disconnect()
        self.env.cr.commit()
        self.forget()

    def test_the_secret_goes_whatever_is_kept(self):
        for choice in ("keep", "unbound", "all"):
            self.mailbox.password = self.dovecot.password
            self.disconnect(choice)
            self.assertEqual(self.mailbox.state, "draft")
            self.assertFalse(self.env["crm.mailbox.secret"].search([("mailbox_id", "=", self.mailbox.id)]))

    def test_kept_is_all(self):
        self.disconnect("keep")
        self.assertEqual(len(self.subjects()), 4)

    def test_what_is_on_no_card_goes(self):
        self.disconnect("unbound")
        self.assertEqual(self.subjects(), ["Bound-attached", "Bound-old"])
        self.assertEqual(len(self.env["mail.activity"].search([("crm_email_id", "!=", False)])), 2)

    def test_everything_goes_with_its_to_dos_and_files(self):
        emails = self.emails([("is_bound", "=", True)])
        activities, messages, attachments = emails.activity_ids, emails.mail_message_id, emails.attachment_ids
        self.assertTrue(activities and messages and attachments)
        file = Path(attachments._full_path(attachments.store_fname))
        self.assertTrue(file.exists())
        self.disconnect("all")
        self.assertFalse(self.emails())
        self.assertEqual(self.count("crm_email_copy"), 0)
        self.assertFalse(activities.exists() or messages.exists() or attachments.exists())
        self.env["ir.attachment"]._gc_file_store_unsafe()
        self.assertFalse(file.exists())
        self.mailbox.unlink()

    def counts(self, mail: str) -> tuple[int, int, int]:
        """What the dialog says will leave: e-mails, places on cards, to-dos."""
        dialog = self.env["crm.mailbox.disconnect"].create({"mailbox_id": self.mailbox.id, "mail": mail})
        return dialog.removed_count, dialog.removed_link_count, dialog.removed_todo_count

    def test_the_dialog_says_before_what_leaves(self):
        dialog = self.env["crm.mailbox.disconnect"].create({"mailbox_id": self.mailbox.id})
        self.assertEqual((dialog.bound_count, dialog.unbound_count, dialog.shared_count), (2, 2, 0))
        before, todos = len(self.emails()), self.env["mail.activity"].search_count([("crm_email_id", "!=", False)])
        links = self.env["crm.email.link"].search_count([])
        self.assertEqual(self.counts("keep"), (0, 0, 0))
        self.assertEqual(self.counts("unbound")[:2], (2, 0))
        self.assertEqual(self.counts("all"), (before, links, todos))
        self.disconnect("all")
        self.assertFalse(self.emails())

    def test_what_another_mailbox_has_stays_on_its_cards(self):
        first = self.mailbox
        raw = mail("anna@mill.example", "all@our.example", "Both", Message_ID="<both@mill.example>")
        self.deliver(raw)
        self.synchronise(first)
        self.user = "second"
        second = self.connected_mailbox()
        self.deliver(raw)
        self.synchronise(second)
        dialog = self.env["crm.mailbox.disconnect"].create({"mailbox_id": first.id, "mail": "all"})
        self.assertEqual((dialog.shared_count, dialog.bound_count), (1, 3))
        self.assertEqual(dialog.removed_count, len(self.emails()) - 1)
        self.disconnect("all")
        [email] = self.emails()
        self.assertEqual((email.subject, email.mailbox_ids), ("Both", second))
        self.assertEqual(email.partner_ids.mapped("name"), ["Anna"])

    def test_connected_again_it_begins_anew(self):
        self.disconnect("all")
        self.mailbox.password = self.dovecot.password
        self.mailbox.action_connect()
        self.synchronise(self.mailbox)
        self.assertEqual(len(self.subjects()), 4)

    def test_connected_again_before_all_is_removed_it_keeps_the_rest_and_fetches_what_went(self):
        with patch.object(CrmMailbox, "_cron_forget"):
            self.disconnect("all")
        with patch.object(crm_mailbox_retention, "BATCH", 2):
            self.assertTrue(self.mailbox._forget_batch())
        rest = self.emails()
        self.assertEqual(len(rest), 2)
        self.mailbox.password = self.dovecot.password
        self.mailbox.action_connect()
        self.env.cr.commit()
        self.forget()
        self.synchronise(self.mailbox)
        self.assertEqual(len(self.emails() - rest), 2)
        self.assertEqual(rest.exists(), rest)

    def test_a_colleague_may_not(self):
        colleague = self.committed_user("disconnect_colleague")
        with self.assertRaises(AccessError):
            dialogs = self.env["crm.mailbox.disconnect"].with_user(colleague)
            dialogs.create({"mailbox_id": self.mailbox.id}).read(["bound_count"])
        with self.assertRaises(AccessError):
            self.disconnect("all", colleague)
        with self.assertRaises(AccessError):
            self.mailbox.with_user(colleague)._remove_synchronised("all")

    def test_nobody_removes_by_writing(self):
        owner = self.committed_user("disconnect_owner")
        self.mailbox.user_id = owner
        with self.assertRaises(AccessError):
            self.mailbox.with_user(owner).write({"forgetting": "all"})
        self.mailbox.with_user(owner)._remove_synchronised("unbound")
