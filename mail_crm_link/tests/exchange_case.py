"""What mailboxes of Exchange do in Odoo, whichever way they are read."""

from dataclasses import replace
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError

from ..connectors import ews
from .committing_case import CommittingCase, mail

ADDRESS = "anna@our.example"


def discovering(service, address):
    """Have the server be every autodiscover service, and tell of itself; a context manager."""
    service.autodiscover[address] = service.endpoint
    find_server = ews.find_server
    url = f"{service.origin}/autodiscover/autodiscover.xml"
    place = ews.Account("", service.endpoint, "", "").place

    def find(account):
        # As if it stood elsewhere: of this machine itself nothing is asked.
        return find_server(replace(account, network=replace(account.network, trusted=(place,))), url)

    return patch.object(ews, "find_server", find)


class ExchangeCase(CommittingCase):
    """Subclasses have ``service``, ``account`` (the mailbox there) and ``new_mailbox``."""

    def connected(self, **values):
        mailbox = self.new_mailbox(**values)
        self.env.cr.commit()
        mailbox.action_connect()
        self.env.cr.commit()
        return mailbox

    def draft(self, mailbox, **values):
        """Return a mail that the mailbox's owner wrote."""
        drafts = self.env["crm.email.composer"].with_user(mailbox.user_id)
        known = {"to": "eva@mill.example", "subject": "Our offer", "body": "<p>Hello</p>"}
        draft = drafts.create({"mailbox_id": mailbox.id, **known, **values})
        self.env.cr.commit()
        return draft

    def assert_mail_comes(self):
        """Show that mail of both directions comes to its card; return the mailbox."""
        eva = self.partner("Eva Mill", "eva@mill.example")
        self.account.deliver(mail("Eva Mill <eva@mill.example>", ADDRESS, "Pumps"))
        self.account.deliver(mail(ADDRESS, "eva@mill.example", "Our offer"), "sentitems")
        mailbox = self.connected()
        mailbox.action_sync_now()
        self.assertEqual(mailbox.state, "connected")
        emails = self.emails()
        self.assertEqual(set(emails.mapped("subject")), {"Pumps", "Our offer"})
        self.assertEqual(emails.partner_ids, eva)
        self.assertEqual(set(emails.mapped("direction")), {"in", "out"})
        return mailbox

    def assert_nothing_is_lost(self, forget):
        """Show that a server that forgot what it told costs a listing and no mail."""
        mailbox = self.connected()
        for number in range(5):
            self.account.deliver(mail("eva@mill.example", ADDRESS, f"Mail {number}"))
        mailbox.action_sync_now()
        forget()
        self.account.deliver(mail("eva@mill.example", ADDRESS, "Later"))
        mailbox.action_sync_now()
        mailbox.action_sync_now()
        self.assertEqual(len(self.emails()), 6)

    def assert_waits(self, refusal):
        """Show that a server that asked for twenty minutes is left alone for so long."""
        mailbox = self.connected()
        self.service.fail[self.service.calls + 1] = refusal
        with self.assertRaisesRegex(UserError, "asks us to wait"):
            mailbox.action_sync_now()
        self.assertEqual(mailbox.state, "waiting")
        self.assertGreater((mailbox.next_sync - fields.Datetime.now()).total_seconds(), 1190)
