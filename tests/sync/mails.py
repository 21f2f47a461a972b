"""Small mails, each with a Message-ID of its own."""

from __future__ import annotations

import itertools

_numbers = itertools.count(1)


def mail(subject: str = "Offer", body: str = "Good morning", extra: str = "") -> bytes:
    """A mail that is like no other."""
    number = next(_numbers)
    return (
        f"From: Ann <ann@example.com>\r\nTo: Bob <bob@example.org>\r\nSubject: {subject} {number}\r\n"
        f"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{number}@example.com>\r\n{extra}\r\n{body} {number}\r\n"
    ).encode()


def mails(count: int) -> list[bytes]:
    """``count`` mails."""
    return [mail() for _ in range(count)]
