from datetime import datetime, timedelta

from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user

NOON = datetime(2026, 3, 1, 12)


class MailboxCase(TransactionCase):
    """A salesperson's mailbox, a lead of theirs, and mail to put on it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = new_test_user(cls.env, "mailbox_owner", "sales_team.group_sale_salesman_all_leads")
        cls.colleague = new_test_user(cls.env, "mailbox_colleague", "sales_team.group_sale_salesman_all_leads")
        cls.mailbox = cls.env["crm.mailbox"].create({"email": "owner@our.example", "user_id": cls.owner.id})
        cls.lead = cls.env["crm.lead"].create({"name": "Pumps for the mill", "user_id": cls.owner.id})
        cls.lead.message_ids.unlink()
        cls.env.flush_all()

    @classmethod
    def email(cls, days=0, cards=None, subject="Offer", body="<p>Hello</p>", **values):
        """Return a stored mail of the mailbox, ``days`` after `NOON`, on these cards."""
        emails = cls.env["crm.email"].sudo()
        email = emails.create(
            {
                "identity": f"test-{emails.search_count([])}",
                "header_subject": subject,
                "header_from": "Anna Meyer <anna@mill.example>",
                "header_to": "Owner <owner@our.example>",
                "date": NOON + timedelta(days=days),
                "direction": "in",
                "mailbox_ids": [Command.set(cls.mailbox.ids)],
                **values,
            }
        )
        for card in [cls.lead] if cards is None else cards:
            cls.link(email, card)
        if email.mail_message_id:
            email.mail_message_id.body = body
            email.body_state = "stored"
        # Odoo's search of messages does not wait for pending changes
        cls.env.flush_all()
        return email

    @classmethod
    def link(cls, email, card):
        links = cls.env["crm.email.link"].sudo()
        link = links.create(
            {
                "email_id": email.id,
                links._card_column(card): card.id,
                "origin": "address",
                "reason": "Address of the test",
            }
        )
        cls.env["crm.email.binding"]._after_binding(email)
        return link

    @classmethod
    def note(cls, days=0, body="A note", card=None):
        """Return a message of Odoo's own, ``days`` after `NOON`."""
        message = (card or cls.lead).message_post(body=body)
        message.date = NOON + timedelta(days=days)
        return message
