"""Phone and company of a sender, where the mail states them beyond doubt.

Only what is labelled counts, only below the line "-- " that begins a signature, and only where there is one answer.
"""

import re
from typing import NamedTuple

from .charsets import decode_words, one_line
from .fields import first
from .header import Header

# A signature is some lines; what is longer is a mail that has the delimiter in its text.
_MOST_LINES = 20

_DELIMITER = re.compile(r"(?:^|\n)-- ?\r?\n")
_NUMBER = r"(?P<number>\(?\+?[\d(][\d ().\-/\u00a0]{5,24}\d)"
_LABELS = (
    r"(?:tel(?:efon|éfono|ephone|efono|efone)?|phone|ph|fon|office|t|p|тел(?:ефон)?)",
    r"(?:mobile?|mobil|cell(?:ular)?|handy|portable|móvil|cellulare|m|моб(?:ільний)?)",
)
_PHONES = tuple(re.compile(rf"(?<!\w){label}\.?\s*:\s*{_NUMBER}(?!\d)", re.IGNORECASE) for label in _LABELS)
# Legal forms that nothing but a company carries, at the end of a line.
_COMPANY = re.compile(
    r"(?P<company>[^\W\d_][^,;:|@\n]{1,80}?\s(?:"
    r"GmbH(?: & Co\. ?KG)?|AG|UG|KG|OHG|e\.K\.|Inc\.?|LLC|L\.L\.C\.|Ltd\.?|PLC|Corp\.?|S\.A\.?|S\.A\.S\.?|SAS|SARL"
    r"|S\.L\.|S\.r\.l\.|S\.p\.A\.|B\.V\.|N\.V\.|Oy|A/S|ApS|Sp\. z o\.o\.|s\.r\.o\."
    r"))"
)
_DIGIT = re.compile(r"\d")


class Stated(NamedTuple):
    """What was found; "" for what was not, or not without doubt."""

    phone: str
    company: str


def stated(header: Header, text: str) -> Stated:
    """Phone and company of the sender of a mail whose plain text is ``text`` (without quotes of other mails)."""
    lines = _signature_lines(text)
    organization = one_line(decode_words(first(header.fields, "organization")))
    return Stated(_phone(lines), organization or _company(lines))


def _signature_lines(text: str) -> list[str]:
    parts = _DELIMITER.split(text)
    if len(parts) != 2:
        return []
    lines = [line.strip() for line in parts[1].splitlines()]
    quoted = next((number for number, line in enumerate(lines) if line.startswith(">")), len(lines))
    return lines[:quoted] if len(lines[:quoted]) <= _MOST_LINES else []


def _phone(lines: list[str]) -> str:
    """The landline, or where there is none the mobile number; "" where there are two of a kind."""
    for pattern in _PHONES:
        numbers = {" ".join(found["number"].split()) for line in lines for found in pattern.finditer(line)}
        plausible = [number for number in numbers if 7 <= len(_DIGIT.findall(number)) <= 15]
        if plausible:
            return plausible[0] if len(plausible) == 1 else ""
    return ""


def _company(lines: list[str]) -> str:
    companies = {found["company"] for line in lines if (found := _COMPANY.fullmatch(line))}
    return companies.pop() if len(companies) == 1 else ""
