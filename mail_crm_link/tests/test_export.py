"""A person's mail leaves as files that other programs read, as far as whoever exports may read it."""

import io
import json
import mailbox
import re
import tempfile
import time
import zipfile
from email import message_from_bytes, policy
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..models import crm_email_export
from .committing_case import CommittingCase, mail
from .received_case import ReceivedCase


def read_archive(content: bytes) -> tuple[dict, list[bytes]]:
    """Return the listing and the mails, unquoted."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive, tempfile.NamedTemporaryFile() as file:
        listing = json.loads(archive.read("mail.json"))
        file.write(archive.read("mail.mbox"))
        file.flush()
        box = mailbox.mbox(file.name)
        return listing, [re.sub(rb"^>(?=>*From )", b"", box.get_bytes(key), flags=re.MULTILINE) for key in box.keys()]


class ExportCase(ReceivedCase):
    def export(self, card, user=None, **options):
        file = io.BytesIO()
        card.with_user(user or self.owner)._export_crm_emails(file, **options)
        return read_archive(file.getvalue())

    def store_body(self, email, body="<p>Hello</p>", **attachment):
        email.mail_message_id.body = body
        email.body_state = "stored"
        if attachment:
            email.mail_message_id.attachment_ids = [
                Command.create({"res_model": "mail.message", "res_id": email.mail_message_id.id, **attachment})
            ]
        self.env.flush_all()


@tagged("post_install", "-at_install")
class TestExport(ExportCase, HttpCase):
    def test_mail_from_to_and_about_the_person_is_in_it(self):
        first = self.receive(subject="From Anna")
        second = self.send("Anna <ANNA+news@mill.example>", "To Anna")
        third = self.receive("bob@else.example", "By hand")
        self.receive("bob@else.example", "Not hers")
        third.link_to("res.partner", self.anna.id)
        listing, mails = self.export(self.anna)
        self.assertEqual([one["subject"] for one in listing["mails"]], ["From Anna", "To Anna", "By hand"])
        self.assertEqual([one["message_id"] for one in listing["mails"]], (first + second + third).mapped("message_id"))
        self.assertEqual(len(mails), 3)
        self.assertEqual(listing["person"]["addresses"], ["anna@mill.example"])
        [anna, mill] = listing["mails"][0]["cards"]
        self.assertEqual((anna["name"], anna["origin"], mill["name"]), ("Mill Ltd, Anna Meyer", "address", "Mill Ltd"))
        self.assertEqual(listing["mails"][0]["copies"][0]["mailbox"], "owner@our.example")

    def test_a_mail_is_made_anew_of_what_is_stored(self):
        email = self.receive(subject="Grüße", Cc="Bob Ö <bob@mill.example>")
        self.store_body(email, "<p>From me\nFrom you</p>", name="plän.pdf", raw=b"%PDF-1.4", mimetype="application/pdf")
        listing, [raw] = self.export(self.anna)
        message = message_from_bytes(raw, policy=policy.default)
        self.assertEqual(str(message["Subject"]), "Grüße")
        self.assertEqual(str(message["Cc"]), "Bob Ö <bob@mill.example>")
        self.assertEqual(message["Message-ID"], email.message_id)
        text, plan = message.iter_parts()
        self.assertEqual(text.get_content().strip(), "<p>From me\nFrom you</p>")
        self.assertEqual((plan.get_filename(), plan.get_content()), ("plän.pdf", b"%PDF-1.4"))
        [described] = listing["mails"]
        self.assertEqual(described["source"], "rebuilt")
        self.assertEqual([one["name"] for one in described["attachments"]], ["plän.pdf"])

    def test_where_only_the_envelope_is_known_it_says_so(self):
        self.receive()
        listing, _mails = self.export(self.anna)
        self.assertEqual(listing["mails"][0]["source"], "envelope")

    def test_a_lead_stands_for_its_person(self):
        self.receive()
        lead = self.opportunity("Pumps", self.anna)
        self.assertEqual(len(self.export(lead)[1]), 1)

    def test_dates_limit_it(self):
        self.receive(subject="Now")
        self.assertEqual(len(self.export(self.anna, since="2030-01-01")[1]), 0)
        self.assertEqual(len(self.export(self.anna, until="2020-01-01")[1]), 0)
        self.assertEqual(len(self.export(self.anna, since="2020-01-01", until="2099-01-01")[1]), 1)

    def test_it_is_written_page_by_page(self):
        for number in range(5):
            self.receive(subject=f"Number {number}")
        with patch.object(crm_email_export, "PAGE", 2):
            listing, mails = self.export(self.anna)
        self.assertEqual((len(listing["mails"]), len(mails)), (5, 5))

    # --- rights -------------------------------------------------------------------------

    def test_what_the_user_may_not_read_is_counted_only(self):
        colleague = new_test_user(self.env, "export_colleague", "sales_team.group_sale_salesman_all_leads")
        self.receive(subject="Canary")
        self.receive("anna@mill.example", "Own", mailbox=self.new_mailbox("colleague@our.example", colleague))
        listing, mails = self.export(self.anna, colleague)
        self.assertEqual([one["subject"] for one in listing["mails"]], ["Own"])
        self.assertNotIn("Canary", json.dumps(listing) + repr(mails))
        self.assertEqual([(one["mailbox"], one["count"]) for one in listing["withheld"]], [("owner@our.example", 1)])

    def test_mail_that_is_on_no_readable_card_is_counted_for_data_protection_only(self):
        officer = new_test_user(self.env, "export_officer", "mail_crm_link.group_data_protection")
        colleague = new_test_user(self.env, "export_colleague", "sales_team.group_sale_salesman_all_leads")
        self.mailbox.crm_link = False
        self.receive(subject="Canary")
        self.assertEqual(self.export(self.anna, colleague)[0]["withheld"], [])
        listing, _mails = self.export(self.anna, officer)
        self.assertEqual([one["count"] for one in listing["withheld"]], [1])
        self.assertNotIn("Canary", json.dumps(listing))

    def test_copies_in_mailboxes_of_others_are_not_told(self):
        colleague = new_test_user(self.env, "export_colleague", "sales_team.group_sale_salesman_all_leads")
        self.mailbox.visibility = "public"
        self.receive()
        listing, _mails = self.export(self.anna, colleague)
        self.assertEqual(listing["mails"][0]["copies"], [])

    def test_a_card_that_the_user_may_not_read(self):
        portal = new_test_user(self.env, "export_portal", "base.group_portal")
        with self.assertRaises(AccessError):
            self.export(self.anna, portal)
        wizards = self.env["crm.email.export"].with_user(self.owner)
        with self.assertRaises(ValidationError):
            wizards.create({"res_model": "res.users", "res_id": self.owner.id})._card()

    def test_it_is_downloaded_by_whoever_asked_for_it(self):
        self.receive()
        wizard = (
            self.env["crm.email.export"]
            .with_user(self.owner)
            .create({"res_model": "res.partner", "res_id": self.anna.id})
        )
        self.assertEqual((wizard.card_name, wizard.email_count), (self.anna.display_name, 1))
        url = wizard.action_download()["url"]
        self.authenticate(self.owner.login, self.owner.login)
        response = self.url_open(url)
        self.assertEqual(response.headers["Content-Type"], "application/zip")
        self.assertEqual(len(read_archive(response.content)[1]), 1)
        colleague = new_test_user(self.env, "export_colleague", "sales_team.group_sale_manager")
        self.authenticate(colleague.login, colleague.login)
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open(url).status_code, 404)
            self.assertEqual(self.url_open("/mail_crm_link/export/0").status_code, 404)


class TestOriginals(CommittingCase):
    def setUp(self):
        super().setUp()
        self.anna = self.partner("Anna", "anna@mill.example")
        self.mailbox = self.connected_mailbox()
        self.raws = [
            mail(
                "anna@mill.example", self.mailbox.email, f"Number {number}", "From here\n>From there\nBye", X_Odd="kept"
            )
            for number in range(3)
        ]
        self.deliver(*self.raws)
        self.mailbox._sync(time.monotonic() + 60)
        self.env.invalidate_all()

    def export(self):
        file = io.BytesIO()
        self.anna._export_crm_emails(file, originals=True)
        return read_archive(file.getvalue())

    def test_originals_come_from_the_server(self):
        listing, mails = self.export()
        self.assertEqual({one["source"] for one in listing["mails"]}, {"original"})
        self.assertEqual(sorted(mails), sorted(raw.replace(b"\r\n", b"\n") for raw in self.raws))

    def test_a_server_that_is_away_costs_the_originals_only(self):
        self.mailbox.imap_port = 1
        self.mailbox.password = self.dovecot.password
        self.env.cr.commit()
        listing, mails = self.export()
        self.assertEqual({one["source"] for one in listing["mails"]}, {"rebuilt"})
        self.assertEqual(len(mails), 3)

    def test_a_mail_that_is_gone_costs_its_original_only(self):
        self.dovecot.doveadm("expunge", "-u", self.user, "mailbox", "INBOX", "header", "Subject", "Number 1")
        listing, _mails = self.export()
        self.assertEqual(sorted(one["source"] for one in listing["mails"]), ["original", "original", "rebuilt"])

    def test_servers_are_asked_for_a_limited_time(self):
        with patch.object(crm_email_export, "ORIGINALS_SECONDS", -1):
            listing, _mails = self.export()
        self.assertEqual({one["source"] for one in listing["mails"]}, {"rebuilt"})

    def test_a_paused_mailbox_is_left_alone(self):
        self.mailbox.action_pause()
        listing, _mails = self.export()
        self.assertEqual({one["source"] for one in listing["mails"]}, {"rebuilt"})
