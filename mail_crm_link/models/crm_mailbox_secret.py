"""Passwords and tokens, encrypted with a key that is not in the database.

No group has any right on this model. Methods that reach a secret end in two underscores:
Odoo's ``safe_eval`` refuses such names, so no server action can call them.

There may be several keys, separated by commas: the first encrypts, all decrypt. That is how a key is replaced: put the
new one before the old one, restart, run ``odoo mail_crm_link_rotate_key``, and take the old one away.
"""

import json
import os

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from odoo import api, fields, models
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

    def _fernet__(self) -> MultiFernet:
        """Return what encrypts with the first of the server's keys and decrypts with all of them.

        :raise UserError: when the server has no usable key
        """
        keys = config.get(KEY_OPTION) or os.environ.get(KEY_VARIABLE) or ""
        try:
            return MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
        except ValueError as error:
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
            # With its place inside, so that it opens nowhere else in this database.
            sealed = json.dumps([mailbox.id, kind, secret])
            ciphertext = self._fernet__().encrypt(sealed.encode()).decode()
            self.create({"mailbox_id": mailbox.id, "kind": kind, "ciphertext": ciphertext})

    def _reveal__(self, mailbox, kind: str) -> str:
        """Return the secret, "" when there is none.

        :raise SignInNeeded: when the server has no key, or none that it was encrypted with; or when it was put here
            by somebody who took it from elsewhere
        """
        # With all that opening it reads: this is asked of each mailbox again and again.
        secret = self.search_fetch([("mailbox_id", "=", mailbox.id), ("kind", "=", kind)])
        if not secret:
            return ""
        *place, text = secret._opened__()
        if place != [mailbox.id, kind]:
            raise SignInNeeded("the stored password is another mailbox's", cause="secret_foreign")
        return text

    def _opened__(self) -> list:
        try:
            return json.loads(self._fernet__().decrypt(self.ciphertext.encode()))
        except UserError as error:
            raise SignInNeeded("this server has no key", cause="key_missing") from error
        except InvalidToken as error:
            raise SignInNeeded("the stored password cannot be decrypted", cause="key_changed") from error

    @api.model
    def _rotate__(self) -> tuple[int, list[int]]:
        """Encrypt every secret anew, with the first of the server's keys.

        :return: how many there are, and the ids of those that no key opens; they stay as they are
        :raise UserError: when the server has no usable key
        """
        fernet = self._fernet__()
        # Nobody stores a secret meanwhile.
        self.env.cr.execute("LOCK TABLE crm_mailbox_secret IN SHARE ROW EXCLUSIVE MODE")
        secrets = self.search([("kind", "!=", False)], order="id")
        closed = []
        for secret in secrets:
            try:
                secret.ciphertext = fernet.rotate(secret.ciphertext).decode()
            except InvalidToken:
                closed.append(secret.id)
        return len(secrets), closed
