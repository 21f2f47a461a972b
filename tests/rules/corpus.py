"""The mails in ``tests/corpus`` and, where ``MAIL_CORPUS`` names a folder, those in it; and what a mail comes to."""

import os
from pathlib import Path
from typing import Any

from mail_crm_link.rules.automatic import classify
from mail_crm_link.rules.message import Header, parse_body, parse_header, snippet

OWN = Path(__file__).resolve().parent.parent / "corpus"
OTHERS = Path(os.environ["MAIL_CORPUS"]) if os.environ.get("MAIL_CORPUS") else None


def own_mails() -> list[Path]:
    """Those that have their expected reading beside them: not the letters in ``business``."""
    return sorted(OWN.glob("*.eml"))


def mails(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.eml"))


def described(raw: bytes) -> dict[str, Any]:
    """What the rules read out of a mail, as JSON has it."""
    header = parse_header(raw, len(raw))
    body = parse_body(raw)
    return {
        **_described_header(header),
        "automatic": classify(header).kind,
        "text": body.text,
        "html": body.html,
        "snippet": snippet(body),
        "attachments": [
            {
                "filename": one.filename,
                "content_type": one.content_type,
                "section": one.section,
                "size": one.size,
                "inline": one.inline,
            }
            for one in body.attachments
        ],
    }


def _described_header(header: Header) -> dict[str, Any]:
    return {
        "message_id": header.message_id,
        "subject": header.subject,
        "from": list(header.from_) if header.from_ else None,
        "to": [list(one) for one in header.to],
        "cc": [list(one) for one in header.cc],
        "date": header.date.isoformat() if header.date else None,
        "in_reply_to": list(header.in_reply_to),
        "references": list(header.references),
        "maybe_attachment": header.maybe_attachment,
    }


def texts(value: object) -> list[str]:
    """Every text inside a value made of dataclasses, mappings and sequences."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in texts(one)]
    if isinstance(value, (list, tuple)):
        return [text for one in value for text in texts(one)]
    if hasattr(value, "__dataclass_fields__"):
        return [text for name in value.__dataclass_fields__ for text in texts(getattr(value, name))]
    return []
