"""Mailboxes at Microsoft 365 and Outlook.com: sign-in by consent, mail through Microsoft Graph.

Three ways lead to a mailbox:

=========================  ================  ==========================================================
it is the owner's own      ``login`` empty   delegated permissions
it is a shared one         ``login`` is the  delegated permissions for what is shared; Exchange decides
                           owner's address   whether this owner may
``graph_application`` set                    the application's own permissions, for any mailbox of the
                                             tenant; so only administrators set it
=========================  ================  ==========================================================
"""

from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.tools import email_normalize

from ..connectors import graph
from ..connectors.errors import ConnectorError

ENDPOINT_PARAMETER = "mail_crm_link.microsoft_graph_endpoint"


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    provider = fields.Selection(selection_add=[("graph", "Microsoft 365")], ondelete={"graph": "cascade"})
    graph_application = fields.Boolean(
        "By the application's own permission",
        copy=False,
        groups="base.group_system",
        help="Nobody signs in: the application, with Mail.Read and Mail.Send granted for your organisation, reads this"
        " mailbox. Restrict it to these mailboxes in Exchange.",
    )

    @api.model
    def _grants(self) -> tuple[str, ...]:
        return (*super()._grants(), "graph_application")

    @api.model
    def _oauth_authorities(self) -> dict[str, str]:
        return super()._oauth_authorities() | {"graph": "microsoft"}

    def _oauth_scopes_graph(self) -> Mapping[str, str]:
        identity = {"openid": "", "email": "", "profile": ""}
        kept = {"offline_access": self.env._("Keep the connection until you end it")}
        if self._graph_is_shared():
            return {
                **identity,
                **kept,
                self._graph_scope("Mail.Read.Shared"): self.env._(
                    "Read mail of yours and of mailboxes shared with you; nothing is changed or deleted"
                ),
                self._graph_scope("Mail.Send.Shared"): self.env._("Send the mails that you write here"),
            }
        return {
            **identity,
            **kept,
            self._graph_scope("Mail.Read"): self.env._("Read mail; nothing is changed or deleted"),
            self._graph_scope("Mail.Send"): self.env._("Send the mails that you write here"),
            self._graph_scope("User.Read"): self.env._("See your profile, for your other sender addresses"),
        }

    @api.depends("login", "email")
    def _compute_consent_rights(self):
        return super()._compute_consent_rights()

    def _graph_is_shared(self) -> bool:
        """Whether somebody else signs in for the mailbox."""
        signs_in = email_normalize(self.login or "")
        return bool(signs_in) and signs_in != self.email_normalized

    @api.model
    def _graph_endpoint(self) -> str:
        # sudo: the address of the service is the administrators' to set, and everybody's to use
        return self.env["ir.config_parameter"].sudo().get_param(ENDPOINT_PARAMETER) or graph.ENDPOINT

    @api.model
    def _graph_scope(self, permission: str) -> str:
        """Return a permission as the cloud in use names it."""
        service = urlsplit(self._graph_endpoint())
        return f"{service.scheme}://{service.netloc}/{permission}"

    def _graph_account__(self) -> "graph.Account":
        # sudo: how the mailbox is read is no secret to the code that reads it
        is_named = self.sudo().graph_application or self._graph_is_shared()
        return graph.Account(self._token__(), self.email_normalized if is_named else "", self._graph_endpoint())

    def _connector_graph(self) -> "graph.GraphConnector":
        return graph.GraphConnector(self._graph_account__())

    # --- sending ------------------------------------------------------------------------

    def _submission(self):
        if self.provider != "graph":
            return super()._submission()
        return graph.GraphSender(self._graph_account__())

    def _submission_sentence(self, error: ConnectorError) -> str:
        return self._sentence(error) if self.provider == "graph" else super()._submission_sentence(error)

    def _aliases_graph(self) -> list[str]:
        with closing(self._submission()) as sender:
            sender.open()
            return sender.aliases()

    def _provider_files_sent(self) -> bool:
        return self.provider == "graph" or super()._provider_files_sent()

    # --- the application's own permission -----------------------------------------------

    def _renew_token__(self) -> tuple[str, float]:
        if not self.graph_application:
            return super()._renew_token__()
        return self._keep_tokens__(self._known_oauth__().identify([self._graph_scope(".default")]))
