import pytest

from mail_crm_link.rules.message import Header, parse_header

BASE = {
    "From": "Jane <jane@example.com>",
    "To": "max@acme.example",
    "Date": "Tue, 03 Mar 2026 09:15:00 +0100",
    "Subject": "Offer",
    "Message-ID": "<1@example.com>",
}


def header(size: int = 100, **changes: str | None) -> Header:
    fields = BASE | {name.replace("_", "-"): value for name, value in changes.items()}
    return parse_header(
        "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None).encode(), size
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<a@b>", "<a@b>"),
        ("  <a@b>  ", "<a@b>"),
        ("a@b", "<a@b>"),
        ("<A@B>", "<A@B>"),
        ("<a b\r\n c@d>", "<abc@d>"),
        ("<a@b> (added by relay@example.com)", "<a@b>"),
        ("noise <a@b> <c@d>", "<a@b>"),
        ("<>", ""),
        ("", ""),
        ("< >", ""),
        ("(none)", ""),
        ("not available", ""),
        ("<a@b", "<a@b>"),
    ],
)
def test_message_id(value: str, expected: str) -> None:
    assert header(Message_ID=value).message_id == expected


def test_long_ids_stay_apart_within_the_limit() -> None:
    one, other = (header(Message_ID=f"<{'x' * 2000}{end}@example.com>").message_id for end in "ab")
    assert one != other
    assert len(one) == len(other) == 998


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Tue, 03 Mar 2026 09:15:00 +0100", "2026-03-03T08:15:00+00:00"),
        ("3 Mar 26 09:15 GMT", "2026-03-03T09:15:00+00:00"),
        ("Tue, 3 Mar 2026 09:15:00 -0000 (UTC)", "2026-03-03T09:15:00+00:00"),
        ("Tue, 03 Mar 2026 09:15:00", "2026-03-03T09:15:00+00:00"),
        ("Mon, 31 Dec 1979 16:00:00 -0800", None),
        ("Thu, 01 Jan 1970 00:00:00 +0000", None),
        ("Fri, 01 Jan 2100 00:00:00 +0000", None),
        ("Tue, 30 Feb 2026 09:15:00 +0100", None),
        ("Tue, 03 Mar 2026 09:15:00 +9999999", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_date(value: str, expected: str | None) -> None:
    found = header(Date=value)
    assert (found.date.isoformat() if found.date else None) == expected
    assert found.date_raw == value


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("References", "<a@b> <c@d>\r\n <a@b>", ("<a@b>", "<c@d>")),
        ("References", "<a@b><c@d>", ("<a@b>", "<c@d>")),
        ("References", "a@b c@d", ("<a@b>", "<c@d>")),
        ("References", "<> < >", ()),
        ("References", "see the mail of monday", ()),
        ("In-Reply-To", "<a@b>", ("<a@b>",)),
        ("In-Reply-To", 'Message of "Tue" from Jane <jane@example.com> <a@b>', ("<a@b>",)),
        ("In-Reply-To", "Your mail, max@acme.example", ()),
    ],
)
def test_references(field: str, value: str, expected: tuple[str, ...]) -> None:
    found = header(**{field.replace("-", "_"): value})
    assert (found.in_reply_to if field == "In-Reply-To" else found.references) == expected


def test_of_long_references_the_ends_are_kept() -> None:
    references = header(References=" ".join(f"<{number}@example.com>" for number in range(500))).references
    assert len(references) == 100
    assert references[0] == "<0@example.com>"
    assert references[-1] == "<499@example.com>"


@pytest.mark.parametrize(
    "changes",
    [
        {"Received": "by mx.example.com"},
        {"Delivered-To": "max@acme.example"},
        {"Message_ID": "1@example.com"},
        {"Subject": "=?utf-8?Q?Offer?="},
        {"Subject": " Offer "},
        {"Date": "Tue, 03 Mar 2026 08:15:00 +0000"},
        {"From": '"Jane Doe" <JANE@example.com>'},
        {"To": "somebody@else.example"},
    ],
    ids=str,
)
def test_transport_does_not_change_the_identity(changes: dict[str, str]) -> None:
    assert header(size=7, **changes).identity == header(size=9).identity


@pytest.mark.parametrize(
    "changes",
    [
        {"Message_ID": "<2@example.com>"},
        {"Message_ID": "<1@EXAMPLE.com>"},
        {"Subject": "Re: Offer"},
        {"Date": "Tue, 03 Mar 2026 09:15:01 +0100"},
        {"From": "max@example.com"},
        {"Date": None},
        {"Message_ID": None},
    ],
    ids=str,
)
def test_what_the_sender_wrote_differently_is_another_mail(changes: dict[str, str | None]) -> None:
    assert header(**changes).identity != header().identity


def test_without_id_recipients_and_size_tell_mails_apart() -> None:
    identities = {
        header(Message_ID=None).identity,
        header(Message_ID="<>", size=101).identity,
        header(Message_ID=None, To="erika@acme.example").identity,
        header(Message_ID=None, To=None, Cc="max@acme.example").identity,
    }
    assert len(identities) == 4


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (None, False),
        ("text/plain", False),
        ("multipart/alternative; boundary=x", False),
        ("multipart/mixed; boundary=x", True),
        ("application/pdf", True),
        ("nonsense", False),
    ],
)
def test_maybe_attachment(content_type: str | None, expected: bool) -> None:
    assert header(Content_Type=content_type).maybe_attachment is expected


def test_fields_are_unfolded_and_repeated_ones_kept() -> None:
    fields = parse_header(b"Received: one\r\n\ttwo\r\nRECEIVED:three\r\nX-A : b\r\n\r\nReceived: body", 1).fields
    assert fields == {"received": ("one two", "three"), "x-a": ("b",)}
