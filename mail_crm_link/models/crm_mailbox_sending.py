"""Writing from a mailbox: through which server, as whom, and where the copy of what was sent goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning
from odoo.tools import email_normalize_all

from .. import connectors
from ..connectors.errors import ConnectorError, SignInNeeded
from .connection_causes import sentence

if TYPE_CHECKING:
    from ..connectors.smtp import SMTPConnector

SMTP_PORTS = {"ssl": 465, "starttls": 587, "none": 25}
# Submission servers that are not called smtp.<domain> where their IMAP is imap.<domain>.
SMTP_OF_IMAP = {"outlook.office365.com": "smtp.office365.com", "outlook.office.com": "smtp.office365.com"}
# Providers that put what goes through their submission server into Sent themselves.
FILES_SENT_ITSELF = ("gmail.com", "googlemail.com", "office365.com", "outlook.com", "hotmail.com", "live.com")


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    smtp_host = fields.Char("SMTP server", compute="_compute_smtp_host", store=True, readonly=False)
    smtp_port = fields.Integer("SMTP port", compute="_compute_smtp_port", store=True, readonly=False)
    smtp_security = fields.Selection(required=True)
    files_sent = fields.Selection(
        [
            ("auto", "As the provider is known to do"),
            ("provider", "The provider puts it into Sent"),
            ("here", "It is put into Sent from here"),
        ],
        "Copy of sent mail",
        required=True,
        default="auto",
    )

    @api.depends("imap_host")
    def _compute_smtp_host(self):
        for mailbox in self:
            host = (mailbox.imap_host or "").strip().lower()
            mailbox.smtp_host = mailbox.smtp_host or _submission_host(host)

    @api.depends("smtp_security")
    def _compute_smtp_port(self):
        for mailbox in self:
            if not mailbox.smtp_port or mailbox.smtp_port in SMTP_PORTS.values():
                mailbox.smtp_port = SMTP_PORTS[mailbox.smtp_security or "starttls"]

    # ------------------------------------------------------------------------------------
    # As whom
    # ------------------------------------------------------------------------------------

    @api.model
    def _sendable(self):
        """Mailboxes that the user may write from and that are connected, own and preferred ones first.

        As superuser: who may send from a mailbox need not be able to read it.
        """
        mailboxes = self.sudo().browse(self._sendable_ids())
        mailboxes = mailboxes.filtered(lambda one: one.state != "draft" and one._has_submission())
        return mailboxes.sorted(lambda one: (one.user_id != self.env.user, one._rank_for_writing(), one.id))

    def _has_submission(self) -> bool:
        """Whether there is a way to send; only IMAP knows none by itself."""
        return self.provider != "imap" or bool(self.smtp_host)

    @api.model
    def _sendable_or_explain(self):
        """:raise RedirectWarning: the user has no mailbox to write from"""
        mailboxes = self._sendable()
        if not mailboxes:
            raise RedirectWarning(
                self.env._("To write emails, connect your mailbox first, with its server for sending."),
                self.env.ref("mail_crm_link.crm_mailbox_action").id,
                self.env._("Connected Emails"),
            )
        return mailboxes

    def _sender_addresses(self) -> list[str]:
        """The addresses that mail from this mailbox may carry as From."""
        self.ensure_one()
        mailbox = self.sudo()
        return email_normalize_all(", ".join(filter(None, (mailbox.email, mailbox.aliases))))

    def action_compose(self) -> dict:
        """Return the action that writes a new mail from this mailbox."""
        return self.env["crm.email.composer"]._start({"mailbox_id": self.id})

    # ------------------------------------------------------------------------------------
    # Through which server
    # ------------------------------------------------------------------------------------

    def _submission(self) -> SMTPConnector:
        """The connector of this mailbox's submission server, not opened yet.

        :raise SignInNeeded: the mailbox has no password, as in a copy of a database
        """
        self.ensure_one()
        # sudo: nobody has rights on secrets
        password = self.env["crm.mailbox.secret"].sudo()._reveal__(self, "password")
        token = self._sign_in_token__()
        if not password and not token:
            raise SignInNeeded("There is no password")
        return connectors.smtp.SMTPConnector(
            self.smtp_host or "",
            self.smtp_port,
            self.smtp_security,
            self.login or self.email,
            password,
            token=token,
            network=self._network(),
        )

    def action_test_connection(self) -> dict:
        """Sign in for sending, too; nothing is sent."""
        result = super().action_test_connection()
        if not self._has_submission():
            return result
        params = result["params"]
        try:
            connector = self._submission()
            connector.open()
            connector.close()
        except ConnectorError as error:
            reason = self._submission_sentence(error)
            message = self.env._(
                "%(receiving)s Sending does not: %(reason)s", receiving=params["message"], reason=reason
            )
            return {**result, "params": {**params, "message": message, "type": "warning", "sticky": True}}
        message = self.env._("%s Sending works, too.", params["message"])
        return {**result, "params": {**params, "message": message}}

    def _submission_sentence(self, error: ConnectorError) -> str:
        return sentence(self.env, error, self.smtp_host or "", self.login or self.email)

    def _sent_folder(self):
        """The folder of sent mail, empty where there is none."""
        folders = self.sudo().folder_ids.filtered(
            lambda folder: folder.role == "sent" and folder.selectable and not folder.absent_since
        )
        return folders[:1]

    def _provider_files_sent(self) -> bool:
        """Whether the provider puts what it sends into Sent."""
        if self.files_sent != "auto":
            return self.files_sent == "provider"
        host = (self.smtp_host or "").strip().lower()
        return any(host == domain or host.endswith(f".{domain}") for domain in FILES_SENT_ITSELF)


def _submission_host(imap_host: str) -> str:
    if imap_host in SMTP_OF_IMAP:
        return SMTP_OF_IMAP[imap_host]
    if imap_host.startswith("imap."):
        return f"smtp.{imap_host.removeprefix('imap.')}"
    return imap_host
