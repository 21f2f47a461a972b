"""Passwords and tokens, encrypted with a key that is not in the database.

No group has any right on this model. Methods that reach a secret end in two underscores:
Odoo's ``safe_eval`` refuses such names, so no server action can call them.
"""

import os

from cryptography.fernet import Fernet, InvalidToken

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import config

from ..connectors.errors import SignInNeeded

KEY_OPTION = "mail_crm_link_key"
KEY_VARIABLE = "MAIL_CRM_LINK_KEY"


class CrmMailboxSecret(models.Model):
    _name = "crm.mailbox.secret"
    _description = "Mailbox Secret"

    mailbox_id = fields.Many2one("crm.mailbox", required=True, ondelete="cascade")
    kind = fields.Selection([("password", "Password")], required=True)
    ciphertext = fields.Char(required=True, groups=fields.NO_ACCESS)

    _kind_uniq = models.UniqueIndex("(mailbox_id, kind)")

    def _fernet__(self) -> Fernet:
        """:raise UserError: when the server has no usable key"""
        key = config.get(KEY_OPTION) or os.environ.get(KEY_VARIABLE)
        try:
            return Fernet(key)
        except (TypeError, ValueError) as error:
            raise UserError(
                self.env._(
                    "This server has no key to encrypt passwords with. Ask your"
                    " administrator to set %(option)s in the Odoo configuration file (or"
                    " the environment variable %(variable)s) to 32 random bytes in"
                    " url-safe base64.",
                    option=KEY_OPTION,
                    variable=KEY_VARIABLE,
                )
            ) from error

    def _store__(self, mailbox, kind: str, secret: str) -> None:
        """Replace the mailbox's secret of this kind; an empty one removes it."""
        self.search([("mailbox_id", "=", mailbox.id), ("kind", "=", kind)]).unlink()
        if secret:
            ciphertext = self._fernet__().encrypt(secret.encode()).decode()
            self.create({"mailbox_id": mailbox.id, "kind": kind, "ciphertext": ciphertext})

    def _reveal__(self, mailbox, kind: str) -> str:
        """Return the secret, "" when there is none.

        :raise SignInNeeded: when the server's key is another one than it was encrypted with
        """
        secret = self.search([("mailbox_id", "=", mailbox.id), ("kind", "=", kind)])
        if not secret:
            return ""
        try:
            return self._fernet__().decrypt(secret.ciphertext.encode()).decode()
        except InvalidToken as error:
            raise SignInNeeded("the stored password cannot be decrypted", cause="key_changed") from error
