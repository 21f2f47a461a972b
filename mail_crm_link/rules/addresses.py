"""Mail addresses: lists of them as headers carry them, and the forms in which cards may know them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import idna

from .charsets import decode_words, one_line

# RFC 5321 allows 320; senders of bounce addresses write longer ones.
_LONGEST = 512
_LONGEST_NAME = 300

_ATOM = r"[^\s<>()\[\],;:@\\\"]+"
# One well-formed entry and its separator: what almost every header consists of. Anything else takes the long way.
_PLAIN_ENTRY = re.compile(
    rf" ?(?:(?:\"([^\"\\]*)\"|([^\"<>()\[\],;:@\\]*)) ?<({_ATOM}@{_ATOM})>|({_ATOM}@{_ATOM})) ?(?:[,;] ?|$)"
)
_TOKEN = re.compile(
    r"""
      "(?P<quoted>(?:[^"\\]|\\.)*)(?P<closed>"|$)
    | <(?P<angle>[^<>]*)>
    | (?P<literal>\[[^\[\]]*\])
    | (?P<separator>[,;])
    | (?P<group>:)
    | (?P<comment>\()
    | (?P<text>[^"<\[,;:(]+)
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKETED = re.compile(rf"<({_ATOM}@{_ATOM})>")
_COMMENT = re.compile(r"\([^()]*\)")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_AFTER_NAME = ("", " ", "<", ",", ";", ":", "(")
_COMMENT_EDGE = re.compile(r"\\.|[()]", re.DOTALL)
# Relays before the address (RFC 822), and "mailto:".
_ROUTE = re.compile(r"^\s*[^\s\"\[]*:(?=[^:]*@)")
_AROUND_AT = re.compile(r"\s*@\s*")
_SPECIALS = re.compile(r"[\s<>()\[\],;:@\\\"\x00-\x1f\x7f\ud800-\udfff]")
_QUOTED_LOCAL = re.compile(r"\"(?:[^\"\\\x00-\x1f\x7f\ud800-\udfff]|\\[ -~])+\"")
_LITERAL_DOMAIN = re.compile(r"\[[\w.:-]+\]")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])?")


class Address(NamedTuple):
    """One participant: the display name as written (decoded), and the normalised address."""

    name: str
    email: str


def normalize(text: str) -> str:
    """The comparable form of the first address in ``text``; "" where there is none.

    Equal to what Odoo stores as ``email_normalized`` (``odoo.tools.email_normalize``): an ASCII local part is
    lower-cased, another one kept as written (RFC 6531), the domain is lower-cased and not converted to punycode.
    """
    found = parse_list(text)
    return found[0].email if found else ""


# Asked several times about each address of a mail, and a mailbox knows few of them.
@lru_cache(maxsize=10_000)
def match_keys(address: str) -> tuple[str, ...]:
    """All normalised forms under which a card may know ``address``, the most exact first.

    Itself and with its domain in the other IDN form, then both without the "+tag" of the local part.
    """
    email = normalize(address)
    if not email:
        return ()
    local, _at, domain = email.rpartition("@")
    untagged = local.partition("+")[0]
    locals_ = [local, untagged] if untagged and untagged != local else [local]
    return tuple(f"{one}@{form}" for one in locals_ for form in _domain_forms(domain))


def domain_of(address: str) -> str:
    """The domain of an address, lower-cased; "" where there is no address."""
    return normalize(address).rpartition("@")[2]


def parse_list(header_value: str) -> list[Address]:
    """All addresses of a header value, in order, each once; broken ones are left out.

    Understands groups, comments, quoted strings, encoded words (RFC 5322, RFC 2047), semicolons, missing angle
    brackets, and a whole list inside one encoded word. Never raises; linear in the length of the value.
    """
    # Folding goes first: long runs of blanks would make the pattern of entries backtrack.
    value = one_line(header_value)
    found = list(_parse(value))
    if not found and ("@" in value or "=?" in value):
        found = list(_rescue(value))
    if len(found) < 2:
        return found
    unique: dict[str, Address] = {}
    for address in found:
        unique.setdefault(address.email, address)
    return list(unique.values())


def is_blocked(address: str, entries: frozenset[str]) -> str:
    """The entry (address, domain or "@domain"; subdomains count) that hits ``address``, or ""."""
    if not entries:
        return ""
    return next((candidate for candidate in _block_candidates(address) if candidate in entries), "")


def parse_block_entry(text: str) -> str:
    """The normal form of a blocklist entry: an address, or a bare domain for "@domain", "*.domain", "domain".

    :raises ValueError: when it is neither an address nor a domain.
    """
    entry = text.strip()
    if "@" in entry.lstrip("@"):
        address = normalize(entry)
        if address and _is_domain(address.rpartition("@")[2]):
            return address
        raise ValueError(f"not an e-mail address: {text!r}")
    domain = entry.lower().removeprefix("@").removeprefix("*").removeprefix(".").removesuffix(".")
    if not _is_domain(domain):
        raise ValueError(f"neither an e-mail address nor a domain: {text!r}")
    return domain


def _parse(value: str) -> Iterator[Address]:
    position = 0
    while position < len(value):
        entry = _PLAIN_ENTRY.match(value, position)
        if entry is None:
            yield from _parse_broken(value[position:])
            return
        position = entry.end()
        quoted, bare, angle, alone = entry.groups()
        email = angle or alone
        # The pattern let nothing through that _comparable would refuse, but the quotes of some Outlooks.
        email = _comparable(email) if email[0] == "'" or len(email) > _LONGEST else _lowered(email)
        if email:
            yield Address(_name(quoted or bare or ""), email)


def _parse_broken(value: str) -> Iterator[Address]:
    words: list[str] = []
    comments: list[str] = []
    angle: str | None = None
    position = 0
    while position < len(value):
        token = _TOKEN.match(value, position)
        if token is None:
            break
        position = token.end()
        if token["closed"] == "":
            value, position = value[: token.start()] + value[token.start() :].replace('"', " "), token.start()
        elif token["comment"]:
            position, comment = _comment(value, position)
            comments.append(comment)
        elif token["separator"]:
            yield from _entry(words, comments, angle)
            words, comments, angle = [], [], None
        elif token["group"]:
            words = []
        elif token["angle"] is not None:
            angle = token["angle"] if angle is None or "@" not in angle else angle
        elif token["quoted"] is not None:
            words.append(_quoted(token["quoted"], value, position))
        else:
            words.append(token["literal"] or token["text"] or "")
    yield from _entry(words, comments, angle)


def _rescue(value: str) -> Iterator[Address]:
    """Addresses of a list that is encoded as a whole, or whose quotes or comments never end."""
    decoded = decode_words(value)
    if decoded != value:
        yield from _parse(one_line(decoded))
        return
    for email in _BRACKETED.findall(value):
        yield Address("", _lowered(email))


def _comment(value: str, start: int) -> tuple[int, str]:
    """The end of the comment opened before ``start``, and its text; nesting is counted, not followed."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(value, start):
        depth += {"(": 1, ")": -1}.get(edge[0], 0)
        if not depth:
            return edge.end(), value[start : edge.start()]
    return len(value), value[start:]


def _quoted(content: str, value: str, end: int) -> str:
    # A name loses its quotes; inside an address they stay, and are right only around the whole local part.
    return _QUOTED_PAIR.sub(r"\1", content) if value[end : end + 1] in _AFTER_NAME else f'"{content}"'


def _entry(words: list[str], comments: list[str], angle: str | None) -> Iterator[Address]:
    text = "".join(words)
    if angle is not None and "@" in angle:
        email = _comparable(_AROUND_AT.sub("@", _ROUTE.sub("", _COMMENT.sub("", angle)).strip()))
        if email:
            yield Address(_name(text or " ".join(comments)), email)
            return
    yield from _bare(text, comments)


def _bare(text: str, comments: list[str]) -> Iterator[Address]:
    """Addresses that stand without angle brackets, with the words around them as the name."""
    text = _AROUND_AT.sub("@", text).strip()
    whole = _comparable(text)
    if whole:
        yield Address(_name(" ".join(comments)), whole)
        return
    pieces = text.split()
    name = " ".join([piece for piece in pieces if "@" not in piece] or comments)
    for piece in pieces:
        email = _comparable(piece) if "@" in piece else ""
        if email:
            yield Address(_name(name), email)


def _name(text: str) -> str:
    return (one_line(decode_words(text)) if "=?" in text else text.strip()).strip('"')[:_LONGEST_NAME]


def _comparable(text: str) -> str:
    if len(text) > 2 and text[0] == text[-1] == "'":
        text = text[1:-1]
    local, _at, domain = text.rpartition("@")
    if not local or not domain or len(text) > _LONGEST:
        return ""
    if _SPECIALS.search(local) and not _QUOTED_LOCAL.fullmatch(local):
        return ""
    if _SPECIALS.search(domain) and not _LITERAL_DOMAIN.fullmatch(domain):
        return ""
    return _lowered(text)


def _lowered(email: str) -> str:
    if email.isascii():
        return email.lower()
    local, _at, domain = email.rpartition("@")
    return f"{local.lower() if local.isascii() else local}@{domain.lower()}"


def _domain_forms(domain: str) -> tuple[str, ...]:
    if domain.isascii() and "xn--" not in domain:
        return (domain,)
    try:
        other = idna.decode(domain) if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return (domain,)
    return (domain, other)


def _block_candidates(address: str) -> Iterator[str]:
    keys = match_keys(address)
    yield from keys
    for domain in dict.fromkeys(key.rpartition("@")[2] for key in keys):
        labels = domain.split(".")
        for index in range(len(labels)):
            parent = ".".join(labels[index:])
            yield parent
            yield f"@{parent}"


def _is_domain(text: str) -> bool:
    return len(text) <= 253 and _DOMAIN.fullmatch(text) is not None
