"""Microsoft 365 tells at once that there is something new; what it is, the synchronisation asks itself.

::

    connected ──► subscription of six days ──► renewed when half of it is over
                        │
                        ├─► change, missed ─────────► synchronise
                        ├─► subscriptionRemoved ────► subscribe anew, and synchronise
                        └─► reauthorizationRequired ► renew

Without a subscription nothing is lost: the cron asks every minute anyway.
"""

import hmac
import logging
import secrets
from datetime import timedelta

from odoo import api, fields, models

from ..connectors import graph
from ..connectors.errors import ConnectorError, SignInNeeded
from .orm_store import OrmStore

_logger = logging.getLogger(__name__)

# Where Microsoft reaches this server, if that is not its own address.
ADDRESS_PARAMETER = "mail_crm_link.microsoft_notification_url"
PATH = "/mail_crm_link/graph/%d/%s"
RENEW_BEFORE = timedelta(days=3)


class CrmMailboxSecret(models.Model):
    _inherit = "crm.mailbox.secret"

    kind = fields.Selection(
        selection_add=[("graph_client_state", "Proof of notifications")],
        ondelete={"graph_client_state": "cascade"},
    )


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    graph_subscription = fields.Char(copy=False, groups=fields.NO_ACCESS)
    graph_subscribed_until = fields.Datetime(copy=False, groups=fields.NO_ACCESS)

    @api.model
    def _graph_notification_url(self) -> str:
        """Return the address of this server for Microsoft, "" while it has none that may be used."""
        configured = self.env["ir.config_parameter"].sudo().get_param(ADDRESS_PARAMETER)
        address = (configured or self.get_base_url()).rstrip("/")
        # Microsoft takes no other; a configured one is the administrator's word.
        return address if configured or address.startswith("https://") else ""

    @api.model
    def _cron_graph_subscribe(self) -> None:
        """Renew the subscriptions that end soon, and make those that are missing."""
        if not self._graph_notification_url():
            return
        latest = fields.Datetime.now() + RENEW_BEFORE
        due = self.search(
            [
                ("provider", "=", "graph"),
                ("state", "in", ("connecting", "connected")),
                "|",
                ("graph_subscribed_until", "=", False),
                ("graph_subscribed_until", "<", latest),
            ]
        )
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(due))
        for mailbox in due:
            mailbox._graph_subscribe_guarded()
            if not cron._commit_progress(1):
                return

    def _graph_subscribe_guarded(self) -> None:
        try:
            self._graph_subscribe()
        except ConnectorError as error:
            OrmStore(self).rollback()
            _logger.info("Mailbox %s: no notifications: %s", self.id, error)

    def _graph_subscribe(self) -> None:
        with graph.Subscriptions(self._graph_account__()) as subscriptions:
            known = self.graph_subscription
            made = subscriptions.renew(known) if known else None
            made = made or self._graph_subscribe_anew__(subscriptions)
        until = made.expires.replace(tzinfo=None)
        self.write({"graph_subscription": made.remote_id, "graph_subscribed_until": until})

    def _graph_subscribe_anew__(self, subscriptions: "graph.Subscriptions") -> "graph.Subscription":
        state = secrets.token_urlsafe(32)
        address = self._graph_notification_url() + PATH
        # sudo: nobody has rights on secrets; this one proves that a notification is Microsoft's
        self.env["crm.mailbox.secret"].sudo()._store__(self, "graph_client_state", state)
        return subscriptions.create(address % (self.id, "changes"), address % (self.id, "lifecycle"), state)

    # --- what Microsoft tells -----------------------------------------------------------

    def _graph_notified__(self, notices: list[dict]) -> bool:
        """Take notifications for this mailbox; whether any of them is really Microsoft's."""
        # Anybody may send thousands: secrets are opened for those alone that name what Microsoft alone was told.
        known = self.graph_subscription
        ours = [notice for notice in notices if known and notice.get("subscriptionId") == known]
        expected = self._graph_client_state__() if ours else ""
        genuine = [notice for notice in ours if _proves(notice, expected)]
        events = {notice.get("lifecycleEvent") for notice in genuine}
        if events & {"subscriptionRemoved", "reauthorizationRequired"}:
            self._graph_subscribe_soon(anew="subscriptionRemoved" in events)
        # One that waits was told for how long; a notification does not shorten that.
        if events - {"reauthorizationRequired"} and self.state in ("connecting", "connected"):
            self._sync_soon()
        return bool(genuine)

    def _graph_client_state__(self) -> str:
        """Return what Microsoft was told to prove itself by, "" if nothing can."""
        try:
            # sudo: nobody has rights on secrets; this one is only compared
            return self.env["crm.mailbox.secret"].sudo()._reveal__(self, "graph_client_state")
        except SignInNeeded:
            return ""

    def _graph_subscribe_soon(self, anew: bool) -> None:
        """Have the cron see to the subscription at once."""
        self.write({"graph_subscribed_until": False, **({"graph_subscription": False} if anew else {})})
        self.env.ref("mail_crm_link.cron_graph_subscribe")._trigger()

    # --- the mailbox's own steps --------------------------------------------------------

    def _connected(self, folders) -> None:
        result = super()._connected(folders)
        if self.provider == "graph" and self._graph_notification_url():
            self.env.ref("mail_crm_link.cron_graph_subscribe")._trigger()
        return result

    def action_disconnect(self):
        self.check_access("write")
        for mailbox in self.sudo().filtered("graph_subscription"):
            mailbox._graph_unsubscribe_quietly()
        return super().action_disconnect()

    def _graph_unsubscribe_quietly(self) -> None:
        try:
            with graph.Subscriptions(self._graph_account__()) as subscriptions:
                subscriptions.delete(self.graph_subscription)
        except ConnectorError as error:
            # It ends by itself within days, and its notifications are not believed any more.
            _logger.info("Mailbox %s: its notifications could not be ended: %s", self.id, error)
        self.write({"graph_subscription": False, "graph_subscribed_until": False})


def _proves(notice: dict, expected: str) -> bool:
    told = str(notice.get("clientState") or "").encode(errors="replace")
    return bool(expected) and hmac.compare_digest(told, expected.encode())
