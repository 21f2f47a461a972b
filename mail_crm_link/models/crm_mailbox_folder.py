from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

if TYPE_CHECKING:
    from ..connectors.base import Folder


# What of a mailbox is synchronised unless its owner decides otherwise. Folders that people
# made themselves belong to it: a server-side filter may deliver customers' mail there.
SYNCED_ROLES = ("inbox", "sent", "archive", "other")
# What of a folder people choose; the rest is the mail server's word.
CHOSEN_FIELDS = {"role", "sync"}


def is_wanted(folder: Folder | CrmMailboxFolder) -> bool:
    """Whether a folder is synchronised unless its owner decides otherwise; mail is not fetched twice for views."""
    return folder.role in SYNCED_ROLES and not folder.is_view


class CrmMailboxFolder(models.Model):
    _name = "crm.mailbox.folder"
    _description = "Mailbox Folder"
    _order = "mailbox_id, sequence, name"

    mailbox_id = fields.Many2one("crm.mailbox", required=True, index=True, ondelete="cascade", readonly=True)
    name = fields.Char(required=True, readonly=True)
    remote_id = fields.Char(required=True, readonly=True, help="The provider's own name of the folder.")
    role = fields.Selection(
        [
            ("inbox", "Inbox"),
            ("sent", "Sent"),
            ("archive", "Archive"),
            ("drafts", "Drafts"),
            ("junk", "Junk"),
            ("trash", "Trash"),
            ("other", "Other"),
        ],
        required=True,
        default="other",
    )
    sequence = fields.Integer(compute="_compute_sequence", store=True)
    uidvalidity = fields.Char(groups=fields.NO_ACCESS)
    selectable = fields.Boolean(default=True, readonly=True)
    is_view = fields.Boolean("View", readonly=True, help="Other folders hold all its mail, too.")
    sync = fields.Boolean("Synchronise", default=True)
    choosable = fields.Boolean(compute="_compute_choosable", help="Whether its owner decides about its mail.")
    absent_since = fields.Datetime(readonly=True, help="Since when the server no longer lists this folder (UTC).")
    problem = fields.Char(readonly=True)
    total_count = fields.Integer("Messages on the server", readonly=True)
    synced_count = fields.Integer("Synchronised", readonly=True)
    cursor = fields.Char(groups=fields.NO_ACCESS)
    attempts = fields.Integer(groups=fields.NO_ACCESS)

    _remote_id_uniq = models.UniqueIndex("(mailbox_id, remote_id)")

    @api.depends("role")
    def _compute_sequence(self):
        order = ["inbox", "sent", "archive", "other", "drafts", "junk", "trash"]
        for folder in self:
            folder.sequence = order.index(folder.role)

    @api.depends("selectable")
    def _compute_choosable(self):
        for folder in self:
            folder.choosable = folder.selectable

    def _is_listed(self) -> bool:
        """Whether its mail is asked for."""
        return self.sync and self.selectable and not self.absent_since

    def _is_arrival(self) -> bool:
        """Whether mail that comes in is first seen here: where the inbox is but a view, in the folder of all mail."""
        if self.role == "archive":
            siblings = self.mailbox_id.folder_ids
            return not siblings.filtered(lambda folder: folder.role == "inbox" and folder._is_listed())
        return self.role in ("inbox", "other")

    def write(self, vals):
        if not self.env.su and vals.keys() - CHOSEN_FIELDS:
            raise AccessError(self.env._("Folders are as the mail server has them."))
        result = super().write(vals)
        if vals.get("sync"):
            self.mailbox_id._sync_soon()
        return result

    def _email_ids(self, remote_ids: Collection[str], uidvalidity: str) -> list[int]:
        """Return the mails that the server names so."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT email_id FROM crm_email_copy WHERE folder_id = %s AND uidvalidity = %s"
                " AND remote_id = ANY(%s) AND email_id IS NOT NULL",
                self.id,
                uidvalidity,
                list(remote_ids),
            )
        )
        return [email_id for (email_id,) in rows]
