"""What is said about a text, and the seams at which engines and the recognition of languages are exchanged."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol

Sentiment = Literal["positive", "neutral", "negative", "unknown"]
Reason = Literal["", "empty", "language"]

# Scores of engines mean the same: from here on a text is not neutral any more.
POSITIVE_FROM = 0.25
NEGATIVE_FROM = -0.2


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    :param score: from -1 (negative) to 1 (positive); 0.0 where nothing could be judged
    :param language: ISO 639-1 code of what most of the text is written in; "" if that is not known
    :param reason: why ``sentiment`` is ``unknown``: no new text, or no engine knows the language
    """

    sentiment: Sentiment
    score: float = 0.0
    language: str = ""
    reason: Reason = ""


class LibraryMissing(Exception):
    """Nothing can be judged before ``library`` (its name in the package index) is installed."""

    def __init__(self, library: str):
        super().__init__(f"The Python library {library} is not installed.")
        self.library = library


class Engine(Protocol):
    """Judges texts of some languages, offline; one instance is used by several threads."""

    @property
    def languages(self) -> Collection[str]:
        """ISO 639-1 codes."""

    def score(self, text: str, language: str) -> float:
        """From -1 (negative) to 1 (positive), for ``text`` in one of `languages`; see `POSITIVE_FROM`."""


class Identifier(Protocol):
    """Tells the language of texts."""

    def language(self, text: str) -> str:
        """ISO 639-1 code; "" where no language is likely."""


def sentiment_of(score: float) -> Sentiment:
    if score >= POSITIVE_FROM:
        return "positive"
    return "negative" if score <= NEGATIVE_FROM else "neutral"
