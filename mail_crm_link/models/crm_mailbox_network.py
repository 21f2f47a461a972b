"""Which servers a mailbox may be connected to.

Who enters a server has this machine connect to it. Servers of the Internet are anybody's to choose, as far as the
administrators' list allows; what stands in the network around this machine, an administrator has to name: on the list,
or by entering it into the mailbox. A mail server on this machine itself, as small companies have it, is everybody's
to use until an administrator says otherwise: nothing is said to it before it greets as a mail server does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odoo import api, fields, models
from odoo.tools import str2bool

from .. import connectors

if TYPE_CHECKING:
    from ..connectors.network import Network

ALLOWED_HOSTS_PARAMETER = "mail_crm_link.allowed_hosts"
FORBID_LOCAL_PARAMETER = "mail_crm_link.forbid_local_servers"
UNENCRYPTED_PARAMETER = "mail_crm_link.allow_unencrypted"
SERVER_FIELDS = {
    "imap": {"imap_host", "imap_port", "imap_security"},
    "smtp": {"smtp_host", "smtp_port", "smtp_security"},
}
SERVER_NAMES = set().union(*SERVER_FIELDS.values())


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    trusted_servers = fields.Json(readonly=True, copy=False, groups=fields.NO_ACCESS)

    @api.model_create_multi
    def create(self, vals_list):
        mailboxes = super().create(vals_list)
        for mailbox, vals in zip(mailboxes, vals_list, strict=True):
            mailbox._trust_servers({**mailbox._servers(), **vals})
        return mailboxes

    def write(self, vals):
        before = {mailbox: mailbox._servers() for mailbox in self if SERVER_NAMES & vals.keys()}
        result = super().write(vals)
        for mailbox in self:
            # The server for sending follows from the one for receiving.
            known = before.get(mailbox, {}).items()
            followed = {name: mailbox[name] for name, value in known if mailbox[name] != value}
            mailbox._trust_servers({**followed, **vals})
        return result

    def _servers(self) -> dict:
        return {name: self[name] for name in SERVER_NAMES}

    def _trust_servers(self, vals: dict) -> None:
        """Remember the pairs of host and port that an administrator entered, or that followed from it.

        Whoever changes one of them later gets what anybody gets, and the way back stays open.
        """
        written = [kind for kind, names in SERVER_FIELDS.items() if names & vals.keys()]
        if not written or not self.env.user._is_system():
            return
        # sudo: nobody has rights on this field, because it opens the network around this machine
        for mailbox in self.sudo():
            known = mailbox.trusted_servers or []
            entered = [[mailbox[f"{kind}_host"], mailbox[f"{kind}_port"]] for kind in written]
            new = [server for server in entered if all(server) and server not in known]
            if new:
                mailbox.trusted_servers = known + new

    def _network(self) -> Network:
        """Return where connections of this mailbox may go."""
        self.ensure_one()
        # sudo: parameters are the administrators' to read, and everybody's to follow
        parameters = self.env["ir.config_parameter"].sudo()
        return connectors.network.Network(
            allowed=tuple(_entries(parameters.get_param(ALLOWED_HOSTS_PARAMETER))),
            trusted=tuple((host, port) for host, port in self.sudo().trusted_servers or []),
            private=False,
            local=not str2bool(parameters.get_param(FORBID_LOCAL_PARAMETER), default=False),
            plain=str2bool(parameters.get_param(UNENCRYPTED_PARAMETER), default=False),
        )


def _entries(text: str | bool) -> list[str]:
    return [entry for entry in re.split(r"[\s,;]+", text or "") if entry]
