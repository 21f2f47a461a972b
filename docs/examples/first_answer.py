"""Connect a mailbox, wait for its mail, and answer the first one that waits: a client of Odoo's XML-RPC.

Nothing but Python's standard library is needed::

    python first_answer.py http://localhost:8069 DATABASE LOGIN API_KEY ADDRESS PASSWORD IMAP_HOST SMTP_HOST

The API key is made in Odoo's preferences under *Account Security*; Odoo's password works, too.
"""

import argparse
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping

# While a mailbox is in one of them there is nothing to wait for.
SETTLED = ("connected", "error", "paused")
BETWEEN_LOOKS = 1.0
PATIENCE = 600.0


class Odoo:
    """One user's session.

    :raise PermissionError: Odoo does not know login and key
    """

    def __init__(self, url: str, database: str, login: str, key: str) -> None:
        self._signature = (database, self._sign_in(url, database, login, key), key)
        self._object = xmlrpc.client.ServerProxy(f"{url}/xmlrpc/2/object")

    @staticmethod
    def _sign_in(url: str, database: str, login: str, key: str) -> int:
        user_id = xmlrpc.client.ServerProxy(f"{url}/xmlrpc/2/common").authenticate(database, login, key, {})
        if not user_id:
            raise PermissionError(f"Odoo does not let {login} in.")
        return user_id

    def call(self, model: str, method: str, *arguments, **options):
        """Call a method of a model.

        :raise xmlrpc.client.Fault: Odoo refused; ``faultString`` is a sentence for people
        """
        return self._object.execute_kw(*self._signature, model, method, arguments, options)


def connect(odoo: Odoo, address: str, password: str, **servers) -> int:
    """Connect a mailbox and return its id; what is wrong with the sign-in is a fault, and nothing is left behind."""
    mailbox_id = odoo.call("crm.mailbox", "create", {"email": address, "password": password, **servers})
    try:
        odoo.call("crm.mailbox", "action_connect", [mailbox_id])
    except xmlrpc.client.Fault:
        odoo.call("crm.mailbox", "unlink", [mailbox_id])
        raise
    return mailbox_id


def wait_for_first_sync(odoo: Odoo, mailbox_id: int) -> Mapping:
    """Return the mailbox's state and number of mails when its history is here.

    The server synchronises by itself, every minute; asking it to, here, is for the impatient.
    """
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        odoo.call("crm.mailbox", "action_sync_now", [mailbox_id])
        fields = ["state", "status_message", "progress", "email_count", "to_process_count"]
        [mailbox] = odoo.call("crm.mailbox", "read", [mailbox_id], fields)
        if mailbox["state"] in SETTLED:
            return mailbox
        time.sleep(BETWEEN_LOOKS)
    raise TimeoutError("The first synchronisation takes longer than ten minutes.")


def waiting(odoo: Odoo, mailbox_id: int) -> Iterable[Mapping]:
    """Return what waits for an answer, the oldest first."""
    domain = [("mailbox_ids", "in", [mailbox_id]), ("state", "=", "to_process")]
    fields = ["subject", "email_from", "date", "snippet", "lead_ids", "partner_ids", "sentiment"]
    return odoo.call("crm.email", "search_read", domain, fields, order="date, id")


def create_opportunity(odoo: Odoo, email_id: int, **values) -> int:
    """Make an opportunity from a mail, bound to it; return its id."""
    created = odoo.call("crm.email", "create_record", [email_id], "opportunity", values)
    return created["id"]


def bind(odoo: Odoo, email_id: int, model: str, record_id: int) -> None:
    """Put a mail on a card; its conversation follows.

    :param model: ``crm.lead`` or ``res.partner``
    """
    odoo.call("crm.email", "link_to", [email_id], model, record_id)


def answer(odoo: Odoo, email_id: int, html: str) -> int:
    """Answer a mail from the mailbox it came to; return the id of the outgoing mail's draft.

    Recipients, subject and conversation are those of an answer, and the mail is processed by it.
    """
    draft_id = odoo.call("crm.email.composer", "create", {"parent_id": email_id, "body": html})
    odoo.call("crm.email.composer", "action_send", [draft_id])
    return draft_id


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("url", "database", "login", "key", "address", "password", "imap_host", "smtp_host"):
        parser.add_argument(name)
    options = parser.parse_args()
    odoo = Odoo(options.url, options.database, options.login, options.key)
    servers = {"imap_host": options.imap_host, "smtp_host": options.smtp_host}
    mailbox_id = connect(odoo, options.address, options.password, **servers)
    mailbox = wait_for_first_sync(odoo, mailbox_id)
    print(f"{mailbox['state']}: {mailbox['email_count']} mails, {mailbox['to_process_count']} wait")
    for email in waiting(odoo, mailbox_id):
        print(f"{email['date']}  {email['email_from']}: {email['subject']}")


if __name__ == "__main__":
    main()
