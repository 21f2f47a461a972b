"""Mailboxes that a service account reads for a whole Google Workspace domain (domain-wide delegation).

https://developers.google.com/identity/protocols/oauth2/service-account: the account signs a statement of whose mailbox
it wants, and Google gives an access token, if the domain's administrator allowed the account these scopes. It reaches
every mailbox of the domain, so only administrators of this server switch it on, mailbox by mailbox.
"""

import json
import time

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..connectors.errors import NotAllowed
from ..connectors.http import library
from ..connectors.oauth import LIFETIME, OAuth
from .crm_mailbox_gmail import GOOGLE_SCOPE
from .oauth_authorities import AUTHORITIES

KIND = "google_service_account"
SCOPES = (GOOGLE_SCOPE % "gmail.readonly", GOOGLE_SCOPE % "gmail.send")
IDENTITY_FIELDS = {"email", "login", "provider"}
NEEDED = ("client_email", "private_key", "private_key_id")


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

    def _compute_has_consent(self):
        super()._compute_has_consent()
        # sudo: that nobody has to sign in is no secret to who may see the mailbox
        for mailbox in self.sudo().filtered("gmail_delegated"):
            mailbox.has_consent = True

    def _renew_token__(self) -> tuple[str, float]:
        if not self.sudo().gmail_delegated:
            return super()._renew_token__()
        oauth = self._delegated_oauth__()
        return self._keep_tokens__(oauth.assert_identity(self._assertion__()))

    def _delegated_oauth__(self) -> OAuth:
        """Return the application without an id of its own: the assertion says who asks."""
        return OAuth(AUTHORITIES["google"].endpoints(self._read_google), "", "", "")

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
            "exp": now + int(LIFETIME),
        }
        signer = library("google.auth.crypt").RSASigner.from_service_account_info(account)
        return library("google.auth.jwt").encode(signer, payload).decode()

    def _revoke_consent__(self) -> None:
        """The service account's right is not one mailbox's to give back."""
        delegated = self.sudo().filtered("gmail_delegated")
        delegated._forget_consent__()
        delegated.write({"gmail_delegated": False})
        return super(CrmMailbox, self.filtered(lambda mailbox: mailbox.id not in delegated.ids))._revoke_consent__()

    def write(self, vals):
        """Another mailbox than the one that an administrator named is not read by the same right."""
        moved = self._delegated_elsewhere(vals)
        result = super().write(vals)
        if moved:
            # sudo: to take the right back is nobody's privilege
            moved.sudo().write({"gmail_delegated": False})
        if "gmail_delegated" in vals:
            self._forget_consent__()
        return result

    def _delegated_elsewhere(self, vals: dict):
        changed = IDENTITY_FIELDS & vals.keys()
        if self.env.su or self.env.user._is_system() or not changed:
            return self.browse()
        return self.filtered(
            lambda mailbox: (
                mailbox.sudo().gmail_delegated
                and any((mailbox[name] or False) != (vals[name] or False) for name in changed)
            )
        )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_google_service_account = fields.Char(
        "Key of the service account", compute="_compute_crm_mailbox_service_account", readonly=False
    )
    crm_mailbox_google_has_service_account = fields.Boolean(compute="_compute_crm_mailbox_service_account")

    def _compute_crm_mailbox_service_account(self):
        """Written, never read: the form shows whether there is one."""
        # sudo: that there is a key may be seen by who may change it
        known = self.env["crm.mailbox.secret"].sudo().search_count([("mailbox_id", "=", False), ("kind", "=", KIND)])
        for settings in self:
            settings.crm_mailbox_google_service_account = False
            settings.crm_mailbox_google_has_service_account = bool(known)

    @api.model_create_multi
    def create(self, vals_list):
        if any("crm_mailbox_google_service_account" in vals for vals in vals_list):
            self.check_access("create")
        return super().create([self._without_service_account(vals) for vals in vals_list])

    def write(self, vals):
        if "crm_mailbox_google_service_account" in vals:
            self.check_access("write")
        return super().write(self._without_service_account(vals))

    def _without_service_account(self, vals: dict) -> dict:
        """Store the key, and take it out of the values before the ORM sees it: it would answer with it.

        :raise UserError: it is none
        """
        key = vals.get("crm_mailbox_google_service_account")
        if key:
            self._check_service_account(key)
            # sudo: nobody has rights on secrets; only administrators write settings
            self.env["crm.mailbox.secret"].sudo()._store__(self.env["crm.mailbox"], KIND, key.strip())
        return {name: value for name, value in vals.items() if name != "crm_mailbox_google_service_account"}

    def _check_service_account(self, key: str) -> None:
        try:
            account = json.loads(key)
            complete = isinstance(account, dict) and all(account.get(name) for name in NEEDED)
        except ValueError:
            complete = False
        if not complete:
            raise UserError(
                self.env._("This is no key of a service account. Paste the whole JSON file that Google gave you.")
            )
