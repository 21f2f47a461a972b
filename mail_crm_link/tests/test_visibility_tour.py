from odoo.tests import HttpCase, tagged

from .received_case import ReceivedCase


@tagged("-at_install", "post_install")
class TestVisibilityTour(ReceivedCase, HttpCase):
    browser_size = "1400x1000"

    def test_the_owner_opens_a_conversation_on_a_mail(self):
        email = self.receive()
        self.env.flush_all()
        self.start_tour(
            f"/odoo/crm-emails/{email.id}", "mail_crm_link_conversation_visibility", login=self.owner.login, timeout=120
        )
        self.env.invalidate_all()
        self.assertEqual(email.with_user(self.owner).conversation_visibility, "public")
