"""Reading mail that is not stored: fetched from a real server, shown, and not kept."""

import imaplib
import re
from email.message import EmailMessage
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..connectors.imap import IMAPConnector
from ..models import crm_email_reading
from .committing_case import CommittingCase, mail
from .test_connections_tour import ServedTourCase

ICS = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
METHOD:REQUEST\r
BEGIN:VEVENT\r
UID:1@mill.example\r
DTSTAMP:20260101T000000Z\r
DTSTART:20260310T090000Z\r
DTEND:20260310T103000Z\r
SUMMARY:Site visit\r
LOCATION:Hall 3\r
ORGANIZER;CN=Anna Meyer:mailto:anna@mill.example\r
END:VEVENT\r
END:VCALENDAR\r
"""


def with_parts(*parts, text="Hello", html="", **header) -> bytes:
    """Return a mail with further parts: (type, name, content)."""
    message = EmailMessage()
    message["From"], message["To"] = "Zoe <zoe@far.example>", "me@our.example"
    message["Subject"] = header.get("subject", "Parts")
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for content_type, name, content in parts:
        maintype, _, subtype = content_type.partition("/")
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return message.as_bytes()


@tagged("-at_install", "post_install")
class TestReading(CommittingCase):
    def setUp(self):
        super().setUp()
        self.mailbox = self.connected_mailbox()

    def received(self, *mails, folder="INBOX"):
        self.deliver(*mails, folder=folder)
        self.mailbox._sync(float("inf"))
        return self.emails()

    def flags(self):
        """What the server has, asked by another library."""
        with imaplib.IMAP4(self.dovecot.host, self.dovecot.port) as imap:
            imap.login(self.user, self.dovecot.password)
            imap.select("INBOX", readonly=True)
            return imap.uid("FETCH", "1:*", "(FLAGS)")[1]

    def test_it_is_fetched_and_neither_stored_nor_marked_as_read_there(self):
        email = self.received(mail("zoe@far.example", "me@our.example", body="Only on the server"))
        before = self.flags()
        content = email.load_content()
        self.env.cr.commit()
        self.assertIn("Only on the server", content["html"])
        self.assertFalse(content["stored"])
        self.assertEqual((email.body_state, bool(email.mail_message_id)), ("none", False))
        self.assertEqual(self.flags(), before)
        self.assertFalse(email.is_unread)

    def test_parts_are_named_for_what_they_are(self):
        email = self.received(
            with_parts(
                ("application/pdf", "Offer.pdf", b"%PDF"),
                ("application/octet-stream", "winmail.dat", b"x"),
                ("application/pkcs7-signature", "smime.p7s", b"x"),
                ("text/calendar", "invite.ics", ICS),
            )
        )
        content = email.load_content()
        kinds = {one["name"]: one["kind"] for one in content["attachments"]}
        self.assertEqual(
            kinds,
            {
                "Offer.pdf": "other",
                "winmail.dat": "outlook",
                "smime.p7s": "smime_signature",
                "invite.ics": "invitation",
            },
        )
        self.assertEqual(len(content["notes"]), 2)
        invitation = content["invitation"]
        self.assertEqual((invitation["title"], invitation["where"]), ("Site visit", "Hall 3"))
        self.assertEqual(invitation["who"], "Anna Meyer")
        self.assertRegex(invitation["when"], r"\d:00.* to \d+:30")

    def test_an_invitation_of_a_large_mail_is_read_too(self):
        large = ("application/pdf", "Large.pdf", bytes(100_000))
        email = self.received(with_parts(large, ("text/calendar", "invite.ics", ICS)))
        self.assertEqual(email.load_content()["invitation"]["title"], "Site visit")

    def test_small_images_of_the_mail_come_with_it(self):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "zoe@far.example", "me@our.example", "Logo"
        message.set_content("Logo")
        message.add_alternative('<p>Logo</p><img src="cid:logo">', subtype="html")
        message.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<logo>")
        content = self.received(message.as_bytes()).load_content()
        self.assertIn('src="data:image/png;base64,iVBORw=="', content["html"])
        self.assertFalse(content["attachments"])

    def test_a_mail_that_was_moved_is_read_at_its_other_place(self):
        raw = mail("zoe@far.example", "me@our.example", body="Moved")
        email = self.received(raw)
        self.received(raw, folder="Archive")
        self.assertEqual(len(email.copy_ids), 2)
        self.delete_in("INBOX")
        self.assertIn("Moved", email.load_content()["html"])
        self.delete_in("Archive")
        with self.assertRaisesRegex(UserError, "deleted or moved"):
            email.load_content()

    def delete_in(self, folder):
        with imaplib.IMAP4(self.dovecot.host, self.dovecot.port) as imap:
            imap.login(self.user, self.dovecot.password)
            imap.select(folder)
            imap.store("1:*", "+FLAGS", r"(\Deleted)")
            imap.expunge()

    def test_a_server_that_is_away_is_told_in_a_sentence(self):
        email = self.received(mail("zoe@far.example", "me@our.example"))
        self.mailbox.imap_port = 1
        self.mailbox.password = self.dovecot.password
        with self.assertRaisesRegex(UserError, "does not accept connections"):
            email.load_content()

    def test_a_very_long_text_is_shown_from_its_beginning(self):
        rows = "<p>row</p>" * 40_000
        email = self.received(with_parts(html=f"<div>{rows}</div>"))
        beginning, whole = email.load_content(), email.load_content(whole=True)
        self.assertTrue(beginning["is_cut"])
        self.assertLessEqual(len(beginning["html"]), crm_email_reading.SHOWN_AT_ONCE)
        self.assertFalse(whole["is_cut"])
        self.assertEqual(whole["html"].count("<p>"), 40_000)

    def test_a_text_that_is_too_large_to_be_fetched_is_told(self):
        email = self.received(with_parts(html="<p>row</p>" * 500_000))
        content = email.load_content()
        self.assertIn("Hello", content["html"])
        self.assertRegex(content["notes"][0], "too large")

    def test_images_of_trusted_senders_only(self):
        email = self.received(with_parts(html='<img src="https://far.example/a.png">'))
        content = email.load_content()
        self.assertIn('data-crm-src="https://far.example/a.png"', content["html"])
        self.assertEqual((content["sender"], content["is_trusted"]), ("zoe@far.example", False))
        senders = self.env["crm.email.image.sender"]
        self.addCleanup(lambda: senders.set_trusted("zoe@far.example", False))
        senders.set_trusted("ZOE@far.example", True)
        self.assertTrue(email.load_content()["is_trusted"])
        self.assertIn("data-crm-src", email.load_content()["html"])

    # --- search on the server -----------------------------------------------------------

    def test_the_server_finds_what_is_not_stored(self):
        found = self.received(mail("zoe@far.example", "me@our.example", "One", "The flange is größer"))
        self.received(mail("zoe@far.example", "me@our.example", "Two", "Nothing"))
        for text in ("flange", "GRÖSSER", "größer"):
            with self.subTest(text):
                answer = self.env["crm.email"].search_on_server(text)
                self.assertFalse(answer["problems"])
                if text != "GRÖSSER":
                    self.assertEqual(answer["ids"], found.ids)
        self.assertFalse(self.env["crm.email"].search_on_server("nowhere")["ids"])

    def test_a_search_without_text_or_mailbox_says_so(self):
        with self.assertRaisesRegex(UserError, "Type what to search"):
            self.env["crm.email"].search_on_server("  ")
        self.mailbox.state = "paused"
        with self.assertRaisesRegex(UserError, "Connect a mailbox"):
            self.env["crm.email"].search_on_server("x")

    def test_a_search_that_cannot_be_made_is_told(self):
        self.received(mail("zoe@far.example", "me@our.example"))
        self.mailbox.imap_port = 1
        self.mailbox.password = self.dovecot.password
        answer = self.env["crm.email"].search_on_server("x")
        self.assertFalse(answer["ids"])
        self.assertRegex(answer["problems"][0], "does not accept connections")

    def test_a_slow_search_ends_in_time(self):
        self.received(mail("zoe@far.example", "me@our.example", body="flange"))
        with patch("odoo.addons.mail_crm_link.models.crm_email_server_search.SEARCH_SECONDS", -1):
            answer = self.env["crm.email"].search_on_server("flange")
        self.assertRegex(answer["problems"][0], "takes long")


@tagged("-at_install", "post_install")
class TestReadingOverHttp(ServedTourCase, HttpCase):
    RAW = with_parts(("application/pdf", "Größe.pdf", b"%PDF"), text="Only on the server", subject="Prüfung")

    def setUp(self):
        super().setUp()
        self.box = self.connected_mailbox()
        self.dovecot.deliver(self.box.login, [self.RAW])
        self.authenticate(self.owner.login, self.owner.login)
        self.make_jsonrpc_request(
            "/web/dataset/call_kw",
            {"model": "crm.mailbox", "method": "action_sync_now", "args": [self.box.ids], "kwargs": {}},
        )
        self.env.invalidate_all()
        self.email = self.env["crm.email"].search([("mailbox_ids", "in", self.box.ids)])
        self.path = f"/mail_crm_link/content/{self.email.id}"

    def fetches(self, *headers, path=None):
        """Ask with each of these headers; return the responses, and how often the server was asked."""
        count = []
        contents = IMAPConnector.contents

        def counted(*arguments):
            count.append(arguments)
            return contents(*arguments)

        with patch.object(IMAPConnector, "contents", counted):
            responses = [self.url_open(path or self.path, headers=one) for one in headers]
        return responses, len(count)

    def test_the_next_look_within_minutes_does_not_ask_the_server_again(self):
        [first], asked = self.fetches({})
        self.assertEqual((first.status_code, asked), (200, 1))
        self.assertIn("Only on the server", first.json()["html"])
        self.assertEqual(first.headers["Cache-Control"], "private, no-cache")
        known = {"If-None-Match": first.headers["ETag"]}
        [again], asked = self.fetches(known)
        self.assertEqual((again.status_code, again.content, asked), (304, b"", 0))
        later = patch("odoo.addons.mail_crm_link.controllers.reading.KEPT_SECONDS", -1)
        with later:
            [late], asked = self.fetches(known)
        self.assertEqual((late.status_code, asked), (200, 1))

    def test_what_a_browser_keeps_is_asked_for_with_its_users_rights(self):
        [first], _asked = self.fetches({})
        known = {"If-None-Match": first.headers["ETag"]}
        other = new_test_user(self.env, "reading_other", "sales_team.group_sale_salesman_all_leads")
        self.authenticate(other.login, other.login)
        with mute_logger("odoo.http"):
            [refused], asked = self.fetches(known)
        self.assertEqual((refused.status_code, asked), (404, 0))

    def test_a_made_up_tag_keeps_nothing(self):
        minted = re.match(r'"(\d+)-', self.fetches({})[0][0].headers["ETag"])[1]
        tags = [f'"{minted}-{"0" * 64}"', "*", "x", '"1-2"', f'"9{minted}-{"0" * 64}"']
        responses, asked = self.fetches(*({"If-None-Match": tag} for tag in tags))
        self.assertEqual(({one.status_code for one in responses}, asked), ({200}, len(tags)))

    def test_a_server_that_is_away_is_told_as_text_for_people(self):
        self.box.write({"imap_port": 1, "password": self.dovecot.password})
        self.env.flush_all()
        [response], _asked = self.fetches({})
        self.assertEqual(response.status_code, 503)
        self.assertIn("does not accept connections", response.json()["error"])

    def test_the_original_is_the_mail_byte_by_byte(self):
        response = self.url_open(f"/mail_crm_link/original/{self.email.id}")
        self.assertEqual(response.content, self.RAW.replace(b"\n", b"\r\n"))
        self.assertTrue(response.headers["Content-Disposition"].startswith("attachment"))
        self.assertIn("Pr%C3%BCfung.eml", response.headers["Content-Disposition"])
        self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")

    def test_the_original_is_for_those_who_may_read_all_of_it(self):
        other = new_test_user(self.env, "reading_other", "sales_team.group_sale_salesman_all_leads")
        self.authenticate(other.login, other.login)
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open(f"/mail_crm_link/original/{self.email.id}").status_code, 404)

    def test_an_attachment_is_fetched_by_one_connection(self):
        opened = []
        original = IMAPConnector.open

        def counted(connector):
            opened.append(connector)
            return original(connector)

        [first], _asked = self.fetches({})
        [attachment] = first.json()["attachments"]
        with patch.object(IMAPConnector, "open", counted):
            response = self.url_open(attachment["url"])
        self.assertEqual((response.content, len(opened)), (b"%PDF", 1))

    def test_other_users_senders_are_nobodys_business(self):
        senders = self.env["crm.email.image.sender"]
        senders.with_user(self.owner).set_trusted("zoe@far.example", True)
        other = new_test_user(self.env, "reading_other", "base.group_user")
        self.assertFalse(senders.with_user(other)._trusts("zoe@far.example"))
        known = senders.search([("user_id", "=", self.owner.id)])
        with self.assertRaises(AccessError):
            known.with_user(other).read(["address"])
