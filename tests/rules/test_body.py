import base64
from pathlib import Path

import pytest

from mail_crm_link.rules.message import (
    Body,
    body_from_parts,
    parse_body,
    part_content,
    snippet,
    text_to_html,
)
from mail_crm_link.rules.mime import Leaf, parse_tree

from . import corpus


def multipart(subtype: str, *parts: bytes, boundary: str = "b") -> bytes:
    line = f"--{boundary}\n".encode()
    head = f"Content-Type: multipart/{subtype}; boundary={boundary}\n\n".encode()
    return head + b"".join(line + part + b"\n" for part in parts) + f"--{boundary}--\n".encode()


def part(content: bytes, content_type: str = "text/plain", *fields: str) -> bytes:
    return "\n".join([f"Content-Type: {content_type}", *fields, "", ""]).encode() + content


PLAIN, HTML = part(b"plain"), part(b"<p>html</p>", "text/html")
PDF = part(b"%PDF", "application/pdf", "Content-Disposition: attachment; filename=a.pdf")
ALTERNATIVE = multipart("alternative", PLAIN, HTML, boundary="alt")


@pytest.mark.parametrize(
    ("raw", "sections"),
    [
        (PLAIN, ["1"]),
        (multipart("mixed", PLAIN, PDF), ["1", "2"]),
        (multipart("mixed", ALTERNATIVE, PDF), ["1.1", "1.2", "2"]),
        (multipart("mixed", multipart("related", ALTERNATIVE, PDF, boundary="r")), ["1.1.1", "1.1.2", "1.2"]),
        (multipart("digest", b"\nSubject: a\n\nb", b"\nSubject: c\n\nd"), ["1", "2"]),
        (multipart("mixed"), ["1"]),
        (b"Content-Type: multipart/mixed\n\nno boundary", ["1"]),
    ],
)
def test_sections_are_those_of_imap(raw: bytes, sections: list[str]) -> None:
    assert [leaf.section for leaf in parse_tree(raw).leaves] == sections


@pytest.mark.parametrize(
    ("raw", "html", "text", "attachments"),
    [
        (PLAIN, "", "plain", []),
        (HTML, "<p>html</p>", "html", []),
        (ALTERNATIVE, "<p>html</p>", "plain", []),
        (multipart("alternative", HTML, PLAIN), "<p>html</p>", "plain", []),
        (multipart("mixed", ALTERNATIVE, PDF), "<p>html</p>", "plain", ["a.pdf"]),
        (multipart("mixed", PLAIN, PLAIN), "", "plain\nplain", []),
        (multipart("mixed", HTML, part(b"footer")), f"<p>html</p>\n{text_to_html('footer')}", "html\nfooter", []),
        (multipart("alternative", PLAIN, part(b"amp", "text/x-amp-html"), HTML), "<p>html</p>", "plain", []),
        (multipart("mixed", PLAIN, part(b"log", "text/plain; name=a.log")), "", "plain", ["a.log"]),
        (part(b"named", "text/plain; name=body.txt"), "", "named", []),
        (part(b"BEGIN", "text/calendar"), "", "", ["attachment-1.ics"]),
        (part(b"x", "*/*"), "", "", ["attachment-1.bin"]),
        (part(b"x", "nonsense"), "", "x", []),
        (b"", "", "", []),
    ],
)
def test_body(raw: bytes, html: str, text: str, attachments: list[str]) -> None:
    body = parse_body(raw)
    assert (body.html, body.text, [one.filename for one in body.attachments]) == (html, text, attachments)


def test_three_hundred_levels_are_no_error() -> None:
    raw = PDF
    for level in range(300):
        raw = multipart("mixed", raw, boundary=f"level{level}")
    body = parse_body(raw)
    assert len(body.attachments) == 1


def test_ten_thousand_parts_are_no_error() -> None:
    assert len(parse_tree(multipart("mixed", *[PLAIN] * 10_000)).leaves) <= 2_000


def test_digest_is_the_same_after_other_transport() -> None:
    text = "Grüße,\nJane"
    plain = part(text.encode(), "text/plain; charset=utf-8")
    encoded = part(
        base64.encodebytes(text.encode("latin-1")),
        "text/plain; charset=iso-8859-1",
        "Content-Transfer-Encoding: base64",
    )
    assert parse_body(plain).digest == parse_body(encoded).digest
    assert (
        parse_body(plain).digest == parse_body(b"Received: by x\n" + plain.replace(b"\n", b"\r\n") + b"\r\n\r\n").digest
    )


@pytest.mark.parametrize(
    "other",
    [part(b"other"), multipart("mixed", PLAIN, PDF), multipart("mixed", PLAIN, PDF.replace(b"a.pdf", b"b.pdf"))],
    ids=["text", "attachment", "filename"],
)
def test_digest_tells_contents_apart(other: bytes) -> None:
    assert parse_body(other).digest not in (
        parse_body(PLAIN).digest,
        parse_body(multipart("mixed", PLAIN)).digest + "x",
    )


@pytest.mark.parametrize("path", corpus.own_mails(), ids=lambda path: path.stem)
def test_parts_make_the_body_that_the_whole_mail_makes(path: Path) -> None:
    raw = path.read_bytes()
    leaves = parse_tree(raw).leaves
    fetched = [leaf if leaf.content_type.startswith("text/") else _unfetched(leaf) for leaf in leaves]
    whole, parts = parse_body(raw), body_from_parts(raw, fetched)
    assert (parts.html, parts.text, parts.digest) == (whole.html, whole.text, whole.digest)
    assert [(one.filename, one.section, one.inline) for one in parts.attachments] == [
        (one.filename, one.section, one.inline) for one in whole.attachments
    ]


def _unfetched(leaf: Leaf) -> Leaf:
    return Leaf(
        leaf.section, leaf.content_type, leaf.charset, leaf.disposition, leaf.filename, leaf.content_id, 1, None
    )


def test_part_content_is_transfer_decoded() -> None:
    encoded = part(base64.encodebytes(b"\0\1\2"), "application/x", "Content-Transfer-Encoding: base64")
    raw = multipart("mixed", PLAIN, encoded)
    assert part_content(raw, "2") == b"\0\1\2"
    with pytest.raises(KeyError):
        part_content(raw, "3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello\n\n  there\t!", "Hello there !"),
        ("Yes.\n\nOn Mon, 2 Mar 2026 at 09:00, Max <max@acme.example> wrote:\n> Do you come?", "Yes."),
        ("Ja.\n\nAm 02.03.2026 um 09:00 schrieb Max:\n\n> Kommst du?\n> Max", "Ja."),
        ("Так.\n\nпн, 2 бер. 2026 р. о 09:00 Max <max@acme.example> пише:\n\n> Ти прийдеш?", "Так."),
        ("> quoted first\n\nanswer below", "answer below"),
        ("Note the points:\n- one", "Note the points: - one"),
        ("text\n-- \nJane Doe\nACME", "text"),
        ("> only a quote", "> only a quote"),
        ("word " * 100, "word word word word word…"),
        ("x" * 100, "x" * 29 + "…"),
        ("", ""),
    ],
)
def test_snippet_is_what_is_new(text: str, expected: str) -> None:
    assert snippet(Body("", text, (), ""), length=30 if len(text) > 300 or text.startswith("x") else 200) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("a < b & c", "a &lt; b &amp; c"),
        (
            "see https://example.com/a?b=1&c=2.",
            'see <a href="https://example.com/a?b=1&amp;c=2">https://example.com/a?b=1&amp;c=2</a>.',
        ),
        ("www.example.com", '<a href="http://www.example.com">www.example.com</a>'),
        ("(jane@example.com)", '(<a href="mailto:jane@example.com">jane@example.com</a>)'),
        (
            'https://example.com/"onclick="x',
            '<a href="https://example.com/">https://example.com/</a>&quot;onclick=&quot;x',
        ),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ],
)
def test_text_to_html(text: str, expected: str) -> None:
    wanted = f'<div style="white-space:pre-wrap">{expected}</div>' if expected else ""
    assert text_to_html(text).replace(' rel="noopener noreferrer" target="_blank"', "") == wanted


def test_links_of_plain_text_open_outside_without_an_opener() -> None:
    assert '" rel="noopener noreferrer" target="_blank">' in text_to_html("www.example.com jane@example.com")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes\n> Do you?\n> Tell me\nRegards", "Yes|<Do you?\nTell me>|Regards"),
        (">> first\n> second", "<<first>|second>"),
        (">a\n>\n> b", "<a\n\nb>"),
        ("a > b", "a > b"),
        (">" * 30, "<" * 20 + ">" * 10 + ">" * 20),
    ],
)
def test_quotes_of_plain_text_are_quotes(text: str, expected: str) -> None:
    html = text_to_html(text).replace('<blockquote type="cite">', "<").replace("</blockquote>", ">")
    html = html.replace('</div><div style="white-space:pre-wrap">', "|").replace("</div><", "|<")
    html = html.replace('><div style="white-space:pre-wrap">', ">|").replace('<div style="white-space:pre-wrap">', "")
    assert html.replace("</div>", "").replace("&gt;", ">") == expected
