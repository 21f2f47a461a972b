"""Mails as one file that every mail program opens: mbox, in the "mboxrd" way of quoting.

A line that begins with ``From `` (RFC 4155), also behind ``>``, gets one ``>`` more. Taking one away
gives the mail back byte by byte, which the older ways of quoting do not promise.
"""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.header import Header
from email.utils import formataddr

from .addresses import Address
from .charsets import one_line

_SEPARATORS = re.compile(rb"^(?=>*From )", re.MULTILINE)
_BOUNDARY = "=_export_"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def entry(raw: bytes, sender: str, received: datetime) -> bytes:
    """One mail as it stands in the file, with LF as line end.

    :param sender: address, "" where unknown
    :param received: UTC
    """
    who = "".join(sender.encode("ascii", "ignore").decode().split()) or "MAILER-DAEMON"
    # The names of the C locale, whatever the process runs in.
    when = f"{_WEEKDAYS[received.weekday()]} {_MONTHS[received.month - 1]} {received.day:2} {received:%H:%M:%S %Y}"
    text = _SEPARATORS.sub(b">", raw.replace(b"\r\n", b"\n"))
    end = b"\n" if text.endswith(b"\n") else b"\n\n"
    return f"From {who} {when}\n".encode() + text + end


def rebuilt(
    people: Iterable[tuple[str, Sequence[Address]]],
    fields: Iterable[tuple[str, str]],
    html: str,
    attachments: Iterable[tuple[str, str, bytes]],
) -> bytes:
    """A mail made anew out of what is known of it, with CRLF as line end.

    :param people: header fields of addresses, such as ``From``
    :param fields: other header fields; empty ones are left out
    :param attachments: names, types and contents
    """
    lines = [f"{name}: {', '.join(map(_person, those))}" for name, those in people if those]
    lines += [f"{name}: {_encoded(one_line(value))}" for name, value in fields if value]
    parts = [_part("text/html; charset=utf-8", "inline", html.encode("utf-8", "replace"))]
    parts += [
        _part(_type(kind), f"attachment; {_filename(name)}" if name else "attachment", content)
        for name, kind, content in attachments
    ]
    lines += ["MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"', ""]
    # Base64 has no "=_", so the boundary is in no part.
    body = b"".join(f"--{_BOUNDARY}\r\n".encode() + part for part in parts)
    return "\r\n".join([*lines, ""]).encode() + body + f"--{_BOUNDARY}--\r\n".encode()


def _part(content_type: str, disposition: str, content: bytes) -> bytes:
    head = (
        f"Content-Type: {content_type}\r\nContent-Disposition: {disposition}\r\nContent-Transfer-Encoding: base64\r\n"
    )
    return head.encode() + b"\r\n" + encodebytes(content).replace(b"\n", b"\r\n")


def _type(kind: str) -> str:
    return kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind, re.ASCII) else "application/octet-stream"


def _filename(name: str) -> str:
    """RFC 2231 in one piece: a file name may have any character."""
    quoted = "".join(chr(octet) if chr(octet).isalnum() and octet < 128 else f"%{octet:02X}" for octet in name.encode())
    return f"filename*=utf-8''{quoted}"


def _person(address: Address) -> str:
    name = one_line(address.name)
    try:
        return formataddr((name, address.email))
    except UnicodeError:
        # An address beyond ASCII (RFC 6532) stays as it is written.
        return f"{_encoded(name)} <{address.email}>".strip()


def _encoded(value: str) -> str:
    return value if value.isascii() else Header(value, "utf-8", maxlinelen=70).encode(linesep="\r\n")
