"""Whether the writer of a mail is content: positive, neutral, negative, or unknown, with a score.

::

    plain text ──► own_words ──► identification ──► engine of the language ──► Judgement
                   no quotes,    py3langid          lexicon_engine,
                   signature                        or yours

Nothing leaves the machine, and nothing is learnt from the mails.
"""

from .base import Engine, Identifier, Judgement, LibraryMissing, Sentiment, sentiment_of
from .identification import Py3Langid, missing_library
from .judge import ENGINES, Judge, languages
from .lexicon_engine import LexiconEngine
from .own_words import own_words

__all__ = [
    "ENGINES",
    "Engine",
    "Identifier",
    "Judge",
    "Judgement",
    "LexiconEngine",
    "LibraryMissing",
    "Py3Langid",
    "Sentiment",
    "languages",
    "missing_library",
    "own_words",
    "sentiment_of",
]
