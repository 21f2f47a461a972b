"""What is written in Odoo goes out through the mailbox's own server, once, and is one mail ever after."""

import imaplib
import random
import time
from contextlib import nullcontext
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from unittest.mock import patch

from servers.dovecot import free_port
from servers.submission import Behaviour, Submission

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.sql_db import Cursor
from odoo.tools import SQL, file_open, mute_logger

from odoo.addons.mail.tools.discuss import Store

from ..models.orm_store import OutboxStore
from .committing_case import CommittingCase, mail
from .received_case import ReceivedCase
from .stops import Died, Worker, dying


class SendingCase(CommittingCase):
    """A mailbox with a Dovecot for reading and a submission server for writing."""

    def setUp(self):
        super().setUp()
        self.submission = self.enterContext(Submission())
        self.author = self.committed_user("sending_author", name="Marc Miller")
        self.mailbox = self.connected_mailbox(
            user_id=self.author.id,
            smtp_host=self.submission.host,
            smtp_port=self.submission.port,
            smtp_security="none",
        )
        self.anna = self.partner("Anna Meyer", "anna@mill.example")

    def draft(self, **values):
        """Return a draft of the author's, with everything that it needs."""
        drafts = self.env["crm.email.composer"].with_user(self.author)
        draft = drafts.create(
            {"to": "Anna Meyer <anna@mill.example>", "subject": "Offer", "body": "<p>Hello</p>", **values}
        )
        self.env.cr.commit()
        return draft

    def synchronise(self):
        self.env.cr.commit()
        self.mailbox.invalidate_recordset()
        self.mailbox._sync(time.monotonic() + 60)
        self.env.invalidate_all()

    def in_sent(self) -> list:
        """Return the mails in the folder of sent mail, read by another library."""
        with imaplib.IMAP4(self.dovecot.host, self.dovecot.port) as client:
            client.login(self.user, self.dovecot.password)
            client.select("Sent", readonly=True)
            numbers = client.search(None, "ALL")[1][0].split()
            raws = [client.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in numbers]
        return [message_from_bytes(raw, policy=policy.default) for raw in raws]

    def run_outbox(self):
        """Let the cron look at everything, as if its time had come."""
        self.bring_forward()
        self.env.invalidate_all()
        for draft in self.env["crm.email.composer"]._due():
            draft._send_guarded()
        self.env.invalidate_all()

    def bring_forward(self):
        """Have the time come of all that waits."""
        self.env.cr.rollback()
        self.env.cr.execute(
            "UPDATE crm_email_composer SET send_at = now() at time zone 'utc' - interval '1 second'"
            " WHERE send_at IS NOT NULL"
        )
        self.env.cr.commit()


class TestSending(SendingCase):
    def received(self, **fields_):
        """Return a stored mail of Anna's."""
        self.deliver(mail("Anna Meyer <anna@mill.example>", self.mailbox.email, "Pumps", **fields_))
        self.synchronise()
        return self.emails([("direction", "=", "in")]).with_user(self.author)

    def test_a_reply_is_one_mail_on_the_card_in_sent_and_at_the_recipient(self):
        received = self.received(Message_ID="<p@mill.example>", References="<o@mill.example>")
        action = received.action_reply()
        draft = self.env["crm.email.composer"].with_user(self.author).browse(action["res_id"])
        self.assertEqual((draft.to, draft.subject), ('"Anna Meyer" <anna@mill.example>', "Re: Pumps"))
        self.assertIn("Hello there", draft.body)
        self.assertTrue(draft.action_send())

        [taken] = self.submission.taken
        self.assertEqual((taken.sender, taken.recipients), (self.mailbox.email, ["anna@mill.example"]))
        [copy] = self.in_sent()
        self.assertEqual(bytes(copy).replace(b"\r\n", b"\n"), taken.raw.replace(b"\r\n", b"\n"))
        self.assertEqual(copy["In-Reply-To"], "<p@mill.example>")
        self.assertEqual(copy["References"].split(), ["<o@mill.example>", "<p@mill.example>"])
        self.assertEqual(copy["From"], f"Marc Miller <{self.mailbox.email}>")

        [sent] = self.emails([("direction", "=", "out")])
        self.assertEqual(sent.partner_ids, self.anna)
        self.assertEqual(sent.conversation_id, received.conversation_id)
        self.assertIn("Hello there", sent.body)
        self.synchronise()
        self.assertEqual(self.emails([("direction", "=", "out")]), sent)
        self.assertEqual(len(sent.copy_ids), 1)
        self.assertEqual(sent.message_id, copy["Message-ID"])

    def test_a_mail_written_from_a_card_stays_on_it_though_its_address_is_unknown(self):
        lead = self.env["crm.lead"].create(
            {"name": "Mill", "email_from": "new@mill.example", "user_id": self.author.id}
        )
        self.env.cr.commit()
        action = lead.with_user(self.author).action_compose_crm_email()
        draft = self.env["crm.email.composer"].with_user(self.author).browse(action["res_id"])
        self.assertEqual(draft.to, "new@mill.example")
        draft.write({"to": "other@else.example", "subject": "Hi", "body": "<p>There</p>"})
        draft.action_send()
        self.assertEqual(draft.email_id.lead_ids, lead)
        self.assertIn("There", draft.email_id.body)
        # Without that binding, the mail would be on no card.
        with patch.object(type(draft), "_card_to_stay_on", lambda draft: lead.browse()):
            other = self.draft(to="other@else.example", model="crm.lead", res_id=lead.id)
            other.action_send()
        self.assertFalse(other.email_id.lead_ids)

    def test_a_mailbox_without_connections_warns_and_binds_nothing(self):
        self.mailbox.crm_link = False
        draft = self.draft(model="res.partner", res_id=self.anna.id)
        self.assertTrue(draft.stays_off_card)
        self.assertTrue(draft.may_switch_on)
        draft.action_send()
        self.assertFalse(draft.email_id.is_bound)
        again = self.draft(model="res.partner", res_id=self.anna.id)
        again.action_establish_connections()
        self.assertFalse(again.stays_off_card)
        again.action_send()
        self.assertEqual(again.email_id.partner_ids, self.anna)

    def test_bcc_gets_it_and_nobody_reads_of_them(self):
        draft = self.draft(cc="cc@x.example", bcc="secret@x.example")
        draft.action_send()
        [taken] = self.submission.taken
        self.assertEqual(taken.recipients, ["anna@mill.example", "cc@x.example", "secret@x.example"])
        self.assertNotIn(b"secret@x.example", taken.raw)
        self.assertNotIn("secret", str(self.in_sent()[0]))
        self.synchronise()
        self.assertNotIn("secret", str(draft.email_id.read()))

    def test_what_waited_is_processed_by_the_answer(self):
        received = self.received(Message_ID="<p@mill.example>")
        received.sudo().date = self.env.cr.now()
        received.sudo()._ask_to_process(self.mailbox)
        self.env.cr.commit()
        action = received.action_reply()
        self.env["crm.email.composer"].with_user(self.author).browse(action["res_id"]).action_send()
        received.invalidate_recordset()
        self.assertEqual(received.state, "processed")

    def test_attachments_arrive_octet_by_octet(self):
        content = bytes(range(256)) * 40
        name = "Angebot für Müller & Söhne.pdf"
        attachment = (
            self.env["ir.attachment"]
            .with_user(self.author)
            .create({"name": name, "raw": content, "mimetype": "application/pdf"})
        )
        draft = self.draft(attachment_ids=[Command.link(attachment.id)])
        draft.action_send()
        [part] = self.in_sent()[0].iter_attachments()
        self.assertEqual((part.get_filename(), part.get_content()), (name, content))
        self.assertEqual(attachment.res_model, "crm.email.composer")

    def test_forwarded_attachments_and_mails_arrive_octet_by_octet(self):
        original = EmailMessage()
        original["From"], original["To"] = "Anna Meyer <anna@mill.example>", self.mailbox.email
        original["Subject"] = "Plans"
        original.set_content("See the plans")
        original.add_attachment(bytes(range(256)), "application", "octet-stream", filename="plan.bin")
        self.deliver(bytes(original).replace(b"\n", b"\r\n"))
        self.synchronise()
        received = self.emails().with_user(self.author)
        for method, subject in (("action_forward", "Fwd: Plans"), ("action_forward_as_attachment", "Fwd: Plans")):
            action = getattr(received, method)()
            draft = self.env["crm.email.composer"].with_user(self.author).browse(action["res_id"])
            self.assertEqual((draft.to, draft.subject), ("", subject))
            draft.to = "boss@our.example"
            draft.action_send()
        inline, whole = self.in_sent()
        self.assertIn("See the plans", inline.get_body(("html",)).get_content())
        [part] = inline.iter_attachments()
        self.assertEqual((part.get_filename(), part.get_content()), ("plan.bin", bytes(range(256))))
        self.assertFalse(inline["In-Reply-To"])
        [part] = whole.iter_attachments()
        self.assertEqual(part.get_content_type(), "message/rfc822")
        self.assertEqual(part.get_content()["Subject"], "Plans")


BOUNCE = """From: Mail Delivery System <MAILER-DAEMON@our.example>
To: {owner}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce@our.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.our.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 Nobody of that name

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: Offer
--b--
"""


class TestBounces(SendingCase):
    def bounced(self, recipient, message_id):
        text = BOUNCE.format(owner=self.mailbox.email, recipient=recipient, message_id=message_id)
        self.deliver(text.replace("\n", "\r\n").encode(), days_ago=0.01)
        self.synchronise()
        self.env["crm.email"]._read_reports()
        self.env.invalidate_all()

    def test_a_bounce_is_told_on_the_sent_mail(self):
        draft = self.draft()
        draft.action_send()
        self.bounced("anna@mill.example", draft.message_id)
        self.assertEqual(draft.email_id.delivery_problem, "anna@mill.example: 550 5.1.1 Nobody of that name")

    def test_a_bounce_about_somebody_else_is_not_believed(self):
        draft = self.draft()
        draft.action_send()
        self.bounced("stranger@x.example", draft.message_id)
        self.assertFalse(draft.email_id.delivery_problem)


class TestLanguages(ReceivedCase):
    """Who is told is told in their language, whatever process finds out."""

    def setUp(self):
        super().setUp()
        self.env["res.lang"]._activate_lang("de_DE")
        self.owner.lang = "de_DE"

    def test_what_becomes_of_a_mail_is_told_in_its_author_s(self):
        values = {"mailbox_id": self.mailbox.id, "to": "anna@mill.example", "subject": "Offer"}
        draft = self.env["crm.email.composer"].with_user(self.owner).create(values).sudo()
        told = []
        with (
            patch.object(OutboxStore, "exclusive", lambda _store: nullcontext(True)),
            patch.object(type(draft), "_advance", lambda mail, _store: told.append(mail.env.lang)),
        ):
            draft.with_user(self.env.user)._send_waiting()
        self.assertEqual(told, ["de_DE"])

    def test_a_bounce_is_told_in_the_owner_s(self):
        sent = self.send("anna@mill.example")
        told = []
        users, mailboxes = type(self.owner), type(self.mailbox)
        with (
            patch.object(type(sent), "_problem_sentence", lambda email: email.env.lang),
            patch.object(users, "_bus_send", lambda _user, _type, payload: told.append(payload["message"])),
            patch.object(mailboxes, "_announce_progress"),
        ):
            sent._tell_of_problem()
        self.assertEqual(told, ["de_DE"])


class TestOutbox(SendingCase):
    """Once, whatever happens."""

    def test_a_taken_mail_whose_answer_was_lost_is_not_sent_again(self):
        self.mailbox.files_sent = "provider"
        self.submission.on_taken = lambda taken: self.deliver(taken.raw, folder="Sent")
        self.submission.behaviour = Behaviour(cut="after")
        draft = self.draft()
        draft.action_send()
        self.assertEqual((draft.state, draft.handing_over), ("scheduled", True))
        self.submission.behaviour = Behaviour()
        self.run_outbox()
        self.assertEqual(draft.state, "sent")
        self.assertEqual(self.submission.attempts, 1)
        self.synchronise()
        self.assertEqual(len(self.emails([("direction", "=", "out")])), 1)

    def test_without_the_look_into_sent_it_would_be_sent_twice(self):
        self.mailbox.files_sent = "provider"
        self.submission.behaviour = Behaviour(cut="after")
        draft = self.draft()
        draft.action_send()
        self.submission.behaviour = Behaviour()
        with patch.object(type(draft), "_was_taken", lambda draft: False):
            self.run_outbox()
        self.assertEqual(self.submission.attempts, 2)

    def test_a_mail_that_the_server_never_got_is_sent_again(self):
        self.mailbox.files_sent = "provider"
        self.submission.behaviour = Behaviour(cut="before")
        draft = self.draft()
        draft.action_send()
        self.submission.behaviour = Behaviour()
        for _look in range(3):
            self.run_outbox()
        self.assertEqual(draft.state, "sent")
        self.assertEqual(len(self.submission.taken), 1)

    def test_where_nobody_can_know_the_author_is_asked(self):
        self.submission.behaviour = Behaviour(cut="after")
        draft = self.draft()
        draft.action_send()
        self.run_outbox()
        self.assertEqual(draft.state, "failed")
        self.assertIn("not known whether", draft.status_message)
        self.assertEqual(self.submission.attempts, 1)
        self.assertIn("Hello", draft.body)
        self.submission.behaviour = Behaviour()
        draft.action_send()
        self.assertEqual(draft.state, "sent")
        first, second = self.submission.taken
        self.assertEqual(first.raw, second.raw)

    def test_a_refusal_for_good_names_the_recipient_and_the_words(self):
        self.submission.behaviour = Behaviour(recipients={"anna@mill.example": "550 5.1.1 No such user here"})
        draft = self.draft()
        with self.assertRaisesRegex(UserError, "anna@mill.example: 5.1.1 No such user here"):
            draft.action_send()
        draft.invalidate_recordset()
        self.assertEqual(draft.state, "failed")
        self.assertIn("Hello", draft.body)
        self.run_outbox()
        self.assertFalse(self.submission.taken)
        draft.write({"to": "right@mill.example"})
        draft.action_send()
        self.assertEqual(self.submission.taken[0].recipients, ["right@mill.example"])

    def test_a_mail_that_is_put_off_in_the_end_is_sent_later_without_asking(self):
        self.submission.behaviour = Behaviour(mail="451 4.3.0 Try again later")
        draft = self.draft()
        draft.action_send()
        self.assertEqual((draft.state, draft.handing_over), ("scheduled", False))
        self.submission.behaviour = Behaviour()
        self.run_outbox()
        self.assertEqual(draft.state, "sent")
        self.assertEqual(len(self.submission.taken), 1)

    def test_the_author_is_told_in_odoos_notifications(self):
        self.submission.behaviour = Behaviour(mail="554 5.7.1 Looks like spam")
        draft = self.draft(subject="Told")
        with self.assertRaisesRegex(UserError, "Looks like spam"):
            draft.action_send()
        told = self.env["mail.notification"].search([("res_partner_id", "=", self.author.partner_id.id)])
        self.assertIn("Looks like spam", " ".join(map(str, told.mail_message_id.mapped("body"))))

    def test_who_was_put_off_and_then_refused_stops_no_second_sending(self):
        self.submission.behaviour = Behaviour(recipients={"slow@x.example": "450 Later"})
        draft = self.draft(to="anna@mill.example, slow@x.example")
        draft.action_send()
        self.submission.behaviour = Behaviour(recipients={"slow@x.example": "550 5.1.1 Nobody"})
        self.run_outbox()
        self.assertEqual(draft.state, "sent")
        self.assertIn("slow@x.example: 5.1.1 Nobody", draft.status_message)
        self.assertEqual([one.recipients for one in self.submission.taken], [["anna@mill.example"]])

    def test_who_is_put_off_gets_it_later_and_nobody_twice(self):
        self.submission.behaviour = Behaviour(
            recipients={"slow@x.example": "450 4.7.1 Greylisted", "no@x.example": "550 5.1.1 Unknown"}
        )
        draft = self.draft(to="anna@mill.example, slow@x.example, no@x.example")
        draft.action_send()
        self.assertEqual(draft.state, "scheduled")
        self.submission.behaviour = Behaviour()
        self.run_outbox()
        self.assertEqual(draft.state, "sent")
        self.assertIn("no@x.example: 5.1.1 Unknown", draft.status_message)
        self.assertEqual([one.recipients for one in self.submission.taken], [["anna@mill.example"], ["slow@x.example"]])
        self.assertEqual(len(self.in_sent()), 1)

    def test_a_server_that_is_away_is_tried_later(self):
        self.mailbox.write({"smtp_port": free_port(), "password": self.dovecot.password})
        draft = self.draft()
        draft.action_send()
        self.assertEqual((draft.state, draft.handing_over), ("scheduled", False))
        self.assertGreater(draft.send_at, fields.Datetime.now() + timedelta(seconds=30))
        self.mailbox.write({"smtp_port": self.submission.port, "password": self.dovecot.password})
        self.env.cr.commit()
        self.run_outbox()
        self.assertEqual(draft.state, "sent")

    def test_a_wrong_password_stops_it_and_says_so(self):
        self.mailbox.password = "wrong"
        self.env.cr.commit()
        draft = self.draft()
        with self.assertRaisesRegex(UserError, "password is wrong"):
            draft.action_send()
        self.assertFalse(self.submission.taken)

    def test_stopped_before_and_after_every_commit(self):
        """The process dies at each step in turn; the mail is sent once, or its author asked."""
        for files_sent in ("provider", "here"):
            step = 0
            while self._dies_at(step, files_sent):
                step += 1
            self.assertGreater(step, 6)

    def _dies_at(self, step: int, files_sent: str) -> bool:
        self.mailbox.files_sent = files_sent
        self.submission.taken.clear()
        self.submission.on_taken = lambda taken: (
            self.deliver(taken.raw, folder="Sent") if files_sent == "provider" else None
        )
        draft = self.draft(subject=f"Step {step} {files_sent}")
        died = False
        with dying(step):
            try:
                draft.action_send()
            except Died:
                died = True
        self.env.cr.rollback()
        self.env.invalidate_all()
        for _run in range(4):
            self.run_outbox()
        sent = len(self.submission.taken)
        if draft.state == "draft":
            self.assertEqual((step // 2, sent), (0, 0))
        elif draft.state == "failed":
            self.assertEqual((files_sent, sent), ("here", 1 if step > 5 else 0))
        else:
            self.assertEqual((draft.state, sent), ("sent", 1))
            self.assertEqual(len([one for one in self.in_sent() if one["Subject"] == draft.subject]), 1)
            self.synchronise()
            self.assertEqual(len(self.emails([("subject", "=", draft.subject)])), 1)
        return died

    def test_killed_at_random_it_is_never_sent_twice(self):
        self.mailbox.files_sent = "provider"
        self.submission.on_taken = lambda taken: self.deliver(taken.raw, folder="Sent")
        worker = Worker(self)
        dice = random.Random(1)
        drafts = [self.draft(subject=f"Number {number}") for number in range(12)]
        for draft in drafts:
            draft._queue(timedelta())
        for _time in range(16):
            worker.kill_at_random("outbox", dice, longest=0.5)
            # What the database still does for the dead is over a moment later.
            time.sleep(0.2)
            self.bring_forward()
        for _run in range(4):
            self.run_outbox()
        self.assertEqual({draft.state for draft in drafts}, {"sent"})
        subjects = sorted(str(message_from_bytes(one.raw)["Subject"]) for one in self.submission.taken)
        self.assertEqual(subjects, sorted(draft.subject for draft in drafts))

    def test_two_senders_at_once_send_it_once(self):
        draft = self.draft()
        draft._queue(timedelta())
        with self.another_worker() as other:
            rival = other["crm.email.composer"].browse(draft.id)
            with OutboxStore(rival).exclusive():
                draft._send_waiting()
                self.assertFalse(self.submission.taken)
        draft._send_waiting()
        self.assertEqual(len(self.submission.taken), 1)


class TestBothWays(SendingCase):
    def test_the_test_of_a_connection_signs_in_for_sending_too(self):
        params = self.mailbox.action_test_connection()["params"]
        self.assertIn("Sending works, too", params["message"])
        self.mailbox.write({"smtp_port": free_port(), "password": self.dovecot.password})
        params = self.mailbox.action_test_connection()["params"]
        self.assertEqual(params["type"], "warning")
        self.assertIn("Sending does not: The server 127.0.0.1 does not accept connections", params["message"])
        self.assertFalse(self.submission.taken)


class TestDrafts(SendingCase):
    def test_undo_takes_it_back_for_ten_seconds(self):
        draft = self.draft()
        action = draft.with_context(crm_email_undo=True).action_send()
        self.assertEqual(action["params"]["seconds"], 10)
        self.assertEqual(draft.state, "scheduled")
        draft._send_waiting()
        self.assertFalse(self.submission.taken)
        draft.action_undo()
        self.env.cr.commit()
        self.run_outbox()
        self.assertEqual(draft.state, "draft")
        self.assertFalse(self.submission.taken)
        draft.action_send()
        with self.assertRaisesRegex(UserError, "Too late"):
            draft.action_undo()

    def test_scheduled_mail_waits_for_its_time(self):
        draft = self.draft(scheduled_date=fields.Datetime.now() + timedelta(hours=2))
        draft.action_send()
        self.assertEqual((draft.state, draft.send_at), ("scheduled", draft.scheduled_date))
        self.assertFalse(draft._due())
        self.run_outbox()
        self.assertEqual(draft.state, "sent")

    def test_a_draft_of_an_answer_is_gone_on_with(self):
        received = self.env["crm.email"]
        self.deliver(mail("Anna Meyer <anna@mill.example>", self.mailbox.email, "Pumps"))
        self.synchronise()
        received = self.emails().with_user(self.author)
        first = received.action_reply()["res_id"]
        self.assertEqual(received.action_reply()["res_id"], first)
        self.assertNotEqual(received.action_forward()["res_id"], first)

    def test_what_is_wrong_is_said_and_nothing_is_lost(self):
        for values, words in (
            ({"to": ""}, "to whom"),
            ({"to": "anna@mill.example, nonsense"}, "nonsense"),
            ({"subject": "Hi\r\nBcc: all@x.example"}, "line breaks"),
            ({"to": '"An\r\nBcc: x@x.example" <anna@mill.example>'}, "not an email address|line breaks"),
        ):
            draft = self.draft(**values)
            with self.assertRaisesRegex(UserError, words):
                draft.action_send()
            self.assertEqual(draft.state, "draft")
        self.assertFalse(self.submission.taken)

    def test_too_large_is_said_before_anything_is_sent(self):
        self.env["ir.config_parameter"].set_param("mail_crm_link.max_mail_size", "1000")
        self.addCleanup(self.env.cr.commit)
        self.addCleanup(self.env["ir.config_parameter"].set_param, "mail_crm_link.max_mail_size", False)
        attachment = self.env["ir.attachment"].with_user(self.author).create({"name": "a", "raw": b"x" * 1000})
        draft = self.draft(attachment_ids=[Command.link(attachment.id)])
        with self.assertRaisesRegex(UserError, "at most"):
            draft.action_send()

    def test_only_own_and_given_addresses_may_be_from(self):
        stranger = self.env.ref("base.user_admin")
        drafts = self.env["crm.email.composer"]
        with self.assertRaises(AccessError):
            drafts.with_user(stranger).create({"mailbox_id": self.mailbox.id, "to": "a@b.example"})
        with self.assertRaises(AccessError):
            self.draft(email_from="ceo@our.example")
        self.env.cr.rollback()
        self.mailbox.aliases = "sales@our.example"
        draft = self.draft(email_from="sales@our.example")
        self.mailbox.user_id = stranger
        self.env.cr.commit()
        with self.assertRaises(AccessError):
            draft.action_send()
        self.mailbox.user_id = self.author
        self.env.cr.commit()
        draft.action_send()
        self.assertEqual(self.submission.taken[0].sender, "sales@our.example")

    def test_the_right_is_asked_again_when_it_is_sent(self):
        draft = self.draft()
        draft.with_context(crm_email_undo=True).action_send()
        self.mailbox.user_id = self.env.ref("base.user_admin")
        self.env.cr.commit()
        self.run_outbox()
        self.assertEqual(draft.state, "failed")
        self.assertFalse(self.submission.taken)

    def test_drafts_are_their_authors_alone(self):
        draft = self.draft()
        for method in ("read", "action_send", "action_undo", "send_waiting", "unlink"):
            with self.assertRaises(AccessError):
                getattr(draft.with_user(self.env.ref("base.user_admin")), method)()

    def test_the_outbox_is_nobodys_to_write(self):
        draft = self.draft()
        with self.assertRaises(AccessError):
            draft.write({"state": "sent"})
        drafts = self.env["crm.email.composer"].with_user(self.author)
        with self.assertRaises(AccessError):
            drafts.create({"to": "anna@mill.example", "message_id": "<forged@x.example>"})

    def test_two_windows_of_one_draft_do_not_write_over_each_other(self):
        draft = self.draft()
        known = draft.revision
        draft.write({"subject": "First window", "revision": known})
        draft.write({"subject": "First window again", "revision": known + 1})
        with self.assertRaisesRegex(UserError, "another window"):
            draft.write({"subject": "Second window", "revision": known})
        self.assertEqual(draft.subject, "First window again")

    def test_a_sent_mail_is_not_changed_any_more(self):
        draft = self.draft()
        draft.action_send()
        with self.assertRaisesRegex(UserError, "sent meanwhile"):
            draft.write({"subject": "Other"})

    def test_a_template_fills_the_draft_and_a_broken_one_changes_nothing(self):
        template = self.env["mail.template"].create(
            {
                "name": "Greeting",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "subject": "For {{ object.name }}",
                "body_html": "<p>Dear <t t-out='object.name'/></p>",
            }
        )
        with patch.object(type(template), "_check_can_be_rendered", lambda *args, **options: None):
            broken = template.copy({"name": "Broken", "body_html": "<p><t t-out='object.nonsense'/></p>"})
        self.addCleanup(self.env.cr.commit)
        self.addCleanup((template | broken).unlink)
        card = {"model": "res.partner", "res_id": self.anna.id}
        draft = self.draft(**card, subject="Mine", body="<p>My text</p>").new(origin=self.draft(**card, subject="Mine"))
        draft.template_id = template
        self.assertFalse(draft._onchange_template_id())
        self.assertEqual(draft.subject, "For Anna Meyer")
        self.assertIn("Dear", draft.body)
        self.assertIn("Hello", draft.body)
        draft.template_id = broken
        with mute_logger("odoo.addons.mail.models.mail_render_mixin"):
            warning = draft._onchange_template_id()["warning"]
        self.assertRegex(warning["message"], "“Broken”.* no attribute 'nonsense'$")
        self.assertIn("Hello", draft.body)

    def test_files_of_others_are_not_taken_along(self):
        secret = self.env["ir.attachment"].with_user(self.env.ref("base.user_admin")).create({"name": "s", "raw": b"s"})
        self.env.cr.commit()
        drafts = self.env["crm.email.composer"].with_user(self.author)
        with self.assertRaises(AccessError):
            drafts.create({"to": "anna@mill.example", "attachment_ids": [Command.link(secret.id)]})

    def test_files_of_the_card_are_copied(self):
        file = self.env["ir.attachment"].create(
            {"name": "f", "raw": b"f", "res_model": "res.partner", "res_id": self.anna.id}
        )
        draft = self.draft(attachment_ids=[Command.link(file.id)])
        self.assertNotEqual(draft.attachment_ids, file)
        self.assertEqual(draft.attachment_ids.raw, b"f")
        draft.unlink()
        self.assertTrue(file.exists())

    def test_people_are_found_by_name_and_address(self):
        self.deliver(mail("Anton Stranger <anton@else.example>", self.mailbox.email))
        self.synchronise()
        drafts = self.env["crm.email.composer"].with_user(self.author)
        self.assertIn('"Anna Meyer" <anna@mill.example>', drafts.suggest_recipients("Anna M"))
        self.assertEqual(drafts.suggest_recipients("anton@"), ['"Anton Stranger" <anton@else.example>'])
        others = self.env["crm.email.composer"].with_user(self.env.ref("base.user_admin"))
        self.assertFalse(others.suggest_recipients("anton@"))
        self.assertFalse(drafts._correspondents_like("%"))

    def test_who_was_given_the_right_sends_from_a_shared_mailbox(self):
        colleague = self.env.ref("base.user_admin")
        self.mailbox.write({"access": "shared", "sender_ids": [Command.link(colleague.id)]})
        self.env.cr.commit()
        draft = (
            self.env["crm.email.composer"]
            .with_user(colleague)
            .create({"mailbox_id": self.mailbox.id, "to": "anna@mill.example", "subject": "Hi"})
        )
        self.env.cr.commit()
        draft.action_send()
        self.assertEqual(self.submission.taken[0].sender, self.mailbox.email)
        self.assertEqual(draft.state, "sent")

    def test_a_copy_of_the_database_sends_nothing(self):
        draft = self.draft()
        draft._queue(timedelta())
        self.env.cr.execute(file_open("mail_crm_link/data/neutralize.sql").read())
        self.env.cr.commit()
        self.run_outbox()
        self.assertEqual(draft.state, "draft")
        with self.assertRaisesRegex(UserError, "password"):
            draft.action_send()
        self.assertFalse(self.submission.taken)

    def test_a_lead_without_mail_asks_nothing_about_writing(self):
        lead = self.env["crm.lead"].create({"name": "No mail", "user_id": self.author.id}).with_user(self.author)
        asked = []
        execute = Cursor.execute

        def listening(cursor, query, *args, **options):
            asked.append(query.code if isinstance(query, SQL) else query)
            return execute(cursor, query, *args, **options)

        with patch.object(Cursor, "execute", listening):
            lead.web_read({"name": {}, "crm_email_count": {}})
            store = Store()
            store.add(lead, [], as_thread=True, request_list=["activities", "attachments", "followers"])
            self.env["mail.message"].with_user(self.author)._message_fetch(None, thread=lead)
        about = [query for query in asked if "crm_email_composer" in query or "crm_mailbox" in query]
        self.assertFalse(about)
        self.assertLessEqual(len([query for query in asked if "crm_email" in query]), 8)
