"""Which of Gmail's labels are synchronised.

All mail is one folder, in which each mail is once, however many labels it has. So labels are no folders to list, but
say what of all mail is fetched:

========  =====================================================
All Mail  fetched is
========  =====================================================
on        everything but what has a label that is switched off
off       only what has a label that is switched on
========  =====================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo import api, models

from ..connectors import gmail

if TYPE_CHECKING:
    from ..connectors.gmail.labels import Choice

# Never fetched, whatever is chosen.
CLOSED_ROLES = ("drafts", "junk", "trash")


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    def _gmail_choice(self) -> Choice:
        """Return what of all mail its owner chose."""
        # sudo: which folders there are is no secret to the code that reads them
        folders = self.sudo().folder_ids
        everything = all(folders.filtered(lambda folder: folder._is_all_mail()).mapped("sync"))
        labels = folders.filtered(lambda folder: folder._is_label() and folder.sync != everything)
        return gmail.labels.Choice(frozenset(labels.mapped("remote_id")), only=not everything)


class CrmMailboxFolder(models.Model):
    _inherit = "crm.mailbox.folder"

    def _is_all_mail(self) -> bool:
        return self.mailbox_id.provider == "gmail" and self.remote_id == gmail.labels.ALL_MAIL.remote_id

    def _is_label(self) -> bool:
        return self.mailbox_id.provider == "gmail" and not self.selectable and self.role not in CLOSED_ROLES

    @api.depends("role", "mailbox_id.provider")
    def _compute_choosable(self):
        super()._compute_choosable()
        for label in self.filtered(lambda folder: folder._is_label()):
            label.choosable = True

    def _is_listed(self) -> bool:
        """All mail is, also when only some labels of it are chosen."""
        return not self.absent_since if self._is_all_mail() else super()._is_listed()

    @api.model_create_multi
    def create(self, vals_list):
        """Where only some labels were chosen, one that is made later is none of them."""
        folders = super().create(vals_list)
        for label in folders.filtered(lambda folder: folder._is_label() and folder.mailbox_id._gmail_choice().only):
            label.sync = False
        return folders

    def write(self, vals):
        """Another choice of labels has the mail listed once more, for what it adds."""
        chosen_anew = self.filtered(lambda folder: "sync" in vals and folder.sync != bool(vals["sync"]))
        result = super().write(vals)
        for mailbox in chosen_anew.filtered(lambda folder: folder._is_label() or folder._is_all_mail()).mailbox_id:
            # sudo: where to go on is for nobody to write
            mailbox.sudo().folder_ids.filtered(lambda folder: folder._is_all_mail()).cursor = False
            mailbox._sync_soon()
        return result
