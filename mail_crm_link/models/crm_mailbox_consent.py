"""Sign-ins that were begun at a provider and have not come back yet.

::

    _begin__ ──► state and verifier ──► the browser is at the provider ──► _take__ ──► mailbox and verifier

The state is good once, for ten minutes, for the user and the browser that began. What comes back with another one was
begun by somebody else, who would like their own account connected here, or ours with them.
"""

import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import connectors

LIFETIME = timedelta(minutes=10)


class CrmMailboxConsent(models.Model):
    _name = "crm.mailbox.consent"
    _description = "Sign-in Under Way"

    mailbox_id = fields.Many2one("crm.mailbox", required=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    state_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    browser_digest = fields.Char(required=True, groups=fields.NO_ACCESS)
    verifier = fields.Char(required=True, groups=fields.NO_ACCESS, help="Encrypted.")

    _state_digest_uniq = models.UniqueIndex("(state_digest)")

    def _begin__(self, mailbox, browser: str) -> tuple[str, str]:
        """Return the state and the verifier of a sign-in that the current user begins.

        :param browser: a secret of the user's session
        """
        state, verifier = secrets.token_urlsafe(32), connectors.oauth.new_verifier()
        self.create(
            {
                "mailbox_id": mailbox.id,
                "user_id": self.env.uid,
                "state_digest": _digest(state),
                "browser_digest": _digest(browser),
                "verifier": self.env["crm.mailbox.secret"]._fernet__().encrypt(verifier.encode()).decode(),
            }
        )
        return state, verifier

    def _take__(self, state: str, browser: str):
        """Return the mailbox and the verifier of a sign-in that came back; it never does again.

        :raise UserError: there is none of this user in this browser
        """
        # One statement, so that of two requests with the same state one gets it.
        rows = self.env.execute_query(
            SQL(
                "DELETE FROM crm_mailbox_consent WHERE state_digest = %s"
                " RETURNING mailbox_id, user_id, browser_digest, verifier, create_date",
                _digest(state),
            )
        )
        for mailbox_id, user_id, browser_digest, verifier, begun in rows:
            fresh = begun > self.env.cr.now() - LIFETIME
            if fresh and user_id == self.env.uid and browser_digest == _digest(browser):
                fernet = self.env["crm.mailbox.secret"]._fernet__()
                return self.env["crm.mailbox"].browse(mailbox_id), fernet.decrypt(verifier.encode()).decode()
        raise UserError(
            self.env._(
                "This sign-in is not valid any more: it was used already, took longer than ten minutes, or was begun"
                " by somebody else or in another browser. Please begin it once more."
            )
        )

    @api.autovacuum
    def _gc_expired(self):
        self.search([("create_date", "<", fields.Datetime.now() - LIFETIME)]).unlink()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
