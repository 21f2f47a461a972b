"""A year of somebody's mail, made up: the same for the same seed.

Seven of ten mails are text and HTML of 5 to 40 kB, fifteen of a hundred carry an attachment of 50 to 500 kB, the others
are short texts. A fifth was sent by the owner; six of ten are exchanged with contacts, the others with people nobody
knows, among them newsletters; four of ten answer an earlier one.
"""

import base64
import quopri
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

OWNER = "owner@our.example"
SPAN = timedelta(days=360)
RECENT_THREADS = 300
LONGEST_THREAD = 12
WORDS = (
    "offer order pump valve delivery invoice drawing revision meeting Thursday schedule the a of and for with from we "
    "you they please find attached regards quantity price discount plant motor bearing gasket certificate inspection "
    "customs freight pallet warehouse contract clause signature budget approval forecast quarter review département "
    "Größe Prüfung façade señal naïve résumé – “quoted” €"
).split()
FILES = (
    ("application/pdf", "Offer.pdf"),
    ("application/zip", "Drawings.zip"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Prices.xlsx"),
    ("application/octet-stream", "Data.bin"),
)
PARAGRAPH = '<p style="margin:0 0 1em 0;font-family:Calibri,sans-serif;font-size:11pt;color:#1f1f1f">{}</p>\r\n'
RECEIVED = (
    "Received: from relay{0}.carrier.example (relay{0}.carrier.example [192.0.2.{0}])\r\n"
    "\tby mx.our.example (Postfix) with ESMTPS id 4F{0:06X} for <{1}>;\r\n\t{2}\r\n"
)


@dataclass(frozen=True)
class Mail:
    """:param received: the server's date, aware UTC"""

    folder: str
    received: datetime
    raw: bytes


@dataclass
class _Thread:
    person: str
    subject: str
    ids: list[str]


def contact_address(number: int) -> str:
    """Address of the contact that `cards` stores under this number."""
    return f"contact{number}@company{number // 10}.example"


class Correspondence:
    """:param contacts: how many contacts there are to write with"""

    def __init__(self, contacts: int, seed: int = 19) -> None:
        self._random = random.Random(seed)
        self._contacts = contacts
        self._threads: deque[_Thread] = deque(maxlen=RECENT_THREADS)
        self._paragraphs = [self._paragraph() for _ in range(200)]
        noise = base64.b64encode(self._random.randbytes(1_500_000)).decode()
        self._noise = [noise[start : start + 76] for start in range(0, len(noise), 76)]
        self._number = 0

    def mails(self, count: int, until: datetime, span: timedelta = SPAN) -> Iterator[Mail]:
        """Yield mails, the oldest first, spread evenly over the time that ends at ``until``."""
        for number in range(count):
            yield self._mail(until - span * ((count - number) / count))

    def _mail(self, received: datetime) -> Mail:
        self._number += 1
        sent = self._random.random() < 0.2
        newsletter = not sent and self._random.random() < 0.2
        thread = self._newsletter() if newsletter else self._thread()
        header = self._header(thread, received, sent, newsletter)
        raw = (header + self._content()).encode()
        thread.ids.append(self._message_id())
        return Mail("Sent" if sent else "INBOX", received, raw)

    # --- who with whom ------------------------------------------------------------------

    def _thread(self) -> _Thread:
        if self._threads and self._random.random() < 0.4:
            thread = self._random.choice(self._threads)
            if len(thread.ids) < LONGEST_THREAD:
                return thread
        thread = _Thread(self._person(), self._subject(), [])
        self._threads.append(thread)
        return thread

    def _newsletter(self) -> _Thread:
        return _Thread(f"News <news@list{self._random.randrange(50)}.example>", self._subject(), [])

    def _person(self) -> str:
        # With the newsletters, three of four others make six contacts of ten.
        if self._random.random() < 0.72:
            # Some write much more often than others.
            number = int(self._contacts * self._random.random() ** 1.5)
            return f"Contact {number} <{contact_address(number)}>"
        number = self._random.randrange(100_000)
        return f"Person {number} <person{number}@elsewhere{number % 997}.example>"

    def _subject(self) -> str:
        return " ".join(self._random.choices(WORDS[:40], k=self._random.randint(2, 8))).capitalize()

    def _message_id(self) -> str:
        return f"<{self._number:08}.bench@mail.example>"

    def _header(self, thread: _Thread, received: datetime, sent: bool, newsletter: bool) -> str:
        date = format_datetime(received)
        lines = [] if sent else [RECEIVED.format(hop, OWNER, date) for hop in (3, 2, 1)]
        lines += [] if sent else [f"DKIM-Signature: v=1; a=rsa-sha256; d=example; b={self._noise[7] * 4}\r\n"]
        sender, recipient = (f"Owner <{OWNER}>", thread.person) if sent else (thread.person, f"Owner <{OWNER}>")
        subject = f"Re: {thread.subject}" if thread.ids else thread.subject
        lines += [f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\nDate: {date}\r\n"]
        lines += [f"Message-ID: {self._message_id()}\r\nMIME-Version: 1.0\r\n"]
        if thread.ids:
            lines += [f"In-Reply-To: {thread.ids[-1]}\r\nReferences: {' '.join(thread.ids)}\r\n"]
        if newsletter:
            lines += ["List-Id: <news.example>\r\nList-Unsubscribe: <https://list.example/out>\r\n"]
        return "".join(lines)

    # --- what it says -------------------------------------------------------------------

    def _content(self) -> str:
        kind = self._random.random()
        if kind < 0.7:
            return self._alternative(self._random.randint(5_000, 40_000))
        if kind < 0.85:
            return self._with_attachment(self._random.randint(50_000, 500_000))
        return self._plain(self._random.randint(300, 4_000))

    def _plain(self, octets: int) -> str:
        text = "\r\n\r\n".join(self._text(octets))
        return (
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{text}\r\n"
        )

    def _alternative(self, octets: int) -> str:
        """Plain text and the same text as HTML, together so large."""
        paragraphs = self._text(octets * 0.4)
        plain = "\r\n\r\n".join(paragraphs)
        html = "".join(PARAGRAPH.replace("=", "=3D").format(paragraph) for paragraph in paragraphs)
        parts = (("text/plain", plain), ("text/html", f"<html><body>{html}</body></html>"))
        body = "".join(
            f"--alternative\r\nContent-Type: {kind}; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{text}\r\n"
            for kind, text in parts
        )
        return f'Content-Type: multipart/alternative; boundary="alternative"\r\n\r\n{body}--alternative--\r\n'

    def _with_attachment(self, octets: int) -> str:
        kind, name = self._random.choice(FILES)
        lines = octets // 57
        start = self._random.randrange(len(self._noise) - lines - 1)
        encoded = "\r\n".join(self._noise[start : start + lines])
        return (
            'Content-Type: multipart/mixed; boundary="mixed"\r\n\r\n--mixed\r\n'
            f"{self._alternative(self._random.randint(2_000, 10_000))}--mixed\r\n"
            f'Content-Type: {kind}\r\nContent-Disposition: attachment; filename="{self._number}-{name}"\r\n'
            f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--mixed--\r\n"
        )

    def _text(self, octets: float) -> list[str]:
        """Paragraphs of together so many octets, encoded as quoted-printable."""
        chosen = []
        while octets > 0:
            chosen.append(self._random.choice(self._paragraphs))
            octets -= len(chosen[-1])
        return chosen

    def _paragraph(self) -> str:
        text = " ".join(self._random.choices(WORDS, k=self._random.randint(30, 120)))
        return quopri.encodestring(text.encode()).decode().replace("\n", "\r\n")
