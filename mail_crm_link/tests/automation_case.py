"""The action "Send 1:1 email": on stored mail in one transaction, or over real servers."""

from odoo import fields
from odoo.tests import new_test_user

from ..models.crm_email import CARD_FIELDS
from .received_case import ReceivedCase
from .test_sending import SendingCase


class AutomationRecords:
    """What 1:1 e-mails are made of; a test names ``author`` and ``lead``."""

    def new_lead(self, name, **values):
        return self.env["crm.lead"].create({"name": name, "type": "opportunity", "user_id": self.author.id, **values})

    def new_template(self, name="1:1 follow-up", model="crm.lead", **values):
        return self.env["mail.template"].create(
            {
                "name": name,
                "model_id": self.env["ir.model"]._get_id(model),
                "subject": "About {{ object.name }}",
                "body_html": "<p>How is <t t-out='object.name'/>? <t t-out='object.owner_email'/></p>",
                **values,
            }
        )

    def new_action(self, template=None, **values):
        template = template or self.template
        return self.env["ir.actions.server"].create(
            {
                "name": "Follow up",
                "model_id": template.model_id.id,
                "state": "crm_email",
                "crm_email_template_id": template.id,
                **values,
            }
        )

    def prepare(self):
        self.lead = self.new_lead("Mill", partner_id=self.anna.id)
        self.template = self.new_template()
        self.action = self.new_action()

    def trigger(self, cards=None, action=None, user=None):
        """Run the action on the records, as the Action menu does; return what it says."""
        cards = self.lead if cards is None else cards
        action = (action or self.action).with_user(user or self.author)
        context = {"active_model": cards._name, "active_ids": cards.ids, "active_id": cards.ids[0]}
        return action.with_context(**context).run()["params"]["message"]

    def row(self, card=None):
        """Return the newest row of a record."""
        self.env.invalidate_all()
        card = card or self.lead
        return self.env["crm.email.automation"].search([(CARD_FIELDS[card._name], "=", card.id)], limit=1)

    def outcome(self, card=None):
        row = self.row(card)
        return row.state, row.reason or ""

    def backdate(self, **ages):
        """Have the row's moments be so long ago, each a `timedelta`."""
        self.row().write({name: fields.Datetime.now() - age for name, age in ages.items()})
        self.env.flush_all()


class DecisionCase(AutomationRecords, ReceivedCase):
    """Up to the outbox, in one transaction."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.author = cls.owner
        cls.colleague = new_test_user(cls.env, "automation_colleague", "sales_team.group_sale_salesman_all_leads")
        cls.admin = cls.env.ref("base.user_admin")
        cls.mailbox.write({"automation": True, "preferred": True, "smtp_host": "smtp.our.example"})

    def setUp(self):
        super().setUp()
        self.prepare()

    def decided(self, card=None):
        """Have the queue decide about the record; return the outcome: ``written``, or why not."""
        self.row(card)._write_or_skip()
        row = self.row(card)
        return "written" if row.draft_ids.state == "scheduled" else row.reason

    def assert_skipped(self, reason, **trigger):
        self.trigger(**trigger)
        self.assertEqual(self.decided(trigger.get("cards")), reason)
        self.assertEqual(self.row(trigger.get("cards")).state, "skipped")
        self.assertFalse(self.env["crm.email.composer"].search([("automation_id", "!=", False)]))


class AutomationCase(AutomationRecords, SendingCase):
    """An owner who lets automation write, a lead of theirs with Anna as its contact, and the action."""

    def setUp(self):
        super().setUp()
        self.mailbox.write(
            {"automation": True, "preferred": True, "automation_per_minute": 1000, "automation_per_day": 100_000}
        )
        self.prepare()
        self.env.cr.commit()

    def _take_back(self):
        self.env.cr.rollback()
        self.env["ir.actions.server"].search([("state", "=", "crm_email")]).unlink()
        self.env["mail.template"].search([("name", "=like", "1:1 %")]).unlink()
        self.env.cr.commit()
        super()._take_back()

    def trigger(self, *args, **options):
        message = super().trigger(*args, **options)
        self.env.cr.commit()
        return message

    def backdate(self, **ages):
        super().backdate(**ages)
        self.env.cr.commit()

    def send(self):
        """Let the cron send what is due, as if the time of all that waits had come."""
        self.env.cr.rollback()
        past = "now() at time zone 'utc' - interval '1 second'"
        self.env.cr.execute(f"UPDATE crm_email_automation SET send_at = {past} WHERE state = 'waiting'")
        self.env.cr.execute(f"UPDATE crm_email_composer SET send_at = {past} WHERE send_at IS NOT NULL")
        self.env.cr.commit()
        self.env.invalidate_all()
        self.env["crm.email.automation"]._cron_send()
        self.env.invalidate_all()
