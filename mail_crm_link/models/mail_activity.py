from odoo import fields, models

from odoo.addons.mail.tools.discuss import Store


class MailActivity(models.Model):
    _inherit = "mail.activity"

    crm_email_id = fields.Many2one(
        "crm.email",
        "Email",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="The mail that waits to be answered.",
    )

    def _to_store_defaults(self, target):
        facts = self._crm_email_facts(target)
        return [
            *super()._to_store_defaults(target),
            Store.Attr("crm_email", lambda activity: facts.get(activity.id, False)),
        ]

    def _crm_email_facts(self, target) -> dict[int, dict]:
        """Return what the reader may know of the mail of each activity that has one."""
        # sudo: which mail an activity is about; what of it is shown is the mail's to decide
        waiting = self.sudo().filtered("crm_email_id")
        user = target.get_user(self.env)
        if not (waiting and user):
            return {}
        emails = waiting.crm_email_id.with_user(user)
        levels = emails._content_levels()
        processable = emails._filter_processable()
        facts = {}
        for activity in waiting:
            email = activity.crm_email_id.with_user(user)
            if level := levels.get(email.id):
                facts[activity.id] = email._todo_facts(level, email in processable)
        return facts

    def _action_done(self, feedback=False, attachment_ids=None):
        """A done e-mail is a processed one: its mail stands in the history already."""
        of_emails = self.sudo().filtered("crm_email_id").sudo(False)
        of_emails.check_access("write")
        # sudo: whoever may do the activity says that the mail is processed, reading nothing
        of_emails.sudo().crm_email_id._processed()
        return super(MailActivity, self - of_emails)._action_done(feedback=feedback, attachment_ids=attachment_ids)

    def unlink(self):
        """Whoever cancels the to-do has seen to the mail; a deleted card has not."""
        self.check_access("unlink")
        of_emails = self.sudo().filtered("crm_email_id")
        cancelled = of_emails.filtered(
            lambda activity: self.env[activity.res_model].sudo().browse(activity.res_id).exists().active
        )
        emails, dropped = of_emails.crm_email_id, cancelled.crm_email_id
        result = super().unlink()
        dropped._processed()
        (emails - dropped)._move_activities()
        return result
