from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from ..controllers import thread
from .mailbox_case import MailboxCase


@tagged("post_install", "-at_install")
class TestAttachment(MailboxCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.mail = self.email()

    def get(self, part=(b"%PDF", "Größe.pdf", "application/pdf"), user=None):
        user = user or self.owner
        self.authenticate(user.login, user.login)
        fetched = {"side_effect": part} if callable(part) else {"return_value": part}
        emails = type(self.env["crm.email"])
        with patch.object(emails, "_fetch_attachment", **fetched):
            return self.url_open(f"/mail_crm_link/attachment/{self.mail.id}/2")

    def test_a_pdf_is_shown_in_the_browser_under_its_name(self):
        response = self.get()
        self.assertEqual(response.content, b"%PDF")
        self.assertEqual(response.headers["Content-Type"], "application/pdf")
        disposition = response.headers["Content-Disposition"]
        self.assertTrue(disposition.startswith("inline"), disposition)
        self.assertIn("Gr%C3%B6%C3%9Fe.pdf", disposition)

    def test_what_could_act_in_a_browser_is_only_downloaded(self):
        for mimetype in ("text/html", "image/svg+xml", "application/xhtml+xml"):
            with self.subTest(mimetype):
                headers = self.get((b"<script>", "a", mimetype)).headers
                self.assertEqual(headers["Content-Type"], "application/octet-stream")
                self.assertTrue(headers["Content-Disposition"].startswith("attachment"))
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertIn("sandbox", headers["Content-Security-Policy"])

    @mute_logger("odoo.http")
    def test_it_is_for_those_who_may_read_all_of_the_mail(self):
        self.assertEqual(self.get(user=self.colleague).status_code, 404)
        self.mailbox.visibility = "public"
        self.assertEqual(self.get(user=self.colleague).status_code, 200)

    @mute_logger("odoo.http")
    def test_a_server_that_is_away_is_told_in_a_sentence(self):
        def away(section):
            raise UserError("The server does not answer.")

        response = self.get(away)
        self.assertEqual(response.status_code, 503)
        self.assertIn("The server does not answer.", response.text)


@tagged("post_install", "-at_install")
class TestThreadWindow(MailboxCase, HttpCase):
    def window(self, shown, had, model="crm.lead", res_id=None, **other):
        self.authenticate(self.owner.login, self.owner.login)
        return self.make_jsonrpc_request(
            "/mail_crm_link/thread/window",
            {
                "thread_model": model,
                "thread_id": res_id or self.lead.id,
                "known": shown.ids,
                "complete": had.ids,
                "limit": len(shown) + 30,
                **other,
            },
        )

    def test_older_mail_comes_to_a_card_that_is_shown_to_its_beginning(self):
        note = self.note(0)
        older = self.email(days=-5).mail_message_id
        self.assertEqual(self.window(note, note)["messages"], [note.id])
        self.assertIn(older.id, self.window(note, note, whole=True)["messages"])

    def test_it_lists_all_that_is_to_show_and_hands_out_what_is_new(self):
        note = self.note(0)
        late = self.email(days=5).mail_message_id
        window = self.window(note, note)
        self.assertEqual(window["messages"], [late.id, note.id])
        self.assertFalse(window["more"])
        handed_out = [values["id"] for values in window["data"]["mail.message"]]
        self.assertEqual(handed_out, late.ids)

    def test_a_mail_whose_text_was_on_its_way_is_handed_out_again(self):
        message = self.email().mail_message_id
        window = self.window(message, message.browse())
        self.assertIn("Hello", str(window["data"]["mail.message"]))

    def test_a_card_that_is_not_there_is_not_found(self):
        note = self.note(0)
        with (
            mute_logger("odoo.http"),
            self.assertRaisesRegex(JsonRpcException, "NotFound"),
        ):
            self.window(note, note, res_id=2**31 - 1)

    def test_it_asks_for_no_more_than_a_browser_shows(self):
        notes = [self.note(number) for number in range(3)]
        with patch.object(thread, "MOST_MESSAGES", 2):
            window = self.window(notes[0].browse(), notes[0].browse(), limit=10**9)
        self.assertEqual(window["messages"], [notes[2].id, notes[1].id])

    def test_a_malformed_request_is_a_bad_one(self):
        nothing = self.env["mail.message"]
        for wrong in (
            {"complete": "all"},
            {"complete": [[1]]},
            {"limit": "x"},
            {"limit": None},
            {"complete": [1] * 3000},
        ):
            with (
                self.subTest(request=wrong),
                mute_logger("odoo.http"),
                self.assertRaisesRegex(JsonRpcException, "BadRequest"),
            ):
                self.window(nothing, nothing, **wrong)
