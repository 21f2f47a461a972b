"""Whether copies have the content of the mail that they were taken for.

Copies in several mailboxes are one mail when their envelopes say so. An envelope can be forged
by whoever knows what it says, so it opens nothing that is stored. What a mail says is settled by
the first of its contents that is looked into; another mailbox shows it to its readers once a copy
of that mailbox was found to say the same::

    joined ── nothing is stored: readers get what their own copy has
       │ settled, through any mailbox
       ▼
    asked for ── fetched ──┬── the same ───► proven: its readers read what is stored
                           └── another ────► a mail of its own
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..connectors.base import Content
    from ..rules.message import Body


class Comparison:
    """What was fetched of copies in one mailbox, compared with what is known of their mails.

    :param split: makes a mail of its own of a copy, given its body and content
    """

    def __init__(self, mailbox, split: Callable[..., None]):
        self.mailbox = mailbox
        self.env = mailbox.env
        self.split = split
        self.said: dict[int, str] = {}

    def settle(self, bodies: dict, contents: dict) -> dict:
        """Split off copies that contradict their mail.

        :param bodies: of copies, :param contents: that the bodies are of
        :return: those of ``bodies`` that are their mail's; a split copy's mail is its own
        """
        agreeing = {}
        for copy, body in bodies.items():
            verdict = self._verdict(copy.email_id, body, contents[copy])
            if copy.suspect:
                copy.write({"suspect": False, "compared": True})
            if verdict is False:
                self.env.flush_all()
                self.split(copy, body, contents[copy])
                self.env.invalidate_all()
                verdict = self._verdict(copy.email_id, body, contents[copy])
            if verdict:
                self._keep_in_mind(copy.email_id, body)
                agreeing[copy] = body
        self.env.flush_all()
        self.env["crm.email"].browse(copy.email_id.id for copy in agreeing)._prove(self.mailbox.id)
        return agreeing

    def _verdict(self, email, body: Body, content: Content) -> bool | None:
        """Whether this is what the mail says; None where too little of it was fetched to tell."""
        known = self.said.get(email.id) or email.body_digest
        if not known:
            return True
        if known != body.digest:
            return False if _has_all_text(content) else None
        return self._has_stored_attachments(email, body)

    def _has_stored_attachments(self, email, body: Body) -> bool | None:
        stored = email.mail_message_id.attachment_ids.filtered(lambda one: one.type == "binary")
        # The checksum of ir.attachment.
        brought = Counter(hashlib.sha1(one.content).hexdigest() for one in _fetched(body))  # nosec B324
        if not Counter(stored.mapped("checksum")) - brought:
            return True
        return False if len(_fetched(body)) == len(body.attachments) else None

    def _keep_in_mind(self, email, body: Body) -> None:
        self.said[email.id] = body.digest
        # What is about to be stored gets its digest with it.
        if not email.body_digest and not email._awaits_body():
            email.body_digest = body.digest


def variant_of(body: Body) -> str:
    """Name a content: hex sha256 of what it says, and of its attachments as far as they were fetched."""
    contents = [hashlib.sha256(one.content).hexdigest() for one in _fetched(body)]
    return hashlib.sha256("\0".join([body.digest, *sorted(contents)]).encode()).hexdigest()


def _fetched(body: Body) -> list:
    return [one for one in body.attachments if one.content is not None]


def _has_all_text(content: Content) -> bool:
    return not any(part.lacks_text for part in content.parts)
