"""Mailboxes whose owners sign in at their provider and give us a consent instead of a password.

::

    action_sign_in ──► /begin ──► consent page of the provider ──► /back ──► _signed_in__ ──► action_connect
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from .. import connectors
from ..connectors.errors import ConnectorError, NotAllowed, SignInNeeded
from .access_token import AccessToken
from .connection_causes import sentence
from .oauth_authorities import AUTHORITIES, Authority
from .orm_store import OrmStore

if TYPE_CHECKING:
    from ..connectors.oauth import OAuth, Tokens

_logger = logging.getLogger(__name__)

TOKEN_KINDS = ("refresh_token", "token")
# What a consent is one to.
CONSENT_FIELDS = {"email", "login", "provider"}
# Scopes that give no right to anything of the mailbox; providers leave them out of their answers.
IDENTITY_SCOPES = {"openid", "email", "profile", "offline_access", "userinfo.email"}


class CrmMailboxSecret(models.Model):
    _inherit = "crm.mailbox.secret"

    # Without a mailbox: a secret of this server itself.
    mailbox_id = fields.Many2one(required=False)
    kind = fields.Selection(
        selection_add=[
            ("refresh_token", "Consent"),
            ("token", "Access"),
            ("google_client_secret", "Application at Google"),
            ("microsoft_client_secret", "Application at Microsoft"),
        ],
        ondelete={
            "refresh_token": "cascade",
            "token": "cascade",
            "google_client_secret": "cascade",
            "microsoft_client_secret": "cascade",
        },
    )

    _server_kind_uniq = models.UniqueIndex("(kind) WHERE mailbox_id IS NULL")


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    oauth_authority = fields.Selection(
        [(key, authority.label) for key, authority in AUTHORITIES.items()],
        compute="_compute_oauth_authority",
    )
    has_consent = fields.Boolean(compute="_compute_has_consent")
    consent_rights = fields.Text("What the provider will ask you to allow", compute="_compute_consent_rights")

    @api.depends("provider")
    def _compute_oauth_authority(self):
        for mailbox in self:
            mailbox.oauth_authority = mailbox._oauth_authorities().get(mailbox.provider, False)

    @api.model
    def _oauth_authorities(self) -> dict[str, str]:
        """Return providers whose owners sign in there, with the authority."""
        return {}

    def _compute_has_consent(self):
        # sudo: that there is a consent is no secret to who may see the mailbox
        secrets = self.env["crm.mailbox.secret"].sudo()
        known = secrets.search([("mailbox_id", "in", self.ids), ("kind", "=", "refresh_token")]).mailbox_id
        for mailbox in self:
            mailbox.has_consent = mailbox._origin in known

    @api.depends("provider")
    def _compute_consent_rights(self):
        for mailbox in self:
            mailbox.consent_rights = "\n".join(filter(None, mailbox._oauth_scopes().values()))

    def _oauth_scopes(self) -> Mapping[str, str]:
        """Return the scopes to ask for, each with what it allows, in words for its owner."""
        scopes = getattr(self, f"_oauth_scopes_{self.provider}", None)
        return scopes() if scopes else {}

    # --- sign-in ------------------------------------------------------------------------

    def action_sign_in(self) -> dict:
        """Send the browser to the provider, which asks the owner for consent."""
        self.ensure_one()
        self.check_access("write")
        self._oauth__()
        return {"type": "ir.actions.act_url", "target": "self", "url": f"/mail_crm_link/oauth/begin/{self.id}"}

    def _oauth__(self) -> OAuth:
        """:raise UserError: this server is not registered at the provider yet"""
        return self._oauth_client__(AUTHORITIES[self.oauth_authority])

    @api.model
    def _oauth_client__(self, authority: Authority, client_id: str = "") -> OAuth:
        """Return this server as an application of the authority.

        :param client_id: another one than the one that is set
        :raise UserError: nobody has set it yet
        """
        # sudo: the application's credentials are the server's, used for anybody and shown to nobody
        parameters = self.env["ir.config_parameter"].sudo()

        def read(name: str, default: str) -> str:
            return parameters.get_param(authority.parameter(name)) or default

        client_id = client_id or read("client_id", "")
        if not client_id:
            raise UserError(
                self.env._(
                    "Sign-in with %s is not set up on this server yet. Ask your administrator to enter the client id"
                    " and the client secret in the CRM settings.",
                    authority.label,
                )
            )
        secret = self.env["crm.mailbox.secret"].sudo()._reveal__(self.browse(), authority.secret_kind)
        return connectors.oauth.OAuth(authority.endpoints(read), client_id, secret, self._oauth_redirect(authority))

    @api.model
    def _oauth_redirect(self, authority: Authority) -> str:
        """Return the address that is registered at the provider, to the letter."""
        return f"{self.get_base_url().rstrip('/')}/mail_crm_link/oauth/{authority.key}"

    def _consent_url__(self, browser: str) -> str:
        """Return where the browser goes for the consent; begins a sign-in.

        :param browser: a secret of the user's session
        """
        self.check_access("write")
        oauth = self._oauth__()
        # sudo: nobody has rights on sign-ins; write access to the mailbox was checked
        state, verifier = self.env["crm.mailbox.consent"].sudo()._begin__(self, browser)
        return oauth.consent_url(
            tuple(self._oauth_scopes()),
            state,
            verifier,
            self.login or self.email,
            **AUTHORITIES[self.oauth_authority].parameters,
        )

    def _signed_in__(self, code: str, verifier: str) -> None:
        """Exchange the code, and keep what it gives if it is a consent for this mailbox.

        :raise UserError: it is not, or the provider refuses
        """
        self.check_access("write")
        # The state is spent, whatever comes of it.
        OrmStore(self).commit()
        with self._explained():
            tokens = self._oauth__().redeem(code, verifier)
            self._check_consent__(tokens)
        self._keep_tokens__(tokens)
        OrmStore(self).commit()

    def _check_consent__(self, tokens: Tokens) -> None:
        """Refuse a consent that is of another account, or not enough; and give it back."""
        try:
            self._check_account__(tokens)
            self._check_scopes(tokens.scopes)
        except (NotAllowed, SignInNeeded):
            self._revoke_quietly__(tokens.refresh or tokens.access, tokens.addresses())
            raise

    def _check_account__(self, tokens: Tokens) -> None:
        expected = email_normalize(self.login or "") or self.email_normalized
        actual = self._account_addresses__(tokens)
        if expected not in actual:
            raise NotAllowed("Consent of another account", ", ".join(sorted(actual)), cause="wrong_account")

    def _account_addresses__(self, tokens: Tokens) -> frozenset[str]:
        """Return the addresses of the account that gave its consent, normalised."""
        return frozenset(filter(None, map(email_normalize, tokens.addresses())))

    def _check_scopes(self, granted: Iterable[str]) -> None:
        """An owner may leave out single rights on the consent page; a server that names none gave all."""
        names = {_right(scope) for scope in granted}
        missing = {_right(scope) for scope in self._oauth_scopes()} - IDENTITY_SCOPES - names
        if names and missing:
            raise NotAllowed("Rights were left out", ", ".join(sorted(missing)), cause="consent_partial")

    def _signed_in_url(self) -> str:
        """Return where the browser goes after the sign-in."""
        return f"/odoo/connected-emails/{self.id}"

    # --- tokens -------------------------------------------------------------------------

    def _token__(self) -> AccessToken:
        """Return what gives a connector access tokens when called: ``token(force: bool) -> str``."""
        self.ensure_one()
        return AccessToken(self)

    def _keep_tokens__(self, tokens: Tokens) -> tuple[str, float]:
        # sudo: nobody has rights on secrets; the caller has made sure whose they are
        secrets = self.env["crm.mailbox.secret"].sudo()
        if tokens.refresh:
            secrets._store__(self, "refresh_token", tokens.refresh)
            self.invalidate_recordset(["has_consent"])
        until = time.time() + tokens.seconds
        secrets._store__(self, "token", json.dumps([tokens.access, until]))
        return tokens.access, until

    def _stored_token__(self) -> tuple[str, float]:
        """Return the access token that was given last, and until when it is good (Unix time); maybe "" and 0."""
        # sudo: nobody has rights on secrets; this reaches no one but the connector
        stored = self.env["crm.mailbox.secret"].sudo()._reveal__(self, "token")
        token, until = json.loads(stored) if stored else ("", 0.0)
        return token, until

    def _renew_token__(self) -> tuple[str, float]:
        """Ask the provider for another access token, and store it."""
        refresh_token = self.env["crm.mailbox.secret"].sudo()._reveal__(self, "refresh_token")
        if not refresh_token:
            raise SignInNeeded("Nobody has signed in yet", cause="consent_expired")
        return self._keep_tokens__(self._known_oauth__().refresh(refresh_token))

    def _known_oauth__(self) -> OAuth:
        """Return this server as an application, where it was one when the mailbox was connected.

        :raise NotAllowed: it is none any more
        """
        try:
            return self._oauth__()
        except UserError as error:
            raise NotAllowed("This server is no application any more", str(error), cause="oauth_client") from error

    def _forget_consent__(self) -> None:
        # sudo: nobody has rights on secrets; the caller has checked write access to the mailbox
        secrets = self.env["crm.mailbox.secret"].sudo()
        secrets.search([("mailbox_id", "in", self.ids), ("kind", "in", TOKEN_KINDS)]).unlink()
        self.invalidate_recordset(["has_consent"])

    def _revoke_consent__(self) -> None:
        """Give the consent back to the provider, and forget it."""
        for mailbox in self.filtered("has_consent"):
            try:
                token = self.env["crm.mailbox.secret"].sudo()._reveal__(mailbox, "refresh_token")
                mailbox._revoke_quietly__(token, {mailbox.email_normalized})
            except SignInNeeded as error:
                # Without the key, or in a copy of the database, there is nothing to give back.
                _logger.info("Mailbox %s: its consent cannot be read: %s", mailbox.id, error)
            mailbox._forget_consent__()

    def _revoke_quietly__(self, token: str, addresses: Iterable[str]) -> None:
        """Revoke a token unless that cut off another mailbox: a provider forgets all of an account's at once."""
        # sudo: other people's mailboxes may be of the same account
        others = self.sudo().with_context(active_test=False)
        others = others.search([("email_normalized", "in", list(addresses)), ("id", "!=", self.id)])
        if others.filtered(lambda other: other.has_consent and other.oauth_authority == self.oauth_authority):
            return
        try:
            self._oauth__().revoke(token)
        except (ConnectorError, UserError) as error:
            # The owner wants to leave, and may: without the token nobody here can use the consent.
            _logger.warning("Mailbox %s: the consent could not be given back: %s", self.id, error)

    # --- the mailbox's own steps --------------------------------------------------------

    def write(self, vals):
        moved = self._changed_by(vals, CONSENT_FIELDS)
        result = super().write(vals)
        moved._forget_consent__()
        return result

    def action_disconnect(self):
        self.check_access("write")
        self._revoke_consent__()
        return super().action_disconnect()

    def unlink(self):
        """What is deleted leaves no consent behind at its provider."""
        self.check_access("unlink")
        # What may not be deleted keeps its consent.
        self._unlink_except_with_mail()
        self._revoke_consent__()
        return super().unlink()

    def _check_complete(self) -> None:
        if not self.oauth_authority:
            return super()._check_complete()
        self.ensure_one()
        self.check_access("write")
        if not self.has_consent:
            label = AUTHORITIES[self.oauth_authority].label
            raise UserError(self.env._("Please sign in with %s first.", label))

    def _sentence(self, error: ConnectorError) -> str:
        if not self.oauth_authority:
            return super()._sentence(error)
        if error.cause == "wrong_account":
            return self._wrong_account_sentence(error.detail)
        return sentence(self.env, error, AUTHORITIES[self.oauth_authority].label, self.login or self.email)

    def _wrong_account_sentence(self, actual: str) -> str:
        return self.env._(
            "You signed in as %(actual)s, and this mailbox is %(expected)s. Nothing was connected. Sign in once more"
            " and choose %(expected)s on the provider's page, or connect the other address as a mailbox of its own.",
            actual=actual or self.env._("somebody without an address"),
            expected=self.login or self.email,
        )


def _right(scope: str) -> str:
    """The name of a scope without the address before it; providers write it with and without."""
    return scope.rstrip("/").rpartition("/")[2].lower()
