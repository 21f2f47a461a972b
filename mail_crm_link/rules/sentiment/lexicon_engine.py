"""Judges by lexicons: what words say, turned by negations, strengthened and weakened by what stands around them.

Made for letters of business: thanks and wishes are courtesy and count only in what is short and has no complaint; a
complaint counts wherever it stands, however politely it is said.
"""

import re
from collections.abc import Collection
from functools import cached_property, lru_cache
from math import sqrt
from operator import add
from pathlib import Path
from typing import NamedTuple

from .lexicon import Entry, Lexicon, tokens_of

LEXICONS = Path(__file__).parent / "lexicons"

# Where the sum of a sentence counts half of what it can: a word of weight 2 makes 0.46 (as in VADER, Hutto 2014).
_SATURATION = 15
# What stands so many words before a word concerns it.
_NEGATION_REACH, _DEGREE_REACH = 3, 2
_NEGATED_PRAISE, _NEGATED_BLAME = -0.6, -0.1
_BOOSTED, _DAMPED, _EXCLAIMED = 1.3, 0.6, 1.15
_BEFORE_TURN, _AFTER_TURN = 0.7, 1.3
# A long mail in which one sentence complains is a complaint; one in which one sentence praises need not be praise.
_BLAME_DILUTION, _PRAISE_DILUTION = 0.15, 0.55
# How fast praise loses its worth beside blame: it has none left where blame is -0.5.
_PRAISE_OF_COMPLAINTS = 2.0
_PRAISE_OF_REQUESTS = 0.4
# Sentences from which on a text is a letter, not a remark.
_LETTER = 3

# Lines are wrapped, so one line break ends no sentence.
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n\s*\n|\n(?=\s*[-*•])|(?<=:)\s*\n")
_STRAIGHT = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "–": "-"})


class _Found(NamedTuple):
    position: int
    entry: Entry


class _Mood(NamedTuple):
    """Sums over the sentences of a text, each sentence between -1 and 1."""

    praise: float = 0.0
    blame: float = 0.0
    courtesy: float = 0.0
    requests: int = 0
    sentences: int = 0

    def with_sentence(self, worth: float, courtesy: float, request: bool) -> "_Mood":
        praise, blame = max(worth, 0.0), min(worth, 0.0)
        return _Mood(*map(add, self, (praise, blame, courtesy, request, 1)))

    def score(self) -> float:
        if not self.sentences:
            return 0.0
        blame = self.blame / self.sentences**_BLAME_DILUTION
        praise = self.praise / self.sentences**_PRAISE_DILUTION * self._sincerity(blame)
        courtesy = 0.0 if self.blame else self.courtesy / self.sentences
        return max(-1.0, min(1.0, float(praise + courtesy + blame)))

    def _sincerity(self, blame: float) -> float:
        """What praise is worth: who complains or wants something in a letter is polite before."""
        asks = self.requests and self.sentences >= _LETTER
        return max(0.0, 1.0 + blame * _PRAISE_OF_COMPLAINTS) * (_PRAISE_OF_REQUESTS if asks else 1.0)


class LexiconEngine:
    """Judges the languages that there is a lexicon of in ``folder``: ``en.txt`` and so on."""

    def __init__(self, folder: Path = LEXICONS):
        self._folder = folder
        self._lexicon = lru_cache(None)(self._read)

    @cached_property
    def languages(self) -> Collection[str]:
        return frozenset(path.stem for path in self._folder.glob("*.txt"))

    def score(self, text: str, language: str) -> float:
        lexicon = self._lexicon(language)
        mood = _Mood()
        for sentence in _SENTENCE_END.split(text.translate(_STRAIGHT).lower()):
            if tokens := tokens_of(sentence):
                mood = mood.with_sentence(*_read_sentence(lexicon, tokens))
        return mood.score()

    def _read(self, language: str) -> Lexicon:
        return Lexicon.read(self._folder / f"{language}.txt")


def _read_sentence(lexicon: Lexicon, tokens: list[str]) -> tuple[float, float, bool]:
    """What a sentence says, how courteous it is, each from -1 to 1, and whether it wants something."""
    found = _found(lexicon, tokens)
    sums = {"words": 0.0, "courtesy": 0.0}
    for number, (_position, entry) in enumerate(found):
        if entry.kind in sums:
            sums[entry.kind] += entry.weight * _factor(found, number)
    exclaimed = _EXCLAIMED if tokens[-1][0] == "!" else 1.0
    asks = "?" in tokens[-1] or any(one.entry.kind == "requests" for one in found)
    return _saturated(sums["words"] * exclaimed), _saturated(max(0.0, sums["courtesy"]) * exclaimed), asks


def _found(lexicon: Lexicon, tokens: list[str]) -> list[_Found]:
    """The entries in a sentence, the longest at each place."""
    found = []
    position = 0
    while position < len(tokens):
        entry = lexicon.entry_at(tokens, position)
        if entry:
            found.append(_Found(position, entry))
        position += len(entry.words) if entry else 1
    return found


def _factor(found: list[_Found], number: int) -> float:
    """By what the entries around it multiply the weight of one."""
    position, entry = found[number]
    factor = 1.0
    negated = False
    for other in reversed(found[:number]):
        distance = position - other.position - len(other.entry.words) + 1
        if other.entry.kind == "negations":
            negated = negated or distance <= _NEGATION_REACH
        elif other.entry.kind == "turns":
            factor *= _AFTER_TURN
            break
        elif distance <= _DEGREE_REACH:
            factor *= _degree(other.entry, entry)
    if any(other.entry.kind == "turns" for other in found[number + 1 :]):
        factor *= _BEFORE_TURN
    if negated:
        factor *= _NEGATED_PRAISE if entry.weight > 0 else _NEGATED_BLAME
    return factor


def _degree(degree: Entry, entry: Entry) -> float:
    if degree.kind == "boosters":
        return _BOOSTED
    # "A little disappointed" is how polite people say that they are.
    return _DAMPED if degree.kind == "dampers" and entry.weight > 0 else 1.0


def _saturated(worth: float) -> float:
    return worth / sqrt(worth * worth + _SATURATION)
