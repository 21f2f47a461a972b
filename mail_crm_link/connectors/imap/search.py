"""Search in the text of mails by the server (RFC 9051, 6.4.4)."""

from __future__ import annotations

import re

from .session import Session

_BLANKS = re.compile(r"[\x00-\x1f\x7f]+")
LONGEST_TEXT = 200
"""Characters searched for; nobody types more, and servers bound the length of a line."""


def text_criteria(text: str) -> tuple[str, bytes | None]:
    """The criteria of a search for ``text``, and the literal that ends them where it is not ASCII."""
    wanted = _BLANKS.sub(" ", text).strip()[:LONGEST_TEXT]
    if not wanted.isascii():
        return "CHARSET UTF-8 TEXT", wanted.encode("utf-8", "replace")
    escaped = wanted.replace("\\", "\\\\").replace('"', '\\"')
    return f'TEXT "{escaped}"', None


def newest_with(session: Session, text: str, limit: int) -> list[str]:
    """Ids of the mails of the selected folder that contain ``text`` in header or body, newest first."""
    criteria, literal = text_criteria(text)
    found = session.search(criteria, literal)
    return [str(uid) for uid in reversed(found[-limit:])]
