"""Which language a text is in, by py3langid (140 languages, offline)."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from .base import LibraryMissing

LIBRARY = "py3langid"

# Characters; that is enough, and recognising takes time by the character.
_SAMPLE = 150
# Of texts below it every other one was taken for a wrong language: single words, numbers, names.
_LIKELY = 0.05
# Short texts get no firm answer; what is likely among the languages that can be judged is more often right.
_FEW_CHARACTERS, _SURE = 60, 0.7


class Py3Langid:
    """
    :param preferred: languages that short texts are rather in
    :raises LibraryMissing: py3langid is not installed
    """

    def __init__(self, preferred: frozenset[str]):
        model = _model()
        self._classify: Callable[[str], tuple[str, float]] = model.classify
        self._rank: Callable[[str], list[tuple[str, float]]] = model.rank
        self._preferred = preferred

    def language(self, text: str) -> str:
        sample = text[:_SAMPLE]
        language, likelihood = self._classify(sample)
        if len(sample) > _FEW_CHARACTERS or likelihood > _SURE or language in self._preferred:
            return language if likelihood > _LIKELY else ""
        return next((one for one, how in self._rank(sample) if one in self._preferred and how > _LIKELY), "")


def missing_library() -> str:
    """The name of the library if it is not installed, else ""; nothing is loaded for it."""
    return "" if find_spec(LIBRARY) else LIBRARY


def _model() -> Any:
    try:
        from py3langid import langid
    except ImportError as error:
        raise LibraryMissing(LIBRARY) from error
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
