"""Moods: what is judged of a mail, in which language, and what comes out."""

import sys
from collections.abc import Collection
from email import message_from_bytes, policy
from pathlib import Path
from time import process_time

import pytest

from mail_crm_link.rules.sentiment import Judge, LexiconEngine, LibraryMissing, own_words
from mail_crm_link.rules.sentiment.lexicon import Lexicon

BUSINESS = Path(__file__).resolve().parent.parent / "corpus" / "business"


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def letters(kind: str) -> list[Path]:
    return sorted(BUSINESS.glob(f"{kind}-*.eml"))


def text_of(path: Path) -> str:
    body = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


# --- whole letters ---------------------------------------------------------------------


def test_twenty_polite_complaints_are_there() -> None:
    assert len(letters("complaint")) == 20


@pytest.mark.parametrize("path", letters("complaint") + letters("implied"), ids=lambda path: path.stem)
def test_no_polite_complaint_is_called_positive(judge: Judge, path: Path) -> None:
    assert judge.judge(text_of(path)).sentiment != "positive"


def test_most_polite_complaints_are_called_negative(judge: Judge) -> None:
    found = [judge.judge(text_of(path)).sentiment for path in letters("complaint")]
    assert found.count("negative") >= 18


@pytest.mark.parametrize("path", letters("neutral"), ids=lambda path: path.stem)
def test_business_as_usual_is_neutral(judge: Judge, path: Path) -> None:
    assert judge.judge(text_of(path)).sentiment == "neutral"


def test_praise_is_mostly_called_positive_and_never_negative(judge: Judge) -> None:
    found = [judge.judge(text_of(path)).sentiment for path in letters("praise")]
    assert found.count("positive") >= 8
    assert "negative" not in found


# --- several languages -----------------------------------------------------------------

SENTENCES = {
    "de": (
        "Wir sind mit der neuen Anlage sehr zufrieden, alles hat reibungslos geklappt.",
        "Könnten Sie uns bitte ein Angebot über zwanzig Pumpen schicken?",
        "Leider warten wir immer noch auf die Lieferung und haben keine Antwort erhalten.",
    ),
    "en": (
        "We are delighted with the new plant, everything has gone very well.",
        "Could you please send us a quotation for twenty pumps?",
        "Unfortunately we are still waiting for the delivery and have not heard back.",
    ),
    "es": (
        "Estamos muy contentos con la nueva instalación, todo ha sido perfecto.",
        "¿Podrían enviarnos un presupuesto para veinte bombas?",
        "Lamentablemente seguimos esperando la entrega y nadie nos ha contestado.",
    ),
    "fr": (
        "Nous sommes très contents de la nouvelle installation, tout a été parfait.",
        "Pourriez-vous nous envoyer un devis pour vingt pompes ?",
        "Malheureusement nous attendons toujours la livraison et restons sans réponse.",
    ),
    "nl": (
        "Wij zijn zeer tevreden met de nieuwe installatie, alles is uitstekend verlopen.",
        "Kunt u ons een offerte voor twintig pompen sturen?",
        "Helaas wachten wij nog steeds op de levering en hebben geen antwoord gekregen.",
    ),
}


def test_every_lexicon_has_its_sentences(judge: Judge) -> None:
    assert judge.languages == SENTENCES.keys()


@pytest.mark.parametrize("language", SENTENCES)
def test_language_is_told_and_judged(judge: Judge, language: str) -> None:
    found = [judge.judge(sentence) for sentence in SENTENCES[language]]
    assert [one.sentiment for one in found] == ["positive", "neutral", "negative"]
    assert {one.language for one in found} == {language}


def test_language_without_an_engine_is_unknown(judge: Judge) -> None:
    found = judge.judge("Dziękujemy za ofertę, czekamy na dostawę pomp do przyszłego tygodnia.")
    assert (found.sentiment, found.language, found.reason, found.score) == ("unknown", "pl", "language", 0.0)


def test_complaint_in_one_of_two_languages_counts(judge: Judge) -> None:
    text = f"{SENTENCES['en'][0]}\n\n{SENTENCES['de'][2]}"
    assert judge.judge(text).sentiment == "negative"


def test_mail_that_is_mostly_in_an_unknown_language_is_unknown(judge: Judge) -> None:
    polish = "Dziękujemy za ofertę, czekamy na dostawę pomp do przyszłego tygodnia. " * 3
    assert judge.judge(f"{SENTENCES['en'][0]}\n\n{polish}").reason == "language"


# --- what is judged --------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  \n\n", "> We are very disappointed.", "-- \nAnna", "12,50\n----"])
def test_nothing_new_is_unknown(judge: Judge, text: str) -> None:
    found = judge.judge(text)
    assert (found.sentiment, found.reason) == ("unknown", "empty")


def test_quotes_signature_closing_and_disclaimer_are_not_their_writers_words() -> None:
    text = (
        "Please send the drawings.\n\nBest regards\nAnna\n\n-- \nMill Ltd, the terrible company\n\n"
        "This e-mail is confidential and intended solely for the addressee, a disaster otherwise.\n"
        "> I am so angry."
    )
    assert own_words(text) == "Please send the drawings."


def test_disclaimer_between_the_paragraphs_is_left_out() -> None:
    disclaimer = "Diese E-Mail ist vertraulich. Sind Sie nicht der Adressat, ist die Weitergabe verboten."
    assert own_words(f"Passt.\n\n{disclaimer}\n\nBis morgen.") == "Passt.\n\nBis morgen."


def test_what_others_praised_does_not_make_a_complaint_better(judge: Judge) -> None:
    quote = "On 3 March 2026 Susan wrote:\n> We are delighted, this is wonderful, great, perfect!"
    assert judge.judge(f"{SENTENCES['en'][2]}\n\n{quote}").sentiment == "negative"


@pytest.mark.parametrize(
    "text",
    ["We are very disappointed. " * 40_000, "a" * 1_000_000, "> " * 500_000, "?" * 1_000_000, "not " * 250_000],
    ids=["sentences", "one word", "quotes", "marks", "negations"],
)
def test_a_megabyte_takes_no_more_than_its_length_says(judge: Judge, text: str) -> None:
    # A tenth of a second, and hours if it grew with the square of the length.
    started = process_time()
    assert judge.judge(text)
    assert process_time() - started < 20


# --- the engine ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ("We are not happy with it.", "We are happy with it."),
        ("We are happy with it.", "We are very happy with it."),
        ("We are somewhat happy with it.", "We are happy with it."),
        ("The pump is good, but the invoice is wrong.", "The invoice is wrong, but the pump is good."),
        ("This is good.", "This is good!"),
        ("There is a problem.", "There is no problem."),
    ],
)
def test_words_around_a_word_count(worse: str, better: str) -> None:
    engine = LexiconEngine()
    assert engine.score(worse, "en") < engine.score(better, "en")


def test_understatement_does_not_make_a_complaint_smaller() -> None:
    engine = LexiconEngine()
    assert engine.score("I am a little disappointed.", "en") <= engine.score("I am disappointed.", "en")


def test_thanks_in_advance_are_no_praise(judge: Judge) -> None:
    assert judge.judge("Could you send me the list? Thanks in advance!").sentiment == "neutral"


@pytest.mark.parametrize("content", ["good", "[moods]\n2: good", "[words]\ngood"])
def test_lexicon_that_cannot_be_read_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "xx.txt"
    path.write_text(content)
    with pytest.raises(ValueError):
        Lexicon.read(path)


# --- exchanged -------------------------------------------------------------------------


class Optimist:
    """An engine of somebody else."""

    @property
    def languages(self) -> Collection[str]:
        return {"pl"}

    def score(self, text: str, language: str) -> float:
        return 0.9


def test_another_engine_adds_its_languages() -> None:
    judge = Judge([Optimist(), LexiconEngine()])
    assert judge.languages == {*SENTENCES, "pl"}
    assert judge.judge("Dziękujemy za ofertę, czekamy na dostawę pomp do przyszłego tygodnia.").score == 0.9


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid", None)
    with pytest.raises(LibraryMissing, match="py3langid"):
        Judge()
