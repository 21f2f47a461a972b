"""The demo's mail: conversations written in ``demo_mailbox``, made into mails with dates of the past year.

They are made once, into files, so that a second start serves the very same mails, whatever day it is.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_string
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, parseaddr
from itertools import pairwise
from pathlib import Path

from . import places
from .demo_files import draw

SOURCE = places.ROOT / "demo_mailbox"
NEW = SOURCE / "new"
"""Mail that arrives after the mailboxes were connected."""
SEPARATOR = re.compile(r"^%%\n", re.MULTILINE)
WHEN = re.compile(r"(\d+) days ago, (\d+):(\d+)")
SOFT_BREAK = 60
"""Characters after which a line was broken for its length, and not by intention."""
LIST_ITEM = re.compile(r"[> ]*(\d+\.|[-*•]) ")
NOTES = {"when", "answers", "format", "attach", "mailbox", "folder", "from", "to", "cc", "subject"}
OWNERS = {
    "nora": "nora.brandt@halden-coffee.example",
    "tom": "tom.okafor@halden-coffee.example",
}
"""Whose mailboxes there are: login in Odoo and address."""


@dataclass(frozen=True)
class Written:
    """A mail as it stands in the file.

    :param position: in its file, from 1
    :param date: aware, local
    :param parent: the mail it answers
    """

    conversation: str
    position: int
    notes: Message
    text: str
    date: datetime
    parent: "Written | None"

    @property
    def message_id(self) -> str:
        name = hashlib.sha256(f"{self.conversation} {self.position} {self.date}".encode()).hexdigest()[:16]
        return f"<{name}@{parseaddr(self.notes['From'])[1].partition('@')[2]}>"

    @property
    def references(self) -> list[str]:
        """The Message-IDs of the mails before it, the oldest first."""
        return [*self.parent.references, self.parent.message_id] if self.parent else []


def make(folder: Path, today: datetime, source: Path = SOURCE) -> None:
    """Write every mail as ``<account>/<folder>/<date>-<conversation>.eml``."""
    for path in sorted(source.glob("*.txt")):
        for written in read(path, today):
            save(folder, written, compose(written))


def read(path: Path, today: datetime) -> list[Written]:
    conversation: list[Written] = []
    for position, block in enumerate(SEPARATOR.split(path.read_text()), start=1):
        notes = message_from_string(block)
        answers = notes.get("Answers", str(position - 1))
        parent = conversation[int(answers) - 1] if answers not in ("no", "0") else None
        date = dated(notes["When"], today)
        conversation.append(Written(path.stem, position, notes, notes.get_payload(), date, parent))
    return conversation


def dated(when: str, today: datetime) -> datetime:
    if when == "now":
        return today
    days, hour, minute = map(int, WHEN.fullmatch(when).groups())
    return (today - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)


def compose(written: Written) -> bytes:
    mail = EmailMessage(policy=SMTP)
    notes = written.notes
    for name in ("From", "To", "Cc"):
        if notes[name]:
            mail[name] = people(notes[name])
    mail["Subject"] = notes["Subject"]
    mail["Date"] = format_datetime(written.date)
    mail["Message-ID"] = written.message_id
    if written.parent:
        mail["In-Reply-To"] = written.parent.message_id
        mail["References"] = " ".join(written.references)
    for name, value in notes.items():
        if name.lower() not in NOTES:
            mail[name] = value
    add_content(mail, written)
    return mail.as_bytes()


def people(field: str) -> tuple[Address, ...]:
    return tuple(Address(name, addr_spec=address) for name, address in getaddresses([field]))


def add_content(mail: EmailMessage, written: Written) -> None:
    kind, _, argument = written.notes.get("Format", "plain").partition(" ")
    if kind == "html":
        mail.set_content(re.sub(r"<[^>]+>", " ", written.text).strip() + "\n")
        mail.add_alternative(f"<html><body>{written.text}</body></html>", subtype="html")
    else:
        mail.set_content(flowed(written.text + quoted(written.parent)), params={"format": "flowed"})
    if kind == "bounce":
        mail.make_mixed()
        mail.attach(delivery_status(argument))
        mail.set_param("report-type", "delivery-status")
        mail.replace_header("Content-Type", mail["Content-Type"].replace("multipart/mixed", "multipart/report"))
    if attach := written.notes["Attach"]:
        name, _, lines = attach.partition(" ")
        content, maintype, subtype = draw(name, [line.strip() for line in lines.split("|")])
        mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)


def flowed(text: str) -> str:
    """Mark the breaks that only keep lines short (RFC 3676), so that a reader with a wide window need not see them."""
    lines = re.sub(r"^--$", "-- ", text, flags=re.MULTILINE).splitlines()
    return "".join(f"{line} \n" if goes_on(line, after) else f"{line}\n" for line, after in pairwise([*lines, ""]))


def goes_on(line: str, after: str) -> bool:
    return len(line) > SOFT_BREAK and bool(after.strip("> ")) and not LIST_ITEM.match(after)


def quoted(parent: Written | None) -> str:
    """The answered text below the answer, as most people leave it."""
    if parent is None or "<" in parent.text:
        return ""
    author = parseaddr(parent.notes["From"])[0]
    lines = "".join(f"> {line}".rstrip() + "\n" for line in parent.text.strip().splitlines())
    return f"\nOn {parent.date:%d/%m/%Y at %H:%M}, {author} wrote:\n\n{lines}"


def delivery_status(recipient: str) -> Message:
    """The part of a bounce that programs read (RFC 3464)."""
    return message_from_string(
        "Content-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mail.halden-coffee.example\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n",
        policy=SMTP,
    )


def save(folder: Path, written: Written, mail: bytes) -> None:
    """Put a mail where its sender and its recipients have it."""
    sender = parseaddr(written.notes["From"])[1]
    fields = written.notes.get_all("To", []) + written.notes.get_all("Cc", [])
    recipients = {address for _, address in getaddresses(fields)}
    name = f"{written.date:%Y%m%d-%H%M}-{written.conversation}-{written.position}.eml"
    for owner, address in OWNERS.items():
        if sender == address:
            write(folder / address / "Sent" / name, mail, written.date)
        elif address in recipients or owner == written.notes["Mailbox"]:
            place = written.notes.get("Folder", "INBOX")
            write(folder / address / place / name, received(mail, address, written.date), written.date)


def received(mail: bytes, address: str, date: datetime) -> bytes:
    """What the server of the recipient puts on top; so no two copies are the same bytes."""
    server = address.partition("@")[2]
    trace = f"Delivered-To: {address}\r\nReceived: by mail.{server} for <{address}>; {format_datetime(date)}\r\n"
    return trace.encode() + mail


def write(path: Path, mail: bytes, date: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mail)
    stamp(path, date)


def stamp(path: Path, date: datetime) -> None:
    """The time of the file is the date the server took the mail."""
    os.utime(path, (date.timestamp(), date.timestamp()))
