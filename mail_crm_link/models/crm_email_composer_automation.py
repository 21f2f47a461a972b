"""What is different about a mail that automation wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from odoo import fields, models
from odoo.fields import Domain

from .. import rules
from ..connectors.errors import ConnectorError, NotAllowed, SignInNeeded
from .crm_email_automation import GIVE_UP_AFTER

if TYPE_CHECKING:
    from ..rules.composing import Letter


class CrmEmailComposer(models.Model):
    _inherit = "crm.email.composer"

    automation_id = fields.Many2one("crm.email.automation", "1:1 email", readonly=True, copy=False, ondelete="set null")

    _automation_uniq = models.UniqueIndex("(automation_id) WHERE automation_id IS NOT NULL")

    def _waiting_domain(self) -> Domain:
        """What automation wrote goes out at its mailbox's pace."""
        return super()._waiting_domain() & Domain("automation_id", "=", False)

    def _letter(self) -> Letter:
        letter = super()._letter()
        return replace(letter, fields=rules.composing.AUTOMATIC_FIELDS) if self.sudo().automation_id else letter

    def _is_final(self, error: ConnectorError) -> bool:
        """The mailbox tells its owner that it needs them; its waiting mails need not tell it each."""
        if self.automation_id and isinstance(error, SignInNeeded | NotAllowed):
            return self.sent_at + GIVE_UP_AFTER < fields.Datetime.now()
        return super()._is_final(error)
