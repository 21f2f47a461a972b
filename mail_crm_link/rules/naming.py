"""Names of records out of subjects and display names."""

import re
import unicodedata

from .addresses import Address
from .charsets import one_line

# What mail programs put before a subject they answer or forward, in the languages they speak; each before ":" or its
# full-width form, optionally counted: "Re[2]:", "RE(3):", "Re^2:".
_PREFIXES = (
    *("re", "fw", "fwd", "aw", "wg", "antw", "antwort", "wtr", "doorst", "vb", "rép", "rep", "tr", "rv", "res", "enc"),
    *("rif", "r", "i", "inol", "sv", "svar", "vs", "vl", "vidb", "vast", "videresendt", "ynt", "yan", "ilt", "i̇lt"),
    *("odp", "pd", "přep", "vá", "továbbítás", "tov", "atb", "ats", "balas", "trả lời", "chuyển tiếp"),
    *("απ", "πρθ", "σχετ", "отв", "ответ", "пересл", "перес", "на", "нa", "ha", "відп", "відпов", "пересл", "пер"),
    *("回复", "回覆", "答复", "答覆", "轉寄", "转发", "轉發", "返信", "転送", "답장", "회신", "전달", "ตอบ", "ส่งต่อ"),
    *("رد", "إعادة توجيه", "השב", "תגובה", "הועבר"),
)
_PREFIX = re.compile(
    rf"\s*(?:{'|'.join(sorted(map(re.escape, set(_PREFIXES)), key=len, reverse=True))})"
    r"\s*(?:[\[(^]\s*\d{1,3}\s*[\])]?)?\s*[:：]\s*",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"\s*\[\s*(?:fwd|fw|re)\s*:\s*(?P<inner>.*)\]\s*", re.IGNORECASE | re.DOTALL)
# Marks that turn the direction of what follows, also outside of the name they came in.
_DIRECTION = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff\u200b\u00ad]")
_JOINS = re.compile("[\u200d\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_VIA = re.compile(r"\s+(?:via|über|through)\s+\S.*$", re.IGNORECASE)
_REMARK = re.compile(r"\s*[\[(<][^\])>]*[\])>]\s*$")
_WORDS_OF_COMPANY = re.compile(
    r"\b(?:gmbh|ag|kg|ug|inc|llc|ltd|plc|corp|co|sa|sarl|sas|bv|nv|srl|spa|oy|ab|as|aps|mbh|ohg|gbr|ev|e\.v|llp)\b\.?",
    re.IGNORECASE,
)

DEFAULT_LIMIT = 120
_LONGEST_READ = 500


def clean_subject(subject: str) -> str:
    """``subject`` without the prefixes of replies and forwards, on one line, without marks of direction."""
    text = one_line(_DIRECTION.sub("", subject[:_LONGEST_READ]))
    while True:
        tagged = _TAGGED.fullmatch(text)
        shorter = tagged["inner"] if tagged else text[_prefix_end(text) :]
        if shorter == text:
            return text.strip()
        text = shorter


def record_name(subject: str, fallback: str, limit: int = DEFAULT_LIMIT) -> str:
    """A name for a record: the clean subject or else ``fallback``, at most ``limit`` characters, cut at a word."""
    name = clean_subject(subject) or one_line(_DIRECTION.sub("", fallback))
    return name if len(name) <= limit else _cut(name, limit)


def person_name(address: Address) -> str:
    """The display name as a person would write it; "" where it only repeats the address.

    "Doe, Jane" becomes "Jane Doe", "JANE DOE via Foo" becomes "Jane Doe".
    """
    name = one_line(_DIRECTION.sub("", address.name[:_LONGEST_READ])).strip("\"'`´‘’“”„«» ")
    name = _REMARK.sub("", _VIA.sub("", name)).strip("\"'` ,;")
    if not _says_more(name, address.email):
        return ""
    return _recased(_turned(name))


def _prefix_end(text: str) -> int:
    prefix = _PREFIX.match(text)
    return prefix.end() if prefix else 0


def _cut(text: str, limit: int) -> str:
    """The first ``limit - 1`` characters at most, not inside a word or a joined character, and an ellipsis."""
    end = limit - 1
    blank = text.rfind(" ", limit // 2, end + 1)
    if blank > 0:
        return text[:blank].rstrip(" ,;:-–—") + "…"
    while end > 1 and _joined(text, end):
        end -= 1
    return text[:end] + "…"


def _joined(text: str, position: int) -> bool:
    """Whether the character at ``position`` belongs to the one before (UAX 29, as far as names have it)."""
    here, before = text[position], text[position - 1]
    if unicodedata.combining(here) or unicodedata.category(here) in ("Mn", "Me", "Mc") or _JOINS.match(here):
        return True
    return before == "\u200d" or _is_flag(here) and _is_flag(before)


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _says_more(name: str, email: str) -> bool:
    if not any(character.isalpha() for character in name):
        return False
    return "@" not in name and name.lower() != email.partition("@")[0]


def _turned(name: str) -> str:
    last, comma, first_name = (part.strip() for part in name.partition(","))
    if not comma or not last or not first_name or "," in first_name:
        return name
    if _WORDS_OF_COMPANY.search(first_name) or any(character.isdigit() for character in name):
        return name
    return f"{first_name} {last}"


def _recased(name: str) -> str:
    words = name.split()
    if len(words) < 2 or _WORDS_OF_COMPANY.search(name) or any(character.isdigit() for character in name):
        return name
    if not (name.isupper() or name.islower()) or min(map(len, words)) < 2 and not name.islower():
        return name
    return " ".join(_capitalized(word) for word in words)


def _capitalized(word: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda letters: letters[0].capitalize(), word)
