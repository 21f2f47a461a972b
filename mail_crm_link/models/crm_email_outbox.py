"""Sending what was written: once, whatever happens in between.

Each arrow is a transaction that is durable before the next step begins::

    scheduled ─► sending ─► the server waits for the mail ─► sent ─► copy in Sent
                    │         handing_over                              filed
                    │              │
                    ▼              ▼ silence: the next attempt looks into Sent first
               sent later      found: sent · not found: sent again where the provider files what it
                               sends, else the author is asked, since nobody else can know
"""

from __future__ import annotations

import base64
import hashlib
import logging
import random
import re
import secrets
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import human_size

from .. import rules, sync
from ..connectors.errors import (
    ConnectorError,
    NotAllowed,
    OutcomeUnknown,
    SignInNeeded,
    Transient,
    Undeliverable,
)
from .orm_store import OrmStore, OutboxStore

if TYPE_CHECKING:
    from ..connectors.smtp import Handover
    from ..rules.composing import File, Letter

_logger = logging.getLogger(__name__)

# For how long "Undo" takes back a mail that was sent from the window.
UNDO = timedelta(seconds=10)
# How long a mail waits for a server that does not take it.
GIVE_UP_AFTER = timedelta(days=2)
# How often Sent is looked into before a mail that may have been taken is sent again.
LOOKS = 2
KEPT = timedelta(days=30)
MAX_SIZE_PARAMETER = "mail_crm_link.max_mail_size"
MAX_SIZE = 25 * 1024 * 1024
# What base64 and its line breaks make of three octets.
ENCODED = 4 / 3 * 78 / 76
_OWN_IMAGE = re.compile(r"/web/(?:image|content)/(\d+)(?:[-/?].*)?$")
_IMAGE_OF_MAIL = re.compile(r"/mail_crm_link/attachment/(\d+)/([\d.]+)$")
_IMAGE_DATA = re.compile(r"data:(image/[\w.+-]+);base64,(.*)$", re.DOTALL)


class CrmEmailComposer(models.Model):
    _inherit = "crm.email.composer"

    send_at = fields.Datetime(readonly=True, copy=False, index="btree_not_null", help="When it is tried next (UTC).")
    sent_at = fields.Datetime("Date", readonly=True, copy=False, help="What its Date says (UTC).")
    failures = fields.Integer(readonly=True, copy=False, help="Attempts so far.")
    handing_over = fields.Boolean(readonly=True, copy=False, help="An attempt ended without a word of the server.")
    recipients_left = fields.Json(readonly=True, copy=False, help="Who did not get it yet; empty: everybody.")
    refused = fields.Json(readonly=True, copy=False, help="Recipients that the server refused, and its words.")
    filed = fields.Boolean(readonly=True, copy=False, help="Its copy is in the folder of sent mail.")

    # ------------------------------------------------------------------------------------
    # What people do
    # ------------------------------------------------------------------------------------

    def action_send(self) -> bool | dict:
        """Send these mails, at their time; those for now in the caller's request.

        :raise UserError: what is missing or wrong, or why the server refused; the text stays
        :raise AccessError: the user may not send so
        """
        undo = bool(self.env.context.get("crm_email_undo"))
        for draft in self:
            draft.check_access("write")
            draft._check_sender()
            draft._check_writable()
            draft._check_complete()
            draft._queue(UNDO if undo else timedelta())
        if undo:
            return self._undoable()
        for draft in self:
            draft._send_waiting()
            if draft.state == "failed":
                raise UserError(draft.status_message)
        return True

    def _undoable(self) -> dict:
        """Return the action that closes the window and offers to undo."""
        self.ensure_one()
        later = self.scheduled_date and self.send_at == self.scheduled_date
        return {
            "type": "ir.actions.client",
            "tag": "mail_crm_link.sending",
            "params": {
                "id": self.id,
                "later": fields.Datetime.to_string(self.send_at) if later else False,
                "seconds": UNDO.total_seconds(),
                "model": self.model,
                "res_id": self.res_id,
            },
        }

    def action_undo(self) -> dict:
        """Take a mail back that waits, and open it again.

        :raise UserError: it was sent already
        """
        self.ensure_one()
        self.check_access("write")
        # sudo: the state is not the user's to write, but here
        mail = self.sudo()
        if mail.state != "scheduled" or mail.email_id:
            raise UserError(self.env._("Too late: this email was sent already."))
        mail.write({"state": "draft", "send_at": False})
        return self._action()

    def send_waiting(self) -> dict:
        """Send a mail whose time to undo is over.

        :return: ``state``, and ``message`` where something is to be said
        """
        self.ensure_one()
        self.check_access("write")
        self._send_waiting()
        return {"state": self.state, "message": self.status_message or "", "refused": self._refused_sentence()}

    def action_discard(self) -> dict:
        """Throw a draft away."""
        self.unlink()
        return {"type": "ir.actions.act_window_close"}

    # ------------------------------------------------------------------------------------
    # Into the outbox
    # ------------------------------------------------------------------------------------

    def _check_complete(self) -> None:
        """:raise UserError: nobody gets it, an address is none, or the mail is too large"""
        recipients = 0
        for text in (self.to, self.cc, self.bcc):
            found, wrong = rules.composing.parse_recipients(text or "")
            if wrong:
                raise UserError(self.env._("“%s” is not an email address.", "”, “".join(wrong)))
            recipients += len(found)
        if not recipients:
            raise UserError(self.env._("Please say to whom the email goes."))
        self._check_size()
        try:
            rules.composing.compose(self._letter())
        except ValueError as error:
            raise UserError(self.env._("Subject and names must not have line breaks.")) from error

    def _check_size(self) -> None:
        # sudo: the draft's own attachments
        size = sum(self.sudo().attachment_ids.mapped("file_size")) * ENCODED
        limit = self._max_size()
        if size > limit:
            raise UserError(
                self.env._(
                    "The attachments make a mail of %(size)s, and at most %(limit)s are sent. Send less, or a link.",
                    size=human_size(size),
                    limit=human_size(limit),
                )
            )

    @api.model
    def max_attachment_size(self) -> int:
        """Return how many octets the attachments of one mail may have together."""
        return int(self._max_size() / ENCODED)

    @api.model
    def _max_size(self) -> int:
        """Octets of the largest mail that is sent."""
        # sudo: a setting for everybody
        named = self.env["ir.config_parameter"].sudo().get_param(MAX_SIZE_PARAMETER)
        return int(named) if (named or "").isdecimal() else MAX_SIZE

    def _queue(self, undo: timedelta) -> None:
        """Make the mail durable as one to be sent, under its own Message-ID."""
        values = self._queue_values(undo)
        OutboxStore(self).save(**values)
        self._wake(values["send_at"])

    def _queue_values(self, undo: timedelta) -> dict:
        now = fields.Datetime.now()
        send_at = self.scheduled_date if self.scheduled_date and self.scheduled_date > now else now + undo
        return {
            "state": "scheduled",
            "send_at": send_at,
            # What may have been taken stays the same mail.
            "sent_at": self.sent_at if self.handing_over else send_at,
            "message_id": self.message_id or rules.composing.message_id(secrets.token_hex(16), self._from_address()),
            "failures": 0,
            "handing_over": False,
            "status_message": False,
        }

    def _wake(self, at) -> None:
        # sudo: the outbox is everybody's
        if cron := self.env.ref("mail_crm_link.cron_outbox", raise_if_not_found=False):
            cron.sudo()._trigger(at)

    # ------------------------------------------------------------------------------------
    # Out of it
    # ------------------------------------------------------------------------------------

    @api.model
    def _cron_outbox(self) -> None:
        """Send what is due, then file what was sent; the longest waiting one first."""
        cron = self.env["ir.cron"]
        due = self._due()
        cron._commit_progress(remaining=len(due))
        for draft in due:
            draft._send_guarded()
            if not cron._commit_progress(1):
                return

    def _due(self):
        unfiled = Domain("state", "=", "sent") & Domain("filed", "=", False)
        due = Domain("send_at", "<=", fields.Datetime.now())
        return self.search(due & (self._waiting_domain() | unfiled), order="send_at, id")

    def _waiting_domain(self) -> Domain:
        return Domain("state", "in", ("scheduled", "sending"))

    def _send_guarded(self) -> None:
        """Send one mail; whatever goes wrong stays its own matter."""
        try:
            self._send_waiting()
        except Exception as error:  # the guard around one mail: the others must have their turn
            _logger.exception("Outgoing mail %s: sending failed", self.id)
            store = OutboxStore(self)
            store.rollback()
            self._note_failure(store, Transient("unexpected", str(error), cause="unexpected"))

    def _send_waiting(self) -> None:
        """Take the next steps of a mail, unless another process is at it."""
        # In the name of its author and in their language, whoever or whatever sends it
        author = self.sudo().create_uid
        # sudo: the outbox is nobody's to write
        mail = self.with_user(author).with_context(lang=author.lang).sudo()
        store = OutboxStore(mail)
        with store.exclusive() as mine:
            if mine:
                mail._advance(store)
        self.invalidate_recordset()

    def _advance(self, store: OutboxStore) -> None:
        try:
            if store.claim():
                self._deliver(store)
        except ConnectorError as error:
            self._note_failure(store, error)
        except UserError as error:
            store.rollback()
            store.save(state="failed", status_message=str(error))
            self._tell_author()
        if self.state == "sent" and not self.filed:
            self._file(store)

    def _deliver(self, store: OutboxStore) -> None:
        raw = rules.composing.compose(self._letter())
        if self.handing_over and self._was_taken():
            store.save_sent(raw, state="sent", handing_over=False, status_message=False)
            return
        self.sudo(False)._check_sender()
        self._note_taken(store, raw, self._hand_over(store, raw))

    def _hand_over(self, store: OutboxStore, raw: bytes) -> Handover:
        recipients = self.recipients_left or self._recipients()
        sender = rules.composing.envelope_address(self._from_address())
        connector = self.mailbox_id._submission()
        try:
            connector.open()
            # From here on the attempts count the looks into Sent.
            return connector.send(sender, recipients, raw, lambda: store.save(handing_over=True, failures=1))
        except OutcomeUnknown:
            raise
        except ConnectorError:
            # An answer of the server, or none because it was not asked: it has not taken the mail.
            store.save(handing_over=False)
            raise
        finally:
            connector.close()

    def _recipients(self) -> list[str]:
        found = (rules.composing.parse_recipients(text or "")[0] for text in (self.to, self.cc, self.bcc))
        return list(dict.fromkeys(rules.composing.envelope_address(one.email) for people in found for one in people))

    def _was_taken(self) -> bool:
        """Whether the server took a mail whose outcome is unknown.

        :raise OutcomeUnknown: nobody can know, or not yet
        """
        with self.mailbox_id._opened() as connector:
            folder = self.mailbox_id._sent_folder()
            found = folder and connector.find(OrmStore.as_folder(folder), self.message_id)[1]
        if found:
            return True
        if self.mailbox_id._provider_files_sent() and self.failures > LOOKS:
            return False
        raise OutcomeUnknown("The mail is not in Sent")

    def _note_taken(self, store: OutboxStore, raw: bytes, handover: Handover) -> None:
        refused = {**(self.refused or {}), **handover.refused}
        deferred = list(handover.deferred)
        values = {"handing_over": False, "refused": refused or False, "recipients_left": deferred or False}
        if deferred:
            status = self.env._("Not taken yet for %s; it is tried again by itself.", ", ".join(deferred))
            values.update(state="scheduled", status_message=status, send_at=self._next_try())
        else:
            values.update(state="sent", status_message=self._refused_sentence(refused) or False)
        store.save_sent(raw, **values)
        if refused:
            self._tell_author()
        self.mailbox_id._announce_progress(force=True)

    def _refused_sentence(self, refused: dict | None = None) -> str:
        refused = self.sudo().refused or {} if refused is None else refused
        if not refused:
            return ""
        words = "; ".join(f"{address}: {text}" for address, text in refused.items())
        return self.env._("Not sent to %s", words)

    def _file(self, store: OutboxStore) -> None:
        """Put a copy into Sent, unless it is there; what fails is tried again by the cron."""
        mailbox = self.mailbox_id
        folder = mailbox._sent_folder()
        if mailbox._provider_files_sent() or not folder:
            store.save(filed=True)
            return
        raw = rules.composing.compose(self._letter())
        try:
            with mailbox._opened() as connector:
                place = self._place_in_sent(connector, OrmStore.as_folder(folder), raw)
        except ConnectorError as error:
            _logger.info("Outgoing mail %s is not in Sent yet: %s", self.id, error)
            given_up = self.sent_at + GIVE_UP_AFTER < fields.Datetime.now()
            store.save(filed=given_up, failures=self.failures + 1, send_at=self._next_try())
            return
        store.save_copy(place, len(raw))

    def _place_in_sent(self, connector, folder, raw: bytes) -> tuple[str, str] | None:
        uidvalidity, found = connector.find(folder, self.message_id)
        return (uidvalidity, found[0]) if found else connector.append(folder, raw)

    # ------------------------------------------------------------------------------------
    # What went wrong
    # ------------------------------------------------------------------------------------

    def _note_failure(self, store: OutboxStore, error: ConnectorError) -> None:
        _logger.info("Outgoing mail %s: %s", self.id, error)
        message = self._failure_sentence(error)
        if self._is_final(error):
            # What reached some of its recipients is sent, and must not go to them again.
            state = "sent" if self.email_id else "failed"
            store.save(state=state, status_message=message, handing_over=isinstance(error, OutcomeUnknown))
            self._tell_author()
            return
        send_at = self._next_try(error)
        store.save(state="scheduled", status_message=message, send_at=send_at)
        self._wake(send_at)

    def _is_final(self, error: ConnectorError) -> bool:
        if isinstance(error, OutcomeUnknown):
            # The first look comes later: a provider may take its time to file.
            return self.failures > 1 and not self.mailbox_id._provider_files_sent()
        hopeless = isinstance(error, Undeliverable | SignInNeeded | NotAllowed)
        return hopeless or self.sent_at + GIVE_UP_AFTER < fields.Datetime.now()

    def _failure_sentence(self, error: ConnectorError) -> str:
        sentence = self.mailbox_id._submission_sentence(error)
        if isinstance(error, Undeliverable) and error.detail:
            return self.env._("%(sentence)s The server's words: %(words)s", sentence=sentence, words=error.detail)
        if isinstance(error, OutcomeUnknown) and self._is_final(error):
            return self.env._(
                "%s There is no copy of it in Sent. Ask the recipient, or send it again if it may arrive twice.",
                sentence,
            )
        return sentence

    def _next_try(self, error: ConnectorError | None = None):
        """When to try again: later after every attempt, and not before the server wants it."""
        transient = error if isinstance(error, Transient) else Transient("again")
        seconds = sync.backoff.pause(transient, self.failures, random.random())  # nosec B311 # it spreads, and guards nothing
        return fields.Datetime.now() + timedelta(seconds=seconds)

    def _tell_author(self) -> None:
        """Say it in the browser, and in Odoo's notifications for who is not there."""
        author = self.create_uid
        message = f"{self.subject or self.env._('(no subject)')}: {self.status_message}"
        author._bus_send("simple_notification", {"message": message, "type": "danger", "sticky": True})
        # In the name of the system: nobody is notified of what they write themselves.
        self.env["mail.thread"].with_user(SUPERUSER_ID).message_notify(
            partner_ids=author.partner_id.ids,
            subject=self.env._("Email not sent"),
            body=message,
        )
        OutboxStore(self).commit()

    @api.autovacuum
    def _forget_sent(self) -> None:
        """What was sent is a mail like any other; only who got it as Bcc is kept here for a while."""
        self.search([("state", "=", "sent"), ("write_date", "<", fields.Datetime.now() - KEPT)], limit=1000).unlink()

    # ------------------------------------------------------------------------------------
    # What it says
    # ------------------------------------------------------------------------------------

    def _card_to_stay_on(self):
        """The card that the sent mail is bound to; none where the mailbox binds nothing."""
        return self._card() if self.mailbox_id.sudo().crm_link else self.env["crm.lead"]

    def _letter(self) -> Letter:
        """The mail as it goes out: the same at every attempt."""
        # sudo: the draft's own attachments, and the mail that its author may answer
        mail = self.sudo()
        html, images = rules.composing.with_inline(
            rules.remote_images.unblock_remote_images(str(mail.body or "<p><br></p>")), self._image
        )
        files = [rules.composing.File(one.name, one.mimetype or "", one.raw or b"") for one in mail.attachment_ids]
        to, cc = (tuple(rules.composing.parse_recipients(text or "")[0]) for text in (mail.to, mail.cc))
        answers = mail.parent_id if mail.kind in ("reply", "reply_all") else mail.parent_id.browse()
        return rules.composing.Letter(
            message_id=mail.message_id or rules.composing.message_id("draft", self._from_address()),
            date=(mail.sent_at or fields.Datetime.now()).replace(tzinfo=timezone.utc),
            sender=rules.addresses.Address(mail.create_uid.name or "", self._from_address()),
            to=to,
            cc=cc,
            subject=(mail.subject or "").strip(),
            html=html,
            in_reply_to=answers.message_id or "",
            references=answers._references_of_answer() if answers else (),
            files=(*images, *files),
        )

    def _image(self, source: str) -> File | None:
        """An image of the text that its readers could not load from here."""
        for pattern, load in (
            (_OWN_IMAGE, self._own_image),
            (_IMAGE_OF_MAIL, self._image_of_mail),
            (_IMAGE_DATA, self._image_data),
        ):
            if match := pattern.search(source):
                name, mimetype, content = load(*match.groups())
                digest = hashlib.sha256(source.encode()).hexdigest()[:24]
                return rules.composing.File(
                    name, mimetype, content, f"{digest}@{self._from_address().rpartition('@')[2]}"
                )
        return None

    def _own_image(self, attachment_id: str) -> tuple[str, str, bytes]:
        attachment = self.env["ir.attachment"].with_user(self.create_uid).browse(int(attachment_id))
        attachment.check_access("read")
        return attachment.name, attachment.mimetype, attachment.raw

    def _image_of_mail(self, email_id: str, section: str) -> tuple[str, str, bytes]:
        email = self.env["crm.email"].with_user(self.create_uid).browse(int(email_id))
        email._check_content_access()
        # sudo: the author may read all of the mail
        content, name, mimetype = email.sudo()._fetch_attachment(section)
        return name, mimetype, content

    def _image_data(self, mimetype: str, encoded: str) -> tuple[str, str, bytes]:
        return f"image.{mimetype.rpartition('/')[2]}", mimetype, base64.b64decode(encoded)
