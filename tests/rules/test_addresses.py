import pytest

from mail_crm_link.rules.addresses import (
    Address,
    domain_of,
    is_blocked,
    match_keys,
    normalize,
    parse_block_entry,
    parse_list,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # What odoo.tools.email_normalize(text, strict=False) says of the same text.
        ("Jane@Example.COM", "jane@example.com"),
        (" jane@example.com\n", "jane@example.com"),
        ("Jane Doe <Jane@Example.com>", "jane@example.com"),
        ('"jane@example.com"', "jane@example.com"),
        ("Jane jane@example.com", "jane@example.com"),
        ("jane@example.com;max@example.com", "jane@example.com"),
        ("Jöhn@Bücher.DE", "Jöhn@bücher.de"),
        ("STRAßE@x.example", "STRAßE@x.example"),
        ("jane@xn--bcher-kva.de", "jane@xn--bcher-kva.de"),
        ("k..allen@example.com", "k..allen@example.com"),
        (".jane.@example.com", ".jane.@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("!#$%&*+-/=?^_`{|}~@example.com", "!#$%&*+-/=?^_`{|}~@example.com"),
        ("jane@localhost", "jane@localhost"),
        ("jane@example.com.", "jane@example.com."),
        ("jane@[192.0.2.1]", "jane@[192.0.2.1]"),
        ('"a,b"@example.com', '"a,b"@example.com'),
        ("jane(work)@example.com", "jane@example.com"),
        # None of these is an address.
        ("", ""),
        ("Jane", ""),
        ("@example.com", ""),
        ("jane@", ""),
        ("a@b@example.com", ""),
        ('walker"."blair@example.com', ""),
        ("/O=ACME/OU=NA/CN=JDOE", ""),
        ("jane@exam\ud800ple.com", "jane@example.com"),
        ("x" * 600 + "@example.com", ""),
    ],
)
def test_normalize(text: str, expected: str) -> None:
    assert normalize(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        ("jane@example.com", [("", "jane@example.com")]),
        ("Jane Doe <jane@example.com>", [("Jane Doe", "jane@example.com")]),
        (
            '"Doe, Jane" <jane@example.com>, max@example.com',
            [("Doe, Jane", "jane@example.com"), ("", "max@example.com")],
        ),
        ('"Jane \\"JD\\" Doe" <jane@example.com>', [('Jane "JD" Doe', "jane@example.com")]),
        ("jane@example.com (Jane (the boss) Doe)", [("Jane (the boss) Doe", "jane@example.com")]),
        ("Team: a@example.com, B <b@example.com>;, c@example.com", ["a@example.com", "b@example.com", "c@example.com"]),
        ("undisclosed-recipients:;", []),
        ("a@example.com; b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com,, ,A@Example.com", ["a@example.com"]),
        ("<@relay.example,@other.example:ola@example.com>", ["ola@example.com"]),
        ("<mailto:ola@example.com>", ["ola@example.com"]),
        ("mailto:ola@example.com", ["ola@example.com"]),
        ("'jane@example.com' <'jane@example.com'>", [("'jane@example.com'", "jane@example.com")]),
        ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", [("Pete", "pete@silly.test")]),
        ("=?utf-8?Q?J=C3=BCrgen=2C_M=2E?= <j@example.com>", [("Jürgen, M.", "j@example.com")]),
        ("=?utf-8?Q?J=C3=BCrgen_=3Cj=40example=2Ecom=3E?=", [("Jürgen", "j@example.com")]),
        ('"never closed <a@example.com>, b@example.com', ["a@example.com", "b@example.com"]),
        ("user@[IPv6:2001:db8::1]", ["user@[ipv6:2001:db8::1]"]),
        ("Jane\r\n\t<jane@example.com>", [("Jane", "jane@example.com")]),
        ("Jane <jane @ example.com>", [("Jane", "jane@example.com")]),
        ("((((((", []),
        ("<<<<a@example.com>>>>", ["a@example.com"]),
    ],
)
def test_parse_list(value: str, expected: list[str | tuple[str, str]]) -> None:
    found = parse_list(value)
    named = [one if isinstance(one, tuple) else ("", one) for one in expected]
    if any(isinstance(one, str) for one in expected):
        assert [one.email for one in found] == [email for _name, email in named]
    else:
        assert found == [Address(*one) for one in named]


def test_thousands_of_recipients_are_each_found_once() -> None:
    value = ", ".join(f'"Doe, {number}" <r{number % 3000}@example.com>' for number in range(6000))
    assert len(parse_list(value)) == 3000


@pytest.mark.parametrize("piece", list("()<>\"@,:;\\[] '") + ["=?", "?=", "a@", "<a@b", "\t"])
def test_hostile_repetition_ends(piece: str) -> None:
    parse_list(piece * 20_000)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("jane@example.com", ("jane@example.com",)),
        ("Jane+News+1@example.com", ("jane+news+1@example.com", "jane@example.com")),
        ("+jane@example.com", ("+jane@example.com",)),
        ("jane@bücher.de", ("jane@bücher.de", "jane@xn--bcher-kva.de")),
        ("jane@xn--bcher-kva.de", ("jane@xn--bcher-kva.de", "jane@bücher.de")),
        (
            "jane+x@bücher.de",
            ("jane+x@bücher.de", "jane+x@xn--bcher-kva.de", "jane@bücher.de", "jane@xn--bcher-kva.de"),
        ),
        ("jane@xn--\u0080.de", ("jane@xn--\u0080.de",)),
        ("nobody", ()),
    ],
)
def test_match_keys_go_from_exact_to_general(address: str, expected: tuple[str, ...]) -> None:
    assert match_keys(address) == expected


def test_domain_of() -> None:
    assert domain_of("Jane <jane@Example.com>") == "example.com"
    assert domain_of("nobody") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Foo@Example.com", "foo@example.com"),
        (" example.com ", "example.com"),
        ("@Example.com", "example.com"),
        ("*.example.com", "example.com"),
        ("*@example.com", "*@example.com"),
        ("bücher.de", "bücher.de"),
        ("Foo <foo@example.com>", "foo@example.com"),
    ],
)
def test_parse_block_entry(text: str, expected: str) -> None:
    assert parse_block_entry(text) == expected


@pytest.mark.parametrize(
    "text", ["", " ", "com", "@", "foo@", "foo bar", "ex ample.com", "-x.com", "a@com", "x" * 300 + ".de"]
)
def test_what_is_neither_address_nor_domain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="e-mail address"):
        parse_block_entry(text)


@pytest.mark.parametrize(
    ("address", "entries", "expected"),
    [
        ("jane@example.com", {"jane@example.com"}, "jane@example.com"),
        ("jane+x@example.com", {"jane@example.com"}, "jane@example.com"),
        ("jane@example.com", {"example.com"}, "example.com"),
        ("jane@example.com", {"@example.com"}, "@example.com"),
        ("jane@mail.example.com", {"example.com"}, "example.com"),
        ("jane@myexample.com", {"example.com"}, ""),
        ("jane@example.com", {"max@example.com"}, ""),
        ("jane@bücher.de", {"xn--bcher-kva.de"}, "xn--bcher-kva.de"),
        ("jane@example.com", set(), ""),
        ("", {"example.com"}, ""),
    ],
)
def test_is_blocked_names_the_entry(address: str, entries: set[str], expected: str) -> None:
    assert is_blocked(address, frozenset(entries)) == expected
