"""The mailbox that a person writes from first, and what is used while it does not work."""

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning
from odoo.fields import Domain

# Nothing can be sent from a mailbox in these states.
OUT_OF_SERVICE = ("draft", "error")


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    preferred = fields.Boolean(
        "Preferred for writing",
        copy=False,
        help="New mail is written from here, unless another mailbox is chosen; one for each person.",
    )

    _preferred_uniq = models.UniqueIndex(
        "(user_id) WHERE preferred IS TRUE",
        "Another mailbox became the preferred one at this moment. Please try again.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        mailboxes = super().create([{**vals, "preferred": False} for vals in vals_list])
        for mailbox, vals in zip(mailboxes, vals_list, strict=True):
            if vals.get("preferred"):
                mailbox.preferred = True
        return mailboxes

    def write(self, vals):
        if vals.get("preferred"):
            # Of several mailboxes of one owner the last one is chosen.
            chosen = self.browse({mailbox.user_id: mailbox.id for mailbox in self}.values())
            if chosen != self:
                (self - chosen).write({**vals, "preferred": False})
                return chosen.write(vals)
            self._make_way()
        if "user_id" in vals and "preferred" not in vals:
            # Whether it is preferred is for the new owner to say.
            self.filtered(lambda one: one.user_id.id != vals["user_id"] and one.preferred).preferred = False
        serving = self._serving_as_preferred()
        result = super().write(vals)
        if "preferred" in vals:
            self.flush_model(["preferred"])
            self.env["res.users"].invalidate_model(["preferred_mailbox_id"])
        else:
            (serving - self._serving_as_preferred())._tell_of_fallback()
        return result

    def _make_way(self) -> None:
        # sudo: the owner's other mailboxes, archived ones too, whoever chooses
        mailboxes = self.sudo().with_context(active_test=False)
        others = Domain("user_id", "in", self.user_id.ids) & Domain("id", "not in", self.ids)
        mailboxes.search(others & Domain("preferred", "=", True)).preferred = False

    # ------------------------------------------------------------------------------------
    # Which one
    # ------------------------------------------------------------------------------------

    @api.model
    def _preferred_of(self, user):
        """Return the mailbox that the user chose, whatever its state; else none."""
        # sudo: whose mailbox it is says the domain
        mailboxes = self.sudo().with_context(active_test=False)
        return mailboxes.search(Domain("user_id", "=", user.id) & Domain("preferred", "=", True))

    def _is_in_service(self) -> bool:
        """Whether mail can be sent from it now, as far as that is known."""
        return self.active and self.user_id.active and self.state not in OUT_OF_SERVICE and self._has_submission()

    def _serving_as_preferred(self):
        return self.filtered(lambda one: one.preferred and one._is_in_service())

    def _rank_for_writing(self) -> tuple[bool, bool]:
        """The preferred one comes first, unless it does not work and another one may be used instead."""
        replaced = not self._is_in_service() and self._fallback_of(self.user_id) == "own"
        return replaced, not self.preferred

    @api.model
    def _fallback_of(self, user) -> str:
        # sudo: a setting for everybody
        return user.sudo().company_id.crm_email_fallback

    @api.model
    def _check_preferred_usable(self) -> None:
        """:raise RedirectWarning: the user's preferred mailbox does not work, and no other one is to be used"""
        preferred = self._preferred_of(self.env.user)
        fallback = self._fallback_of(self.env.user)
        if not preferred or preferred._is_in_service() or fallback == "own":
            return
        hint = self.env._("Until then, “Send message” on a card writes through the company's mail server.")
        message = self.env._("Your preferred mailbox %s needs you before you can write from it.", preferred.email)
        raise RedirectWarning(
            f"{message} {hint}" if fallback == "server" else message,
            self.env.ref("mail_crm_link.crm_mailbox_action").id,
            self.env._("Connected Emails"),
        )

    # ------------------------------------------------------------------------------------
    # When it stops
    # ------------------------------------------------------------------------------------

    def _tell_of_fallback(self) -> None:
        """Say once to its owner that the mailbox is not written from any more, and what is."""
        for mailbox in self.filtered(lambda one: one.preferred and one.user_id.active):
            # One that needs attention tells its owner by itself.
            if mailbox.state != "error":
                mailbox = mailbox.with_context(lang=mailbox.user_id.lang)
                mailbox.user_id._bus_send(
                    "simple_notification",
                    {"type": "warning", "sticky": True, "message": mailbox._fallback_sentence()},
                )
                mailbox._notify_owner()

    def _notify_owner(self) -> None:
        # In the name of the system: nobody is notified of what they do themselves.
        thread = self.env["mail.thread"].with_user(self.env.ref("base.user_root"))
        thread.message_notify(
            partner_ids=self.user_id.partner_id.ids,
            subject=self.env._("Your preferred mailbox"),
            body=self._fallback_sentence(),
        )

    def _fallback_sentence(self) -> str:
        stopped = self.env._("Nothing can be written from your preferred mailbox %s any more.", self.email)
        return f"{stopped} {self._replacement_sentence()}"

    def _replacement_sentence(self) -> str:
        fallback = self._fallback_of(self.user_id)
        if fallback == "server":
            return self.env._("What is sent automatically goes through the company's mail server instead.")
        others = self.with_user(self.user_id)._sendable().filtered(lambda one: one != self and one._is_in_service())
        if fallback == "own" and others:
            return self.env._("New emails are written from %s instead.", others[0].email)
        return self.env._("No other mailbox is used instead.")

    def _stopped_text(self) -> str:
        text = super()._stopped_text()
        return f"{text}<p>{self._replacement_sentence()}</p>" if self.preferred else text
