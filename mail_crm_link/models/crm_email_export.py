"""All mail of one person in a file, for that person or for whoever asks on their behalf.

The file is a zip with ``mail.mbox`` and ``mail.json``; what stands in the latter is described
in the documentation. It is written to disk mail by mail: its size is nobody's memory.
"""

import hashlib
import json
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timezone
from typing import BinaryIO

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import rules
from ..connectors.errors import ConnectorError
from .orm_store import OrmStore

FORMAT = "mail_crm_link.export/1"
PAGE = 200
# Seconds within which mail servers are asked for originals, in the request that downloads.
ORIGINALS_SECONDS = 60


class CrmEmailCard(models.AbstractModel):
    _inherit = "crm.email.card"

    def _crm_emails_to_export(self, since=None, until=None) -> tuple[list[int], dict]:
        """Return the ids of what the user may read in full, oldest first, and a count of the rest by mailbox.

        Of the rest those count that the user may know of; for those in charge of data
        protection, who have to answer for the company, all.

        :param since: first date, :param until: last date; ``None``: all
        """
        knows_all = self.env.user.has_group("mail_crm_link.group_data_protection")
        readable, withheld = [], []
        for email_ids in _pages(self._crm_email_ids_between(since, until), 1000):
            levels = self.env["crm.email"].browse(email_ids)._content_levels()
            readable += [id_ for id_ in email_ids if levels.get(id_) == "full"]
            withheld += [id_ for id_ in email_ids if levels.get(id_) != "full" and (knows_all or id_ in levels)]
        return readable, self._crm_email_mailboxes(withheld)

    def _crm_email_ids_between(self, since, until) -> list[int]:
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM crm_email WHERE id IN (%s)"
                " AND (%s::date IS NULL OR date >= %s) AND (%s::date IS NULL OR date < %s::date + 1) ORDER BY date, id",
                self._crm_email_concerning(),
                *(since or None, since or None, until or None, until or None),
            )
        )
        return [email_id for (email_id,) in rows]

    def _crm_email_mailboxes(self, email_ids) -> dict:
        """Return how many of these mails each mailbox has."""
        rows = self.env.execute_query(
            SQL(
                "SELECT mailbox_id, count(*) FROM crm_email_mailbox_rel WHERE email_id = ANY(%s) GROUP BY 1 ORDER BY 1",
                list(email_ids),
            )
        )
        # sudo: whose mailbox it is, to whom may know that it has such mail
        mailboxes = self.env["crm.mailbox"].sudo()
        return {mailboxes.browse(mailbox_id): count for mailbox_id, count in rows}

    def _export_crm_emails(self, file: BinaryIO, since=None, until=None, originals=False) -> None:
        """Write the archive to a seekable file.

        :param originals: ask the mail servers for the mails as they were sent
        """
        self.check_access("read")
        email_ids, withheld = self._crm_emails_to_export(since, until)
        with ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED))
            listing = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            source = stack.enter_context(Originals(self.env) if originals else ExitStack())
            with archive.open("mail.mbox", "w", force_zip64=True) as mbox:
                self._write_listing(
                    listing, withheld, self._write_mails(mbox, email_ids, source if originals else None)
                )
            listing.seek(0)
            with archive.open("mail.json", "w", force_zip64=True) as copied:
                while text := listing.read(1 << 20):
                    copied.write(text.encode())

    def _write_listing(self, listing, withheld: dict, mails: Iterator[dict]) -> None:
        head = {
            "format": FORMAT,
            "made_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "made_by": self.env.user.name,
            "person": {
                "model": self._name,
                "id": self.id,
                "name": self.display_name,
                "addresses": self._crm_email_person_addresses(),
            },
            "withheld": [
                {"mailbox": mailbox.email, "owner": mailbox.user_id.name, "count": count}
                for mailbox, count in withheld.items()
            ],
        }
        listing.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "mails": [')
        for number, mail in enumerate(mails):
            listing.write(",\n" if number else "\n")
            listing.write(json.dumps(mail, ensure_ascii=False))
        listing.write("\n]}\n")

    def _write_mails(self, mbox: BinaryIO, email_ids, originals: "Originals | None") -> Iterator[dict]:
        """Write mails to ``mbox``; yield what the listing says of each."""
        for page in _pages(email_ids, PAGE):
            emails = self.env["crm.email"].browse(page)
            emails._note_reading()
            for email, described in zip(emails, emails._describe_for_export(), strict=True):
                raw, source = email._raw_for_export(originals)
                mbox.write(rules.mbox.entry(raw, described["sender"], email.date))
                yield {**described, "source": source, "sha256": hashlib.sha256(raw).hexdigest()}
            self.env.invalidate_all()


class CrmEmail(models.Model):
    _inherit = "crm.email"

    def _describe_for_export(self) -> list[dict]:
        """What the listing says of each of these mails, as far as the user may know it."""
        cards = self._cards_for_export()
        copies = self.env["crm.email.copy"].search([("email_id", "in", self.ids)]).grouped("email_id")
        return [
            {
                "message_id": email.message_id or "",
                "date": email.date.replace(tzinfo=timezone.utc).isoformat(),
                "header_date": email.sudo().header_date or "",
                "direction": email.direction,
                "sender": next((one.email for one in rules.addresses.parse_list(email.email_from or "")), ""),
                "from": email.email_from or "",
                "to": email.email_to or "",
                "cc": email.email_cc or "",
                "subject": email.subject or "",
                "automatic": email.automatic,
                "size": email.size,
                "cards": cards[email.id],
                "copies": [copy._describe_for_export() for copy in copies.get(email, ())],
                "attachments": [
                    {"name": one.name, "type": one.mimetype, "size": one.file_size}
                    for one in email.sudo().mail_message_id.attachment_ids
                ],
            }
            for email in self
        ]

    def _cards_for_export(self) -> dict[int, list[dict]]:
        cards = defaultdict(list)
        for link in self.env["crm.email.link"].search([("email_id", "in", self.ids)]):
            card = link.lead_id or link.partner_id
            cards[link.email_id.id].append(
                {
                    "model": card._name,
                    "id": card.id,
                    "name": card.display_name,
                    "origin": link.origin,
                    "reason": link.reason,
                }
            )
        return cards

    def _raw_for_export(self, originals: "Originals | None") -> tuple[bytes, str]:
        """Return the mail and where it is from: ``original``, ``rebuilt`` or ``envelope``."""
        # sudo: only mails that the user may read in full are exported
        email = self.sudo()
        if originals and (raw := originals.of(email)):
            return raw, "original"
        stored = email.body_state == "stored"
        raw = rules.mbox.rebuilt(
            [(name, rules.addresses.parse_list(email[field] or "")) for name, field in _PEOPLE],
            [
                ("Subject", email.header_subject or ""),
                ("Date", email.header_date or ""),
                ("Message-ID", email.message_id or ""),
            ],
            str(email.mail_message_id.body or "") if stored else "",
            [
                (one.name or "", one.mimetype or "", one.raw or b"")
                for one in email.mail_message_id.attachment_ids
                if one.type == "binary"
            ],
        )
        return raw, "rebuilt" if stored else "envelope"


_PEOPLE = (("From", "header_from"), ("To", "header_to"), ("Cc", "header_cc"))


class CrmEmailCopy(models.Model):
    _inherit = "crm.email.copy"

    def _describe_for_export(self) -> dict:
        return {
            "mailbox": self.mailbox_id.email,
            "folder": self.folder_id.name,
            "received": self.received and self.received.replace(tzinfo=timezone.utc).isoformat(),
            "seen": self.seen,
        }


class Originals(ExitStack):
    """Asks mail servers for mails as they were sent: one connection a mailbox, for a limited time."""

    def __init__(self, env):
        super().__init__()
        self.env = env
        self._connectors = {}
        self._deadline = time.monotonic() + ORIGINALS_SECONDS

    def of(self, email) -> bytes:
        """Return the mail, b"" when no server delivers it now.

        :param email: as superuser
        """
        for copy in email._shown_copies().filtered(lambda copy: copy.state == "ok"):
            connector = self._connector(copy.mailbox_id)
            if connector is None or time.monotonic() > self._deadline:
                continue
            try:
                return connector.raw(OrmStore.as_folder(copy.folder_id), copy.uidvalidity or "", copy.remote_id)
            except ConnectorError:
                self._drop(copy.mailbox_id, connector)
        return b""

    def _connector(self, mailbox):
        """Return a connection of this mailbox; none when it is not connected or cannot be."""
        if mailbox.id not in self._connectors:
            self._connectors[mailbox.id] = None
            if mailbox.state in ("connecting", "connected", "waiting"):
                with suppress(ConnectorError, UserError):
                    self._connectors[mailbox.id] = self.enter_context(mailbox._opened())
        return self._connectors[mailbox.id]

    def _drop(self, mailbox, connector) -> None:
        """After an error the connection cannot be relied on; the next mail gets a new one."""
        connector.close()
        del self._connectors[mailbox.id]


def _pages(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
