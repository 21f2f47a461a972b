"""Mailboxes on the company's own Exchange server, by name and password."""

import re
from dataclasses import replace

from odoo import fields, models
from odoo.exceptions import UserError

from ..connectors.errors import ConnectorError
from ..connectors.ews import Account, EWSConnector, EWSSender
from .connection_causes import sentence

# Hosts whose certificate an administrator vouches for.
UNVERIFIED_PARAMETER = "mail_crm_link.exchange_unverified_hosts"


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    provider = fields.Selection(selection_add=[("ews", "Exchange")], ondelete={"ews": "cascade"})
    ews_server = fields.Char("Exchange server", help="Its name, or the whole address of its web services.")
    ews_username = fields.Char("Exchange user name", help="Empty: the address.")

    def _ews_account__(self) -> Account:
        # sudo: nobody has rights on secrets; parameters are the administrators' to read, and everybody's to follow
        password = self.env["crm.mailbox.secret"].sudo()._reveal__(self, "password")
        vouched = self.env["ir.config_parameter"].sudo().get_param(UNVERIFIED_PARAMETER) or ""
        username = self.ews_username or self.email
        account = Account(self.email_normalized, self.ews_server or "", username, password, network=self._network())
        return replace(account, unverified=frozenset(re.split(r"[\s,;]+", vouched.lower())))

    def _connector_ews(self) -> EWSConnector:
        return EWSConnector(self._ews_account__())

    def _check_complete(self) -> None:
        if self.provider != "ews":
            return super()._check_complete()
        self.ensure_one()
        self.check_access("write")
        needed = ((self.env._("Exchange server"), self.ews_server), (self.env._("Password"), self.has_password))
        if missing := [label for label, value in needed if not value]:
            raise UserError(self.env._("Please fill in: %s.", ", ".join(missing)))

    def _sentence(self, error: ConnectorError) -> str:
        if self.provider != "ews":
            return super()._sentence(error)
        return sentence(self.env, error, self.ews_server or "", self.ews_username or self.email)

    # --- which servers may be asked -----------------------------------------------------

    def _trust_servers(self, vals: dict) -> None:
        """A server that an administrator entered may be one of the company's own network."""
        super()._trust_servers(vals)
        if not vals.get("ews_server") or not self.env.user._is_system():
            return
        # sudo: nobody has rights on this field, because it opens the network around this machine
        for mailbox in self.sudo():
            server = list(Account("", mailbox.ews_server, "", "").place)
            if server not in (mailbox.trusted_servers or []):
                mailbox.trusted_servers = [*(mailbox.trusted_servers or []), server]

    # --- sending ------------------------------------------------------------------------

    def _submission(self):
        return EWSSender(self._ews_account__()) if self.provider == "ews" else super()._submission()

    def _submission_sentence(self, error: ConnectorError) -> str:
        return self._sentence(error) if self.provider == "ews" else super()._submission_sentence(error)

    def _provider_files_sent(self) -> bool:
        return self.provider == "ews" or super()._provider_files_sent()
