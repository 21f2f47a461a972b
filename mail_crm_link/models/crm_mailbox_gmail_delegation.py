"""Mailboxes that a service account reads for a whole Google Workspace domain (domain-wide delegation).

https://developers.google.com/identity/protocols/oauth2/service-account: the account signs a statement of whose mailbox
it wants, and Google gives an access token, if the domain's administrator allowed the account these scopes. It reaches
every mailbox of the domain, so only administrators of this server switch it on, mailbox by mailbox.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import connectors
from ..connectors.errors import ConnectorError, NotAllowed
from .crm_mailbox_gmail import GOOGLE_SCOPE
from .oauth_authorities import AUTHORITIES

if TYPE_CHECKING:
    from ..connectors.oauth import OAuth

KIND = "google_service_account"
SCOPES = (GOOGLE_SCOPE % "gmail.readonly", GOOGLE_SCOPE % "gmail.send")
NEEDED = ("client_email", "private_key", "private_key_id")
# What Google says of a service account that may not do it, and of an address that it does not know.
REFUSALS = {"consent_expired", "consent_forbidden", "oauth_client"}


class CrmMailboxSecret(models.Model):
    _inherit = "crm.mailbox.secret"

    kind = fields.Selection(selection_add=[(KIND, "Service account at Google")], ondelete={KIND: "cascade"})


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    gmail_delegated = fields.Boolean(
        "By the service account",
        copy=False,
        groups="base.group_system",
        help="Nobody signs in: the service account reads this mailbox, as your Google Workspace administrator allowed.",
    )

    @api.model
    def _grants(self) -> tuple[str, ...]:
        return (*super()._grants(), "gmail_delegated")

    def _renew_token__(self) -> tuple[str, float]:
        if not self.sudo().gmail_delegated:
            return super()._renew_token__()
        oauth = self._delegated_oauth__()
        return self._keep_tokens__(oauth.assert_identity(self._assertion__()))

    def _sentence(self, error: ConnectorError) -> str:
        # sudo: how the mailbox is read is no secret to whoever may see why it is not
        if error.cause not in REFUSALS or not self.sudo().gmail_delegated:
            return super()._sentence(error)
        return self.env._(
            "Google does not let the service account into %(email)s. The account's key has to be in the CRM settings,"
            " %(email)s an address of your Google Workspace, and your Google Workspace administrator has to allow the"
            " account's client id these rights (domain-wide delegation): %(scopes)s.",
            email=self.email,
            scopes=", ".join(SCOPES),
        )

    def _delegated_oauth__(self) -> OAuth:
        """Return the application without an id of its own: the assertion says who asks."""
        return connectors.oauth.OAuth(AUTHORITIES["google"].endpoints(self._read_google), "", "", "")

    @api.model
    def _read_google(self, name: str, default: str) -> str:
        # sudo: parameters are the administrators' to read, and everybody's to follow
        return self.env["ir.config_parameter"].sudo().get_param(AUTHORITIES["google"].parameter(name)) or default

    def _assertion__(self) -> str:
        """:raise NotAllowed: the administrator has not entered a service account"""
        # sudo: the service account is the server's, and shown to nobody
        stored = self.env["crm.mailbox.secret"].sudo()._reveal__(self.browse(), KIND)
        if not stored:
            raise NotAllowed("There is no service account", cause="oauth_client")
        account = json.loads(stored)
        now = int(time.time())
        payload = {
            "iss": account["client_email"],
            "sub": self.email_normalized,
            "scope": " ".join(SCOPES),
            "aud": AUTHORITIES["google"].endpoints(self._read_google).token,
            "iat": now,
            "exp": now + int(connectors.oauth.LIFETIME),
        }
        signer = connectors.http.library("google.auth.crypt").RSASigner.from_service_account_info(account)
        return connectors.http.library("google.auth.jwt").encode(signer, payload).decode()


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_google_service_account = fields.Char(
        "Key of the service account", compute="_compute_crm_mailbox_service_account", readonly=False
    )
    crm_mailbox_google_has_service_account = fields.Boolean(compute="_compute_crm_mailbox_service_account")

    @api.model
    def _secret_fields(self) -> dict[str, str]:
        return super()._secret_fields() | {"crm_mailbox_google_service_account": KIND}

    def _compute_crm_mailbox_service_account(self):
        """Written, never read: the form shows whether there is one."""
        known = KIND in self._known_secrets()
        for settings in self:
            settings.crm_mailbox_google_service_account = False
            settings.crm_mailbox_google_has_service_account = known

    def _checked_secret(self, name: str, secret: str) -> str:
        if name == "crm_mailbox_google_service_account":
            self._check_service_account(secret)
        return super()._checked_secret(name, secret)

    def _check_service_account(self, key: str) -> None:
        try:
            account = json.loads(key)
            serialization.load_pem_private_key(account["private_key"].encode(), None)
            complete = all(account.get(name) for name in NEEDED)
        except (ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm):
            complete = False
        if not complete:
            raise UserError(
                self.env._("This is no key of a service account. Paste the whole JSON file that Google gave you.")
            )
