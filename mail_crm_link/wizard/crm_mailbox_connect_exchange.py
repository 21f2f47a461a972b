"""The dialog for mailboxes on the company's own Exchange server: its name and the user name stand under Advanced.

Where nothing named the server, its autodiscover service is asked for it with the password, as the first step.
"""

from odoo import api, fields, models

from ..connectors import discovery
from ..connectors.errors import ConnectorError
from ..models.crm_mailbox_ews import CONSENT_FIELDS

EXCHANGE_FIELDS = ("ews_server", "ews_username", "ews_sign_in")


class CrmMailboxConnect(models.TransientModel):
    _inherit = "crm.mailbox.connect"

    protocol = fields.Selection(
        [("imap", "IMAP and SMTP"), ("ews", "Exchange")],
        "Connect by",
        compute="_compute_protocol",
        inverse="_inverse_protocol",
    )
    ews_server = fields.Char("Exchange server")
    ews_username = fields.Char("Exchange user name", help="Empty: the address.")
    ews_sign_in = fields.Selection(
        selection=lambda self: self.env["crm.mailbox"]._fields["ews_sign_in"]._description_selection(self.env),
        string="Exchange sign-in",
        required=True,
        default="password",
    )

    @api.depends("provider")
    def _compute_protocol(self):
        for dialog in self:
            dialog.protocol = dialog.provider if dialog.provider in ("imap", "ews") else False

    @api.onchange("protocol")
    def _inverse_protocol(self):
        for dialog in self.filtered("protocol"):
            dialog.provider = dialog.protocol

    @api.depends(*CONSENT_FIELDS)
    def _compute_oauth_authority(self):
        return super()._compute_oauth_authority()

    @api.depends(*CONSENT_FIELDS)
    def _compute_consent_rights(self):
        return super()._compute_consent_rights()

    # --- what was found -----------------------------------------------------------------

    def _found_values(self, found: "discovery.Found | None") -> dict:
        values = {**super()._found_values(found), "ews_server": False, "ews_username": False, "ews_sign_in": "password"}
        if values["provider"] == "ews":
            values |= {"ews_server": found.exchange, "advanced": False}
        return values

    # --- sign-in ------------------------------------------------------------------------

    def _who(self) -> dict:
        return {**super()._who(), **self._exchange_values()}

    def _exchange_values(self) -> dict:
        return {name: self[name] for name in EXCHANGE_FIELDS} if self.provider == "ews" else {}

    def _server_values(self) -> dict:
        return {**super()._server_values(), **self._exchange_values()}

    def _servers_of_consent(self) -> dict:
        return {**super()._servers_of_consent(), **self._exchange_values()}

    def _account_name(self) -> str:
        return self.ews_username or self.email if self.provider == "ews" else super()._account_name()

    def _needed(self) -> list[str]:
        return ["password"] if self.provider == "ews" else super()._needed()

    def _incoming_host(self) -> str:
        return self.ews_server if self.provider == "ews" else super()._incoming_host()

    def _outgoing_host(self) -> str:
        return self.ews_server if self.provider == "ews" else super()._outgoing_host()

    def _is_encrypted(self, mailbox) -> bool:
        if self.provider != "ews":
            return super()._is_encrypted(mailbox)
        return mailbox._ews_account__().security != "none"

    def _check_server(self) -> dict:
        if self.provider == "ews" and not self.ews_server:
            with self._tentative() as mailbox:
                try:
                    found, failed = mailbox._find_ews_server__(), None
                except ConnectorError as error:
                    found, failed = "", self._failed("autodiscover", error, self.email.rpartition("@")[2])
            if failed:
                return failed
            self.ews_server = found
        return super()._check_server()

    def _reach(self, mailbox, seconds: float) -> None:
        if self.provider != "ews":
            return super()._reach(mailbox, seconds)
        account = mailbox._ews_account__()
        account.check()
        account.network.connect(*account.place, seconds).close()

    def _try_outgoing(self, connector) -> None:
        super()._try_outgoing(connector)
        if self.provider == "ews":
            connector.check()

    def _label(self, name: str, count: int) -> str:
        if name == "autodiscover":
            return self.env._("Server of %s", self.email.rpartition("@")[2])
        return super()._label(name, count)
