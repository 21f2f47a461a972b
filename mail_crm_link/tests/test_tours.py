from odoo.tests import HttpCase, tagged

from .mailbox_case import MailboxCase


@tagged("post_install", "-at_install")
class TestTours(MailboxCase, HttpCase):
    # wide enough for the chatter to stand beside the form
    browser_size = "1920x1080"

    def start(self, tour, user=None, lead=None):
        lead = lead or self.lead
        self.env.flush_all()
        self.start_tour(
            f"/odoo/action-crm.crm_lead_action_pipeline/{lead.id}",
            tour,
            login=(user or self.owner).login,
            timeout=120,
        )

    def fill(self, days):
        """Imported from new to old, notes in between: ids and dates disagree."""
        for day in range(days - 1, -1, -1):
            if day % 3:
                self.email(day, subject=f"Subject {day}", body=f"<p>Day {day}</p>")
            else:
                self.note(day, body=f"Day {day}")

    def test_the_chatter_is_in_order_of_date_over_its_pages(self):
        self.fill(70)
        self.start("mail_crm_link_chatter_order")

    def test_late_mail_comes_to_its_place_and_removed_mail_goes(self):
        self.lead.name = "Late"
        self.note(1, body="Day 1")
        self.email(9, subject="Gone", body="<p>Day 9</p>")
        self.email(5, subject="Late", body="<p>Day 5</p>", cards=[])
        other = self.lead.copy({"name": "Other"})
        late = self.env["crm.email"].search([("header_subject", "=", "Late")])
        self.link(late, other)
        late.mail_message_id.body = "<p>Day 5</p>"
        late.body_state = "stored"
        self.start("mail_crm_link_chatter_late_mail")

    def test_search_finds_mail_and_jumps_to_it(self):
        self.fill(100)
        self.start("mail_crm_link_chatter_search")

    def test_the_tab_opens_a_mail_whose_body_is_isolated(self):
        self.lead.name = "Mill"
        self.email(
            subject="Hostile",
            body='<p>Offer for pumps</p><img src="https://images.invalid/a.png">',
        )
        # what a hole in the sanitiser would let through
        self.env.cr.execute(
            "UPDATE mail_message SET body = body || %s WHERE model = 'crm.email'",
            ["<script>parent.hostile = window.hostile = true</script>"],
        )
        self.start("mail_crm_link_emails_tab")

    def test_of_private_mail_a_colleague_sees_that_it_was(self):
        self.email(subject="Secret subject", body="<p>Secret text</p>")
        self.start("mail_crm_link_masked", user=self.colleague)
