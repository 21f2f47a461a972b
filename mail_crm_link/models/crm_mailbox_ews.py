"""Mailboxes on the company's own Exchange server.

====================================  ==========================================================================
``ews_sign_in``                       who signs in
====================================  ==========================================================================
``password``                          the owner, or a colleague whom Exchange lets into this mailbox (a delegate)
``microsoft``                         the owner on Microsoft's page, where the company has modern authentication
``ews_impersonated``, whatever it is  nobody: a service account acts as the owner, see crm_mailbox_ews_service.py
====================================  ==========================================================================
"""

import re
from collections.abc import Mapping
from importlib.util import find_spec

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import connectors
from ..connectors import ews
from ..connectors.errors import ConnectorError, NotAllowed, SignInNeeded
from .connection_causes import sentence

# Hosts whose certificate an administrator vouches for.
UNVERIFIED_PARAMETER = "mail_crm_link.exchange_unverified_hosts"
# What a token is good for.
CONSENT_FIELDS = {"ews_server", "ews_sign_in"}


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    provider = fields.Selection(selection_add=[("ews", "Exchange")], ondelete={"ews": "cascade"})
    ews_server = fields.Char("Exchange server", help="Its name, or the whole address of its web services.")
    ews_username = fields.Char("Exchange user name", help="Empty: the address.")
    ews_sign_in = fields.Selection(
        [("password", "Password"), ("microsoft", "Sign-in on Microsoft's page")],
        "Exchange sign-in",
        required=True,
        default="password",
        help="Companies with modern authentication let people sign in on Microsoft's page, also for a server of their"
        " own.",
    )

    @api.model
    def _connectable_providers(self) -> set[str]:
        return super()._connectable_providers() | ({"ews"} if find_spec("exchangelib") else set())

    def _ews_account__(self) -> "ews.Account":
        # sudo: nobody has rights on secrets; parameters are the administrators' to read, and everybody's to follow
        password = self.env["crm.mailbox.secret"].sudo()._reveal__(self, "password")
        vouched = self.env["ir.config_parameter"].sudo().get_param(UNVERIFIED_PARAMETER) or ""
        return ews.Account(
            self.email_normalized,
            self.ews_server or "",
            self.ews_username or self.email,
            password,
            unverified=frozenset(re.split(r"[\s,;]+", vouched.lower())),
            network=self._network(),
            token=self._token__() if self._ews_by_consent() else None,
        )

    def _ews_by_consent(self) -> bool:
        return self.provider == "ews" and self.ews_sign_in == "microsoft"

    def _connector_ews(self) -> "ews.EWSConnector":
        return ews.EWSConnector(self._ews_account__())

    def _check_complete(self) -> None:
        if self.provider != "ews":
            return super()._check_complete()
        self.ensure_one()
        self.check_access("write")
        by_consent = self._ews_by_consent()
        needed = [(self.env._("Exchange server"), self.ews_server)]
        needed += [] if by_consent else [(self.env._("Password"), self.has_password)]
        if missing := [label for label, value in needed if not value]:
            raise UserError(self.env._("Please fill in: %s.", ", ".join(missing)))
        return super()._check_complete() if by_consent else None

    def _sentence(self, error: ConnectorError) -> str:
        if self.provider != "ews" or (self._ews_by_consent() and error.cause in connectors.oauth.CONSENT_CAUSES):
            return super()._sentence(error)
        return sentence(self.env, error, self.ews_server or "", self.ews_username or self.email)

    def _reconnect_values(self) -> dict:
        values = super()._reconnect_values()
        if self.provider != "ews":
            return values
        servers = {name: self[name] for name in ("ews_server", "ews_username", "ews_sign_in")}
        return {**values, **servers, "advanced": not self.ews_server}

    # --- which server it is -------------------------------------------------------------

    def action_connect(self) -> bool:
        for mailbox in self.filtered(lambda one: one.provider == "ews" and not one.ews_server and one.has_password):
            mailbox.check_access("write")
            with mailbox._explained():
                mailbox._adopt_ews_server__()
        return super().action_connect()

    def _adopt_ews_server__(self) -> None:
        """Go on with the server that the company names: the password was given for whatever it is."""
        # sudo: nobody has rights on secrets; write access to the mailbox was checked
        password = self.env["crm.mailbox.secret"].sudo()._reveal__(self, "password")
        # In its owner's name: an administrator who clicks did not enter what a stranger's domain names.
        # sudo: write access to the mailbox was checked, and that the user may connect it
        mailbox = self.with_user(self.user_id).sudo()
        mailbox.write({"ews_server": self._find_ews_server__(), "password": password})

    def _find_ews_server__(self) -> str:
        """Return the address of the web services, as the autodiscover service of the address's domain tells it.

        :raise SignInNeeded: it refuses the sign-in
        :raise NotAllowed: ``no_autodiscover``, or it may not be asked
        """
        try:
            return ews.find_server(self._ews_account__())
        except (NotAllowed, SignInNeeded):
            raise
        except ConnectorError as error:
            raise NotAllowed("Nothing names the server", str(error), cause="no_autodiscover") from error

    def _moved_away(self, vals):
        """On Exchange the address says whose mailbox is opened, and a password may be one to several."""
        moved = super()._moved_away(vals)
        if vals.get("password") or "email" not in vals:
            return moved
        return moved | self.filtered(lambda one: one.provider == "ews" and one.email != vals["email"])

    def _trust_servers(self, vals: dict) -> None:
        """A server that an administrator entered may be one of the company's own network."""
        super()._trust_servers(vals)
        if not vals.get("ews_server") or not self.env.user._is_system():
            return
        # sudo: nobody has rights on this field, because it opens the network around this machine
        for mailbox in self.sudo():
            server = list(ews.Account("", mailbox.ews_server, "", "").place)
            if server not in (mailbox.trusted_servers or []):
                mailbox.trusted_servers = [*(mailbox.trusted_servers or []), server]

    # --- sign-in on Microsoft's page ----------------------------------------------------

    @api.depends("ews_sign_in")
    def _compute_oauth_authority(self):
        super()._compute_oauth_authority()
        for mailbox in self.filtered(lambda one: one._ews_by_consent()):
            mailbox.oauth_authority = "microsoft"

    @api.depends("ews_sign_in", "ews_server")
    def _compute_consent_rights(self):
        return super()._compute_consent_rights()

    def action_sign_in(self) -> dict:
        if self._ews_by_consent() and not self.ews_server:
            raise UserError(self.env._("Please fill in: %s.", self.env._("Exchange server")))
        return super().action_sign_in()

    def _oauth_scopes_ews(self) -> Mapping[str, str]:
        # https://learn.microsoft.com/exchange/hybrid-deployment/hybrid-modern-auth-overview: the server's own name is
        # what the token is for.
        host = ews.Account("", self.ews_server or "", "", "").host
        return {
            "openid": "",
            "email": "",
            "profile": "",
            "offline_access": self.env._("Keep the connection until you end it"),
            f"https://{host}/EWS.AccessAsUser.All": self.env._(
                "Read and send mail as you; Exchange knows no smaller right. Nothing is changed or deleted"
            ),
        }

    def write(self, vals):
        changed = self.filtered(lambda one: one.provider == "ews")._changed_by(vals, CONSENT_FIELDS)
        result = super().write(vals)
        changed._forget_consent__()
        return result

    # --- sending ------------------------------------------------------------------------

    def _submission(self):
        return ews.EWSSender(self._ews_account__()) if self.provider == "ews" else super()._submission()

    def _submission_sentence(self, error: ConnectorError) -> str:
        return self._sentence(error) if self.provider == "ews" else super()._submission_sentence(error)

    def _provider_files_sent(self) -> bool:
        return self.provider == "ews" or super()._provider_files_sent()
