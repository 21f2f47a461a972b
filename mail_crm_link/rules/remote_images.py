"""Images that load from the sender's server tell the sender that, when and where a mail was read.

Works on what ``sanitizer`` wrote: every attribute quoted with ``"``, every ``"`` in a value escaped.
"""

import re

BLOCKED_ATTRIBUTE = "data-crm-src"

_ATTRIBUTE = r'\s[^\s"=>]+(?:="[^"]*")?'
_REMOTE_SOURCE = re.compile(rf'(<img(?:{_ATTRIBUTE})*?\s)src(="https?:)', re.IGNORECASE)

_BLOCKED_SOURCE = re.compile(rf'(<img(?:{_ATTRIBUTE})*?\s){BLOCKED_ATTRIBUTE}(="https?:)', re.IGNORECASE)


def block_remote_images(html: str) -> str:
    """``html`` with the addresses of remote images in an attribute that loads nothing.

    :param html: of a mail, sanitised
    """
    return _REMOTE_SOURCE.sub(rf"\1{BLOCKED_ATTRIBUTE}\2", html)


def unblock_remote_images(html: str) -> str:
    """``html`` as it was before ``block_remote_images``, for who does not read it here."""
    return _BLOCKED_SOURCE.sub(r"\1src\2", html)
