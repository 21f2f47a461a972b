"""The action "Send 1:1 email", for automation rules, scheduled actions and the Action menu."""

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.safe_eval import safe_eval

from .crm_email import CARD_FIELDS
from .crm_email_automation import MANAGERS
from .res_company import FALLBACKS


class IrActionsServer(models.Model):
    _inherit = "ir.actions.server"

    state = fields.Selection(
        selection_add=[("crm_email", "Send 1:1 Email"), ("code",)], ondelete={"crm_email": "cascade"}
    )
    crm_email_template_id = fields.Many2one(
        "mail.template", "Email template", domain="[('model_id', '=', model_id)]", ondelete="restrict"
    )
    crm_email_recipient = fields.Selection(
        [("contact", "The record's contact"), ("address", "The address on the record")], "To", default="contact"
    )
    crm_email_sender = fields.Selection(
        [
            ("owner", "The owner's preferred mailbox"),
            ("user", "The triggering user's one"),
            ("mailbox", "This mailbox"),
        ],
        "From",
        default="owner",
    )
    crm_email_mailbox_id = fields.Many2one("crm.mailbox", "Mailbox", ondelete="restrict")
    crm_email_threading = fields.Selection(
        [("new", "A new conversation"), ("open", "An answer, if one is open")],
        "Sent as",
        default="new",
        help="An answer has the subject of what it answers.",
    )
    crm_email_fallback = fields.Selection(
        [("company", "As the company says"), *FALLBACKS], "If that does not work", default="company"
    )
    crm_email_over_limit = fields.Selection(
        [("wait", "It waits"), ("skip", "It is not sent")],
        "Beyond the day's limit",
        default="wait",
    )
    crm_email_repeat_days = fields.Integer(
        "Again after days", help="0: each record gets this email once, however often it is triggered."
    )
    crm_email_domain = fields.Char(
        "Records of a schedule", default="[]", help="Which records a scheduled action writes to."
    )
    crm_email_count = fields.Integer("1:1 emails", compute="_compute_crm_email_count")

    _crm_email_repeat = models.Constraint(
        "CHECK (crm_email_repeat_days >= 0)", "An email is allowed again after a number of days, or 0 for never."
    )

    def _compute_crm_email_count(self):
        rows = self.env["crm.email.automation"].sudo()
        counts = dict(rows._read_group([("action_id", "in", self.ids)], ["action_id"], ["__count"]))
        for action in self:
            action.crm_email_count = counts.get(action.sudo()._origin, 0)

    @api.model
    def _warning_depends(self):
        return [*super()._warning_depends(), "crm_email_template_id", "crm_email_sender", "crm_email_mailbox_id"]

    def _get_warning_messages(self):
        warnings = super()._get_warning_messages()
        if self.state != "crm_email":
            return warnings
        if self.model_id.model not in CARD_FIELDS:
            warnings.append(self.env._("1:1 emails are sent to leads, opportunities and contacts."))
        if not self.crm_email_template_id:
            warnings.append(self.env._("Please choose the template of the email."))
        elif self.crm_email_template_id.model_id != self.model_id:
            warnings.append(self.env._("The template is for other records than the action."))
        if self.crm_email_sender == "mailbox" and not self.crm_email_mailbox_id:
            warnings.append(self.env._("Please choose the mailbox that it is sent from."))
        return warnings

    # ------------------------------------------------------------------------------------
    # Run
    # ------------------------------------------------------------------------------------

    def _run_action_crm_email_multi(self, eval_context=None):
        """Put the e-mails into the queue, in the transaction of what triggers them."""
        if self._is_recompute():
            return False
        cards = (eval_context["records"] or eval_context["record"] or self._crm_email_scheduled(eval_context))._origin
        count = self.env["crm.email.automation"]._enqueue(self, cards) if cards else 0
        return self._crm_email_notification(count, len(cards) - count)

    def _crm_email_scheduled(self, eval_context: dict):
        """The records of a scheduled action; automation and the Action menu name theirs."""
        records = eval_context["model"]
        if self.usage != "ir_cron":
            return records
        return records.search(safe_eval(self.crm_email_domain or "[]", eval_context))

    def _crm_email_notification(self, count: int, left_out: int) -> dict:
        message = self.env._("Emails on their way: %s.", count)
        if left_out:
            message = self.env._(
                "%(sentence)s Records that have it already: %(count)s.", sentence=message, count=left_out
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"message": message, "type": "success" if count else "warning"},
        }

    def _crm_email_author(self, card, user):
        """Return in whose name the record is written to; no user where nobody is responsible.

        :param user: who triggered it
        """
        if self.crm_email_sender == "mailbox":
            return self.crm_email_mailbox_id.user_id
        return user if self.crm_email_sender == "user" else card.user_id

    def _crm_email_fallback_of(self, author) -> str:
        """Return what replaces the author's mailbox when it does not work: ``own``, ``server`` or ``none``."""
        chosen = self.crm_email_fallback
        return self.env["crm.mailbox"]._fallback_of(author) if chosen == "company" else chosen

    def _crm_email_to(self, card) -> str:
        """Return the address that the record is written to, as To shows it; "" where there is none."""
        named = card._crm_email_stated_recipient() if self.crm_email_recipient == "address" else ""
        return named or card._crm_email_recipient()

    # ------------------------------------------------------------------------------------
    # What administrators do
    # ------------------------------------------------------------------------------------

    def action_crm_email_preview(self) -> dict:
        """Return the action that shows the e-mail for a record; nothing is sent."""
        self.ensure_one()
        card = self.env[self.model_id.model].search([], limit=1)
        preview = self.env["crm.email.automation.preview"].create(
            {"action_id": self.id, CARD_FIELDS[card._name]: card.id}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Preview"),
            "res_model": preview._name,
            "res_id": preview.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_crm_email_log(self) -> dict:
        """Return the action that lists what became of this action's e-mails."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_crm_link.crm_email_automation_action")
        return {**action, "domain": [("action_id", "=", self.id)], "context": {}}

    def action_crm_email_stop(self) -> dict:
        """Take back all that waits.

        :raise AccessError: the user is no sales manager
        """
        if not self.env.user.has_group(MANAGERS):
            raise AccessError(self.env._("Only sales managers stop all 1:1 emails of an action."))
        rows = self.env["crm.email.automation"].search([("action_id", "in", self.ids), ("state", "=", "waiting")])
        rows.action_stop()
        message = self.env._("Emails that will not be sent: %s.", len(rows))
        params = {"message": message, "type": "success", "next": {"type": "ir.actions.client", "tag": "soft_reload"}}
        return {"type": "ir.actions.client", "tag": "display_notification", "params": params}
