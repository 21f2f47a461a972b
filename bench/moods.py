"""How good and how fast the judging of moods is, beside another engine in the same run.

Texts that people labelled are read from ``sentiment/en_senti4sd_test.csv`` below the folder that ``MAIL_CORPUS`` names
(columns ``label``: pos, neu, neg; ``text``); whole letters of business from ``tests/corpus/business``. Nothing was
learnt from either. By itself: ``MAIL_CORPUS=… PYTHONPATH=.:tests python -m bench.moods``.
"""

import csv
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from email import message_from_bytes, policy
from pathlib import Path
from time import perf_counter, process_time

import plain_addon  # noqa: F401

from mail_crm_link.rules.sentiment import Judge

ROOT = Path(__file__).resolve().parent.parent
BUSINESS = ROOT / "tests" / "corpus" / "business"
LABELS = {"pos": "positive", "neu": "neutral", "neg": "negative"}
#: What each kind of our letters should be taken for.
EXPECTED = {"complaint": "negative", "implied": "negative", "neutral": "neutral", "praise": "positive"}
# For whole texts, as known of VADER: https://github.com/cjhutto/vaderSentiment
VADER_NEUTRAL = (-0.05, 0.2)

Sentiments = Callable[[str], str]


def labelled() -> list[tuple[str, str]]:
    """Label and text of each; nothing where there is no corpus."""
    path = Path(os.environ.get("MAIL_CORPUS", "")) / "sentiment" / "en_senti4sd_test.csv"
    if not os.environ.get("MAIL_CORPUS") or not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as rows:
        return [(LABELS[row["label"]], row["text"]) for row in csv.DictReader(rows)]


def letters() -> list[tuple[str, str]]:
    """Kind and text of each of our own letters."""
    return [(path.name.split("-")[0], _text(path)) for path in sorted(BUSINESS.glob("*.eml"))]


def _text(path: Path) -> str:
    body = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def ours() -> Sentiments:
    judge = Judge()
    return lambda text: judge.judge(text).sentiment


def vader() -> Sentiments | None:
    """The engine that others are compared with; nothing where it is not installed."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyzer = SentimentIntensityAnalyzer()
    lowest, highest = VADER_NEUTRAL

    def sentiment(text: str) -> str:
        compound = analyzer.polarity_scores(text)["compound"]
        return "positive" if compound >= highest else "negative" if compound <= lowest else "neutral"

    return sentiment


def engines() -> Mapping[str, Sentiments]:
    return {name: engine for name, make in {"ours": ours, "VADER": vader}.items() if (engine := make())}


def measured(engine: Sentiments, texts: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Macro-F1 of what ``engine`` says, ``unknown`` counting as neutral, and mails a second."""
    started = perf_counter(), process_time()
    found = [engine(text) for _label, text in texts]
    seconds, processor = perf_counter() - started[0], process_time() - started[1]
    pairs = [
        (label, sentiment.replace("unknown", "neutral")) for (label, _), sentiment in zip(texts, found, strict=True)
    ]
    return {"f1": macro_f1(pairs), "rate": len(texts) / seconds, "processor_rate": len(texts) / processor}


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """
    :param pairs: of what is right and what was said
    """
    return sum(_f1(pairs, label) for label in LABELS.values()) / len(LABELS)


def _f1(pairs: Sequence[tuple[str, str]], label: str) -> float:
    hits = sum(right == label == said for right, said in pairs)
    named = sum((right == label) + (said == label) for right, said in pairs)
    return 2 * hits / named if named else 0.0


def confusion(engine: Sentiments) -> dict[str, Counter[str]]:
    """What was said of our letters, by their kind."""
    table: dict[str, Counter[str]] = {kind: Counter() for kind in EXPECTED}
    for kind, text in letters():
        table[kind][engine(text)] += 1
    return table


def lines(engine: Sentiments) -> Iterator[str]:
    """The confusion matrix for people."""
    columns = (*LABELS.values(), "unknown")
    yield f"{'':<12}" + "".join(f"{column:>10}" for column in columns)
    for kind, said in confusion(engine).items():
        yield f"{kind:<12}" + "".join(f"{said[column]:>10}" for column in columns)


def main() -> int:
    texts = labelled()
    for name, engine in engines().items():
        print(f"\n{name}")
        if texts:
            found = measured(engine, texts)
            speed = f"{found['rate']:,.0f} mails/s ({found['processor_rate']:,.0f} of processor)"
            print(f"macro-F1 {found['f1']:.3f}, {speed}")
        print("\n".join(lines(engine)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
