"""Octets of strangers into text that a database accepts."""

import base64
import binascii
import re

# Labels seen in mail that Python lacks, and supersets that the senders of a label really use
# (https://encoding.spec.whatwg.org/#names-and-labels says the same of the web).
_LABELS = {
    "": "utf-8",
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "unknown-8bit": "utf-8",
    "x-unknown": "utf-8",
    "default": "utf-8",
    "binary": "utf-8",
    "8bit": "utf-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "windows-874": "cp874",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-user-defined": "cp1252",
}
# Python codecs that are no charset of any mail, and slow or surprising on hostile octets.
_FORBIDDEN = frozenset(
    {"idna", "punycode", "unicode_escape", "unicode-escape", "raw_unicode_escape", "raw-unicode-escape", "undefined"}
)
_FALLBACK = "cp1252"

# XML (and so Odoo's editor and PostgreSQL's text) has no place for these.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_REFUSED_ASCII = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))

_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?((?:[^?]|\?(?!=)){0,4096})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")


def decode(octets: bytes, charset: str | None = None) -> str:
    """Text of ``octets`` as ``charset`` says, as UTF-8 or Windows-1252 where it lies; without NUL or surrogates."""
    label = (charset or "").strip().strip("\"'").lower().partition("*")[0]
    codec = _LABELS.get(label, label)
    for candidate in (codec, "utf-8"):
        text = _strictly(octets, candidate)
        if text is not None:
            return clean(text.lstrip("\ufeff"))
    return clean(_leniently(octets, _FALLBACK if codec == "utf-8" else codec))


def clean(text: str) -> str:
    """``text`` without what PostgreSQL and XML refuse: NUL, other controls, lone surrogates."""
    if text.isascii():
        return text.translate(_REFUSED_ASCII)
    return _REFUSED.sub("", text)


def one_line(text: str) -> str:
    """``text`` cleaned, with every run of blanks and line ends made one space."""
    return " ".join((text if text.isprintable() else clean(text)).split())


def decode_words(value: str) -> str:
    """Text of a header value with RFC 2047 encoded words; broken words stay as they are."""
    if "=?" not in value:
        return value
    value = _BETWEEN_WORDS.sub(r"\1", value)
    text: list[str] = []
    octets, charset, end = b"", "", 0
    for word in _ENCODED_WORD.finditer(value):
        gap = value[end : word.start()]
        # A character may be cut in two by the limit of 75 octets a word, so equal neighbours are decoded as one.
        if octets and (gap or word[1].lower() != charset):
            text.append(decode(octets, charset))
            octets = b""
        text.append(gap)
        octets, charset, end = octets + _word_octets(word[2], word[3]), word[1].lower(), word.end()
    if octets:
        text.append(decode(octets, charset))
    text.append(value[end:])
    return "".join(text)


def from_base64(octets: bytes) -> bytes:
    """Decoded base64; what is no base64 is skipped, and a cut end is dropped."""
    try:
        return base64.b64decode(octets)
    except (binascii.Error, ValueError):
        alphabet = re.sub(rb"[^A-Za-z0-9+/]", b"", octets)
        return base64.b64decode(alphabet[: len(alphabet) - (len(alphabet) % 4 == 1)] + b"==")


def _word_octets(encoding: str, encoded: str) -> bytes:
    raw = encoded.encode("utf-8", "replace")
    if encoding in "bB":
        return from_base64(raw)
    return binascii.a2b_qp(raw.replace(b" ", b"_"), header=True)


def _strictly(octets: bytes, codec: str) -> str | None:
    if codec in _FORBIDDEN:
        return None
    try:
        return octets.decode(codec)
    except (LookupError, ValueError):
        return None


def _leniently(octets: bytes, codec: str) -> str:
    if codec not in _FORBIDDEN:
        try:
            return octets.decode(codec, "replace")
        except (LookupError, ValueError):
            pass
    return octets.decode(_FALLBACK, "replace")
