import pytest

from mail_crm_link.rules.addresses import Address
from mail_crm_link.rules.naming import clean_subject, person_name, record_name


@pytest.mark.parametrize(
    "subject",
    [
        *("Offer", "Re: Offer", "RE:Offer", "re : Offer", "Re: Re: RE: Offer", "Fwd: Re: Offer", "FW: Offer"),
        *("Re[2]: Offer", "RE(3): Offer", "Re^2: Offer", "[Fwd: Offer]", "[Fwd: Re: Offer]", "  Re:\n Offer  "),
        *("AW: Offer", "WG: Offer", "AW: WG: Offer", "Antw: Offer", "Doorst: Offer", "SV: Offer", "VS: Offer"),
        *("Vb: Offer", "VL: Offer", "Rép: Offer", "TR: Offer", "RV: Offer", "RES: Offer", "ENC: Offer", "R: Offer"),
        *("I: Offer", "RIF: Offer", "Odp: Offer", "PD: Offer", "YNT: Offer", "İLT: Offer", "Vá: Offer", "ΑΠ: Offer"),
        *("Отв: Offer", "Пересл: Offer", "Відп: Offer", "НА: Offer", "回复：Offer", "回覆: Offer", "转发：Offer"),
        *("返信: Offer", "転送: Offer", "답장: Offer", "השב: Offer", "\u202bRe: Offer\u202c", "\ufeffOffer"),
        "رد: Offer",
    ],
)
def test_prefixes_are_stripped(subject: str) -> None:
    assert clean_subject(subject) == "Offer"


@pytest.mark.parametrize(
    "subject",
    [
        "Reply: by Monday",
        "Rebate: 5 %",
        "Order: 12",
        "Ref: 12",
        "Regarding Re",
        "Internet: slow",
        "10:30 meeting",
        "A: B",
    ],
)
def test_words_with_a_colon_are_no_prefixes(subject: str) -> None:
    assert clean_subject(subject) == subject


@pytest.mark.parametrize(
    ("subject", "fallback", "limit", "expected"),
    [
        ("Re: Offer", "Jane", 120, "Offer"),
        ("", "Jane", 120, "Jane"),
        ("Re: Fwd:  ", "Jane", 120, "Jane"),
        ("Re:\u200f", "Jane", 120, "Jane"),
        ("", "", 120, ""),
        ("one two three four", "", 14, "one two three…"),
        ("one two three four", "", 18, "one two three four"),
        ("Donaudampfschiff", "", 10, "Donaudamp…"),
        ("123456👨‍👩‍👧 family", "", 9, "123456…"),
        ("1234567🇩🇪x", "", 9, "1234567…"),
        ("1234567e\u0301x", "", 9, "1234567…"),
        ("👍🏽" * 6, "", 6, "👍🏽👍🏽…"),
        ("\u202eevil\u202c txt", "", 120, "evil txt"),
        ("مرحبا بالعالم", "", 120, "مرحبا بالعالم"),
        ("tab\tand\nline", "", 120, "tab and line"),
        ("nul\0l", "", 120, "null"),
    ],
)
def test_record_name(subject: str, fallback: str, limit: int, expected: str) -> None:
    assert record_name(subject, fallback, limit) == expected


@pytest.mark.parametrize("length", range(1, 60))
def test_names_keep_the_limit_and_whole_words(length: int) -> None:
    subject = "Please send us your offer for twenty desks and forty chairs " * 9
    name = record_name(subject, "", max(length, 12))
    assert len(name) <= max(length, 12)
    assert f"{name.rstrip('…')} " in subject


@pytest.mark.parametrize(
    ("name", "email", "expected"),
    [
        ("Jane Doe", "jane@example.com", "Jane Doe"),
        ("Doe, Jane", "jane@example.com", "Jane Doe"),
        ("'Jane Doe'", "jane@example.com", "Jane Doe"),
        ('"Jane Doe"', "jane@example.com", "Jane Doe"),
        ("JANE DOE", "jane@example.com", "Jane Doe"),
        ("jane doe", "jane@example.com", "Jane Doe"),
        ("DOE, JANE via Foo", "jane@example.com", "Jane Doe"),
        ("Jane Doe via Google Docs", "jane@example.com", "Jane Doe"),
        ("Jane Doe (ACME)", "jane@example.com", "Jane Doe"),
        ("Jane Doe [Sales]", "jane@example.com", "Jane Doe"),
        ("Jane McDonald", "jane@example.com", "Jane McDonald"),
        ("JEAN-LUC O'NEIL", "jl@example.com", "Jean-Luc O'Neil"),
        ("Müller, Jürgen", "j@example.com", "Jürgen Müller"),
        ("ACME, Inc.", "info@acme.example", "ACME, Inc."),
        ("ACME GMBH", "info@acme.example", "ACME GMBH"),
        ("IBM", "info@ibm.example", "IBM"),
        ("Doe, Jane, Dr.", "jane@example.com", "Doe, Jane, Dr."),
        ("田中 太郎", "t@example.com", "田中 太郎"),
        ("jane@example.com", "jane@example.com", ""),
        ("'jane@example.com'", "jane@example.com", ""),
        ("other@example.com", "jane@example.com", ""),
        ("jane", "jane@example.com", ""),
        ("12345", "jane@example.com", ""),
        ("", "jane@example.com", ""),
        ("\u202e", "jane@example.com", ""),
    ],
)
def test_person_name(name: str, email: str, expected: str) -> None:
    assert person_name(Address(name, email)) == expected
