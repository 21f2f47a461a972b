"""IMAP mailboxes whose owners sign in at Google or Microsoft, where a company wants no other interface to its mail.

The consent is the one that mailboxes of these providers need (``crm_mailbox_oauth``), for the rights that IMAP and SMTP
ask for. An access token opens the whole mailbox to whoever gets it, so it goes to its provider's own servers only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .. import connectors
from ..connectors.errors import ConnectorError, NotAllowed, SignInNeeded
from .connection_causes import sentence
from .oauth_authorities import AUTHORITIES

if TYPE_CHECKING:
    from ..connectors.sasl import Token

GOOGLE_MAIL = "https://mail.google.com/"
GOOGLE_ADDRESS = "https://www.googleapis.com/auth/userinfo.email"
# https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
MICROSOFT_MAIL = "https://outlook.office.com"
MICROSOFT_MAIL_PARAMETER = "mail_crm_link.microsoft_mail_resource"
HOSTS_PARAMETER = "mail_crm_link.%s_mail_hosts"
# Where the access tokens of an authority may go; national clouds have other servers.
HOSTS = {"google": "gmail.com googlemail.com", "microsoft": "office365.com outlook.com hotmail.com live.com"}
HOST_FIELDS = ("imap_sign_in", "provider", "imap_host", "smtp_host")


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    imap_sign_in = fields.Selection(
        [
            ("password", "Password"),
            ("google", "Sign-in on Google's page"),
            ("microsoft", "Sign-in on Microsoft's page"),
        ],
        "Sign in by",
        required=True,
        default="password",
        help="Some companies allow IMAP only after a sign-in on the provider's own page.",
    )

    @api.depends("imap_sign_in")
    def _compute_oauth_authority(self):
        super()._compute_oauth_authority()
        for mailbox in self.filtered(lambda one: one.provider == "imap" and one.imap_sign_in != "password"):
            mailbox.oauth_authority = mailbox.imap_sign_in

    @api.depends("imap_sign_in")
    def _compute_consent_rights(self):
        return super()._compute_consent_rights()

    @api.constrains(*HOST_FIELDS)
    def _check_token_hosts(self):
        for mailbox in self.filtered(lambda one: one._signs_in_by_token()):
            for host in filter(None, (mailbox.imap_host, mailbox.smtp_host)):
                if not mailbox._is_of_authority(host):
                    raise ValidationError(mailbox._foreign_host_sentence(host))

    def _foreign_host_sentence(self, host: str) -> str:
        return self.env._(
            "%(host)s is no mail server of %(provider)s, so it is not given the sign-in there. Check the name of the"
            " server, or sign in by password.",
            host=host,
            provider=AUTHORITIES[self.oauth_authority].label,
        )

    def _signs_in_by_token(self) -> bool:
        return self.provider == "imap" and bool(self.oauth_authority)

    def _is_of_authority(self, host: str) -> bool:
        authority = self.oauth_authority
        # sudo: which servers are a provider's is the administrators' to set, and everybody's to follow
        named = self.env["ir.config_parameter"].sudo().get_param(HOSTS_PARAMETER % authority) or HOSTS[authority]
        name = host.strip().rstrip(".").lower()
        return any(name == one or name.endswith(f".{one}") for one in re.split(r"[\s,;]+", named.lower().strip()))

    # --- consent ------------------------------------------------------------------------

    def _oauth_scopes_imap(self) -> Mapping[str, str]:
        scopes = getattr(self, f"_imap_scopes_{self.oauth_authority}", None)
        return scopes() if scopes else {}

    def _imap_scopes_google(self) -> Mapping[str, str]:
        return {
            "openid": "",
            GOOGLE_ADDRESS: self.env._("See the address of the account"),
            GOOGLE_MAIL: self.env._(
                "Everything in Gmail: Google knows no smaller right for IMAP. From here mail is read and sent; nothing"
                " is changed or deleted"
            ),
        }

    def _imap_scopes_microsoft(self) -> Mapping[str, str]:
        # sudo: the address of the service is the administrators' to set, and everybody's to use
        resource = self.env["ir.config_parameter"].sudo().get_param(MICROSOFT_MAIL_PARAMETER) or MICROSOFT_MAIL
        return {
            "openid": "",
            "email": "",
            "profile": "",
            "offline_access": self.env._("Keep the connection until you end it"),
            f"{resource}/IMAP.AccessAsUser.All": self.env._(
                "Read mail by IMAP; Microsoft knows no smaller right for it. Nothing is changed or deleted"
            ),
            f"{resource}/SMTP.Send": self.env._("Send the mails that you write here"),
        }

    def write(self, vals):
        """What was given for one way to sign in is not kept for another."""
        changed = self._changed_by(vals, {"imap_sign_in"})
        result = super().write(vals)
        changed._forget_consent__()
        if not vals.get("password"):
            changed._forget_password()
        return result

    # --- connection ---------------------------------------------------------------------

    def _sign_in_token__(self) -> Token | None:
        return self._token__() if self._signs_in_by_token() else None

    def _check_complete(self) -> None:
        if self._signs_in_by_token() and not self.imap_host:
            raise UserError(self.env._("Please fill in: %s.", self.env._("IMAP server")))
        super()._check_complete()

    def _sentence(self, error: ConnectorError) -> str:
        if not self._signs_in_by_token() or error.cause in connectors.oauth.CONSENT_CAUSES:
            return super()._sentence(error)
        return sentence(self.env, error, self.imap_host or "", self.login or self.email)

    def _submission_sentence(self, error: ConnectorError) -> str:
        if self._signs_in_by_token() and error.cause in connectors.oauth.CONSENT_CAUSES:
            return self._sentence(error)
        return super()._submission_sentence(error)

    def action_connect(self) -> bool:
        """Try the server for sending, too: companies switch it off by itself, and nobody is there to try it later."""
        result = super().action_connect()
        for mailbox in self.filtered(lambda one: one._signs_in_by_token() and one._has_submission()):
            mailbox._note_submission()
        return result

    def _note_submission(self) -> None:
        """Tell the owner when the mailbox receives and cannot send."""
        connector = self._submission()
        try:
            connector.open()
        except (NotAllowed, SignInNeeded) as error:
            self.user_id._bus_send("simple_notification", self._mute_notification(error))
        except ConnectorError:
            return  # it passes; who sends is told
        finally:
            connector.close()

    def _mute_notification(self, error: ConnectorError) -> dict:
        return {
            "type": "warning",
            "sticky": True,
            "title": self.env._("%s receives and cannot send", self.email),
            "message": self._submission_sentence(error),
        }
