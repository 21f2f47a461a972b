"""Search on the mail server for words in texts that are not stored here."""

import time
from collections.abc import Iterator

from odoo import api, models
from odoo.exceptions import UserError

from ..connectors.errors import ConnectorError, CursorExpired, FolderGone
from .orm_store import OrmStore

# Seconds that a person waits; folders that are not searched by then are named.
SEARCH_SECONDS = 20
MOST_FOUND = 500


class CrmEmail(models.Model):
    _inherit = "crm.email"

    @api.model
    def search_on_server(self, text: str) -> dict:
        """Have the servers of the user's mailboxes search their mail for ``text``.

        :return: ``ids`` of the mails found that are known here, ``problems`` (texts): what could
            not be searched
        :raise UserError: without a text, or without a mailbox
        """
        text = str(text or "").strip()
        if not text:
            raise UserError(self.env._("Type what to search for into the search bar first."))
        # sudo: mailboxes that the user may read, whose connection is their owner's
        usable = self.env["crm.mailbox"].sudo().browse(self.env["crm.mailbox"]._usable_ids())
        connected = usable.filtered(lambda mailbox: mailbox.active and mailbox.state not in ("draft", "paused"))
        if not connected:
            raise UserError(self.env._("Connect a mailbox first."))
        deadline = time.monotonic() + SEARCH_SECONDS
        ids: set[int] = set()
        problems: list[str] = []
        for mailbox in connected:
            found, problem = mailbox._search_server(text, deadline)
            ids.update(found)
            problems += filter(None, [problem])
        return {"ids": sorted(ids), "problems": problems}


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    def _search_server(self, text: str, deadline: float) -> tuple[list[int], str]:
        """Return mails of this mailbox that contain ``text``, and what went wrong.

        :param deadline: in `time.monotonic` seconds
        """
        found: list[int] = []
        try:
            with self._opened() as connector:
                for ids in self._search_folders(connector, text, deadline):
                    found += ids
        except TimeoutError:
            return found, self.env._("The server of %s takes long to search; not all folders were searched.", self.name)
        except ConnectorError as error:
            return found, self._sentence(error)
        return found, ""

    def _search_folders(self, connector, text: str, deadline: float) -> Iterator[list[int]]:
        """:raise TimeoutError: when the time is over before the last folder"""
        folders = self.folder_ids.filtered(lambda one: one.sync and one.selectable and not one.absent_since)
        for folder in folders.sorted():
            if time.monotonic() > deadline:
                raise TimeoutError(folder.name)
            try:
                remote_ids = connector.search(OrmStore.as_folder(folder), folder.uidvalidity or "", text, MOST_FOUND)
            except (CursorExpired, FolderGone):
                # The next synchronisation finds out what became of it.
                continue
            yield folder._email_ids(remote_ids, folder.uidvalidity or "")
