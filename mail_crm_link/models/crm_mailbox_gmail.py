"""Mailboxes at Google: sign-in by consent, mail through the Gmail API."""

from collections.abc import Mapping

from odoo import api, fields, models

from ..connectors import gmail
from ..connectors.errors import ConnectorError
from .connection_causes import sentence

GOOGLE_SCOPE = "https://www.googleapis.com/auth/%s"
URL_PARAMETER = "mail_crm_link.google_api_url"
UNITS_PARAMETER = "mail_crm_link.google_units_per_minute"


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

    def _connector_gmail(self) -> "gmail.GmailConnector":
        # sudo: parameters are the administrators' to read, and everybody's to follow
        units = self.env["ir.config_parameter"].sudo().get_param(UNITS_PARAMETER) or ""
        return gmail.GmailConnector(
            self._token__(),
            url=self._gmail_url(),
            units=int(units) if units.isdecimal() and int(units) else gmail.UNITS,
            choice=self._gmail_choice(),
        )

    def _gmail_sender(self) -> "gmail.GmailSender":
        return gmail.GmailSender(self._token__(), url=self._gmail_url())

    @api.model
    def _gmail_url(self) -> str:
        return self.env["ir.config_parameter"].sudo().get_param(URL_PARAMETER) or gmail.URL

    # --- sending ------------------------------------------------------------------------

    def _aliases_gmail(self) -> list[str]:
        with self._gmail_sender() as sender:
            return [alias.address for alias in sender.aliases()]

    def _submission(self):
        if self.provider != "gmail":
            return super()._submission()
        return self._gmail_sender()

    def _submission_sentence(self, error: ConnectorError) -> str:
        if self.provider != "gmail":
            return super()._submission_sentence(error)
        return sentence(self.env, error, "Gmail", self.email)

    def _sent_folder(self):
        if self.provider != "gmail":
            return super()._sent_folder()
        # sudo: as for every other mailbox, who may send from it need not be able to read it
        return self.sudo().folder_ids.filtered(lambda folder: folder.remote_id == gmail.labels.ALL_MAIL.remote_id)

    def _provider_files_sent(self) -> bool:
        return self.provider == "gmail" or super()._provider_files_sent()
