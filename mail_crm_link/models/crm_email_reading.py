"""Reading a mail: its text and attachments, from here or from the mailbox that has it.

What is on no card is fetched when somebody opens it, shown, and not stored.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from odoo import SUPERUSER_ID, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, format_date, format_datetime, format_time

from .. import connectors, rules
from ..connectors.errors import ConnectorError, CursorExpired, FolderGone, MailGone
from .email_rows import ContentRows, attachment_url, body_of, html_of
from .orm_store import OrmStore

if TYPE_CHECKING:
    from ..rules.invitation import Invitation
    from ..rules.message import Attachment, Body

# Characters that a browser lays out at once without a person noticing, and that it lays
# out at all: a longer text is for the original to show.
SHOWN_AT_ONCE = 300_000
MOST_SHOWN = 4_000_000
# Octets of an image that comes with the text instead of by a request of its own.
LARGEST_INLINED = 64 * 1024
INLINED_TYPES = ("image/gif", "image/jpeg", "image/png", "image/webp")

LONGEST_CONVERSATION = 100
CONVERSATION_FIELDS = (
    "date",
    "direction",
    "correspondent",
    "subject",
    "snippet",
    "is_unread",
    "has_attachment",
    "has_content_access",
)

Answer = TypeVar("Answer")


class CrmEmail(models.Model):
    _inherit = "crm.email"

    def load_content(self, whole: bool = False) -> dict:
        """Return the body for reading, fetched from the mailbox where it is not stored.

        :param whole: also of a very long text all, up to `MOST_SHOWN`
        :return: ``html`` (sanitised, remote images blocked, see `rules.remote_images`), ``is_cut``
            (text was left out), ``attachments`` (``id`` or 0, ``name``, ``mimetype``, ``kind`` as in
            `rules.parts`, ``size`` in octets, ``section``, ``url``), ``notes`` (what a reader has to
            know of its parts), ``invitation`` (``title when where who``, texts) or False, ``sender``
            (address), ``is_trusted`` (images of this sender are always shown to the user),
            ``was_unread``, ``stored``
        :raise UserError: when the mail server cannot be asked, with the reason
        """
        self.ensure_one()
        self._check_content_access()
        email = self.sudo()
        if email.body_state == "wanted" and (other := email._fetch_body()) != email:
            return other.sudo(False).load_content(whole)
        content = email._stored_content() if email.body_state == "stored" else email._fetched_content()
        self._note_reading()
        was_unread = self.is_unread
        self._mark_opened()
        return {**self._shown(content, whole), "was_unread": was_unread}

    def get_conversation(self) -> list[dict]:
        """Return what the user may know of the mails of this one's conversation, the oldest first.

        :return: ``id date direction correspondent subject snippet is_unread has_attachment
            has_content_access``; of a very long conversation the newest `LONGEST_CONVERSATION`
        """
        self.ensure_one()
        self.check_access("read")
        # What belongs to it is found for those who may read it.
        conversation = self.conversation_id
        emails = self.browse()
        if conversation:
            emails = self.search([("conversation_id", "=", conversation.id)], limit=LONGEST_CONVERSATION)
        return (emails | self).sorted(lambda email: (email.date, email.id)).read(CONVERSATION_FIELDS)

    # --- what is shown ------------------------------------------------------------------

    def _shown(self, content: dict, whole: bool) -> dict:
        """Turn what the mail has into what the user reads."""
        html = str(content["html"] or "")
        limit = MOST_SHOWN if whole else SHOWN_AT_ONCE
        attachments = [
            {**attachment, "kind": rules.parts.kind_of(attachment["mimetype"] or "", attachment["name"] or "")}
            for attachment in content["attachments"]
            if not self._shows_inline(attachment["section"], html)
        ]
        sender = email_normalize(self.email_from or "", strict=False) or ""
        return {
            "attachments": attachments,
            "html": rules.remote_images.block_remote_images(rules.excerpt.beginning(html, limit)),
            "invitation": self._invitation_texts(content["invitation"]),
            "is_cut": len(html) > limit,
            "is_trusted": self.env["crm.email.image.sender"]._trusts(sender),
            "notes": self._notes({attachment["kind"] for attachment in attachments}, content["is_whole"]),
            "sender": sender,
            "stored": content["stored"],
        }

    def _shows_inline(self, section: str | None, html: str) -> bool:
        """Whether this HTML of the mail shows one of its attachments in its place."""
        return bool(section) and f'src="{attachment_url(self.id, section)}"' in html

    def _notes(self, kinds: set[str], is_whole: bool) -> list[str]:
        """What a reader has to know of the parts of the mail."""
        notes = {
            "left_out": self.env._("The text of this mail is too large to be shown here. The original has it."),
            "smime": self.env._("This mail is encrypted or signed with S/MIME. A mail program with the key opens it."),
            "smime_signature": self.env._("This mail is signed with S/MIME. The signature was not checked."),
            "pgp": self.env._("This mail is encrypted with PGP. A mail program with the key opens it."),
            "pgp_signature": self.env._("This mail is signed with PGP. The signature was not checked."),
            "outlook": self.env._(
                "Outlook has packed attachments of this mail into winmail.dat, which only Outlook opens."
                " Ask the sender to send them as plain text or HTML mail."
            ),
        }
        told = kinds if is_whole else {"left_out", *kinds}
        return [text for kind, text in notes.items() if kind in told]

    def _invitation_texts(self, invitation: Invitation | None) -> dict | bool:
        if not invitation:
            return False
        titles = {
            "CANCEL": self.env._("Meeting cancelled"),
            "REPLY": self.env._("Answer to an invitation"),
        }
        people = [person for person in (invitation.organizer, *invitation.attendees) if person]
        return {
            "kind": titles.get(invitation.method, self.env._("Invitation")),
            "title": invitation.summary or self.env._("(no subject)"),
            "when": self._when(invitation),
            "where": invitation.location,
            "who": ", ".join(dict.fromkeys(people)),
        }

    def _when(self, invitation: Invitation) -> str:
        """Start and end in the user's time; without a time zone as they were written."""
        start, end = self._in_user_time(invitation.start), self._in_user_time(invitation.end)
        when = self._moment_text(start)
        if start and end and end != start:
            when = self.env._("%(start)s to %(end)s", start=when, end=self._end_text(start, end))
        return self.env._("%s, repeatedly", when) if when and invitation.repeats else when

    def _in_user_time(self, moment: datetime | date | None) -> datetime | date | None:
        if isinstance(moment, datetime) and moment.tzinfo:
            return fields.Datetime.context_timestamp(self, moment.replace(tzinfo=None)).replace(tzinfo=None)
        return moment

    def _moment_text(self, moment: datetime | date | None) -> str:
        if not isinstance(moment, datetime):
            return format_date(self.env, moment) if moment else ""
        return format_datetime(self.env, moment, tz="UTC", dt_format="short")

    def _end_text(self, start: datetime | date, end: datetime | date) -> str:
        if isinstance(start, datetime) and isinstance(end, datetime):
            if start.date() == end.date():
                return format_time(self.env, end, tz="UTC", time_format="short")
            return self._moment_text(end)
        # The end of days is the first day after (RFC 5545, 3.6.1).
        return self._moment_text(end - timedelta(days=1))

    # --- what it has --------------------------------------------------------------------

    def _stored_content(self) -> dict:
        attachments = self.mail_message_id.attachment_ids
        return {
            "html": self.mail_message_id.body,
            "attachments": [
                {
                    "id": attachment.id,
                    "name": attachment.name,
                    "mimetype": attachment.mimetype,
                    "size": attachment.file_size,
                    "section": attachment.crm_email_section,
                    "url": attachment_url(self.id, attachment.crm_email_section),
                }
                for attachment in attachments
            ],
            "invitation": self._stored_invitation(attachments),
            "is_whole": True,
            "stored": True,
        }

    def _stored_invitation(self, attachments) -> Invitation | None:
        for attachment in attachments:
            if (
                rules.parts.kind_of(attachment.mimetype or "", attachment.name) == "invitation"
                and attachment.type == "binary"
            ):
                return rules.invitation.parse_invitation(attachment.raw or b"")
        return None

    def _fetched_content(self) -> dict:
        """Content of a mail that is on no card: shown, not stored."""
        body, invitation, is_whole = self._from_mailbox(self._ask_body)
        return {
            "html": _with_images(self.id, body),
            "attachments": [
                {
                    "id": 0,
                    "name": attachment.filename,
                    "mimetype": attachment.content_type,
                    "size": attachment.size,
                    "section": attachment.section,
                    "url": attachment_url(self.id, attachment.section),
                }
                for attachment in body.attachments
                if not attachment.inline
            ],
            "invitation": rules.invitation.parse_invitation(invitation) if invitation else None,
            "is_whole": is_whole,
            "stored": False,
        }

    def _fetch_body(self):
        """Fetch and store the body of a bound mail at once, ahead of its turn; return the mail that it is of."""

        def ask(connector, folder, copy):
            return copy, self._ask_content(connector, folder, copy)

        copy, content = self._from_mailbox(ask)
        ContentRows(copy.mailbox_id).save_one(copy, content)
        return copy.email_id

    def _fetch_attachment(self, section: str) -> tuple[bytes, str, str]:
        """Return content, name and type of one part; content as the sender encoded it.

        :raise UserError: when the mail server cannot be asked or has no such part
        """
        stored = self.mail_message_id.attachment_ids.filtered(
            lambda attachment: attachment.crm_email_section == section
        )[:1]
        if stored.type == "binary":
            return stored.raw, stored.name, stored.mimetype

        def ask(connector, folder, copy):
            part = None if stored else self._ask_part(connector, folder, copy, section)
            content = part.content if part else None
            if content is None:
                content = connector.part(folder, copy.uidvalidity or "", copy.remote_id, section)
            return part or stored, content

        part, content = self._from_mailbox(ask)
        if stored:
            return content, stored.name, stored.mimetype
        return content, part.filename or self.env._("Attachment"), part.content_type or "application/octet-stream"

    def _fetch_original(self) -> bytes:
        """Return the mail as it is on the server, byte by byte.

        :raise UserError: when the mail server cannot be asked
        """
        return self._from_mailbox(
            lambda connector, folder, copy: connector.raw(folder, copy.uidvalidity or "", copy.remote_id)
        )

    # --- asking the mailbox -------------------------------------------------------------

    def _ask_content(self, connector, folder, copy):
        [content] = connector.contents(folder, copy.uidvalidity or "", [copy.remote_id], False)
        if isinstance(content, connectors.base.FetchFailure) and content.gone:
            raise MailGone("The mail is not there", content.reason)
        if isinstance(content, connectors.base.FetchFailure):
            raise UserError(self.env._("The mail server could not deliver this mail: %s", content.reason))
        return content

    def _ask_body(self, connector, folder, copy) -> tuple[Body, bytes | None, bool]:
        """Return the body, the invitation that the mail brings, and whether all of its text was fetched."""
        content = self._ask_content(connector, folder, copy)
        is_whole = not any(part.lacks_text for part in content.parts)
        body = body_of(content)
        # What nobody will see need not be made safe.
        body = replace(body, html=body.html[: 2 * MOST_SHOWN], text=body.text[: 2 * MOST_SHOWN])
        for part in body.attachments:
            if (
                rules.parts.kind_of(part.content_type, part.filename) == "invitation"
                and part.size <= rules.invitation.LONGEST
            ):
                invitation = part.content
                if invitation is None:
                    invitation = connector.part(folder, copy.uidvalidity or "", copy.remote_id, part.section)
                return body, invitation, is_whole
        return body, None, is_whole

    def _ask_part(self, connector, folder, copy, section: str) -> Attachment | None:
        body = body_of(self._ask_content(connector, folder, copy))
        return next((part for part in body.attachments if part.section == section), None)

    def _from_mailbox(self, ask: Callable[..., Answer]) -> Answer:
        """Return what ``ask`` gets of the mail, called with connector, folder and copy.

        A copy may have been moved since it was seen, and a server may be away: then it is
        asked of the next one that the user may read.

        :raise UserError: when none of the copies can be asked for, with the reason
        """
        reason = ""
        for copy in self._live_copies():
            try:
                with copy.mailbox_id._opened() as connector:
                    return ask(connector, OrmStore.as_folder(copy.folder_id), copy)
            except (CursorExpired, FolderGone, MailGone):
                continue
            except ConnectorError as error:
                reason = reason or copy.mailbox_id._sentence(error)
        raise UserError(
            reason
            or self.env._("This mail was deleted or moved on the mail server since the mailbox was last synchronised.")
        )

    def _live_copies(self):
        """The copies to ask for."""
        copies = self._shown_copies().filtered(lambda copy: copy.state == "ok")
        if not copies:
            raise UserError(self.env._("This mail is not in any connected mailbox any more."))
        return copies

    def _shown_copies(self):
        """The copies whose content the user may read, those of the user's own mailboxes first.

        What a mailbox has is for its readers, and for those to whom it opens the mail. That
        another one is taken to have the same opens nothing of it.
        """
        if self.env.uid == SUPERUSER_ID:
            return self._copies_in(self._holding_ids())
        own = self._copies_in(self.env["crm.mailbox"]._usable_ids())
        return own | self._copies_in(self.sudo(False)._opening_ids())

    def _copies_in(self, mailbox_ids):
        return self.copy_ids.filtered(lambda copy: copy.mailbox_id.id in mailbox_ids)


def _with_images(email_id: int, body: Body) -> str:
    """The body as HTML; small images that came with it stand in it."""
    html = html_of(email_id, body)
    for part in body.attachments:
        if part.inline and part.content and part.content_type in INLINED_TYPES and part.size <= LARGEST_INLINED:
            encoded = base64.b64encode(part.content).decode()
            address = f'src="{attachment_url(email_id, part.section)}"'
            html = html.replace(address, f'src="data:{part.content_type};base64,{encoded}"')
    return html
