"""A 1:1 e-mail as people make it: the action, its preview, the Action menu, and the mail on the card."""

from odoo.tests import tagged

from .test_composer_tour import OWNER, ComposingCase


@tagged("post_install", "-at_install")
class TestAutomationTour(ComposingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = cls.env["mail.template"].create(
            {
                "name": "Follow-up on the offer",
                "model_id": cls.env["ir.model"]._get_id("crm.lead"),
                "subject": "About {{ object.name }}",
                "body_html": "<p>Did you have a look at <t t-out='object.name'/>?</p>",
            }
        )

    def send_waiting(self):
        with self.registry.cursor() as cursor:
            self.env(cr=cursor)["crm.email.automation"]._cron_send()
        self.env.invalidate_all()

    def test_from_the_action_to_the_card(self):
        self.start("mail_crm_link_automation_action", "action-base.action_server_action/new", "admin")
        action = self.env["ir.actions.server"].search([("state", "=", "crm_email")])
        self.assertEqual(action.crm_email_template_id, self.template)
        self.assertEqual(action.binding_model_id.model, "crm.lead")

        self.start("mail_crm_link_automation_allow", f"connected-emails/{self.mailbox.id}")
        self.assertTrue(self.mailbox.automation)

        self.start("mail_crm_link_automation_run")
        self.send_waiting()
        [taken] = self.submission.taken
        self.assertEqual((taken.sender, taken.recipients), (f"{OWNER}@our.example", ["anna@mill.example"]))
        self.assertEqual(self.in_sent()["Subject"], "About Pumps for the mill")

        self.start("mail_crm_link_automation_sent")
        self.start("mail_crm_link_automation_log", "crm-1-to-1-emails")
