"""Figures of mail on the cards of sales teams and in Odoo's digest."""

from datetime import timedelta

from lxml import etree

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import safe_eval

from .received_case import NOW, ReceivedCase


class FiguresCase(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.resource_calendar_id = False
        cls.mailbox.connected_at = (NOW - timedelta(days=90)).replace(tzinfo=None)
        cls.team = cls.env["crm.team"].create({"name": "Figures", "member_ids": [(6, 0, cls.owner.ids)]})
        cls.other_team = cls.env["crm.team"].create({"name": "Others"})
        cls.deal = cls.opportunity("Pumps", cls.anna, team_id=cls.team.id)

    def answered(self, days_ago: float, hours: float):
        """Return a question that was answered after so many hours."""
        asked = NOW - timedelta(days=days_ago)
        question = self.receive(received=asked)
        self.send("anna@mill.example", received=asked + timedelta(hours=hours), In_Reply_To=question.message_id)
        emails = self.env["crm.email"]
        emails._store_hours(emails._uncounted(1000))
        return question

    def stored(self):
        self.env.flush_all()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestTeams(FiguresCase):
    def figures(self, team, user=None):
        self.stored()
        team = team.with_user(user or self.owner)
        return team.mail_waiting_count, team.mail_received_count, team.mail_response_time

    def test_what_waits_came_and_was_answered_lately(self):
        self.receive()
        self.receive(received=NOW - timedelta(days=20))
        self.receive(List_Id="<news.example>")
        for hours in (1, 2.5, 30):
            self.answered(5, hours)
        self.answered(40, 12)
        self.assertEqual(self.figures(self.team), (2, 4, "2 h 30 min"))
        self.assertEqual(self.figures(self.other_team), (0, 0, ""))

    def test_mail_without_opportunity_is_the_owners_teams(self):
        self.deal.unlink()
        self.receive()
        self.assertEqual(self.figures(self.team)[:2], (1, 1))

    def test_mail_of_an_opportunity_is_its_teams(self):
        self.deal.team_id = self.other_team
        self.receive()
        self.assertEqual(self.figures(self.other_team)[:2], (1, 1))
        self.assertEqual(self.figures(self.team)[:2], (0, 0))

    def test_it_counts_what_the_user_may_know_of(self):
        self.deal.user_id = self.owner
        own_only = new_test_user(self.env, "figures_own", "sales_team.group_sale_salesman")
        email = self.receive()
        for partner in email.partner_ids:
            email.unlink_from("res.partner", partner.id)
        self.assertEqual(self.figures(self.team)[0], 1)
        self.assertEqual(self.figures(self.team, own_only)[0], 0)

    def test_one_query_for_all_teams(self):
        self.receive()
        teams = (self.team | self.other_team | self.env["crm.team"].create({"name": "More"})).with_user(self.owner)
        self.figures(self.team)

        def queries(some) -> int:
            self.stored()
            before = self.env.cr.sql_log_count
            some.mapped("mail_waiting_count")
            return self.env.cr.sql_log_count - before

        self.assertEqual(queries(teams), queries(teams[0]))

    def test_the_lists_behind_the_figures_have_as_many(self):
        self.receive()
        self.answered(3, 1)
        waiting, received, _time = self.figures(self.team)
        view = self.env["crm.email.report"].get_view(view_type="search")["arch"]
        for name, count in (("waiting", waiting), ("received_lately", received), ("answered_lately", 1)):
            action = self.team.with_user(self.owner).with_context(mail_filter=name).action_open_mail_figures()
            self.assertEqual(action["context"], {f"search_default_{name}": 1})
            self.assertIn(f'name="{name}"', view)
            domain = [*action["domain"], *self.filter_domain(name)]
            self.assertEqual(self.env["crm.email.report"].with_user(self.owner).search_count(domain), count, name)

    def filter_domain(self, name: str) -> list:
        view = etree.fromstring(self.env["crm.email.report"].get_view(view_type="search")["arch"])
        [found] = view.xpath(f"//filter[@name='{name}']/@domain")
        return safe_eval.safe_eval(found)

    def test_figures_beside_100_000_mails_read_each_a_few_times(self):
        self.store_100_000_mails(self.deal)
        with self.assertRowsRead(at_most=3 * 100_000):
            self.assertGreater(self.figures(self.team)[1], 5000)


@tagged("post_install", "-at_install")
class TestDigest(FiguresCase):
    def kpis(self, user) -> dict:
        self.stored()
        digest = self.env["digest.digest"].create(
            {
                "name": "Weekly",
                "kpi_mail_received": True,
                "kpi_mail_unanswered": True,
                "kpi_mail_response_time": True,
            }
        )
        kpis = digest._compute_kpis(user.company_id, user)
        return {one["kpi_name"]: [one[f"kpi_col{n}"]["value"] for n in (1, 2, 3)] for one in kpis}

    def test_figures_of_a_day_a_week_and_a_month(self):
        self.receive(received=NOW - timedelta(hours=1))
        self.answered(3, 2)
        self.answered(20, 6)
        self.assertEqual(
            self.kpis(self.owner),
            {
                "kpi_mail_received": [1, 2, 3],
                "kpi_mail_unanswered": [1, 1, 1],
                "kpi_mail_response_time": ["0.00", "2.00", "4.00"],
            },
        )

    def test_each_recipient_gets_their_own(self):
        self.receive(received=NOW - timedelta(hours=1))
        own_only = new_test_user(self.env, "figures_own", "sales_team.group_sale_salesman")
        self.env["crm.email.link"].search([("partner_id", "!=", False)]).unlink()
        self.assertEqual(self.kpis(own_only)["kpi_mail_received"], [0, 0, 0])
        self.assertEqual(self.kpis(self.owner)["kpi_mail_received"], [1, 1, 1])

    def test_who_has_no_part_in_sales_gets_none(self):
        outsider = new_test_user(self.env, "figures_outsider", "base.group_user")
        self.assertEqual(self.kpis(outsider), {})
        with self.assertRaises(AccessError):
            self.env["digest.digest"].with_user(outsider)._check_mail_figures()

    def test_the_default_digest_has_them(self):
        digest = self.env.ref("digest.digest_digest_default")
        self.assertTrue(digest.kpi_mail_received and digest.kpi_mail_unanswered and digest.kpi_mail_response_time)

    def test_the_digest_is_sent(self):
        self.receive(received=NOW - timedelta(hours=1))
        self.stored()
        digest = self.env["digest.digest"].create(
            {"name": "Weekly", "kpi_mail_received": True, "user_ids": [(6, 0, self.owner.ids)]}
        )
        digest.action_send_manual()
        sent = self.env["mail.mail"].search([("email_to", "=", self.owner.email_formatted)], order="id desc", limit=1)
        self.assertIn("Emails Received on Cards", sent.body_html)


@tagged("post_install", "-at_install")
class TestDashboardTour(FiguresCase, HttpCase):
    browser_size = "1440x900"

    def test_from_the_teams_card_to_the_list(self):
        self.receive(subject="Canary pumps")
        self.answered(3, 2)
        self.env.flush_all()
        self.start_tour(
            "/odoo/action-sales_team.crm_team_action_pipeline",
            "mail_crm_link_dashboard",
            login=self.owner.login,
            timeout=120,
        )
