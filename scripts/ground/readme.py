"""The addon's README.rst, which app stores show, put together from its fragments."""

from . import places
from .console import say

ADDON = places.ROOT / places.MODULE
TITLE = "CRM Mailbox Link"
SECTIONS = {"DESCRIPTION": "", "CONFIGURE": "Configuration", "USAGE": "Usage", "ROADMAP": "Known limits"}


def is_outdated(fix: bool) -> bool:
    """Whether the file is not what the fragments make; with ``fix`` it is written."""
    say("▸ README of the addon")
    path = ADDON / "README.rst"
    text = assembled()
    if path.exists() and path.read_text() == text:
        return False
    if fix:
        path.write_text(text)
        return False
    say(f"{path.relative_to(places.ROOT)} is not made of readme/; say: scripts/launch lint --fix")
    return True


def assembled() -> str:
    parts = [headed(TITLE, "=")]
    for fragment, heading in SECTIONS.items():
        text = (ADDON / "readme" / f"{fragment}.rst").read_text()
        parts.append(f"{headed(heading, '-')}\n{text}" if heading else text)
    return "\n".join(parts)


def headed(title: str, mark: str) -> str:
    return f"{title}\n{mark * len(title)}\n"
