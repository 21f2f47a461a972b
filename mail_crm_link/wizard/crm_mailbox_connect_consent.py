"""The dialog for mailboxes whose owners sign in at their provider: before they go there, and when they are back."""

from odoo import api, fields, models
from odoo.tools import email_normalize


class CrmMailboxConnect(models.TransientModel):
    _inherit = "crm.mailbox.connect"

    oauth_authority = fields.Selection(
        selection=lambda self: self.env["crm.mailbox"]._fields["oauth_authority"]._description_selection(self.env),
        compute="_compute_oauth_authority",
    )
    consent_rights = fields.Text("What you will be asked to allow", compute="_compute_consent_rights")
    provisional = fields.Boolean(related="mailbox_id.provisional")

    @api.depends("provider", "imap_sign_in")
    def _compute_oauth_authority(self):
        for dialog in self:
            dialog.oauth_authority = dialog._draft().oauth_authority

    @api.depends("provider", "imap_sign_in", "email", "login")
    def _compute_consent_rights(self):
        for dialog in self:
            dialog.consent_rights = dialog._draft().consent_rights

    def _draft(self):
        values = {"provider": self.provider, "imap_sign_in": self.imap_sign_in, **self._who()}
        return self.env["crm.mailbox"].new(values)

    def action_provider_sign_in(self) -> dict:
        """Send the browser to the provider; the dialog comes back with its owner's consent."""
        self.ensure_one()
        values = {"email": self.email, "provider": self.provider, "login": self.login}
        servers = self._servers_of_consent()
        values |= servers
        mailbox = self.mailbox_id or self._begun()
        if mailbox:
            mailbox.write(servers)
            mailbox.filtered("provisional").write(values)
        else:
            mailbox = self.env["crm.mailbox"].create({**values, "provisional": True})
        return mailbox.action_sign_in()

    def _servers_of_consent(self) -> dict:
        """Return the servers that the consent is for, where the provider alone does not say them."""
        return self._server_values() if self.provider == "imap" else {}

    def _begun(self):
        """The user's mailbox of this address that was begun and not connected."""
        return self.env["crm.mailbox"].search(
            [
                ("user_id", "=", self.env.uid),
                ("email_normalized", "=", email_normalize(self.email)),
                ("provisional", "=", True),
            ]
        )

    @api.model
    def _after_consent(self, mailbox) -> dict:
        """Return the action that goes on with a mailbox whose owner has signed in."""
        dialog = self.create(
            {"mailbox_id": mailbox.id, "email": mailbox.email, "provider": mailbox.provider, "stage": "options"}
        )
        dialog._show_folders(mailbox.folder_ids.filtered("choosable"))
        return dialog._reopen()

    @api.model
    def _after_refusal(self, mailbox, reason: str):
        """Return the dialog that was left for the provider, saying why nothing came of it."""
        left = [("create_uid", "=", self.env.uid), ("email", "=", mailbox.email), ("stage", "=", "settings")]
        dialog = self.search(left, order="id desc", limit=1) or self.create(mailbox._reconnect_values())
        dialog.write({"mailbox_id": False, "hint": reason, "help_url": False})
        return dialog

    def action_go_on(self) -> dict | bool:
        """Return the action that shows this dialog again, after a sign-in that nothing came of; False: it is gone."""
        return bool(self.exists()) and {**self._reopen(), "context": {"crm_mailbox_refused": True}}

    def action_give_up(self) -> dict:
        """Forget the mailbox, and give the consent back."""
        self.ensure_one()
        self.mailbox_id._give_up()
        mailboxes = self.env["ir.actions.act_window"]._for_xml_id("mail_crm_link.crm_mailbox_action")
        return {**mailboxes, "target": "main"}

    def _existing(self):
        """What was only begun is begun anew, with what it asks for shown first."""
        return super()._existing().filtered(lambda mailbox: not mailbox.provisional or mailbox._awaits_choices())

    def _mailbox(self):
        if not self.mailbox_id:
            # Only one of an address; what its owner agreed to is given back in the end.
            self._begun().unlink()
        return super()._mailbox()

    def action_finish(self) -> dict:
        if not self.mailbox_id:
            self._begun()._give_up()
        return super().action_finish()
