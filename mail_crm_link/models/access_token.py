"""Access tokens for connectors, renewed where nobody else is renewing them."""

import time

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

# First key of the advisory locks that keep two workers from using up one refresh token.
LOCK_SPACE = 0x746F6B
# Seconds before its end from which on an access token is not used any more: the slowest call
# has to be over by then.
MARGIN = 120


class AccessToken:
    """Called, returns an access token that is good for the next call to the provider.

    A refresh token that the provider replaced is stored in a transaction of its own: whatever becomes of the caller's,
    the last one is void.

    :param mailbox: the ``crm.mailbox`` record whose account it is
    """

    def __init__(self, mailbox):
        self._mailbox = mailbox.sudo()
        self._token, self._until = self._mailbox._stored_token__()

    def __call__(self, force: bool = False) -> str:
        """:param force: the provider did not accept the last one
        :raise SignInNeeded: the owner has to agree once more
        :raise Transient: the sign-in server cannot serve at the moment
        """
        if force or time.time() > self._until - MARGIN:
            self._token, self._until = self._renewed()
        return self._token

    def _renewed(self) -> tuple[str, float]:
        key = (LOCK_SPACE, self._mailbox.id)
        with self._mailbox.env.registry.cursor() as cursor:
            cursor.execute(SQL("SELECT pg_advisory_lock(%s, %s)", *key))
            # What was read before the wait may be what another worker has replaced.
            cursor.rollback()
            try:
                mailbox = self._mailbox.with_env(api.Environment(cursor, SUPERUSER_ID, {}))
                found, until = mailbox._stored_token__()
                if found == self._token or time.time() > until - MARGIN:
                    found, until = mailbox._renew_token__()
                cursor.commit()  # pylint: disable=invalid-commit
            finally:
                cursor.rollback()
                cursor.execute(SQL("SELECT pg_advisory_unlock(%s, %s)", *key))
        return found, until
