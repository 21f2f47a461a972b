import pytest

from mail_crm_link.rules.message import parse_header
from mail_crm_link.rules.signature import Stated, stated

HEADER = parse_header(b"From: jane@acme.example\n\n", 1)


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("Tel: +49 30 1234567", ("+49 30 1234567", "")),
        ("Phone: (030) 123-4567", ("(030) 123-4567", "")),
        ("Jane Doe\nACME GmbH\nTelefon: 030/1234567", ("030/1234567", "ACME GmbH")),
        ("Tel: +49 30 1234567 | Mobil: +49 170 1234567", ("+49 30 1234567", "")),
        ("Mobile: +49 170 1234567", ("+49 170 1234567", "")),
        ("Tel: +49 30 1234567\nTel: +49 30 1234567", ("+49 30 1234567", "")),
        ("Tel: +49 30 1234567\nTel: +49 30 7654321", ("", "")),
        ("Fax: +49 30 1234567", ("", "")),
        ("+49 30 1234567", ("", "")),
        ("Tel: 12345", ("", "")),
        ("HRB 1234567", ("", "")),
        ("ACME Ltd.\nOther Inc.", ("", "")),
        ("working for ACME Ltd. since 1999", ("", "")),
        ("> Tel: +49 30 1234567", ("", "")),
        ("line\n" * 30 + "Tel: +49 30 1234567", ("", "")),
    ],
)
def test_only_what_is_labelled_and_unique_counts(signature: str, expected: tuple[str, str]) -> None:
    assert stated(HEADER, f"Hello\n\n-- \n{signature}\n") == Stated(*expected)


def test_text_without_a_signature_states_nothing() -> None:
    assert stated(HEADER, "Call me, Tel: +49 30 1234567\nACME GmbH\n") == Stated("", "")


def test_two_delimiters_leave_a_doubt() -> None:
    assert stated(HEADER, "a\n-- \nTel: +49 30 1234567\n-- \nlist footer").phone == ""


def test_the_header_names_the_organisation() -> None:
    header = parse_header(b"From: jane@acme.example\nOrganization: =?utf-8?Q?B=C3=BCro_AG?=\n\n", 1)
    assert stated(header, "Hello") == Stated("", "Büro AG")
