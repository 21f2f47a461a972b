"""Gmail tells at once that there is something new; what it is, the synchronisation asks itself.

::

    connected ──► watch of seven days ──► renewed every day
                       │
                       └─► Pub/Sub ──► push to this server ──► synchronise

Without a watch nothing is lost: the cron asks every minute anyway.
"""

import logging
from datetime import timedelta

from odoo import api, fields, models

from ..connectors import gmail
from ..connectors.errors import ConnectorError
from .orm_store import OrmStore

_logger = logging.getLogger(__name__)

TOPIC_PARAMETER = "mail_crm_link.google_topic"
ACCOUNT_PARAMETER = "mail_crm_link.google_push_account"
CERTIFICATES_PARAMETER = "mail_crm_link.google_certificates_url"
PATH = "/mail_crm_link/gmail/push"
# Google asks for a renewal every day.
RENEW_BEFORE = timedelta(days=6)


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    gmail_watched_until = fields.Datetime(copy=False, groups=fields.NO_ACCESS)

    @api.model
    def _cron_gmail_watch(self) -> None:
        """Renew the watches that are older than a day, and begin those that are missing."""
        topic = self.env["ir.config_parameter"].sudo().get_param(TOPIC_PARAMETER)
        if not topic:
            return
        latest = fields.Datetime.now() + RENEW_BEFORE
        due = self.search(
            [
                ("provider", "=", "gmail"),
                ("state", "in", ("connecting", "connected")),
                "|",
                ("gmail_watched_until", "=", False),
                ("gmail_watched_until", "<", latest),
            ]
        )
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(due))
        for mailbox in due:
            mailbox._gmail_watch_guarded(topic)
            if not cron._commit_progress(1):
                return

    def _gmail_watch_guarded(self, topic: str) -> None:
        try:
            with self._gmail_sender() as account:
                self.gmail_watched_until = account.watch(topic).replace(tzinfo=None)
        except ConnectorError as error:
            OrmStore(self).rollback()
            _logger.info("Mailbox %s: Gmail does not tell of changes: %s", self.id, error)

    # --- what Google tells --------------------------------------------------------------

    @api.model
    def _gmail_push_address(self) -> str:
        """Return where Pub/Sub pushes to, which is also the audience of its tokens."""
        return f"{self.get_base_url().rstrip('/')}{PATH}"

    @api.model
    def _gmail_is_genuine__(self, token: str) -> bool:
        """Whether a token proves that Google pushes to us."""
        parameters = self.env["ir.config_parameter"].sudo()
        account = parameters.get_param(ACCOUNT_PARAMETER)
        certificates = parameters.get_param(CERTIFICATES_PARAMETER) or gmail.push.CERTIFICATES
        return bool(account) and gmail.push.is_genuine(token, self._gmail_push_address(), account, certificates)

    @api.model
    def _gmail_notified__(self, body: bytes) -> None:
        """Have the mailboxes that a notification is about synchronised; nothing else of it counts."""
        found = self.search([("provider", "=", "gmail"), ("email_normalized", "=", gmail.push.address(body) or False)])
        # One that waits was told for how long; a notification does not shorten that.
        if told := found.filtered(lambda mailbox: mailbox.state == "connected"):
            told._sync_soon()

    # --- the mailbox's own steps --------------------------------------------------------

    def _connected(self, folders) -> None:
        result = super()._connected(folders)
        if self.provider == "gmail":
            self.gmail_watched_until = False
            self.env.ref("mail_crm_link.cron_gmail_watch")._trigger()
        return result

    def action_disconnect(self):
        self.check_access("write")
        for mailbox in self.sudo().filtered("gmail_watched_until"):
            mailbox._gmail_unwatch_quietly()
        return super().action_disconnect()

    def _gmail_unwatch_quietly(self) -> None:
        try:
            with self._gmail_sender() as account:
                account.unwatch()
        except ConnectorError as error:
            # It ends by itself within days.
            _logger.info("Mailbox %s: Gmail could not be told to be silent: %s", self.id, error)
        self.gmail_watched_until = False


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_google_topic = fields.Char(
        "Pub/Sub topic",
        config_parameter=TOPIC_PARAMETER,
        help="projects/…/topics/…, to which gmail-api-push@system.gserviceaccount.com may publish.",
    )
    crm_mailbox_google_push_account = fields.Char(
        "Service account of the push subscription", config_parameter=ACCOUNT_PARAMETER
    )
    crm_mailbox_google_push_address = fields.Char(
        "Address for the push subscription", compute="_compute_crm_mailbox_google_push_address", readonly=True
    )

    def _compute_crm_mailbox_google_push_address(self):
        self.crm_mailbox_google_push_address = self.env["crm.mailbox"]._gmail_push_address()
