"""Mailboxes at Google: sign-in by consent, mail through the Gmail API."""

from collections.abc import Mapping

from odoo import api, fields, models

GOOGLE_SCOPE = "https://www.googleapis.com/auth/%s"


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    provider = fields.Selection(selection_add=[("gmail", "Gmail")], ondelete={"gmail": "cascade"})

    @api.model
    def _oauth_authorities(self) -> dict[str, str]:
        return super()._oauth_authorities() | {"gmail": "google"}

    def _oauth_scopes_gmail(self) -> Mapping[str, str]:
        return {
            "openid": "",
            GOOGLE_SCOPE % "userinfo.email": self.env._("See the address of the account"),
            GOOGLE_SCOPE % "gmail.readonly": self.env._("Read mail and settings; nothing is changed or deleted"),
            GOOGLE_SCOPE % "gmail.send": self.env._("Send the mails that you write here"),
        }
