"""Words and phrases of one language, and what they say about mood.

A lexicon is a text file: sections of entries separated by commas, ``*`` for any ending; in ``[words]`` and
``[courtesy]`` each line begins with the weight of its entries, from -4 to 4.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["words", "rituals", "courtesy", "negations", "boosters", "dampers", "turns", "requests"]

# Mail has few different words, and the longest ones are no words.
_WORDS_REMEMBERED = 50_000
_SHORTEST_STEM, _LONGEST_WORD = 3, 40

_SECTION = re.compile(r"\[(\w+)\]")
_TOKEN = re.compile(
    # Words with their apostrophes and hyphens; emoticons, but not the beginning of "://"; marks that end a sentence.
    r"[^\W_]+(?:['-][^\W_]+)*|(?<!\w)[:;=>][-'(]?[()dp/|](?!\w)\(?|<3|\^\^|\+1(?!\d)|[!?]+"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A word or phrase; words that end in "*" stand for all that begin so."""

    kind: Kind
    words: tuple[str, ...]
    weight: float = 0.0

    def begins(self, tokens: Sequence[str], position: int) -> bool:
        """Whether it stands in ``tokens`` from ``position`` on."""
        stretch = tokens[position : position + len(self.words)]
        return len(stretch) == len(self.words) and all(map(_fits, self.words, stretch))


def _fits(word: str, token: str) -> bool:
    return word == token or (word[-1] == "*" and token.startswith(word[:-1]))


class Lexicon:
    """Entries by what they begin with."""

    def __init__(self, entries: Sequence[Entry]):
        self._by_word: defaultdict[str, list[Entry]] = defaultdict(list)
        self._by_stem: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            first = entry.words[0]
            index = self._by_stem if first.endswith("*") else self._by_word
            index[first.rstrip("*")].append(entry)
        self._beginning_with = lru_cache(_WORDS_REMEMBERED)(self._find)

    @classmethod
    def read(cls, path: Path) -> "Lexicon":
        """:raises ValueError: a line is in no known section, or weighs nothing where it should"""
        return cls(list(_entries(path.read_text(encoding="utf-8"))))

    def entry_at(self, tokens: Sequence[str], position: int) -> Entry | None:
        """The longest entry that stands in ``tokens`` from ``position`` on."""
        candidates = self._beginning_with(tokens[position])
        for entry in candidates:
            if entry.begins(tokens, position):
                return entry
        return None

    def _find(self, token: str) -> tuple[Entry, ...]:
        found = list(self._by_word.get(token, ()))
        for end in range(_SHORTEST_STEM, min(len(token), _LONGEST_WORD) + 1):
            found += self._by_stem.get(token[:end], ())
        return tuple(sorted(found, key=lambda entry: len(entry.words), reverse=True))


def tokens_of(text: str) -> list[str]:
    """Words, emoticons and marks of ``text``, which is in lower case with straight apostrophes."""
    return _TOKEN.findall(text)


def _entries(text: str) -> Iterator[Entry]:
    kind: Kind | None = None
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if section := _SECTION.fullmatch(line):
            kind = _kind(section[1])
        elif kind in ("words", "courtesy"):
            weight, _colon, phrases = line.partition(": ")
            yield from _phrases(kind, phrases, float(weight))
        elif kind:
            yield from _phrases(kind, line, 0.0)
        else:
            raise ValueError(f"Before the first section: {line}")


def _kind(name: str) -> Kind:
    for kind in get_args(Kind):
        if kind == name:
            return kind  # type: ignore[no-any-return]
    raise ValueError(f"No section of a lexicon: {name}")


def _phrases(kind: Kind, line: str, weight: float) -> Iterator[Entry]:
    for phrase in line.split(", "):
        yield Entry(kind, tuple(phrase.split()), weight)
