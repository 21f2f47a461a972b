"""1:1 e-mails over real servers: sent once as the person, at the mailbox's pace, and never a loop."""

import random
import unittest
from datetime import timedelta
from email import message_from_bytes, policy
from unittest.mock import patch

from servers.submission import Behaviour

from odoo import fields
from odoo.tools import SQL, mute_logger

from ..models.crm_email_automation import CrmEmailAutomation
from ..models.crm_email_automation_reasons import CrmEmailAutomation as Reasons
from ..models.orm_store import AutomationStore
from .automation_case import AutomationCase
from .committing_case import mail
from .stops import Died, Worker, dying


class TestOneToOne(AutomationCase):
    def sent(self):
        return [message_from_bytes(one.raw, policy=policy.default) for one in self.submission.taken]

    def test_it_goes_out_as_the_owners_mail_and_stays_on_the_card(self):
        self.assertIn("on their way: 1.", self.trigger())
        self.send()
        [taken] = self.submission.taken
        self.assertEqual((taken.sender, taken.recipients), (self.mailbox.email, ["anna@mill.example"]))
        [copy] = self.in_sent()
        self.assertEqual(copy["From"], f"Marc Miller <{self.mailbox.email}>")
        self.assertEqual(copy["Subject"], "About Mill")
        self.assertIn(self.mailbox.email, copy.get_body(("html",)).get_content())
        row = self.row()
        self.assertEqual((row.state, row.author_id, row.mailbox_id), ("sent", self.author, self.mailbox))
        self.assertEqual(row.email_id.lead_ids, self.lead)
        self.assertEqual(row.email_id.message_id, copy["Message-ID"])
        self.synchronise()
        self.assertEqual(len(self.emails([("direction", "=", "out")])), 1)

    def test_contacts_are_written_to_as_well(self):
        template = self.new_template("1:1 contact", "res.partner")
        self.anna.user_id = self.author
        self.trigger(self.anna, self.new_action(template))
        self.send()
        self.assertEqual(self.row(self.anna).email_id.partner_ids, self.anna)

    def test_it_answers_in_the_open_conversation(self):
        self.deliver(mail("Anna Meyer <anna@mill.example>", self.mailbox.email, "Pumps", Message_ID="<p@mill.example>"))
        self.synchronise()
        received = self.emails([("direction", "=", "in")])
        self.action.crm_email_threading = "open"
        self.trigger()
        self.send()
        [letter] = self.sent()
        self.assertEqual((letter["Subject"], letter["In-Reply-To"]), ("Re: Pumps", "<p@mill.example>"))
        self.assertEqual(self.row().email_id.conversation_id, received.conversation_id)

    def test_an_automatic_mail_is_no_answer_to_what_waits(self):
        self.deliver(mail("Anna Meyer <anna@mill.example>", self.mailbox.email, "Pumps"), days_ago=0)
        self.synchronise()
        received = self.emails([("direction", "=", "in")])
        received._ask_to_process(self.mailbox)
        self.action.crm_email_threading = "open"
        self.trigger()
        self.send()
        received.invalidate_recordset()
        self.assertEqual(received.state, "to_process")

    def test_each_record_gets_it_once(self):
        self.trigger()
        self.assertIn("have it already: 1.", self.trigger())
        self.send()
        self.trigger()
        self.send()
        self.assertEqual(len(self.submission.taken), 1)

    def test_it_is_allowed_again_after_days(self):
        self.action.crm_email_repeat_days = 30
        self.trigger()
        self.send()
        self.backdate(handed_at=timedelta(days=29))
        self.trigger()
        self.send()
        self.assertEqual(len(self.submission.taken), 1)
        self.backdate(handed_at=timedelta(days=31))
        self.trigger()
        self.send()
        self.assertEqual(len(self.submission.taken), 2)

    def test_a_refused_mail_is_failed_and_not_tried_again(self):
        self.submission.behaviour = Behaviour(recipients={"anna@mill.example": "550 5.1.1 Nobody"})
        self.trigger()
        self.send()
        self.assertEqual(self.outcome(), ("failed", ""))
        self.assertIn("Nobody", self.row().detail)
        self.submission.behaviour = Behaviour()
        self.trigger()
        self.send()
        self.assertFalse(self.submission.taken)

    def test_something_unexpected_costs_one_mail(self):
        other = self.new_lead("Other", email_from="other@mill.example")
        reason = Reasons._reason_not_to_write

        def breaking(rows, action, card, moment):
            if card == self.lead:
                raise RuntimeError("a bug")
            return reason(rows, action, card, moment)

        self.trigger(self.lead | other)
        with (
            patch.object(Reasons, "_reason_not_to_write", breaking),
            mute_logger("odoo.addons.mail_crm_link.models.crm_email_automation_sending"),
        ):
            self.send()
        self.assertEqual(self.outcome(other), ("sent", ""))
        self.assertEqual(self.outcome(), ("waiting", ""))
        self.assertIn("unexpected", self.row().detail)

    def test_it_never_happened_when_the_trigger_is_rolled_back(self):
        action = self.action.with_context(active_model="crm.lead", active_ids=self.lead.ids, active_id=self.lead.id)
        action.run()
        self.env.cr.rollback()
        self.send()
        self.assertFalse(self.submission.taken)

    def test_a_scheduled_action_writes_to_the_records_of_its_filter(self):
        other = self.new_lead("Other", email_from="other@mill.example")
        cron = self.env["ir.cron"].create(
            {
                "name": "1:1 schedule",
                "model_id": self.template.model_id.id,
                "state": "crm_email",
                "crm_email_template_id": self.template.id,
                "crm_email_domain": f"[('id', 'in', {self.lead.ids})]",
            }
        )
        self.addCleanup(self.env.cr.commit)
        self.addCleanup(cron.unlink)
        self.env.cr.commit()
        cron.method_direct_trigger()
        self.send()
        self.assertEqual(self.outcome(), ("sent", ""))
        self.assertFalse(self.env["crm.email.automation"].search([("lead_id", "=", other.id)]))

    def test_it_works_in_an_automation_rule(self):
        if "base.automation" not in self.env:
            raise unittest.SkipTest("Odoo's automation rules are not installed")
        rule = self.env["base.automation"].create(
            {
                "name": "1:1 rule",
                "model_id": self.template.model_id.id,
                "trigger": "on_create_or_write",
                "filter_domain": "[('priority', '=', '3')]",
            }
        )
        self.action.base_automation_id = rule
        self.addCleanup(self.env.cr.commit)
        self.addCleanup(rule.unlink)
        self.env.cr.commit()
        self.lead.with_user(self.author).priority = "3"
        self.env.cr.commit()
        self.send()
        self.assertEqual(self.outcome(), ("sent", ""))


class TestPace(AutomationCase):
    def leads(self, count):
        leads = self.new_lead("L0", email_from="l0@mill.example").browse()
        for number in range(count):
            leads |= self.new_lead(f"L{number}", email_from=f"l{number}@mill.example")
        return leads

    def states(self, leads):
        self.env.invalidate_all()
        rows = self.env["crm.email.automation"].search([("lead_id", "in", leads.ids)])
        return sorted(rows.mapped(lambda row: row.reason or row.state))

    def test_beyond_the_limit_of_a_minute_they_wait_for_the_next_one(self):
        self.mailbox.automation_per_minute = 2
        leads = self.leads(5)
        self.trigger(leads)
        self.send()
        self.send()
        self.assertEqual(self.states(leads), ["sent"] * 2 + ["waiting"] * 3)
        self.env.cr.execute("UPDATE crm_email_automation SET handed_at = handed_at - interval '61 seconds'")
        self.env.cr.commit()
        self.send()
        self.assertEqual(len(self.submission.taken), 4)

    def test_the_cron_comes_back_when_the_mailbox_may_send_again(self):
        self.mailbox.automation_per_minute = 1
        self.trigger(self.leads(2))
        self.send()
        cron = self.env.ref("mail_crm_link.cron_automation")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertTrue(any(one.call_at > fields.Datetime.now() + timedelta(seconds=30) for one in triggers))

    def test_beyond_the_limit_of_a_day_they_wait_or_are_skipped(self):
        self.mailbox.automation_per_day = 1
        leads = self.leads(3)
        self.trigger(leads)
        self.send()
        self.assertEqual(self.states(leads), ["sent", "waiting", "waiting"])
        self.action.crm_email_over_limit = "skip"
        self.env.cr.commit()
        self.send()
        self.assertEqual(self.states(leads), ["day_limit", "day_limit", "sent"])

    def test_a_mailbox_that_rests_does_not_hold_up_another_one(self):
        self.mailbox.automation_per_minute = 1
        leads = self.leads(2)
        other = self.new_lead("Other", email_from="other@mill.example")
        colleague = self.committed_user("automation_colleague", "sales_team.group_sale_salesman_all_leads")
        self.connected_mailbox(
            email="colleague@our.example",
            user_id=colleague.id,
            automation=True,
            smtp_host=self.submission.host,
            smtp_port=self.submission.port,
            smtp_security="none",
        )
        other.user_id = colleague
        self.trigger(leads | other, user=colleague)
        self.send()
        self.assertEqual(self.states(leads | other), ["sent", "sent", "waiting"])

    def test_a_server_that_is_away_costs_one_attempt(self):
        self.submission.behaviour = Behaviour(mail="451 4.3.0 Later")
        leads = self.leads(4)
        self.trigger(leads)
        before = self.submission.attempts
        self.send()
        self.assertEqual(self.submission.attempts - before, 1)
        self.submission.behaviour = Behaviour()
        self.send()
        self.assertEqual(self.states(leads), ["sent"] * 4)

    def test_a_mailbox_that_needs_its_owner_keeps_them_waiting_and_tells_it_once(self):
        self.mailbox.password = "wrong"
        self.env.cr.commit()
        leads = self.leads(3)
        self.trigger(leads)
        self.send()
        self.assertEqual(self.states(leads), ["waiting"] * 3)
        told = self.env["mail.notification"].search([("res_partner_id", "=", self.author.partner_id.id)])
        self.assertNotIn("Email not sent", told.mail_message_id.mapped("subject"))
        self.mailbox.password = self.dovecot.password
        self.env.cr.commit()
        self.send()
        self.assertEqual(self.states(leads), ["sent"] * 3)


class TestLoops(AutomationCase):
    def receive_automatic(self, **fields_):
        self.deliver(mail("Anna Meyer <anna@mill.example>", self.mailbox.email, "Away", **fields_), days_ago=0)
        self.synchronise()

    def test_it_says_that_it_is_automatic(self):
        self.trigger()
        self.send()
        letter = message_from_bytes(self.submission.taken[0].raw, policy=policy.default)
        self.assertEqual(letter["Auto-Submitted"], "auto-generated")
        self.assertEqual(letter["X-Auto-Response-Suppress"], "OOF, AutoReply")
        self.assertEqual(self.row().email_id.automatic, "notification")

    def test_two_automations_that_answer_each_other_end(self):
        """Both write whenever mail comes from the other, and may do so every day."""
        self.action.crm_email_repeat_days = 1
        self.trigger()
        self.send()
        for _round in range(3):
            # What the other side's automation makes of our mail: one like it.
            answer = message_from_bytes(self.submission.taken[-1].raw, policy=policy.default)
            self.receive_automatic(Auto_Submitted=answer["Auto-Submitted"], In_Reply_To=answer["Message-ID"])
            self.backdate(handed_at=timedelta(days=2))
            self.trigger()
            self.send()
        self.assertEqual(len(self.submission.taken), 1)
        self.assertEqual(self.outcome(), ("skipped", "automatic"))


class TestOnce(AutomationCase):
    """Many records, and whatever happens in between."""

    def many(self, count):
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_lead (name, type, user_id, email_from, email_normalized, active, company_id, stage_id)"
                " SELECT 'Many ' || n, 'opportunity', %s, 'many' || n || '@mill.example',"
                " 'many' || n || '@mill.example', true, %s, %s FROM generate_series(1, %s) AS n RETURNING id",
                self.author.id,
                self.author.company_id.id,
                self.lead.stage_id.id,
                count,
            )
        )
        leads = self.env["crm.lead"].browse(id_ for (id_,) in self.env.cr.fetchall())
        self.env.cr.commit()
        return leads

    def test_ten_thousand_records_are_queued_at_once_and_stopped_at_once(self):
        leads = self.many(10_000)
        self.assertIn("on their way: 10000.", self.trigger(leads))
        self.mailbox.automation_per_minute = 2
        self.env.cr.commit()
        self.send()
        self.assertEqual(len(self.submission.taken), 2)
        message = self.action.with_user(self.env.ref("base.user_admin")).action_crm_email_stop()["params"]["message"]
        self.assertIn("9998", message)
        self.env.cr.commit()
        self.send()
        self.assertEqual(len(self.submission.taken), 2)

    def test_stopped_before_and_after_every_commit(self):
        """Of the queue; the outbox has a test of its own."""
        step = 0
        while self._dies_at(step):
            step += 1
        self.assertGreaterEqual(step, 4)

    def _dies_at(self, step):
        # What could have been handed over is looked for in Sent.
        self.mailbox.files_sent = "provider"
        self.submission.taken.clear()
        self.submission.on_taken = lambda taken: self.deliver(taken.raw, folder="Sent")
        lead = self.new_lead(f"Step {step}", email_from=f"step{step}@mill.example")
        self.trigger(lead)
        died = False
        with dying(step, AutomationStore):
            try:
                self.send()
            except Died:
                died = True
        for _run in range(2):
            self.send()
        self.assertEqual(self.outcome(lead), ("sent", ""))
        self.assertEqual(len(self.submission.taken), 1)
        return died

    def test_killed_at_random_none_is_lost_and_none_is_doubled(self):
        self.mailbox.files_sent = "provider"
        self.submission.on_taken = lambda taken: self.deliver(taken.raw, folder="Sent")
        leads = self.many(15)
        self.trigger(leads)
        worker, dice = Worker(self), random.Random(7)
        for _time in range(10):
            worker.kill_at_random("automation", dice, 0.6)
        for _run in range(4):
            self.send()
        recipients = sorted(one.recipients[0] for one in self.submission.taken)
        self.assertEqual(recipients, sorted(leads.mapped("email_from")))
        rows = self.env["crm.email.automation"].search([("lead_id", "in", leads.ids)])
        self.assertEqual(set(rows.mapped("state")), {"sent"})

    def test_two_processes_send_it_once(self):
        self.trigger()
        with self.another_worker() as other:
            send_due = CrmEmailAutomation._next

            def racing(rows, resting):
                other["crm.email.automation"]._cron_send()
                return send_due(rows, resting)

            with patch.object(CrmEmailAutomation, "_next", racing):
                self.send()
        self.assertEqual(len(self.submission.taken), 1)
