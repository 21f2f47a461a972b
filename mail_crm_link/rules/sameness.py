"""What the contents of all copies of one mail have in common, whichever way they came.

On their way mails are encoded anew and their lines folded anew, and some servers turn each link into one of their own
that tells who followed it. What is left after that was written by the sender.
"""

import hashlib
import html as entities
import re
from collections.abc import Iterable
from urllib.parse import unquote

from .plaintext import folded, html_to_text

_LINK = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_TARGET = re.compile(r"<a\b[^>]{0,2000}?\bhref\s*=\s*[\"']?\s*(https?:[^\s\"'>]+)", re.IGNORECASE)
# Where servers that look at links first put the address: encoded in one of theirs (Microsoft, Barracuda, Cisco), with
# its own signs for that (Proofpoint 2), or as it is (Proofpoint 3).
_ENCODED = re.compile(r"https?%3a%2f%2f[^&/#]*", re.IGNORECASE)
_DASHED = re.compile(r"https?-3a__[^&#]*", re.IGNORECASE)
_FRAMED = re.compile(r"/v3/__(https?:.+?)__;", re.IGNORECASE)
_AFTER_LINK = "/.,;:!?)]}'*_"


def content_digest(text: str, html: str, filenames: Iterable[str]) -> str:
    """Hex sha256 of what a mail says, equal for all of its copies.

    :param text: the plain text, "" where it was made from ``html``
    :param filenames: of the attachments. Not their sizes: those are estimates where they were not fetched
    """
    said = folded(_LINK.sub(lambda link: link_target(link[0]), text))
    shown = folded(html_to_text(html)) if html else ""
    targets = {link_target(entities.unescape(target)) for target in _TARGET.findall(html)}
    parts = [said, shown, *sorted(targets), "", *sorted(filenames)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def link_target(url: str) -> str:
    """The page that a link leads to in the end, as far as the link itself tells; for comparisons only."""
    if framed := _FRAMED.search(url):
        url = framed[1]
    elif encoded := _ENCODED.search(url):
        url = unquote(encoded[0])
    elif dashed := _DASHED.search(url):
        url = unquote(dashed[0].replace("-", "%").replace("_", "/"))
    return re.split("[?#]", url, maxsplit=1)[0].rstrip(_AFTER_LINK).lower()
