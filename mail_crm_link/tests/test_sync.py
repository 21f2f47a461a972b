import re
from unittest.mock import patch

from odoo.sql_db import Cursor
from odoo.tools import SQL

from .committing_case import CommittingCase, mail


class TestSync(CommittingCase):
    def test_a_mail_comes_to_the_card_of_its_sender(self):
        anna = self.partner("Anna Meyer", "anna@mill.example")
        mailbox = self.connected_mailbox()
        self.deliver(mail("Anna Meyer <Anna@Mill.example>", mailbox.email, "Pumps"))
        mailbox.action_sync_now()
        [email] = self.emails()
        self.assertEqual(email.partner_ids, anna)
        self.assertEqual(email.direction, "in")
        self.assertEqual(email.subject, "Pumps")
        self.assertEqual(email.link_ids.reason, "Address of Anna Meyer")
        self.assertIn("Hello there", email.body)
        self.assertEqual(mailbox.state, "connected")

    def test_an_audit_that_fails_takes_no_other_mailbox_its_turn(self):
        mailbox = self.connected_mailbox()
        broken = patch.object(self.env.registry["crm.mailbox"], "_audit", side_effect=KeyError("odd"))
        with broken, self.assertLogs("odoo.addons.mail_crm_link.models.crm_mailbox", "ERROR"):
            mailbox._audit_guarded()
        self.assertTrue(mailbox.last_audit, "it is not the first again")

    def test_a_sent_mail_is_outgoing_and_on_the_card_of_its_recipient(self):
        anna = self.partner("Anna Meyer", "anna@mill.example")
        mailbox = self.connected_mailbox()
        self.deliver(mail(mailbox.email, "anna@mill.example", "Our offer"), folder="Sent")
        mailbox.action_sync_now()
        [email] = self.emails()
        self.assertEqual((email.direction, email.partner_ids), ("out", anna))

    def test_a_run_with_nothing_new_writes_nothing(self):
        mailbox = self.connected_mailbox()
        self.deliver(mail("a@b.example", mailbox.email))
        mailbox.action_sync_now()
        self.env.cr.commit()
        statements = []
        execute = Cursor.execute

        def listening(cursor, query, *args, **options):
            statements.append(query.code if isinstance(query, SQL) else query)
            return execute(cursor, query, *args, **options)

        with patch.object(Cursor, "execute", listening):
            mailbox._sync(float("inf"))
        writing = [one for one in statements if re.search(r"\b(INSERT|UPDATE|DELETE)\b", one)]
        self.assertTrue(statements)
        self.assertFalse(writing)

    def test_past_mail_follows_a_contact_that_is_made_later(self):
        mailbox = self.connected_mailbox()
        self.deliver(mail("anna@mill.example", mailbox.email, "Before you knew me"))
        mailbox.action_sync_now()
        self.assertEqual(self.emails().unbound_reason, "no_match")
        anna = self.partner("Anna Meyer", "anna@mill.example")
        self.relink()
        self.assertEqual(self.emails().partner_ids, anna)

    def test_the_answer_of_an_unknown_address_follows_its_conversation(self):
        anna = self.partner("Anna Meyer", "anna@mill.example")
        mailbox = self.connected_mailbox()
        self.deliver(
            mail("anna@mill.example", mailbox.email, Message_ID="<1@mill.example>"),
            days_ago=3,
        )
        self.deliver(mail("assistant@elsewhere.example", mailbox.email, In_Reply_To="<1@mill.example>"))
        mailbox.action_sync_now()
        self.assertEqual(len(self.emails()), 2)
        self.assertEqual(self.emails().mapped("partner_ids"), anna)
        self.assertEqual(set(self.emails().mapped("link_ids.origin")), {"address", "thread"})

    def test_a_lead_gets_phone_and_company_of_the_signature(self):
        mailbox = self.connected_mailbox()
        mailbox.rule_ids.filtered(lambda rule: rule.target == "lead").active = True
        self.env.cr.commit()
        body = "Do you sell pumps?\n\n-- \nBo Berg\nBerg Pumps GmbH\nPhone: +43 1 234 56 78\n"
        self.deliver(mail("Bo Berg <bo@new.example>", mailbox.email, "Pumps", body), days_ago=-0.01)
        mailbox.action_sync_now()
        lead = self.emails().lead_ids
        self.assertEqual((lead.phone, lead.partner_name), ("+43 1 234 56 78", "Berg Pumps GmbH"))
        self.emails().creation_ids.action_undo()
