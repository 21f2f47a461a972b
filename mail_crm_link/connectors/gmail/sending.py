"""Sending a mail as it is, finding it again, the own sender addresses, and asking to be told of new mail.

Gmail files what it sends among the sent mails itself. It keeps the Message-ID of the mail, and so a search tells after
a time-out whether the mail went out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.parser import BytesHeaderParser
from functools import partial

from .. import parts
from ..base import Handover
from ..errors import OutcomeUnknown, ProviderBroken, Transient, Undeliverable
from ..http import CONTENT_TOO_LARGE, library
from .connector import URL
from .session import TIMEOUT, UNITS, Client, Refusal, Session

MIME = "message/rfc822"

_SEARCHABLE_ID = re.compile(r"<?[^\s<>\"]+>?")


@dataclass(frozen=True, slots=True)
class Alias:
    """An address from which the account may send.

    :param name: for the From field, "" for the account's own
    :param default: whether new mail is from it
    """

    address: str
    name: str
    default: bool


class GmailSender(Client):
    """What an account may do besides reading; a context manager, too.

    :param token: see ``GmailConnector``
    """

    def __init__(self, token: Callable[[bool], str], *, url: str = URL, timeout: float = TIMEOUT) -> None:
        super().__init__(partial(Session, url, token, UNITS, timeout, time.monotonic))

    def __enter__(self) -> GmailSender:
        self.open()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def send(
        self, sender: str, recipients: Sequence[str], raw: bytes, handing_over: Callable[[], None] = lambda: None
    ) -> Handover:
        """Send a mail, in the thread of the mail that it answers.

        Gmail takes the recipients from the header. Those that it does not name get a Bcc, which Gmail takes away.

        :param sender: does not matter; Gmail takes From, and puts the account's own in place of a foreign one
        :raises Undeliverable: Gmail does not take this mail
        :raises Transient: nothing was sent, later it may be
        :raises OutcomeUnknown: Gmail may have taken it, or not; ``GmailConnector.find`` tells
        """
        thread = self._thread(str(BytesHeaderParser().parsebytes(raw)["In-Reply-To"] or ""))
        content = parts.with_hidden(raw, recipients)
        media = library("googleapiclient.http").MediaInMemoryUpload(content, mimetype=MIME)
        # With a body beside it the upload has two parts, else it is the mail alone.
        body = {"threadId": thread} if thread else None
        request = self._opened.users.messages().send(userId="me", body=body, media_body=media)
        handing_over()
        try:
            self._opened.call("send", request)
        except Refusal as refusal:
            cause = "mail_too_large" if refusal.refused.status == CONTENT_TOO_LARGE else "mail_refused"
            raise Undeliverable("Gmail does not take the mail", str(refusal), cause=cause) from refusal
        except (Transient, ProviderBroken) as error:
            if error.cause == "throttled":
                raise
            raise OutcomeUnknown("Gmail did not say whether it took the mail", str(error)) from error
        return Handover({}, {})

    def _thread(self, message_id: str) -> str:
        """The thread of a mail, "" where it is not in this account."""
        if not _SEARCHABLE_ID.fullmatch(message_id.strip()):
            return ""
        query = f"rfc822msgid:{message_id.strip().strip('<>')}"
        found = self._call("list", self._opened.users.messages().list(userId="me", q=query, maxResults=1))
        return next((str(message["threadId"]) for message in found.get("messages", ())), "")

    def aliases(self) -> list[Alias]:
        """The addresses that may stand in From: the account's own, and those that were confirmed."""
        answer = self._call("settings", self._opened.users.settings().sendAs().list(userId="me"))
        return [
            Alias(each["sendAsEmail"], each.get("displayName", ""), bool(each.get("isDefault")))
            for each in answer.get("sendAs", ())
            if each.get("isPrimary") or each.get("verificationStatus", "accepted") == "accepted"
        ]

    def watch(self, topic: str) -> datetime:
        """Have Gmail tell a Pub/Sub topic of changes; until when it does (UTC), at most seven days.

        :param topic: ``projects/…/topics/…``; Gmail has to be allowed to publish there
        """
        request = self._opened.users.watch(userId="me", body={"topicName": topic})
        until = int(self._call("watch", request)["expiration"]) / 1000
        return datetime.fromtimestamp(until, timezone.utc)

    def unwatch(self) -> None:
        """Have Gmail tell nobody any more."""
        self._call("watch", self._opened.users.stop(userId="me"))
