from odoo import api, fields, models
from odoo.tools import email_normalize


class CrmEmailImageSender(models.Model):
    """A sender whose remote images a user always wants to see, though they tell when a mail is read."""

    _name = "crm.email.image.sender"
    _description = "Sender Whose Images Are Shown"
    _rec_name = "address"
    _order = "address"

    user_id = fields.Many2one("res.users", required=True, default=lambda self: self.env.uid, ondelete="cascade")
    address = fields.Char(required=True)

    _address_uniq = models.UniqueIndex("(user_id, address)")

    @api.model
    def _trusts(self, address: str) -> bool:
        return bool(address) and bool(self.search_count(self._own(address), limit=1))

    def _own(self, address: str) -> list:
        return [("user_id", "=", self.env.uid), ("address", "=", address)]

    @api.model
    def set_trusted(self, address: str, trusted: bool) -> bool:
        """Show the user images of this sender always, or ask each time again.

        :return: whether they are shown from now on
        """
        normalized = email_normalize(address or "", strict=False)
        if not normalized:
            return False
        known = self.search(self._own(normalized))
        if not trusted:
            known.unlink()
        elif not known:
            self.create({"address": normalized})
        return bool(trusted)
