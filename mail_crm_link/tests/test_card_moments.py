"""What cards say of when mail came, went, came back and waits; and who sees it."""

from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models.crm_email_card_moments import MOMENTS
from .received_case import NOW, ReceivedCase

HISTORY = NOW - timedelta(days=30)


def naive(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


class MomentsCase(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = new_test_user(cls.env, "moments_colleague", "sales_team.group_sale_salesman_all_leads")

    def setUp(self):
        super().setUp()
        crons = type(self.env["ir.cron"])
        self.enterContext(patch.object(crons, "_commit_progress", lambda *_args, **_options: float("inf")))

    def follow(self):
        """Do what a change of mail left to the background."""
        self.env.flush_all()
        self.env["crm.email.card.change"]._cron_follow()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestCardMoments(MomentsCase):
    # --- what they say ------------------------------------------------------------------

    def test_received_and_sent(self):
        deal = self.opportunity("Pumps", self.anna)
        question = self.receive()
        self.send("anna@mill.example", received=NOW - timedelta(hours=1))
        self.follow()
        for card in (deal, self.anna, self.mill):
            self.assertEqual(card.last_mail_received_at, question.date)
            self.assertEqual(card.last_mail_sent_at, naive(NOW - timedelta(hours=1)))
            self.assertEqual(card.mail_unanswered_since, question.date)

    def test_newsletters_and_automatic_replies_do_not_count(self):
        self.receive(List_Id="<news.example>")
        self.receive(Auto_Submitted="auto-replied")
        self.send("anna@mill.example", Auto_Submitted="auto-replied")
        self.follow()
        self.assertFalse(self.anna.last_mail_received_at or self.anna.last_mail_sent_at)

    def test_it_waits_since_the_oldest_that_waits(self):
        first = self.receive(received=NOW - timedelta(hours=3))
        second = self.receive(received=NOW - timedelta(hours=2))
        self.follow()
        self.assertEqual(self.anna.mail_unanswered_since, first.date)
        first.with_user(self.owner).action_mark_processed()
        self.follow()
        self.assertEqual(self.anna.mail_unanswered_since, second.date)
        self.send("anna@mill.example", In_Reply_To=second.message_id)
        self.follow()
        self.assertFalse(self.anna.mail_unanswered_since)

    def test_history_is_told_and_never_waits(self):
        self.receive(received=HISTORY)
        self.follow()
        self.assertEqual(self.anna.last_mail_received_at, naive(HISTORY))
        self.assertFalse(self.anna.mail_unanswered_since)

    def judged(self, sentiment: str, hours_ago: int):
        email = self.receive(received=NOW - timedelta(hours=hours_ago))
        email.sentiment = sentiment
        email._sentiment_changed()
        self.follow()
        return email

    def test_the_mood_turns_with_the_first_negative_mail_after_another(self):
        turns = []
        for hours_ago, sentiment in enumerate(("negative", "negative", "unknown", "positive", "negative", "neutral")):
            email = self.judged(sentiment, 10 - hours_ago)
            turns.append(self.anna.mail_turned_negative_at == email.date)
        self.assertEqual(turns, [True, False, False, False, True, False])

    def test_a_mood_that_is_forgotten(self):
        email = self.judged("negative", 1)
        email.sentiment = False
        email._sentiment_changed()
        self.follow()
        self.assertFalse(self.anna.mail_turned_negative_at)

    # --- what is taken back -------------------------------------------------------------

    def test_a_mail_taken_off_a_card_and_put_back(self):
        email = self.receive()
        self.follow()
        email.unlink_from("res.partner", self.anna.id)
        self.follow()
        self.assertFalse(self.anna.last_mail_received_at or self.anna.mail_unanswered_since)
        self.assertEqual(self.mill.last_mail_received_at, email.date)
        email.link_to("res.partner", self.anna.id)
        self.follow()
        self.assertEqual(self.anna.last_mail_received_at, email.date)

    def test_a_deleted_mail_leaves_what_was_before(self):
        earlier = self.receive(received=NOW - timedelta(hours=2))
        self.receive().unlink()
        self.follow()
        self.assertEqual(self.anna.last_mail_received_at, earlier.date)

    def test_a_blocked_address(self):
        self.receive()
        self.follow()
        block = self.env["crm.email.block"].create({"name": "anna@mill.example", "scope": "company"})
        self.relink()
        self.follow()
        self.assertFalse(self.anna.last_mail_received_at)
        block.unlink()
        self.relink()
        self.follow()
        self.assertTrue(self.anna.last_mail_received_at)

    def test_an_erased_person(self):
        officer = new_test_user(
            self.env,
            "moments_officer",
            "sales_team.group_sale_manager,base.group_partner_manager,mail_crm_link.group_data_protection",
        )
        email = self.receive(to="owner@our.example, bob@mill.example")
        bob = self.env["res.partner"].create({"name": "Bob", "email": "bob@mill.example"})
        self.relink()
        self.follow()
        self.assertEqual(bob.last_mail_received_at, email.date)
        self.env["crm.email.erasure"].with_user(officer)._begin(bob.with_user(officer), "Asked", True)
        self.follow()
        self.assertFalse(bob.last_mail_received_at)
        self.assertEqual(self.anna.last_mail_received_at, email.date)

    def test_merged_contacts(self):
        email = self.receive()
        twin = self.env["res.partner"].create({"name": "Anna M.", "email": "anna@mill.example"})
        self.follow()
        merge = self.env["base.partner.merge.automatic.wizard"]
        merge._merge([self.anna.id, twin.id], twin, extra_checks=False)
        self.follow()
        self.assertEqual(twin.last_mail_received_at, email.date)

    def test_merged_leads(self):
        first, second = self.opportunity("One"), self.opportunity("Two")
        email = self.receive()
        email.link_to("crm.lead", second.id)
        (first | second).with_context(active_test=False).merge_opportunity(user_id=False, team_id=False)
        self.follow()
        kept = (first | second).exists()
        self.assertEqual(kept.last_mail_received_at, email.date)

    def test_what_nobody_noted_is_found_by_the_comparison(self):
        email = self.receive()
        changes = self.env["crm.email.card.change"]
        changes.search([]).unlink()
        changes._cron_audit()
        self.follow()
        self.assertEqual(self.anna.last_mail_received_at, email.date)
        changes._cron_audit()
        noted = changes.search([])
        self.assertNotIn(self.anna, noted.partner_id)

    # --- how they are written -----------------------------------------------------------

    def test_the_card_is_changed_by_nobody(self):
        deal = self.opportunity("Pumps", self.anna)
        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_lead SET write_date = '2020-01-01', write_uid = 2 WHERE id = %s", [deal.id])
        self.env.invalidate_all()
        messages = deal.message_ids
        self.receive()
        self.follow()
        self.assertTrue(deal.last_mail_received_at)
        self.assertEqual((str(deal.write_date), deal.write_uid.id), ("2020-01-01 00:00:00", 2))
        self.assertEqual(deal.message_ids, messages)

    def test_people_do_not_write_them(self):
        vals = {name: 5 if name.endswith("hours") else "2020-01-01 00:00:00" for name in MOMENTS}
        deal = self.opportunity("Pumps").with_user(self.owner)
        deal.write({"name": "Pumps", **vals})
        made = deal.create({"name": "More pumps", **vals})
        for card in (deal, made):
            self.assertFalse(any(card.sudo()[name] for name in MOMENTS))

    def test_a_page_takes_as_many_queries_as_a_mail(self):
        people = self.env["res.partner"].create(
            [{"name": f"Person {n}", "email": f"person{n}@crowd.example"} for n in range(50)]
        )
        changes = self.env["crm.email.card.change"]
        counts = []
        # Twice, because what Odoo reads once is cached then.
        for few in (people[:2], people[2:4], people[4:]):
            for one in few:
                self.receive(one.email, received=NOW - timedelta(minutes=60 - len(few)))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            changes._follow(few)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])
        self.assertTrue(all(people.mapped("last_mail_received_at")))

    # --- who sees them ------------------------------------------------------------------

    def bounced(self):
        sent = self.send("anna@mill.example")
        sent.write({"delivery_problem": "anna@mill.example: unknown", "bounced_at": naive(NOW)})
        sent._cards_changed()
        self.follow()
        return sent

    def found_by(self, user) -> bool:
        """Whether the user sees the bounce; the ways to see it agree."""
        partners = self.env["res.partner"].with_user(user)
        anna = partners.browse(self.anna.id)
        ways = [
            bool(anna.mail_bounced_at),
            bool(anna.read(["name", "mail_bounced_at"])[0]["mail_bounced_at"]),
            bool(partners.search([("id", "=", anna.id), ("mail_bounced_at", "!=", False)])),
            bool(partners._read_group([("id", "=", anna.id)], [], ["mail_bounced_at:max"])[0][0]),
            not anna.filtered_domain([("mail_bounced_at", "=", False)]),
        ]
        self.assertEqual(len(set(ways)), 1, ways)
        return ways[0]

    def test_a_bounce_is_for_those_who_may_read_the_mail(self):
        sent = self.bounced()
        self.assertEqual(self.anna.mail_bounced_at, naive(NOW))
        self.assertTrue(self.found_by(self.owner))
        self.assertFalse(self.found_by(self.colleague))
        # That the one was told what the other was not.
        self.assertTrue(self.anna.mail_bounced_at)
        self.mailbox.visibility = "public"
        self.env.invalidate_all()
        self.assertTrue(self.found_by(self.colleague))
        sent.with_user(self.owner).set_conversation_visibility("private")
        self.env.invalidate_all()
        self.assertFalse(self.found_by(self.colleague))
        self.assertTrue(self.found_by(self.owner))

    def test_that_there_is_a_mail_is_for_all_who_see_the_card(self):
        email = self.receive()
        self.follow()
        self.assertEqual(self.anna.with_user(self.colleague).last_mail_received_at, email.date)


@tagged("post_install", "-at_install")
class TestWaitingHours(MomentsCase):
    """The owner's mailbox is in Berlin, from nine to five; the clock is set forward on Sunday, 29 March 2026."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls.work_from_nine_to_five("Europe/Berlin")
        cls.mailbox.connected_at = "2020-01-01"

    def hours(self, received: str, now: str) -> int:
        """Return the hours that a mail has waited, both in UTC."""
        email = self.receive(received=datetime.fromisoformat(f"{received}:00+00:00"))
        with self.at(received):
            self.follow()
        self.assertEqual(self.anna.mail_unanswered_hours, 0)
        with self.at(now):
            self.env["crm.email.card.change"]._cron_count_hours()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.anna.mail_unanswered_since, email.date)
        return self.anna.mail_unanswered_hours

    def at(self, moment: str):
        return patch("odoo.fields.Datetime.now", lambda: datetime.fromisoformat(f"{moment}:00"))

    def test_an_evening_does_not_count(self):
        self.assertEqual(self.hours("2026-03-10 14:00", "2026-03-11 09:30"), 2 + 1)

    def test_a_weekend_does_not_count(self):
        self.assertEqual(self.hours("2026-03-06 15:00", "2026-03-09 10:00"), 1 + 2)

    def test_a_holiday_does_not_count(self):
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Day off",
                "calendar_id": self.calendar.id,
                "date_from": "2026-03-10 00:00:00",
                "date_to": "2026-03-10 23:00:00",
            }
        )
        self.assertEqual(self.hours("2026-03-09 15:00", "2026-03-11 09:00"), 1 + 1)

    def test_the_hour_that_the_clock_skips_moves_the_working_day(self):
        # Nine in Berlin is eight UTC before and seven UTC after.
        self.assertEqual(self.hours("2026-03-27 15:00", "2026-03-30 09:00"), 1 + 2)

    def test_it_counts_no_further_than_anybody_asks(self):
        self.assertEqual(self.hours("2025-01-10 15:00", "2026-03-30 09:00"), 200)

    def test_who_waits_for_longer_than_so_many_hours_is_found(self):
        self.hours("2026-03-09 08:00", "2026-03-10 10:00")
        over = self.env["res.partner"].with_user(self.owner).search([("mail_unanswered_hours", ">", 8)])
        self.assertLessEqual(self.anna | self.mill, over)
        self.assertNotIn(self.owner.partner_id, over)

    def test_an_answer_sets_it_to_nought(self):
        self.hours("2026-03-09 08:00", "2026-03-10 10:00")
        [question] = self.anna.crm_email_ids
        self.send("anna@mill.example", In_Reply_To=question.message_id)
        self.follow()
        self.assertEqual(self.anna.mail_unanswered_hours, 0)


@tagged("post_install", "-at_install")
class TestAutomationRules(MomentsCase):
    """Odoo's automation rules, where they are installed."""

    def setUp(self):
        super().setUp()
        if "base.automation" not in self.env:
            self.skipTest("The module base_automation is not installed")
        self.addCleanup(self.env["base.automation"]._unregister_hook)
        self.deal = self.opportunity("Pumps", self.anna)

    def rule(self, field: str, code="record.message_post(body='Fired')", **values):
        model = self.env["ir.model"]._get("crm.lead")
        rule = self.env["base.automation"].create(
            {
                "name": f"On {field}",
                "model_id": model.id,
                "trigger": "on_create_or_write",
                "trigger_field_ids": [(6, 0, self.env["ir.model.fields"]._get("crm.lead", field).ids)],
                **values,
            }
        )
        self.env["ir.actions.server"].create(
            {
                "name": "Fire",
                "model_id": model.id,
                "base_automation_id": rule.id,
                "usage": "base_automation",
                "state": "code",
                "code": code,
            }
        )
        return rule

    def fired(self) -> int:
        self.env.flush_all()
        self.env.invalidate_all()
        return len(self.deal.message_ids.filtered(lambda message: "Fired" in (message.body or "")))

    def test_received(self):
        self.rule("last_mail_received_at")
        self.receive(received=NOW - timedelta(hours=2))
        self.follow()
        self.assertEqual(self.fired(), 1)
        self.send("anna@mill.example")
        self.follow()
        self.assertEqual(self.fired(), 1)
        self.receive()
        self.follow()
        self.assertEqual(self.fired(), 2)

    def test_sent(self):
        self.rule("last_mail_sent_at")
        self.receive()
        self.follow()
        self.assertEqual(self.fired(), 0)
        self.send("anna@mill.example")
        self.follow()
        self.assertEqual(self.fired(), 1)

    def test_bounced(self):
        self.rule("mail_bounced_at")
        sent = self.send("anna@mill.example")
        self.follow()
        sent.write({"delivery_problem": "Unknown", "bounced_at": sent.date})
        sent._cards_changed()
        self.follow()
        self.assertEqual(self.fired(), 1)

    def test_turned_negative(self):
        self.rule("mail_turned_negative_at")
        email = self.receive()
        self.follow()
        for sentiment in ("negative", "unknown"):
            email.sentiment = sentiment
            email._sentiment_changed()
            self.follow()
            self.assertEqual(self.fired(), 1)

    def test_unanswered_for_eight_working_hours_fires_once(self):
        self.rule(
            "mail_unanswered_hours",
            filter_pre_domain="[('mail_unanswered_hours', '<', 8)]",
            filter_domain="[('mail_unanswered_hours', '>=', 8)]",
        )
        self.env.company.resource_calendar_id = False
        changes = self.env["crm.email.card.change"]
        self.mailbox.connected_at = HISTORY.replace(tzinfo=None)
        self.receive(received=NOW - timedelta(hours=7, minutes=5))
        self.follow()
        self.assertEqual((self.deal.mail_unanswered_hours, self.fired()), (7, 0))
        for later in (1, 2, 3):
            self.deal.sudo()._write_moments({"mail_unanswered_hours": 6 + later})
            self.env.cr.execute("UPDATE crm_email SET date = date - interval '1 hour' WHERE state = 'to_process'")
            self.env.invalidate_all()
            changes._cron_count_hours()
            self.assertEqual((self.deal.mail_unanswered_hours, self.fired()), (7 + later, 1))

    def test_unanswered_is_over_when_it_is_answered(self):
        self.rule("mail_unanswered_since", filter_domain="[('mail_unanswered_since', '=', False)]")
        question = self.receive(received=NOW - timedelta(hours=2))
        self.follow()
        self.assertEqual(self.fired(), 0)
        self.send("anna@mill.example", In_Reply_To=question.message_id)
        self.follow()
        self.assertEqual(self.fired(), 1)

    def test_history_sets_nothing_off(self):
        for field in sorted(MOMENTS):
            self.rule(field)
        self.receive(received=HISTORY)
        self.send("anna@mill.example", received=HISTORY)
        self.follow()
        self.assertEqual(self.deal.last_mail_received_at, naive(HISTORY))
        self.assertEqual(self.deal.last_mail_sent_at, naive(HISTORY))
        self.assertEqual(self.fired(), 0)

    def test_what_is_taken_away_sets_nothing_off(self):
        self.receive(received=NOW - timedelta(hours=2))
        email = self.receive()
        self.follow()
        self.rule("last_mail_received_at")
        email.unlink_from("crm.lead", self.deal.id)
        self.follow()
        self.assertEqual(self.deal.last_mail_received_at, naive(NOW - timedelta(hours=2)))
        self.assertEqual(self.fired(), 0)

    def test_a_rule_that_fails_costs_nobody_the_moment(self):
        self.rule("last_mail_received_at", code="1 / 0 if record.name == 'Pumps' else record.write({'priority': '1'})")
        other = self.opportunity("Valves", self.env["res.partner"].create({"name": "Bo", "email": "bo@x.example"}))
        email = self.receive()
        self.receive("bo@x.example")
        with mute_logger("odoo.addons.mail_crm_link.models.crm_email_card_change"):
            self.follow()
        self.assertEqual(self.deal.last_mail_received_at, email.date)
        self.assertEqual(other.priority, "1")
        self.assertFalse(self.env["crm.email.card.change"].search([("lead_id", "in", (self.deal | other).ids)]))
