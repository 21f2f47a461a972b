"""Tests whose subject commits: synchronisation, locks, two workers, kills."""

import os
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.utils import format_datetime

from cryptography.fernet import Fernet
from servers.dovecot import Dovecot

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests.common import BaseCase, get_db_name, new_test_user, tagged

TABLES = (
    "crm_email_automation",
    "crm_email_card_change",
    "crm_email_composer",
    "crm_email_link",
    "crm_email_copy",
    "crm_email_participant",
    "crm_email_mailbox_rel",
    "crm_email_conversation_key",
    "crm_email_conversation",
    "crm_email_relink",
    "crm_email",
    "crm_mailbox_folder",
    "crm_mailbox_secret",
)


def mail(sender, to, subject="Hello", body="Hello there", sent=None, **fields) -> bytes:
    """Return a simple mail; ``fields`` are further header fields, ``_`` standing for ``-``."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(sent or datetime.now(timezone.utc))
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return message.as_bytes()


@tagged("-at_install", "post_install")
class CommittingCase(BaseCase):
    """Works on cursors that really commit, and takes back what it committed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.environ.setdefault("MAIL_CRM_LINK_KEY", Fernet.generate_key().decode())
        cls.dovecot = cls.enterClassContext(Dovecot())

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        cursor = self.registry.cursor()
        self.addCleanup(cursor.close)
        self.env = api.Environment(cursor, SUPERUSER_ID, {})
        self.before = {
            table: self._last_id(table)
            for table in ("res_users", "res_partner", "crm_lead", "mail_message", "ir_attachment")
        }
        self.addCleanup(self._take_back)
        self.user = f"user{next(_numbers)}"

    def _last_id(self, table: str) -> int:
        self.env.cr.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
        return self.env.cr.fetchone()[0]

    def _take_back(self) -> None:
        cursor = self.env.cr
        cursor.rollback()
        cursor.execute("SET LOCAL lock_timeout = '20s'")
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        # Odoo's own actions refer to mailboxes, and would be truncated with them.
        cursor.execute("DELETE FROM crm_mailbox")
        self.env.invalidate_all()
        self.env["res.users"].with_context(active_test=False).search([("id", ">", self.before["res_users"])]).unlink()
        for table in ("crm_lead", "mail_message", "ir_attachment", "res_partner"):
            cursor.execute(f"DELETE FROM {table} WHERE id > %s", [self.before[table]])
        cursor.commit()

    @contextmanager
    def another_worker(self):
        """Yield the environment of another transaction."""
        with self.registry.cursor() as cursor:
            yield api.Environment(cursor, SUPERUSER_ID, {})

    # --- things to work on --------------------------------------------------------------

    def connected_mailbox(self, **values):
        """Return a mailbox on the test server, signed in, nothing synchronised yet."""
        mailbox = self.env["crm.mailbox"].create(
            {
                "email": f"{self.user}@our.example",
                "imap_host": self.dovecot.host,
                "imap_port": self.dovecot.port,
                "imap_security": "none",
                "login": self.user,
                "password": self.dovecot.password,
                **values,
            }
        )
        mailbox.action_connect()
        self.env.cr.commit()
        return mailbox

    def deliver(self, *mails: bytes, folder="INBOX", days_ago=1.0, **options) -> None:
        received = datetime.now(timezone.utc) - timedelta(days=days_ago)
        self.dovecot.deliver(self.user, mails, folder, received, **options)

    def partner(self, name: str, email: str, **values):
        partner = self.env["res.partner"].create({"name": name, "email": email, **values})
        self.env.cr.commit()
        return partner

    def committed_user(self, login: str, groups: str = "sales_team.group_sale_salesman", **values):
        user = new_test_user(self.env, login, groups, **values)
        self.env.cr.commit()
        return user

    def relink(self) -> None:
        """Run what a card's change left to the background."""
        self.env["crm.email.relink"]._cron_relink()
        self.env.invalidate_all()

    def emails(self, domain=()):
        self.env.invalidate_all()
        return self.env["crm.email"].search(list(domain))


_numbers = iter(range(1, 10_000))
