"""What a mail that is written here says: to whom it goes, what it answers, and its octets.

Header fields are folded here. What the library folds differs from one Python version to the next, and a Message-ID
longer than a line would become an encoded word, by which no mail program finds the mail that is answered.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header as EncodedWords
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import idna

from .addresses import Address, parse_list
from .charsets import one_line
from .plaintext import html_to_text

# Of mail that no person wrote: nobody's program answers it (RFC 3834, 5; MS-OXCMAIL, 2.2.3.2.14). Bounces still come.
AUTOMATIC_FIELDS = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "OOF, AutoReply"))
_POLICY = SMTP.clone(cte_type="7bit", refold_source="none")
_LINE = 76
# RFC 5322 names no limit; a header that is too long is refused, and threads are found by their ends.
_REFERENCES_KEPT = 20
_LINE_BREAK = re.compile(r"[\r\n\0]")
_PIECE = re.compile(r"(?:\"(?:\\.|[^\"\\])*\"|[^,;\n\"]|\"(?![^\"]*\"))+")
_REPLY = re.compile(
    r"\s*(?:re|aw|sv|antw|antwort|ref|res|rif|odp|vs|ynt|回复|回覆)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE
)
_FORWARD = re.compile(r"\s*(?:fwd?|wg|tr|vb|rv|enc|i|doorst|vl|转发|轉寄)\s*[:：]", re.IGNORECASE)
_SOURCE = re.compile(r"(<img\b[^>]*?\ssrc=)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_QUOTE_EDGE = re.compile(r"<(/?)blockquote\b[^>]*>", re.IGNORECASE)
# Of the private use area: what stands for the edges of a quote while HTML becomes text.
_OPEN, _CLOSE = "\ue0f1", "\ue0f2"
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", re.IGNORECASE)
_MAIL_TYPE = "message/rfc822"


@dataclass(frozen=True, slots=True)
class File:
    """What goes along with a mail.

    :param content_id: without angle brackets, for what the text shows; "" for an attachment
    """

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be sent.

    :param message_id: with angle brackets
    :param date: aware
    :param html: with ``cid:`` for the inline ones of ``files``
    :param references: ids of the mails before it, the one it answers last
    :param fields: further header fields, names and values
    """

    message_id: str
    date: datetime
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    html: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Who wrote a mail to whom, as far as answering it depends on that."""

    from_: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]


# -- recipients -----------------------------------------------------------------------------------------------------


def parse_recipients(text: str) -> tuple[list[Address], list[str]]:
    """The addresses that people typed, each once, spelled as they were typed, and what is none.

    Between them stand commas, semicolons or line breaks.
    """
    found: dict[str, Address] = {}
    wrong: list[str] = []
    for piece in filter(None, map(str.strip, _PIECE.findall(text))):
        parsed = parse_list(piece)
        broken = _LINE_BREAK.search(piece)
        if (
            len(parsed) == 1
            and not broken
            and _is_deliverable(parsed[0].email)
            and piece.count("@") == _at_signs(parsed[0])
        ):
            found.setdefault(parsed[0].email, parsed[0]._replace(email=_as_typed(parsed[0].email, piece)))
        else:
            wrong.append(one_line(piece))
    return list(found.values()), wrong


def _at_signs(address: Address) -> int:
    return address.email.count("@") + address.name.count("@")


def _as_typed(email: str, piece: str) -> str:
    """A local part may be case-sensitive (RFC 5321, 2.4)."""
    start = piece.lower().rfind(email.lower())
    return piece[start : start + len(email)] if start >= 0 else email


def _is_deliverable(email: str) -> bool:
    domain = email.rpartition("@")[2]
    return not _LINE_BREAK.search(email) and ("." in domain.strip(".") or domain == "localhost" or domain[:1] == "[")


def envelope_address(email: str) -> str:
    """An address as servers want it: a domain beyond ASCII in its ASCII form (RFC 5891)."""
    local, _at, domain = email.rpartition("@")
    if domain.isascii():
        return email
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError:
        return email


def answer_recipients(
    mail: Correspondence, own: frozenset[str], everybody: bool
) -> tuple[list[Address], list[Address]]:
    """Whom an answer goes to, as To and Cc.

    :param own: normalised addresses of who answers; an answer to one's own mail goes to whom that went to
    :param everybody: all that the mail names, but for the own addresses
    """
    written_here = bool(mail.from_) and all(one.email in own for one in mail.from_)
    to = list(mail.to if written_here else mail.reply_to or mail.from_)
    cc = list(mail.cc) if everybody and written_here else [*mail.to, *mail.cc] if everybody else []
    to = _without(to, own) or to
    return to, _without(cc, own | {one.email for one in to})


def _without(people: Iterable[Address], left_out: Iterable[str]) -> list[Address]:
    hidden = set(left_out)
    return [one for one in dict.fromkeys(people) if one.email not in hidden]


def people(addresses: Iterable[Address]) -> str:
    """Addresses for people to read and to change."""
    return ", ".join(_readable(one) for one in addresses)


def _readable(address: Address) -> str:
    if not address.name:
        return address.email
    return f"{_quoted(address.name)} <{address.email}>"


# -- what is answered -----------------------------------------------------------------------------------------------


def answer_subject(subject: str) -> str:
    """The subject of an answer: other prefixes than ours stay, since threads are found by the subject, too."""
    return subject if _REPLY.match(subject) else f"Re: {subject}".strip()


def forward_subject(subject: str) -> str:
    return subject if _FORWARD.match(subject) else f"Fwd: {subject}".strip()


def references(parent: str, before: Sequence[str]) -> tuple[str, ...]:
    """The References of an answer (RFC 5322, 3.6.4): those of its parent and the parent; of many the ends.

    :param parent: Message-ID of the answered mail, "" where it has none
    :param before: its References, else its In-Reply-To
    """
    ids = [one for one in dict.fromkeys([*before, parent]) if one]
    return tuple(ids if len(ids) <= _REFERENCES_KEPT else [ids[0], *ids[1 - _REFERENCES_KEPT :]])


# -- the text -------------------------------------------------------------------------------------------------------


def with_inline(html: str, load: Callable[[str], File | None]) -> tuple[str, list[File]]:
    """``html`` with the images that ``load`` knows by their address turned into parts of the mail."""
    found: dict[str, File | None] = {}

    def replaced(image: re.Match[str]) -> str:
        source = image[2][1:-1].replace("&amp;", "&")
        file = found[source] if source in found else found.setdefault(source, load(source))
        return f'{image[1]}"cid:{file.content_id}"' if file else image[0]

    return _SOURCE.sub(replaced, html), list({file.content_id: file for file in found.values() if file}.values())


def plain_text(html: str) -> str:
    """The text of ``html`` with quotes marked by ``>``."""
    marked = _QUOTE_EDGE.sub(lambda edge: f"<br>{_CLOSE if edge[1] else _OPEN}<br>", html)
    lines: list[str] = []
    depth = 0
    for line in html_to_text(marked).split("\n"):
        if line in (_OPEN, _CLOSE):
            depth = max(0, depth + (1 if line == _OPEN else -1))
        else:
            lines.append(f"{'>' * depth} {line}".rstrip() if depth else line)
    return "\n".join(lines).strip() + "\n"


# -- octets ---------------------------------------------------------------------------------------------------------


def message_id(token: str, address: str) -> str:
    """A Message-ID in the domain of the sender's address; ``token`` makes it the only one."""
    domain = envelope_address(address).rpartition("@")[2].strip("[]")
    return f"<{token}@{domain if domain.isascii() and domain else 'localhost'}>"


def compose(letter: Letter) -> bytes:
    """The mail's octets, the same for the same letter.

    :raises ValueError: a header field would have a line break in it
    """
    mail = EmailMessage(policy=_POLICY.clone(utf8=not _all_ascii(letter)))
    for name, value in _fields(letter):
        mail.set_raw(name, value)
    _add_text(mail, letter)
    attached = [file for file in letter.files if not file.content_id]
    mails: dict[bytes, bytes] = {}
    if attached:
        mail.make_mixed()
    for number, file in enumerate(attached):
        token = f"mail-{number}-{letter.message_id[1:-1]}"
        mail.attach(_mail_part(file, token, mails) if _is_mail(file) else _part(file))
    _set_boundaries(mail, letter.message_id)
    raw = mail.as_bytes()
    for placeholder, content in mails.items():
        raw = raw.replace(placeholder, content, 1)
    return raw


def _add_text(mail: EmailMessage, letter: Letter) -> None:
    """The text in both forms, and the images that it shows."""
    mail.set_content(plain_text(letter.html), subtype="plain", charset="utf-8")
    mail.add_alternative(letter.html, subtype="html", charset="utf-8")
    inline = [file for file in letter.files if file.content_id]
    if inline:
        html: EmailMessage = list(mail.iter_parts())[1]  # type: ignore[assignment]
        html.make_related()
        for file in inline:
            html.attach(_part(file))


def _all_ascii(letter: Letter) -> bool:
    return all(envelope_address(one.email).isascii() for one in (letter.sender, *letter.to, *letter.cc))


def _fields(letter: Letter) -> list[tuple[str, str]]:
    fields = [
        ("From", _people_field("From", [letter.sender])),
        ("To", _people_field("To", letter.to)),
        ("Cc", _people_field("Cc", letter.cc)),
        ("Subject", _encoded("Subject", letter.subject)),
        ("Date", format_datetime(letter.date)),
        ("Message-ID", _checked(letter.message_id)),
        ("In-Reply-To", _checked(letter.in_reply_to)),
        ("References", _folded("References", [_checked(one) for one in letter.references], "")),
        *((name, _checked(value)) for name, value in letter.fields),
    ]
    if not (letter.to or letter.cc):
        fields[1] = ("To", "undisclosed-recipients:;")
    return [(name, value) for name, value in fields if value or name == "Subject"]


def _people_field(name: str, addresses: Sequence[Address]) -> str:
    return _folded(name, [_written(one) for one in addresses], ",")


def _written(address: Address) -> str:
    email = _checked(envelope_address(address.email))
    if not address.name:
        return email
    name = _checked(address.name)
    return f"{_quoted(name) if name.isascii() else _encoded('', name)} <{email}>"


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _encoded(field: str, text: str) -> str:
    """Text as a field carries it, in encoded words where it has to be (RFC 2047)."""
    _checked(text)
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    return EncodedWords(text, charset, maxlinelen=_LINE, header_name=field or None).encode(linesep="\r\n")


def _checked(text: str) -> str:
    """:raises ValueError: there is a line break in it, which would begin another field"""
    if _LINE_BREAK.search(text):
        raise ValueError(f"a header field must not have a line break: {text!r}")
    return text


def _folded(name: str, words: Sequence[str], separator: str) -> str:
    lines: list[str] = []
    length = len(name) + 1
    for number, word in enumerate(words):
        piece = word + (separator if number < len(words) - 1 else "")
        if lines and length + 1 + len(piece) <= _LINE:
            lines[-1] += f" {piece}"
            length += 1 + len(piece)
        else:
            lines.append(piece)
            length = len(piece.rpartition("\n")[2]) + (1 if len(lines) > 1 else length + 1)
    return "\r\n ".join(lines)


def _is_mail(file: File) -> bool:
    return file.content_type.lower() == _MAIL_TYPE


def _part(file: File) -> EmailMessage:
    """A part of any type; its content encoded in base64, so that not an octet of it changes on the way."""
    kind = file.content_type if _CONTENT_TYPE.fullmatch(file.content_type) else "application/octet-stream"
    if kind.lower().startswith(("multipart/", "message/")):
        kind = "application/octet-stream"
    part = EmailMessage(policy=_POLICY)
    name = one_line(file.name) or "attachment"
    disposition, cid = ("inline", f"<{_checked(file.content_id)}>") if file.content_id else ("attachment", None)
    part.set_content(file.content, "application", "octet-stream", disposition=disposition, filename=name, cid=cid)
    del part["MIME-Version"]
    part.replace_header("Content-Type", kind.lower())
    return part


def _mail_part(file: File, token: str, mails: dict[bytes, bytes]) -> EmailMessage:
    """A mail within the mail, which must not be encoded (RFC 2046, 5.2.1).

    Its octets take their place when all else is written: the library would write them anew.
    """
    part = EmailMessage(policy=_POLICY)
    part.set_content(token, "plain", "us-ascii", disposition="attachment", filename=one_line(file.name) or "mail.eml")
    part.replace_header("Content-Type", _MAIL_TYPE)
    part.replace_header("Content-Transfer-Encoding", "7bit" if file.content.isascii() else "8bit")
    part.set_payload(token)
    mails[token.encode()] = re.sub(rb"\r\n|\r|\n", b"\r\n", file.content)
    return part


def _set_boundaries(mail: EmailMessage, token: str) -> None:
    """The library's own would be others at every attempt to send."""
    name = re.sub(r"[^A-Za-z0-9]", "", token)[:40]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{number}_{name}")
