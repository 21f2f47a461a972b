"""Judges mails: finds what is new in them, tells its language, and asks the engine of that language."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from .base import Engine, Identifier, Judgement, sentiment_of
from .identification import Py3Langid
from .lexicon_engine import LexiconEngine
from .own_words import own_words

# What is shorter than a sentence (characters) is taken to be in the language of the rest.
_SENTENCE = 40
# Of a text in several languages, so much (share of its characters) has to be in some that can be judged.
_ENOUGH = 0.6

#: What judges. The first one that knows a language judges its mail: put yours before ours to replace it.
ENGINES: list[Callable[[], Engine]] = [LexiconEngine]
#: What tells languages; gets the languages that can be judged.
IDENTIFIER: Callable[[frozenset[str]], Identifier] = Py3Langid


def languages() -> frozenset[str]:
    """ISO 639-1 codes of the languages that can be judged; nothing is loaded for it."""
    return frozenset(_by_language([make() for make in ENGINES]))


class Judge:
    """Judges the mails of one batch after the other; making one loads the engines.

    :raises LibraryMissing: a library that is needed is not installed
    """

    def __init__(self, engines: Sequence[Engine] | None = None, identifier: Identifier | None = None):
        self._engine_of = _by_language([make() for make in ENGINES] if engines is None else engines)
        self._identifier = identifier or IDENTIFIER(self.languages)

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages that can be judged."""
        return frozenset(self._engine_of)

    def judge(self, text: str) -> Judgement:
        """What the writer of a mail feels, by what is new in its plain ``text`` of any length."""
        words = own_words(text)
        if not any(character.isalpha() for character in words):
            return Judgement("unknown", reason="empty")
        return self._judge_parts(self._by_language(words))

    def _judge_parts(self, parts: Mapping[str, str]) -> Judgement:
        """
        :param parts: text by language, the most of it first
        """
        language = next(iter(parts))
        known = {code: part for code, part in parts.items() if code in self._engine_of}
        if sum(map(len, known.values())) < _ENOUGH * sum(map(len, parts.values())):
            return Judgement("unknown", language=language, reason="language")
        scores = {code: self._engine_of[code].score(part, code) for code, part in known.items()}
        score = _combined(scores, known)
        return Judgement(sentiment_of(score), score, language)

    def _by_language(self, words: str) -> dict[str, str]:
        """The paragraphs of each language together; most mails have one language."""
        first = self._identifier.language(words)
        end = words.rpartition("\n\n")[2]
        if len(end) in (0, len(words)) or first == self._identifier.language(end):
            return {first: words}
        paragraphs: defaultdict[str, list[str]] = defaultdict(list)
        for paragraph in words.split("\n\n"):
            language = self._identifier.language(paragraph) if len(paragraph) >= _SENTENCE else first
            paragraphs[language].append(paragraph)
        parts = {language: "\n\n".join(ones) for language, ones in paragraphs.items()}
        return dict(sorted(parts.items(), key=lambda item: len(item[1]), reverse=True))


def _by_language(engines: Sequence[Engine]) -> dict[str, Engine]:
    return {language: engine for engine in reversed(engines) for language in engine.languages}


def _combined(scores: Mapping[str, float], parts: Mapping[str, str]) -> float:
    """The worst, if somebody complains in one of the languages; else the average by length."""
    worst = min(scores.values())
    if sentiment_of(worst) == "negative":
        return worst
    return sum(score * len(parts[language]) for language, score in scores.items()) / sum(map(len, parts.values()))
