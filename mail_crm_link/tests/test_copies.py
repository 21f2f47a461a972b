"""One mail in several mailboxes: who forges a copy learns nothing, and puts nothing in others' mail."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ..connectors.base import Content, Envelope
from ..models.crm_email_comparison import CrmEmail as Comparing
from ..models.email_rows import ContentRows
from ..models.orm_store import OrmStore
from .committing_case import CommittingCase, mail
from .received_case import NOW, ReceivedCase

SECRET = "The price is 4711"


class SeveralMailboxes(ReceivedCase):
    """The mailboxes of the owner and of a colleague, who sees the owner's cards but no private mail."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = new_test_user(cls.env, "copies_colleague", "sales_team.group_sale_salesman_all_leads")
        cls.second = cls.new_mailbox("colleague@our.example", cls.colleague)

    def message(self, text=SECRET, attachment=None, **header) -> bytes:
        message = EmailMessage()
        fields = {
            "From": "Anna Meyer <anna@mill.example>",
            "To": "all@our.example",
            "Subject": "Pumps",
            "Date": format_datetime(NOW),
            "Message-ID": "<secret@mill.example>",
        }
        for name, value in {**fields, **header}.items():
            message[name] = value
        message.set_content(text)
        if attachment is not None:
            message.add_attachment(attachment, "application", "pdf", filename="offer.pdf")
        return message.as_bytes(policy=default)

    def arrive(self, mailbox, raw: bytes):
        """Return the mail that a copy of ``raw`` is taken for when it comes to a mailbox."""
        header = raw.partition(b"\n\n")[0]
        return self.store(mailbox, [Envelope(str(next(self.uids)), header, len(raw), NOW, False)])

    def fetch(self, mailbox, contents: dict) -> None:
        """Fetch what is wanted of a mailbox, as a synchronisation does.

        :param contents: raw mails by Message-ID, as the mailbox has them
        """
        self.env.flush_all()
        with patch.object(self.env.cr, "commit"):
            wanted = OrmStore(mailbox).wanted(100)
        copies = self.env["crm.email.copy"].browse(one.key for one in wanted)
        raws = [contents[copy.email_id.message_id] for copy in copies]
        fetched = [
            Content(one.remote_id, raw, raw.partition(b"\n\n")[0]) for one, raw in zip(wanted, raws, strict=True)
        ]
        ContentRows(mailbox.sudo()).save(wanted, fetched)
        self.env.invalidate_all()

    def receive_and_fetch(self, mailbox, raw: bytes):
        self.arrive(mailbox, raw)
        self.fetch(mailbox, {message_from_bytes(raw)["Message-ID"]: raw})
        return self.of(mailbox)

    def of(self, mailbox):
        """The mail that a mailbox has."""
        self.env.invalidate_all()
        return self.env["crm.email"].search([("mailbox_ids", "in", mailbox.ids)])

    def seen_by(self, user, email):
        return email.with_user(user).read(["reader_level", "body", "snippet", "attachment_ids"])[0]


@tagged("-at_install", "post_install")
class TestForgedCopies(SeveralMailboxes):
    def setUp(self):
        super().setUp()
        self.genuine = self.message(attachment=b"%PDF secret")
        self.forged = self.message("I only know the envelope")
        self.email = self.receive_and_fetch(self.mailbox, self.genuine)
        self.assertEqual(self.email.body_state, "stored")

    def test_a_forged_envelope_opens_nothing_that_is_stored(self):
        self.assertEqual(self.arrive(self.second, self.forged), self.email)
        seen = self.seen_by(self.colleague, self.email)
        self.assertEqual(
            (seen["reader_level"], seen["body"], seen["snippet"], seen["attachment_ids"]), ("subject", False, False, [])
        )
        as_colleague = self.email.with_user(self.colleague)
        self.assertFalse(as_colleague.search([("body", "ilike", "4711")]))
        self.assertFalse(as_colleague.search([("snippet", "ilike", "4711")]))
        self.assertFalse(as_colleague.search([("body_state", "=", "stored")]))
        with self.assertRaises(AccessError):
            as_colleague.load_content()
        for record in (self.email.mail_message_id, self.email.mail_message_id.attachment_ids):
            self.assertFalse(record.with_user(self.colleague).has_access("read"))

    def test_without_the_proof_it_would_be_read(self):
        def believing(emails, alias, mailbox_ids):
            return SQL("%s IN (%s)", SQL.identifier(alias, "id"), emails._own_ids())

        self.arrive(self.second, self.forged)
        with patch.object(Comparing, "_held_sql", believing):
            self.assertTrue(self.email.with_user(self.colleague).search([("body", "ilike", "4711")]))
        self.env.cr.execute("UPDATE crm_email_mailbox_rel SET proven = true")
        self.env.invalidate_all()
        self.assertIn(SECRET, self.seen_by(self.colleague, self.email)["body"])

    def test_it_becomes_a_mail_of_its_own_that_is_all_its_mailbox_has(self):
        self.arrive(self.second, self.forged)
        self.fetch(self.second, {"<secret@mill.example>": self.forged})
        own = self.of(self.second)
        self.assertNotEqual(own, self.email)
        self.assertIn("I only know", self.seen_by(self.colleague, own)["body"])
        self.assertEqual(self.email.mailbox_ids, self.mailbox)
        self.assertEqual(self.seen_by(self.colleague, self.email)["reader_level"], "private")
        self.assertIn(SECRET, self.seen_by(self.owner, self.email)["body"])

    def test_the_text_alone_opens_no_attachment(self):
        self.arrive(self.second, self.message(attachment=b"%PDF guessed"))
        self.fetch(self.second, {"<secret@mill.example>": self.message(attachment=b"%PDF guessed")})
        own = self.of(self.second)
        self.assertNotEqual(own, self.email)
        self.assertEqual(own.attachment_ids.raw, b"%PDF guessed")

    def test_the_copy_of_a_colleague_is_the_same_mail_and_read(self):
        rewrapped = self.genuine.replace(b"quoted-printable", b"7bit").replace(b"\n\n", b"\nX-Way: another\n\n", 1)
        self.assertEqual(self.receive_and_fetch(self.second, rewrapped), self.email)
        self.assertEqual(self.email.mailbox_ids, self.mailbox | self.second)
        seen = self.seen_by(self.colleague, self.email)
        self.assertEqual(seen["reader_level"], "full")
        self.assertIn(SECRET, seen["body"])
        with patch.object(self.env.cr, "commit"):
            self.assertFalse(OrmStore(self.second).wanted(100))

    def test_who_puts_in_other_recipients_does_not_learn_the_true_ones(self):
        guess = self.arrive(self.second, self.message(To="guess@our.example"))
        self.assertNotEqual(guess, self.email)
        self.assertEqual(guess.with_user(self.colleague).email_to, "guess@our.example")

    def test_a_mailbox_opens_to_others_only_what_it_has(self):
        self.second.visibility = "public"
        reader = new_test_user(self.env, "copies_reader", "sales_team.group_sale_salesman_all_leads")
        self.arrive(self.second, self.forged)
        self.assertEqual(self.seen_by(reader, self.email)["reader_level"], "subject")
        self.fetch(self.second, {"<secret@mill.example>": self.genuine})
        self.assertEqual(self.seen_by(reader, self.email)["reader_level"], "full")

    def test_who_opened_the_mail_is_told_to_none_but_its_mailboxes(self):
        self.mailbox.visibility = "public"
        self.env["crm.email.access"].with_user(self.colleague)._upsert(
            {(self.colleague.id, self.email.id): (NOW.replace(tzinfo=None), None, None)}
        )
        self.arrive(self.second, self.forged)
        self.assertEqual(self.env["crm.email.access"].with_user(self.owner).search_count([]), 1)
        self.assertFalse(self.env["crm.email.access"].with_user(self.colleague).search_count([]))


@tagged("-at_install", "post_install")
class TestForgedFirst(SeveralMailboxes):
    """The forged copy was there before the genuine one, and its content was looked into first."""

    def setUp(self):
        super().setUp()
        self.forged, self.genuine = self.message("Pay to another account"), self.message()
        self.poisoned = self.receive_and_fetch(self.second, self.forged)

    def test_the_genuine_mail_is_what_its_mailbox_shows(self):
        self.arrive(self.mailbox, self.genuine)
        self.assertFalse(self.seen_by(self.owner, self.poisoned)["body"])
        self.fetch(self.mailbox, {"<secret@mill.example>": self.genuine})
        own = self.of(self.mailbox)
        self.assertNotEqual(own, self.poisoned)
        self.assertIn(SECRET, self.seen_by(self.owner, own)["body"])
        self.assertEqual(self.seen_by(self.owner, self.poisoned)["reader_level"], "private")
        self.assertEqual(self.cards(own), self.cards(self.poisoned))

    def test_a_card_that_was_chosen_by_hand_is_the_genuine_mails_too(self):
        self.arrive(self.mailbox, self.genuine)
        deal = self.opportunity("By hand")
        self.env["crm.email.link"].with_user(self.owner)._link_by_hand(self.poisoned, deal.with_user(self.owner))
        self.fetch(self.mailbox, {"<secret@mill.example>": self.genuine})
        self.assertIn(deal, self.cards(self.of(self.mailbox)))

    def test_a_third_mailbox_joins_whom_it_agrees_with(self):
        self.receive_and_fetch(self.mailbox, self.genuine)
        third = self.new_mailbox("third@our.example", new_test_user(self.env, "copies_third", "base.group_user"))
        self.assertEqual(self.receive_and_fetch(third, self.genuine), self.of(self.mailbox))


@tagged("-at_install", "post_install")
class TestNothingStored(SeveralMailboxes):
    """Mail on no card, of which only the envelope is here."""

    def setUp(self):
        super().setUp()
        self.anna.email = False
        self.email = self.arrive(self.mailbox, self.message())
        self.arrive(self.second, self.message("Forged"))
        self.assertEqual(len(self.email.copy_ids), 2)

    def asked(self, user) -> list:
        """The mailboxes that are asked when a user opens the mail, and none answers."""
        asked = []

        def opened(mailbox):
            asked.append(mailbox.id)
            raise UserError("not now")

        with patch.object(type(self.mailbox), "_opened", opened), self.assertRaises(UserError):
            self.email.with_user(user).load_content()
        return asked

    def test_readers_get_what_their_own_copy_has(self):
        self.assertEqual(self.seen_by(self.colleague, self.email)["reader_level"], "full")
        self.assertEqual(self.asked(self.colleague), self.second.ids)
        self.assertEqual(self.asked(self.owner), self.mailbox.ids)

    def test_a_copy_that_went_does_not_lead_to_that_of_another(self):
        self.email.copy_ids.filtered(lambda copy: copy.mailbox_id == self.second).unlink()
        self.env.invalidate_all()
        self.assertEqual(self.asked(self.colleague), [])

    def test_readers_of_its_card_get_it_from_where_it_is_public(self):
        reader = new_test_user(self.env, "copies_reader", "sales_team.group_sale_salesman_all_leads")
        self.env["crm.email.link"].create(
            {"email_id": self.email.id, "partner_id": self.anna.id, "origin": "manual", "reason": "Test"}
        )
        self.second.visibility = "public"
        self.assertEqual(self.asked(reader), self.second.ids)


@tagged("-at_install", "post_install")
class TestCopiesOnServers(CommittingCase):
    """The same with synchronisations of real mailboxes."""

    def setUp(self):
        super().setUp()
        self.partner("Anna", "anna@mill.example")
        self.first, self.spy = self.connected_mailbox(store_attachments=True), self._another_mailbox()

    def _another_mailbox(self):
        self.user, own = f"{self.user}b", self.user
        mailbox = self.connected_mailbox(email=f"{self.user}@our.example")
        self.user = own
        return mailbox

    def raw(self, text: str, attachment: bytes) -> bytes:
        message = message_from_bytes(
            mail("anna@mill.example", "all@our.example", "Pumps", text, NOW, Message_ID="<p@mill.example>"),
            policy=default,
        )
        message.add_attachment(attachment, "application", "pdf", filename="offer.pdf")
        return message.as_bytes()

    def synchronise(self, first: bytes, second: bytes):
        for mailbox, raw in ((self.first, first), (self.spy, second)):
            self.dovecot.deliver(mailbox.login, [raw], "INBOX", NOW)
            mailbox._sync(float("inf"))
        return self.emails()

    def test_copies_with_large_attachments_are_one(self):
        raw = self.raw(SECRET, bytes(100_000))
        email = self.synchronise(raw, b"Received: by another way\r\n" + raw)
        self.assertEqual((len(email), len(email.copy_ids)), (1, 2))
        self.assertEqual(email._holding_ids(), {self.first.id, self.spy.id})

    def test_a_forged_attachment_is_told_apart(self):
        emails = self.synchronise(self.raw(SECRET, bytes(100_000)), self.raw(SECRET, b"\1" * 100_000))
        self.assertEqual([len(email.mailbox_ids) for email in emails], [1, 1])

    def test_what_joined_before_it_was_stored_is_compared_later(self):
        self.env["res.partner"].search([("email", "=", "anna@mill.example")]).email = False
        self.env.cr.commit()
        raw = self.raw(SECRET, b"small")
        email = self.synchronise(raw, raw)
        self.assertEqual((len(email), email.body_state), (1, "none"))
        self.partner("Anna again", "anna@mill.example")
        self.relink()
        self.env.cr.commit()
        self.first._sync(float("inf"))
        self.assertEqual(self.emails()._holding_ids(), {self.first.id})
        self.spy._sync(float("inf"))
        self.assertEqual(self.emails()._holding_ids(), {self.first.id, self.spy.id})
