"""The process that waits for new mail, as administrators start it, against a real server."""

import imaplib
import signal
import subprocess
import sys
import time

from odoo.tests.common import get_db_name
from odoo.tools import config

from .committing_case import CommittingCase, mail


class TestWatch(CommittingCase):
    def setUp(self):
        super().setUp()
        self.env.cr.execute("TRUNCATE crm_mailbox_watcher")
        self.env.cr.commit()

    def process(self) -> subprocess.Popen:
        addons = f"--addons-path={','.join(config['addons_path'])}"
        program = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "odoo", addons, "mail_crm_watch"]
            + ["-c", config["config"], "-d", get_db_name()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(program.wait, 20)
        self.addCleanup(program.kill)
        return program

    def until(self, condition, seconds=60) -> float:
        start = time.monotonic()
        while not condition():
            self.assertLess(time.monotonic() - start, seconds, "it did not happen")
            time.sleep(0.05)
        return time.monotonic() - start

    def watch(self):
        self.env.cr.rollback()
        self.env.invalidate_all()
        return self.env["crm.mailbox.watch"].search([])

    def triggers(self) -> int:
        self.env.cr.rollback()
        cron = self.env.ref("mail_crm_link.cron_sync")
        return self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])

    def test_new_mail_triggers_the_synchronisation_within_two_seconds(self):
        mailbox = self.connected_mailbox()
        self.assertEqual(mailbox.arrival, "scheduled")
        program = self.process()
        self.until(lambda: self.watch().is_live and self.watch().news_at)
        self.assertEqual(mailbox.arrival, "at_once")
        time.sleep(3)
        before = self.triggers()
        self.dovecot_appends()
        self.assertLess(self.until(lambda: self.triggers() > before), 2)
        program.send_signal(signal.SIGTERM)
        self.assertEqual(program.wait(20), 0)
        self.assertFalse(self.watch().is_live)

    def test_a_process_that_died_is_replaced_by_one_that_waits(self):
        mailbox = self.connected_mailbox()
        first = self.process()
        self.until(lambda: self.watch().is_live)
        self.process()
        first.send_signal(signal.SIGKILL)
        first.wait(20)
        pid = self.env["crm.mailbox.watcher"].search([]).pid
        self.until(lambda: self.watch().is_live and self.env["crm.mailbox.watcher"].search([]).pid != pid)
        self.assertEqual(mailbox.arrival, "at_once")

    def test_mailboxes_with_news_come_first(self):
        first, second = self.connected_mailbox(), self.connected_mailbox(email="second@our.example")
        due = self.env["crm.mailbox"]._due
        self.assertEqual(due(), first + second)
        second._note_news()
        self.assertEqual(due(), second + first)

    def test_paused_mailboxes_and_those_without_a_password_are_not_watched(self):
        mailbox = self.connected_mailbox()
        targets = self.env["crm.mailbox"]._watch_targets__
        signature = targets()[mailbox.id].signature
        self.assertNotIn(self.dovecot.password, signature)
        mailbox.password = "another"
        self.assertNotEqual(targets()[mailbox.id].signature, signature)
        mailbox.action_pause()
        self.assertFalse(targets())

    def dovecot_appends(self) -> None:
        program = imaplib.IMAP4(self.dovecot.host, self.dovecot.port)
        program.login(self.user, self.dovecot.password)
        program.append("INBOX", "", "", mail("a@b.example", "c@d.example"))
        program.logout()
