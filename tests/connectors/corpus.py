"""Mails that the contract is shown with."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterator

PLAIN = (
    b"From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Hello\r\nMessage-ID: <plain@example.com>\r\n"
    b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\nGood morning\r\n"
)


def numbered(count: int) -> Iterator[bytes]:
    """Mails "Number 1" to "Number n"; with a header field nobody asked for."""
    for number in range(1, count + 1):
        yield (
            PLAIN.replace(b"Hello", f"Number {number}".encode())
            .replace(b"<plain@", f"<{number}@".encode())
            .replace(b"\r\n\r\n", b"\r\nX-Unwanted: noise\r\n\r\n", 1)
        )


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


LARGE = (
    "From: Zoë <zoe@example.com>\r\nTo: bob@example.org\r\nSubject: Offer\r\nMessage-ID: <large@example.com>\r\n"
    "Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="mixed"\r\n\r\n--mixed\r\n'
    'Content-Type: multipart/alternative; boundary="alternative"\r\n\r\n--alternative\r\n'
    'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
).encode()
LARGE += _base64("Grüße ✓".encode())
LARGE += (
    b'--alternative\r\nContent-Type: multipart/related; boundary="related"\r\n\r\n--related\r\n'
    b"Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
)
LARGE += quopri.encodestring("<p>Hello, Grüße</p>".encode("latin-1")) + b"\r\n"
LARGE += (
    b"--related\r\nContent-Type: image/png; name=logo.png\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-ID: <logo@example.com>\r\nContent-Disposition: inline\r\n\r\n"
)
LARGE += _base64(b"\x89PNG" * 10)
LARGE += (
    b"--related--\r\n--alternative--\r\n--mixed\r\nContent-Type: application/pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n"
    b" filename*0*=utf-8''Angebot%20f%C3%BCr;\r\n filename*1*=%20M%C3%A4rz.pdf\r\n\r\n"
)
LARGE += _base64(bytes(range(250)) * 800)
LARGE += b"--mixed\r\nContent-Type: message/rfc822\r\n\r\n" + PLAIN + b"\r\n--mixed--\r\n"
