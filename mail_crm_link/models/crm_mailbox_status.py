"""What the owner of a mailbox is told of it: why it stopped, where help is, and that it needs them."""

from odoo import api, fields, models
from odoo.tools import html_escape

from ..connectors.errors import ConnectorError
from .connection_explanation import detail, help_url
from .oauth_authorities import AUTHORITIES


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    status_cause = fields.Char(readonly=True, copy=False)
    status_detail = fields.Text("Technical detail", readonly=True, copy=False)
    status_help_url = fields.Char("Help", compute="_compute_status_help_url")
    stopped_at = fields.Datetime("Stopped since", readonly=True, copy=False)

    @api.depends("status_cause", "imap_host")
    def _compute_status_help_url(self):
        for mailbox in self:
            mailbox.status_help_url = help_url(mailbox.status_cause or "", mailbox.imap_host or "")

    def write(self, vals):
        if "status_message" in vals and not vals["status_message"]:
            vals = {**vals, "status_cause": False, "status_detail": False, "stopped_at": False}
        stopping = self.filtered(lambda mailbox: vals.get("state") == "error" and mailbox.state != "error")
        result = super().write(vals)
        stopping._tell_owner()
        return result

    def _failure_values(self, error: ConnectorError) -> dict:
        return {
            **super()._failure_values(error),
            "status_cause": error.cause,
            "status_detail": detail(error),
            "stopped_at": self.stopped_at or fields.Datetime.now(),
        }

    # ------------------------------------------------------------------------------------
    # The owner
    # ------------------------------------------------------------------------------------

    def _tell_owner(self) -> None:
        """Say once that the mailbox waits for its owner: in Odoo at once, and by mail of the company's server."""
        for mailbox in self:
            mailbox = mailbox.with_context(lang=mailbox.user_id.lang)
            mailbox.user_id._bus_send("simple_notification", mailbox._stopped_notification())
            # sudo: the server writes, whoever's request found out; nothing of it is anybody else's
            self.env["mail.mail"].sudo().create(mailbox._stopped_mail())

    def _stopped_notification(self) -> dict:
        return {
            "type": "danger",
            "sticky": True,
            "title": self.env._("%s needs you", self.email),
            "message": self.status_message,
        }

    def _stopped_mail(self) -> dict:
        return {
            "subject": self.env._("Your mailbox %s is not synchronised any more", self.email),
            "email_to": self.user_id.email_formatted,
            "email_from": self.company_id.email_formatted or self.env.ref("base.partner_root").email_formatted,
            "body_html": self._stopped_text(),
            "auto_delete": True,
        }

    def _stopped_text(self) -> str:
        lines = (
            self.status_message,
            self.env._("Until then no new mail reaches your cards. Nothing is lost: it goes on where it stopped."),
        )
        link = f'<a href="{html_escape(self._address())}">{html_escape(self.env._("Reconnect"))}</a>'
        return "".join(f"<p>{html_escape(line or '')}</p>" for line in lines) + f"<p>{link}</p>"

    def _address(self) -> str:
        return f"{self.get_base_url().rstrip('/')}/odoo/connected-emails/{self.id}"

    # ------------------------------------------------------------------------------------
    # Connecting again
    # ------------------------------------------------------------------------------------

    @api.model
    def _connectable_providers(self) -> set[str]:
        """Return the providers that are set up on this server."""
        # sudo: whether there is a client id is no secret
        parameters = self.env["ir.config_parameter"].sudo()
        by_consent = {
            provider
            for provider, authority in self._oauth_authorities().items()
            if parameters.get_param(AUTHORITIES[authority].parameter("client_id"))
        }
        return {"imap", *by_consent}

    def action_reconnect(self) -> dict:
        """Ask for the sign-in once more; everything else stays as it is."""
        self.ensure_one()
        self.check_access("write")
        if self.oauth_authority:
            return self.action_sign_in()
        return self.env["crm.mailbox.connect"].create(self._reconnect_values())._reopen()

    def _reconnect_values(self) -> dict:
        """Return what the dialog shows that asks for the sign-in."""
        servers = ("imap_host", "imap_port", "imap_security", "smtp_host", "smtp_port", "smtp_security")
        return {
            "mailbox_id": self.id,
            "stage": "settings",
            "email": self.email,
            "provider": self.provider,
            "login": self.login,
            "hint": self.status_message,
            "help_url": self.status_help_url,
            "advanced": not self.imap_host,
            **{name: self[name] for name in servers},
        }
