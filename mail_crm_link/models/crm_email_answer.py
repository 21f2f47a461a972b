"""Answering and forwarding: to whom, in which conversation, and what is quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_datetime

from .. import rules

if TYPE_CHECKING:
    from ..rules.composing import Correspondence

FORWARDS = ("forward", "forward_attached")
QUOTE = Markup(
    '<div><p>%s</p><blockquote type="cite" style="margin:0 0 0 0.8ex;border-left:1px solid #cccccc;padding-left:1ex">'
    "%s</blockquote></div>"
)


class CrmEmail(models.Model):
    _inherit = "crm.email"

    header_reply_to = fields.Text(groups=fields.NO_ACCESS)
    header_references = fields.Text(groups=fields.NO_ACCESS, help="The ids of the mails before it, the oldest first.")

    @api.model
    def action_write_new(self) -> dict:
        """Return the action that writes a new mail.

        :raise RedirectWarning: the user has no mailbox to write from
        """
        return self.env["crm.email.composer"].action_write_new()

    def action_reply(self) -> dict:
        """Return the action that answers this mail."""
        return self._answer("reply")

    def action_reply_all(self) -> dict:
        """Return the action that answers this mail to everybody who got it."""
        return self._answer("reply_all")

    def action_forward(self) -> dict:
        """Return the action that forwards this mail, quoted, with its attachments."""
        return self._answer("forward")

    def action_forward_as_attachment(self) -> dict:
        """Return the action that sends the mail as it is along with a new one."""
        return self._answer("forward_attached")

    def _answer(self, kind: str) -> dict:
        """:raise AccessError: the user may not read all of the mail"""
        self.ensure_one()
        self._check_content_access()
        vals = {"parent_id": self.id, "kind": kind}
        card = self._card_in_context() or self._only_card()
        if card:
            vals.update(model=card._name, res_id=card.id)
        return self.env["crm.email.composer"]._start(vals)

    def _card_in_context(self):
        """The card whose chatter or tab it is answered from, as far as the mail is on it."""
        cards = {"crm.lead": self.lead_ids, "res.partner": self.partner_ids}
        found = cards.get(self.env.context.get("crm_email_card_model"), self.env["crm.lead"])
        return found.filtered(lambda card: card.id == self.env.context.get("crm_email_card_id"))

    def _only_card(self):
        """The one card that an answer belongs on without anybody saying so."""
        leads, partners = self.lead_ids, self.partner_ids
        if len(leads) == 1:
            return leads
        return partners if not leads and len(partners) == 1 else self.env["crm.lead"]

    def _correspondence(self) -> Correspondence:
        fields_ = (self.header_from, self.header_reply_to, self.header_to, self.header_cc)
        return rules.composing.Correspondence(*(tuple(rules.addresses.parse_list(text or "")) for text in fields_))

    def _references_of_answer(self) -> tuple[str, ...]:
        return rules.composing.references(self.message_id or "", (self.header_references or "").split())

    def _html_to_quote(self) -> Markup:
        """The mail's text; images of the sender's server stay blocked while it is written about.

        :raise UserError: when the mail server cannot be asked for it
        """
        return Markup(self.load_content()["html"] or "")  # nosec B704 # sanitised when it was fetched


class CrmEmailComposer(models.Model):
    _inherit = "crm.email.composer"

    @api.model
    def action_write_new(self) -> dict:
        """Return the action that writes a new mail, to whomever.

        :raise RedirectWarning: the user has no mailbox to write from
        """
        return self._start({"to": ""})

    @api.model
    def _complete_answer(self, vals: dict) -> None:
        """:raise AccessError: the user may not read what they answer"""
        parent = self.env["crm.email"].browse(vals["parent_id"])
        parent._check_content_access()
        # sudo: the user may read all of the mail
        truth = parent.sudo()
        kind = vals.setdefault("kind", "reply")
        prefixed = rules.composing.forward_subject if kind in FORWARDS else rules.composing.answer_subject
        vals.setdefault("subject", prefixed(truth.header_subject or ""))
        vals.setdefault("mailbox_id", self._answering_mailbox(truth).id)
        if kind in FORWARDS:
            vals.setdefault("to", "")
        elif "to" not in vals:
            to, cc = rules.composing.answer_recipients(
                truth._correspondence(), self._own_addresses(), kind == "reply_all"
            )
            vals["to"] = rules.composing.people(to)
            vals.setdefault("cc", rules.composing.people(cc))

    @api.model
    def _own_addresses(self) -> frozenset[str]:
        mailboxes = self.env["crm.mailbox"]._sendable()
        own = {address for mailbox in mailboxes for address in mailbox.own_addresses or ()}
        return frozenset(own | {rules.addresses.normalize(self.env.user.email or "")})

    def _answering_mailbox(self, email):
        """The mailbox that has the mail, as far as the user may write from it; else their first one."""
        mailboxes = self.env["crm.mailbox"]._sendable()
        return mailboxes.filtered(lambda one: one in email.mailbox_ids)[:1] or mailboxes[:1]

    def _quote(self) -> Markup:
        """What is answered or forwarded, below what is new."""
        if not self.parent_id or self.kind == "forward_attached":
            return Markup()
        quoted = self.parent_id._html_to_quote()
        if self.kind == "forward":
            return Markup("<div><p>%s</p>%s</div>") % (self._forwarded_head(), quoted)
        return QUOTE % (self._introduction(), quoted)

    def _take_along(self) -> None:
        """Attach what is forwarded."""
        # sudo: the user may read all of the mail
        parent = self.parent_id.sudo()
        if self.kind == "forward_attached":
            self.parent_id._note_reading()
            name = f"{parent.header_subject or self.env._('Email')}.eml"
            self._attach(name, "message/rfc822", parent._fetch_original())
        elif self.kind == "forward":
            for listed in self.parent_id.load_content()["attachments"]:
                content, name, mimetype = parent._fetch_attachment(listed["section"])
                self._attach(name, mimetype, content)

    def _attach(self, name: str, mimetype: str, content: bytes) -> None:
        values = {"name": name, "mimetype": mimetype, "raw": content, "res_model": self._name, "res_id": self.id}
        attachments = self.env["ir.attachment"].with_context(image_no_postprocess=True, attachments_mime_plainxml=True)
        self.attachment_ids |= attachments.create(values).with_env(self.env)

    def _introduction(self) -> str:
        # sudo: the user may read all of the mail
        email = self.parent_id.sudo()
        date = format_datetime(self.env, email.date)
        return self.env._("On %(date)s, %(author)s wrote:", date=date, author=email.header_from or "")

    def _forwarded_head(self) -> Markup:
        # sudo: the user may read all of the mail
        email = self.parent_id.sudo()
        lines = [
            (self.env._("From"), email.header_from),
            (self.env._("Date"), format_datetime(self.env, email.date)),
            (self.env._("Subject"), email.header_subject),
            (self.env._("To"), email.header_to),
            (self.env._("Cc"), email.header_cc),
        ]
        shown = [Markup("<b>%s:</b> %s") % (name, value) for name, value in lines if value]
        return Markup("---------- %s ----------<br>%s") % (
            self.env._("Forwarded message"),
            Markup("<br>").join(shown),
        )
