"""Where mail stands for its reader: the places of the mailbox window, and what is unread there.

A place is what a person clicks on the left of the window::

    unread                 in any mailbox of the user's
    to_process
    mailbox-3              all mail of this mailbox
      folder-7             of this folder, whatever folder it lies in itself

Unread is what no mail program of the mailbox has marked as read and the user has not opened
here. The server's flags are never written, so who has opened a mail is remembered here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

LEVEL_SEPARATOR = "/"


@dataclass(frozen=True)
class _Waiting:
    """How many mails of a place are unread, and to be processed."""

    unread: int = 0
    to_process: int = 0


class CrmEmail(models.Model):
    _inherit = "crm.email"

    place = fields.Char(compute="_compute_place", search="_search_place")
    is_unread = fields.Boolean("Unread", compute="_compute_is_unread", search="_search_is_unread")
    opened_by_ids = fields.Many2many(
        "res.users", "crm_email_opened_rel", "email_id", "user_id", "Opened here by", groups=fields.NO_ACCESS
    )

    # --- what is unread -----------------------------------------------------------------

    def _unread_query(self, columns: SQL) -> SQL:
        """Select ``columns`` of the copies (``c``) of what the user has not read yet."""
        return SQL(
            """SELECT %(columns)s FROM crm_email_copy c
                WHERE c.mailbox_id = ANY(%(mailboxes)s) AND c.seen IS FALSE
                  AND NOT EXISTS (SELECT FROM crm_email_opened_rel o
                                   WHERE o.email_id = c.email_id AND o.user_id = %(user)s)""",
            columns=columns,
            mailboxes=list(self.env["crm.mailbox"]._usable_ids()),
            user=self.env.uid,
        )

    @api.depends("copy_ids.seen")
    @api.depends_context("uid")
    def _compute_is_unread(self):
        rows = self.env.execute_query(
            SQL("%s AND c.email_id = ANY(%s)", self._unread_query(SQL("c.email_id")), self._origin.ids)
        )
        unread = {email_id for (email_id,) in rows}
        for email in self:
            email.is_unread = email._origin.id in unread

    @api.model
    def _search_is_unread(self, operator, value):
        if operator != "in":
            return NotImplemented
        unread = self._id_in(self._unread_query(SQL("c.email_id")))
        return Domain.OR(unread if one else ~unread for one in value)

    def _mark_opened(self) -> None:
        """Remember that the user has read these mails; on the mail server they stay as they are."""
        rows = [(email_id, self.env.uid) for email_id in self.ids]
        if rows:
            self.env.cr.execute_values(
                "INSERT INTO crm_email_opened_rel (email_id, user_id) VALUES %s ON CONFLICT DO NOTHING", rows
            )
        self.invalidate_recordset(["is_unread"], flush=False)

    def action_mark_read(self) -> bool:
        """Count these mails as read by the user.

        :raise AccessError: unless the user may know of each of them
        """
        self.check_access("read")
        self._mark_opened()
        return True

    def action_mark_unread(self) -> bool:
        """Take back that the user has opened these mails; what the server has as read stays read."""
        self.check_access("read")
        self.env.cr.execute(
            SQL("DELETE FROM crm_email_opened_rel WHERE user_id = %s AND email_id = ANY(%s)", self.env.uid, self.ids)
        )
        self.invalidate_recordset(["is_unread"], flush=False)
        return True

    # --- places -------------------------------------------------------------------------

    def _compute_place(self):
        """A mail stands in many places; to be asked for, not to be shown."""
        self.place = False

    @api.model
    def _search_place(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(self._place_domain(one) for one in value)

    def _place_domain(self, place) -> Domain:
        """The mail of a place; none of a place that is not the user's."""
        kind, _dash, number = str(place or "").partition("-")
        if kind == "unread":
            return Domain("is_unread", "=", True)
        if kind == "to_process":
            return Domain("state", "=", "to_process")
        if not number.isdecimal():
            return Domain.FALSE
        column = {"mailbox": "mailbox_id", "folder": "folder_id"}.get(kind)
        if not column:
            return Domain.FALSE
        # One cannot ask whether a mail on a card lies in a colleague's folder.
        return self._id_in(
            SQL(
                "SELECT email_id FROM crm_email_copy WHERE %s = %s AND mailbox_id = ANY(%s) AND email_id IS NOT NULL",
                SQL.identifier(column),
                int(number),
                list(self.env["crm.mailbox"]._usable_ids()),
            )
        )

    @api.model
    def search_panel_select_range(self, field_name, **kwargs):
        """The places of the user, whatever is searched for: folders do not come and go."""
        if field_name != "place":
            return super().search_panel_select_range(field_name, **kwargs)
        if not self.env.user._is_internal():
            raise AccessError(self.env._("Mailboxes are for internal users."))
        return {"parent_field": "parent", "values": self._places()}

    def _places(self) -> list[dict]:
        """Return the places in order: ``id``, ``parent``, ``display_name``, ``__count`` (unread), ``to_process``."""
        # sudo: mailboxes that the user may use, which is more than those they may manage
        mailboxes = self.env["crm.mailbox"].sudo().browse(self.env["crm.mailbox"]._usable_ids())
        mailboxes = mailboxes.filtered("active").sorted(lambda one: (one.user_id.id != self.env.uid, one.id))
        waiting = self._waiting_by_place(mailboxes)
        places = [
            _place("unread", self.env._("Unread"), waiting=_Waiting(unread=waiting.get("", _Waiting()).unread)),
            _place(
                "to_process",
                self.env._("To process"),
                waiting=_Waiting(to_process=waiting.get("", _Waiting()).to_process),
            ),
        ]
        for mailbox in mailboxes:
            places.append(_place(f"mailbox-{mailbox.id}", mailbox.name))
            places += mailbox.folder_ids._places(waiting)
        return places

    def _waiting_by_place(self, mailboxes) -> dict[str, _Waiting]:
        """Count all places by one query; under "" the whole."""
        rows = self.env.execute_query(
            SQL(
                """
                WITH waiting AS (
                    %(unread)s
                    UNION ALL
                    SELECT c.folder_id, c.email_id, false
                      FROM crm_email e JOIN crm_email_copy c ON c.email_id = e.id
                     WHERE e.state = 'to_process' AND c.mailbox_id = ANY(%(mailboxes)s))
                SELECT folder_id, count(DISTINCT email_id) FILTER (WHERE unread),
                       count(DISTINCT email_id) FILTER (WHERE NOT unread)
                  FROM waiting GROUP BY GROUPING SETS ((folder_id), ())
                """,
                unread=self._unread_query(SQL("c.folder_id, c.email_id, true AS unread")),
                mailboxes=mailboxes.ids,
            )
        )
        return {f"folder-{folder_id}" if folder_id else "": _Waiting(*counts) for folder_id, *counts in rows}


class CrmMailboxFolder(models.Model):
    _inherit = "crm.mailbox.folder"

    def _places(self, waiting: dict[str, _Waiting]) -> list[dict]:
        """Return the folders of one mailbox that have mail here, and those they lie in."""
        by_path = {folder.name: folder for folder in self if not folder.absent_since}
        shown = {path for path, folder in by_path.items() if folder.sync and folder.selectable}
        above = {parent for path in shown for parent in _parents(path) if parent in by_path}
        folders = self.browse(by_path[path].id for path in shown | above).sorted()
        return [
            _place(
                f"folder-{folder.id}",
                folder._short_name(above),
                parent=folder._parent_place(by_path),
                waiting=waiting.get(f"folder-{folder.id}", _Waiting()),
            )
            for folder in folders
        ]

    def _short_name(self, parents: Iterable[str]) -> str:
        """The last level of the path; of the folders that everybody has the name in the user's language."""
        if self.role != "other" and self.name not in parents:
            return dict(self._fields["role"]._description_selection(self.env))[self.role]
        return self.name.rpartition(LEVEL_SEPARATOR)[2] or self.name

    def _parent_place(self, by_path: dict) -> str:
        nearest = next((by_path[path] for path in _parents(self.name) if path in by_path), None)
        return f"folder-{nearest.id}" if nearest else f"mailbox-{self.mailbox_id.id}"


class CrmEmailCopy(models.Model):
    _inherit = "crm.email.copy"

    _unseen_idx = models.Index("(mailbox_id, folder_id, email_id) WHERE seen IS FALSE")
    _folder_email_idx = models.Index("(folder_id, email_id)")


def _parents(path: str) -> list[str]:
    """The folders that this one lies in, the nearest first."""
    levels = path.split(LEVEL_SEPARATOR)
    return [LEVEL_SEPARATOR.join(levels[:count]) for count in range(len(levels) - 1, 0, -1)]


def _place(place: str, name: str, parent: str = "", waiting: _Waiting | None = None) -> dict:
    waiting = waiting or _Waiting()
    return {
        "id": place,
        "display_name": name,
        "parent": parent,
        "__count": waiting.unread,
        "to_process": waiting.to_process,
    }
