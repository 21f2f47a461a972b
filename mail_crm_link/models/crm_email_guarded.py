from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain


class CrmEmailGuarded(models.AbstractModel):
    """Records whose readers follow from the cards and mailboxes they belong to.

    Record rules cannot say that; Odoo's activities and messages are guarded in the same way.
    """

    _name = "crm.email.guarded"
    _description = "Readable Through Cards and Mailboxes"

    def _readable_domain(self) -> Domain:
        """Return the records that the current user may know of."""
        raise NotImplementedError

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, *, bypass_access=False, **kwargs):
        if not (self.env.su or bypass_access):
            domain = Domain(domain) & self._readable_domain()
        return super()._search(domain, offset, limit, order, bypass_access=bypass_access, **kwargs)

    def _check_access(self, operation):
        result = super()._check_access(operation)
        if self.env.su or result or not self:
            return result
        readable = (
            self.sudo().with_context(active_test=False).search(Domain("id", "in", self.ids) & self._readable_domain())
        )
        forbidden = self - readable.sudo(False)
        if not forbidden:
            return None
        return forbidden, lambda: AccessError(self.env._("You may not read this: %s.", self._description))
