"""Mailboxes that are read by a right which an administrator holds for many, so that nobody signs in.

The right reaches every mailbox of the organisation. It is switched on mailbox by mailbox, by administrators of this
server, and whoever makes the mailbox another one afterwards loses it.
"""

from odoo import api, models

# Whose mailbox it is.
IDENTITY_FIELDS = {"email", "login", "provider"}


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    @api.model
    def _grants(self) -> tuple[str, ...]:
        """Return the Boolean fields that are such a right."""
        return ()

    def _is_granted(self) -> bool:
        # sudo: that nobody has to sign in is no secret to who may see the mailbox
        return any(self.sudo()[name] for name in self._grants())

    def _compute_has_consent(self):
        super()._compute_has_consent()
        for mailbox in self.filtered(lambda one: one._is_granted()):
            mailbox.has_consent = True

    def _revoke_consent__(self) -> None:
        """The right is not one mailbox's to give back; who ends it for one takes nothing from others."""
        granted = self.filtered(lambda one: one._is_granted())
        granted._forget_consent__()
        # sudo: to take the right back is nobody's privilege
        granted.sudo().write(dict.fromkeys(self._grants(), False))
        return super(CrmMailbox, self - granted)._revoke_consent__()

    def write(self, vals):
        moved = self._granted_elsewhere(vals)
        result = super().write(vals)
        if moved:
            # sudo: to take the right back is nobody's privilege
            moved.sudo().write(dict.fromkeys(self._grants(), False))
        if set(self._grants()) & vals.keys():
            self._forget_consent__()
        return result

    def _granted_elsewhere(self, vals: dict):
        """Return the mailboxes whose identity somebody changes who may not give the right."""
        if self.env.su or self.env.user._is_system():
            return self.browse()
        return self._changed_by(vals, IDENTITY_FIELDS).filtered(lambda mailbox: mailbox._is_granted())
