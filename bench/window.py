"""A mailbox full of mail for the mailbox window, written by SQL, and what opening the window asks for."""

import time
from collections.abc import Sequence

from odoo import api

PAGE = 80
COUNTED = 10_001
"""What Odoo's list counts up to."""

LIST_FIELDS = (
    "is_unread",
    "direction",
    "correspondent",
    "subject",
    "snippet",
    "has_attachment",
    "state",
    "is_bound",
    "date",
)
NAMES = {"id": {}, "display_name": {}}
# Of ten mails eight lie in the inbox, one was sent, and one lies in one of the other folders; every tenth is unread.
EMAILS = """
    INSERT INTO crm_email (identity, variant, header_subject, header_from, header_to, stored_snippet, date, direction,
           has_attachment, size, automatic, state, is_bound, body_state, create_date, write_date)
    SELECT 'bench-' || n, '', 'Offer ' || n, 'Contact <contact' || mod(n, 1000) || '@company.example>',
           'Owner <owner@our.example>', 'the beginning of the text ' || n, now() - n * interval '5 minutes',
           CASE WHEN mod(n, 10) = 8 THEN 'out' ELSE 'in' END, mod(n, 7) = 0, 20000, 'none',
           CASE WHEN mod(n, 500) = 0 THEN 'to_process' ELSE 'processed' END, mod(n, 10) < 6, 'none', now(), now()
      FROM generate_series(1, %(mails)s) n
"""
COPIES = """
    INSERT INTO crm_email_copy (email_id, mailbox_id, folder_id, uidvalidity, remote_id, seen, size, received, state)
    SELECT id, %(mailbox)s, (%(folders)s)[CASE WHEN mod(id, 10) < 8 THEN 1 WHEN mod(id, 10) = 8 THEN 2
                                          ELSE 3 + mod(id / 10, array_length(%(folders)s, 1) - 2) END],
           '1', id, mod(id, 10) != 3, size, date, 'ok'
      FROM crm_email
"""
MAILBOXES = "INSERT INTO crm_email_mailbox_rel (email_id, mailbox_id) SELECT id, %(mailbox)s FROM crm_email"
LINKS = """
    INSERT INTO crm_email_link (email_id, partner_id, origin, reason, active, create_date)
    SELECT id, (%(partners)s)[1 + mod(id, array_length(%(partners)s, 1))], 'address', 'Address', true, now()
      FROM crm_email WHERE is_bound
"""


def fill(env: api.Environment, mails: int) -> dict[str, int]:
    """Store so many mails in a mailbox of 30 folders.

    :return: ids of the mailbox and of its inbox
    """
    mailbox = env["crm.mailbox"].create({"email": "owner@our.example", "user_id": env.ref("base.user_admin").id})
    folders = env["crm.mailbox.folder"].create(
        [
            {"mailbox_id": mailbox.id, "name": name, "remote_id": name, "role": role}
            for name, role in [("INBOX", "inbox"), ("Sent", "sent"), *((f"Other/{n}", "other") for n in range(28))]
        ]
    )
    env.flush_all()
    values = {
        "mails": mails,
        "mailbox": mailbox.id,
        "folders": folders.ids,
        "partners": env["res.partner"].search([], limit=1000).ids,
    }
    for statement in (EMAILS, COPIES, MAILBOXES, LINKS):
        env.cr.execute(statement, values)
    env.cr.commit()
    env.cr.execute("ANALYZE crm_email, crm_email_copy, crm_email_mailbox_rel, crm_email_link")
    env.cr.commit()
    return {"mailbox": mailbox.id, "inbox": folders[0].id}


def opened(env: api.Environment, place: str) -> float:
    """Seconds until the first page of a place is there, its number of mails, and what all places hold."""
    env.invalidate_all()
    domain: Sequence = [("place", "=", place)] if place else []
    begun = time.perf_counter()
    env["crm.email"].search_panel_select_range("place")
    found = env["crm.email"].web_search_read(
        domain,
        {
            **{name: {} for name in LIST_FIELDS},
            "lead_ids": {"fields": NAMES},
            "partner_ids": {"fields": NAMES},
            "mailbox_ids": {"fields": NAMES},
        },
        limit=PAGE,
        count_limit=COUNTED,
    )
    seconds = time.perf_counter() - begun
    if len(found["records"]) != PAGE:
        raise RuntimeError(f"{place or 'all mail'}: {len(found['records'])} mails on the first page")
    return seconds
