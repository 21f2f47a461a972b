"""Mailboxes of Exchange that a service account reads in the name of their owners (impersonation).

https://learn.microsoft.com/exchange/client-developer/exchange-web-services/impersonation-and-ews-in-exchange: Exchange
gives the account the role ApplicationImpersonation, for all mailboxes or for a part of them.
"""

from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..connectors import ews
from ..connectors.errors import ConnectorError
from .connection_causes import sentence

KIND = "exchange_service_password"
SERVER_PARAMETER = "mail_crm_link.exchange_service_server"
USERNAME_PARAMETER = "mail_crm_link.exchange_service_username"


class CrmMailboxSecret(models.Model):
    _inherit = "crm.mailbox.secret"

    kind = fields.Selection(selection_add=[(KIND, "Service account at Exchange")], ondelete={KIND: "cascade"})


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    ews_impersonated = fields.Boolean(
        "By the service account of Exchange",
        copy=False,
        groups="base.group_system",
        help="Nobody signs in: the service account in the CRM settings reads this mailbox and sends from it in its"
        " owner's name.",
    )

    @api.model
    def _grants(self) -> tuple[str, ...]:
        return (*super()._grants(), "ews_impersonated")

    def _ews_is_impersonated(self) -> bool:
        # sudo: how the mailbox is read is no secret to the code that reads it
        return self.provider == "ews" and self.sudo().ews_impersonated

    def _ews_by_consent(self) -> bool:
        return super()._ews_by_consent() and not self._ews_is_impersonated()

    @api.depends("ews_impersonated")
    def _compute_oauth_authority(self):
        return super()._compute_oauth_authority()

    @api.model
    def _ews_service(self) -> tuple[str, str]:
        """Return server and user name of the service account."""
        # sudo: parameters are the administrators' to read, and everybody's to follow
        parameters = self.env["ir.config_parameter"].sudo()
        return parameters.get_param(SERVER_PARAMETER) or "", parameters.get_param(USERNAME_PARAMETER) or ""

    def _ews_account__(self) -> "ews.Account":
        account = super()._ews_account__()
        if not self._ews_is_impersonated():
            return account
        server, username = self._ews_service()
        # sudo: the service account is the server's, and shown to nobody
        password = self.env["crm.mailbox.secret"].sudo()._reveal__(self.browse(), KIND)
        named = replace(account, server=server, login=username, password=password, impersonates=True)
        # What stands in the settings, an administrator named.
        return replace(named, network=replace(account.network, trusted=(*account.network.trusted, named.place)))

    def _check_complete(self) -> None:
        if not self._ews_is_impersonated():
            return super()._check_complete()
        self.ensure_one()
        self.check_access("write")
        if not all(self._ews_service()):
            raise UserError(
                self.env._("There is no service account of Exchange. An administrator enters it in the CRM settings.")
            )

    def _sentence(self, error: ConnectorError) -> str:
        if not self._ews_is_impersonated():
            return super()._sentence(error)
        return sentence(self.env, error, *self._ews_service())

    def action_reconnect(self) -> dict:
        """Nobody has anything to enter."""
        if not self._ews_is_impersonated():
            return super().action_reconnect()
        return self.action_connect()
