"""Nothing is lost and nothing is doubled, whatever happens to the process in between."""

import contextlib
import random
import threading
import time
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.tools import mute_logger

from ..connectors.errors import Transient
from ..models.email_rows import ContentRows
from ..models.orm_store import OrmStore
from .committing_case import CommittingCase, mail
from .stops import Died, Worker, dying

KNOWN = 5


def conversation(count: int, owner: str) -> list[bytes]:
    """Return mails of six people, of whom five are contacts; every third answers another."""
    mails = []
    for number in range(count):
        fields = {"Message_ID": f"<{number}@many.example>"}
        if number % 3 == 2:
            fields["In_Reply_To"] = f"<{number - 2}@many.example>"
        sender = f"person{number % 6}@many.example"
        mails.append(mail(sender, owner, f"Number {number}", f"Body {number}", **fields))
    return mails


class DurabilityCase(CommittingCase):
    def setUp(self):
        super().setUp()
        for number in range(KNOWN):
            self.partner(f"Person {number}", f"person{number}@many.example")

    def synchronise(self, mailbox) -> None:
        """Run until nothing is left, as the cron would."""
        for _run in range(3):
            mailbox.invalidate_recordset()
            error = mailbox._sync(time.monotonic() + 60)
            self.env.invalidate_all()
            # A machine that is busy with other things may let a connection time out.
            if not isinstance(error, Transient):
                break
        self.assertIsNone(error)

    def assert_complete(self, mailbox, count: int) -> None:
        """Every mail is there once, bound as it should be, with its body."""
        emails = self.emails([("mailbox_ids", "in", mailbox.ids)])
        subjects = sorted(emails.mapped("subject"))
        self.assertEqual(subjects, sorted(f"Number {number}" for number in range(count)))
        self.assertEqual(len(emails.copy_ids), count)
        for email in emails:
            number = int(email.subject.split()[1])
            person = number % 6
            other = {0: number + 2, 1: number, 2: number - 2}[number % 3]
            people = {one % 6 for one in (number, other) if one < count} & set(range(KNOWN))
            names = set(email.partner_ids.mapped("name"))
            self.assertEqual(names, {f"Person {one}" for one in people}, email.subject)
            if person < KNOWN:
                self.assertIn(f"Body {number}", email.body)
        messages = self.env["mail.message"].search([("model", "=", "crm.email")])
        bound = self.env["crm.email"].search([("is_bound", "=", True)])
        self.assertEqual(len(messages), len(bound))


class TestStops(DurabilityCase):
    def test_stopped_before_and_after_every_commit(self):
        """300 mails; the process dies at each step in turn, and the next run resumes."""
        step = 0
        while self._dies_at(step):
            step += 1
        self.assertGreater(step, 8)

    def _dies_at(self, step: int) -> bool:
        """Return whether there was such a step; check that what it left is completed."""
        user = self.user = f"stops{step}"
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(300, mailbox.email), days_ago=2)
        died = False
        with dying(step):
            try:
                mailbox._sync(time.monotonic() + 60)
            except Died:
                died = True
        self.env.cr.rollback()
        self.env.invalidate_all()
        self.synchronise(mailbox)
        self.assert_complete(mailbox, 300)
        self.env["crm.email"].search([("mailbox_ids", "in", mailbox.ids)]).unlink()
        mailbox.unlink()
        self.env["crm.email.conversation"].search([]).unlink()
        self.env.cr.commit()
        self.assertTrue(user)
        return died

    def test_killed_at_random_twenty_times(self):
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(300, mailbox.email), days_ago=2)
        worker = Worker(self)
        dice = random.Random(1)
        for _time in range(20):
            worker.kill_at_random(str(mailbox.id), dice, longest=0.4)
        self.synchronise(mailbox)
        self.assert_complete(mailbox, 300)

    def test_the_database_connection_is_cut(self):
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(300, mailbox.email), days_ago=2)
        for delay in (0.02, 0.1, 0.3):
            self._synchronise_until_cut(mailbox, delay)
        self.synchronise(mailbox)
        self.assert_complete(mailbox, 300)

    def _synchronise_until_cut(self, mailbox, delay: float) -> None:
        cursor = self.registry.cursor()
        timer = threading.Timer(delay, self._cut, [cursor._cnx.get_backend_pid()])
        timer.start()
        env = api.Environment(cursor, SUPERUSER_ID, {})
        with mute_logger("odoo.sql_db"), contextlib.suppress(psycopg2.Error):
            env["crm.mailbox"].browse(mailbox.id)._sync(time.monotonic() + 60)
        timer.join()
        with contextlib.suppress(psycopg2.Error):
            cursor.close()

    def _cut(self, backend: int) -> None:
        with self.registry.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])


class TestTwoAtOnce(DurabilityCase):
    def test_two_workers_on_one_mailbox(self):
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(300, mailbox.email), days_ago=2)
        worker = Worker(self)
        for pid in [worker.start(str(mailbox.id)) for _time in range(3)]:
            worker.wait(pid)
        self.synchronise(mailbox)
        self.assert_complete(mailbox, 300)

    def test_who_comes_second_does_nothing(self):
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(30, mailbox.email), days_ago=2)
        with self.another_worker() as other, OrmStore(other["crm.mailbox"].browse(mailbox.id)).exclusive():
            self.synchronise(mailbox)
            self.assertFalse(self.emails())
            # Without the guard, the second one would go to work as well.
            with patch.object(OrmStore, "exclusive", lambda store: contextlib.nullcontext(True)):
                self.synchronise(mailbox)
            self.assertEqual(len(self.emails()), 30)

    def test_two_workers_on_two_mailboxes_with_the_same_mail(self):
        mails = conversation(300, "all@our.example")
        mailboxes = []
        for name in ("twin1", "twin2"):
            self.user = name
            mailboxes.append(self.connected_mailbox())
            self.deliver(*mails, days_ago=2)
        worker = Worker(self)
        for pid in [worker.start(str(mailbox.id)) for mailbox in mailboxes]:
            worker.wait(pid)
        for mailbox in mailboxes:
            self.synchronise(mailbox)
        self.assertEqual(len(self.emails()), 300)
        self.assertEqual(len(self.emails().copy_ids), 600)
        self.assertEqual(len(self.emails().mail_message_id), len(self.emails().filtered("is_bound")))

    def test_two_workers_make_one_lead_of_one_stranger(self):
        mailboxes = []
        for name in ("maker1", "maker2"):
            self.user = name
            mailbox = self.connected_mailbox()
            mailbox.rule_ids.filtered(lambda rule: rule.target == "lead").active = True
            self.env.cr.commit()
            self.deliver(mail("new@stranger.example", mailbox.email, f"From me to {name}"), days_ago=-0.01)
            mailboxes.append(mailbox)
        worker = Worker(self)
        for pid in [worker.start(str(mailbox.id)) for mailbox in mailboxes]:
            worker.wait(pid)
        for mailbox in mailboxes:
            self.synchronise(mailbox)
        leads = self.env["crm.lead"].search([("email_normalized", "=", "new@stranger.example")])
        self.assertEqual(len(leads), 1)
        self.assertEqual(self.emails().lead_ids, leads)


class TestPoison(DurabilityCase):
    def test_a_header_that_kills_the_process_costs_one_mail(self):
        self._survives("X-Poison")

    def test_a_body_that_kills_the_process_costs_one_mail(self):
        self._survives("poisoned body")

    def _survives(self, where: str) -> None:
        mailbox = self.connected_mailbox()
        mails = conversation(60, mailbox.email)
        mails[30] = (
            mails[30].replace(b"Body 30", b"poisoned body").replace(b"Message-ID: <30@", b"Message-ID: <X-Poison30@")
        )
        self.deliver(*mails, days_ago=2)
        worker = Worker(self)
        for _time in range(10):
            worker.wait(worker.start(f"{mailbox.id} {where}"))
        self.env.cr.rollback()
        self.env.invalidate_all()
        self.assertEqual(mailbox.state, "connected")
        [failed] = self.env["crm.email.copy"].search([("state", "!=", "ok"), ("mailbox_id", "=", mailbox.id)])
        self.assertIn("failed", failed.reason)
        bound = self.emails([("mailbox_ids", "in", mailbox.ids), ("is_bound", "=", True)])
        self.assertEqual({email.body_state for email in bound - failed.email_id}, {"stored"})


class TestServerChanges(DurabilityCase):
    def test_a_new_uidvalidity_makes_no_new_mail_and_fetches_no_body(self):
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(60, mailbox.email), days_ago=2)
        self.synchronise(mailbox)
        before = self.emails()
        messages = before.mail_message_id
        self.dovecot.doveadm("mailbox", "update", "--uid-validity", "7", "-u", self.user, "INBOX")
        with self._no_contents():
            self.synchronise(mailbox)
        self.assertEqual(self.emails(), before)
        self.assertEqual(self.emails().mail_message_id, messages)
        self.assertEqual(set(before.copy_ids.mapped("uidvalidity")), {"7"})
        self.assert_complete(mailbox, 60)

    def _no_contents(self):
        return patch.object(OrmStore, "save_contents", side_effect=AssertionError("a body was fetched again"))

    def test_moved_mail_stays_the_same_mail(self):
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(100, mailbox.email), days_ago=2)
        self.synchronise(mailbox)
        before = self.emails()
        self.dovecot.doveadm("mailbox", "create", "-u", self.user, "Done")
        self.dovecot.doveadm("move", "-u", self.user, "Done", "mailbox", "INBOX", "all")
        with self._no_contents():
            self.synchronise(mailbox)
            self.synchronise(mailbox)
        self.assertEqual(self.emails(), before)
        self.assertEqual(set(before.copy_ids.folder_id.mapped("name")), {"Done"})
        self.assertFalse(before.filtered("orphaned_at"))
        self.assert_complete(mailbox, 100)

    def test_deleted_mail_stays_on_its_card_and_leaves_the_rest(self):
        mailbox = self.connected_mailbox()
        self.deliver(
            mail("person1@many.example", mailbox.email, "Number 1"),
            mail("stranger@else.example", mailbox.email, "Unbound"),
        )
        self.synchronise(mailbox)
        self.dovecot.doveadm("expunge", "-u", self.user, "mailbox", "INBOX", "all")
        self.synchronise(mailbox)
        self.assertEqual(len(self.emails([("orphaned_at", "!=", False)])), 2)
        OrmStore(mailbox).sweep(timedelta(seconds=-5))
        self.assertEqual(self.emails().mapped("subject"), ["Number 1"])

    def test_the_audit_finds_and_repairs_what_is_missing(self):
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(30, mailbox.email), days_ago=2)
        self.synchronise(mailbox)
        self.emails()[:7].unlink()
        self.env.cr.commit()
        self.synchronise(mailbox)
        self.assertEqual(len(self.emails()), 23)
        report = mailbox._audit()
        self.assertEqual(sum(folder.missing for folder in report.folders), 7)
        self.synchronise(mailbox)
        self.assert_complete(mailbox, 30)

    def test_nothing_on_the_server_changes(self):
        mailbox = self.connected_mailbox()
        self.deliver(*conversation(10, mailbox.email), days_ago=2)
        self.deliver(mail("a@b.example", "c@d.example"), flags="S")
        before = self._flags()
        self.synchronise(mailbox)
        mailbox._audit()
        self.assertEqual(self._flags(), before)

    def _flags(self) -> str:
        return self.dovecot.doveadm("fetch", "-u", self.user, "uid flags", "mailbox", "INBOX")


class TestIdentity(DurabilityCase):
    def test_without_a_comparison_contents_of_one_message_id_would_be_lost(self):
        with patch.object(ContentRows, "_settle", lambda rows, bodies, contents: bodies):
            self._receive_three_contents()
        self.assertEqual(len(self.emails()), 1)

    def test_one_message_id_with_three_contents_is_three_mails(self):
        self._receive_three_contents()
        self.assertEqual(len(self.emails()), 3)
        bodies = " ".join(self.emails().mapped("body"))
        for body in ("one", "twenty-two", "three hundred and thirty-three"):
            self.assertIn(body, bodies)

    def _receive_three_contents(self) -> None:
        mailbox = self.connected_mailbox()
        sent = datetime(2026, 5, 5, 12, tzinfo=timezone.utc)
        self.deliver(
            *(
                mail("person1@many.example", mailbox.email, "Same", body, sent, Message_ID="<s@x.example>")
                for body in ("one", "twenty-two", "three hundred and thirty-three")
            )
        )
        self.synchronise(mailbox)
        self.synchronise(mailbox)

    def test_one_mail_that_came_by_two_ways_is_one(self):
        mailbox = self.connected_mailbox()
        raw = mail("person1@many.example", mailbox.email, "Twice", Message_ID="<t@x.example>")
        self.deliver(raw, b"Received: from list by way of a much longer route\r\n" + raw)
        self.synchronise(mailbox)
        self.synchronise(mailbox)
        [email] = self.emails()
        self.assertEqual(len(email.copy_ids), 2)
        self.assertFalse(any(email.copy_ids.mapped("suspect")))

    def test_mails_without_a_message_id_are_told_apart(self):
        mailbox = self.connected_mailbox()
        self.deliver(*(mail("person1@many.example", mailbox.email, f"Number {n}") for n in range(3)))
        self.synchronise(mailbox)
        self.assertEqual(len(self.emails()), 3)

    def test_an_empty_mail_and_a_huge_one(self):
        mailbox = self.connected_mailbox()
        attachment = (
            b"From: person1@many.example\r\nTo: x@our.example\r\nSubject: Huge\r\n"
            b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n"
            b"Content-Type: text/plain\r\n\r\nSee the attachment\r\n--B\r\n"
            b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=h.pdf\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 19 + b"\r\n"
        )
        huge = attachment + (b"QUJD" * 19 + b"\r\n") * 130_000 + b"--B--\r\n"
        self.deliver(b"", huge)
        self.synchronise(mailbox)
        self.assertEqual(len(self.emails()), 2)
        email = self.emails([("subject", "=", "Huge")])
        self.assertIn("See the attachment", email.body)
        self.assertEqual(email.attachment_ids.type, "url")
        content, name, _kind = email._fetch_attachment(email.attachment_ids.crm_email_section)
        self.assertEqual((name, content[:6], len(content)), ("h.pdf", b"ABCABC", 130_001 * 57))
