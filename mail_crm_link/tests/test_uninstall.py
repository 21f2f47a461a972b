"""Uninstalled from a database with data nothing is left, and installing again works."""

import json
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

from odoo import SUPERUSER_ID, api, sql_db
from odoo.tools import config

from .committing_case import CommittingCase


class TestUninstall(CommittingCase):
    def setUp(self):
        super().setUp()
        self.partner("Anna", "anna@mill.example")
        self.mailbox = self.connected_mailbox()
        # As if the mail came after it.
        self.mailbox.connected_at = "2020-01-01 00:00:00"
        message = EmailMessage()
        message["From"] = "anna@mill.example"
        message["To"] = self.mailbox.email
        message["Subject"] = "Plan"
        message["Message-ID"] = "<plan@mill.example>"
        message.set_content("See below")
        message.add_attachment(b"A plan like no other", maintype="application", subtype="pdf", filename="plan.pdf")
        self.deliver(message.as_bytes())
        self.mailbox._sync(time.monotonic() + 60)
        self.env.invalidate_all()
        [self.email] = self.emails()

    def _take_back(self) -> None:
        super()._take_back()
        self.env.cr.close()

    def live_through(self) -> dict:
        """Copy the database and go through uninstalling the copy; return what that process says."""
        file = self.email.attachment_ids.store_fname
        database = self.env.cr.dbname
        # PostgreSQL copies only what nobody uses.
        self.env.cr.commit()
        self.env.cr.close()
        sql_db.close_db(database)
        program = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("copied_database.py"))]
        run = subprocess.run(
            [*program, config["config"], database, f"{database}_copy", file],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.env = api.Environment(self.registry.cursor(), SUPERUSER_ID, {})
        self.assertEqual(run.returncode, 0, run.stderr[-3000:])
        return json.loads(run.stdout)

    def test_a_copy_reads_no_mail_and_after_uninstalling_nothing_is_left(self):
        self.assertEqual(self.email.state, "to_process")
        found = self.live_through()
        self.assertIn("This database is a copy", found["status"])
        self.assertTrue(found["stored"])
        self.assertEqual(found["left"], [])
        self.assertFalse(found["kept"], "a file in the filestore")
        self.assertEqual(found["again"], ["installed", 0])
