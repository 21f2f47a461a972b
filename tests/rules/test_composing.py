from datetime import datetime, timezone
from email import message_from_bytes, policy

import pytest

from mail_crm_link.rules.addresses import Address
from mail_crm_link.rules.composing import (
    Correspondence,
    File,
    Letter,
    answer_recipients,
    answer_subject,
    compose,
    forward_subject,
    message_id,
    parse_recipients,
    people,
    plain_text,
    references,
    with_inline,
)
from mail_crm_link.rules.header import parse_header

ME, ANNA, BOB = Address("Me", "me@our.example"), Address("Anna", "anna@x.example"), Address("", "bob@x.example")
OWN = frozenset({"me@our.example", "sales@our.example"})
LONG_ID = "<" + "x" * 200 + "@mill.example>"


def letter(**values):
    plain = {
        "message_id": "<token@our.example>",
        "date": datetime(2026, 3, 1, 12, tzinfo=timezone.utc),
        "sender": ME,
        "to": (ANNA,),
        "cc": (),
        "subject": "Offer",
        "html": "<p>Hello</p>",
    }
    return Letter(**{**plain, **values})


def read(mail):
    return message_from_bytes(compose(mail), policy=policy.default)


class TestOctets:
    def test_the_same_letter_gives_the_same_octets(self):
        mail = letter(files=(File("a.pdf", "application/pdf", b"%PDF"),))
        assert compose(mail) == compose(mail)

    def test_long_ids_stay_ids(self):
        raw = compose(letter(in_reply_to=LONG_ID, references=("<a@x>", LONG_ID)))
        header = parse_header(raw, len(raw))
        assert header.in_reply_to == (LONG_ID,)
        assert header.references == ("<a@x>", LONG_ID)
        assert b"=?" not in raw

    def test_lines_are_short_and_all_is_ascii(self):
        many = tuple(Address(f"Größe {n}", f"person{n}@x.example") for n in range(40))
        raw = compose(letter(to=many, subject="Grüße " * 40, html="<p>ö</p>" * 500))
        assert raw.isascii()
        assert max(map(len, raw.split(b"\r\n"))) <= 100
        assert [one.email for one in parse_header(raw, 0).to] == [one.email for one in many]

    @pytest.mark.parametrize("subject", ["Offer", "Grüße aus Köln", "=?utf-8?q?no?=", "", "a " * 300, "漢字" * 100])
    def test_subjects_come_back(self, subject):
        raw = compose(letter(subject=subject.strip()))
        assert parse_header(raw, 0).subject == subject.strip()

    @pytest.mark.parametrize("name", ["Anna", "Me, you", 'A "B" C', "Zoë Ångström", "a\\b", "Ü" * 100])
    def test_names_come_back(self, name):
        raw = compose(letter(to=(Address(name, "anna@x.example"),)))
        assert parse_header(raw, 0).to == (Address(name, "anna@x.example"),)

    @pytest.mark.parametrize(
        "values",
        [
            {"subject": "Hi\r\nBcc: all@x.example"},
            {"subject": "Hi\nX: y"},
            {"sender": Address("A\rB", "me@our.example")},
            {"to": (Address("A\r\nB: c", "a@x.example"),)},
            {"in_reply_to": "<a@x>\r\nBcc: b@x.example"},
            {"references": ("<a@x>\n",)},
        ],
    )
    def test_line_breaks_in_fields_are_refused(self, values):
        with pytest.raises(ValueError, match="line break"):
            compose(letter(**values))

    def test_attachments_keep_names_and_octets(self):
        content = bytes(range(256))
        names = ["Rechnung für Müller & Söhne – März 2026 mit einem langen Namen.pdf", 'a "b".txt', "c\r\nX: y.txt"]
        files = tuple(File(name, "application/pdf", content) for name in names)
        found = list(read(letter(files=files)).iter_attachments())
        assert [one.get_content() for one in found] == [content] * 3
        assert [one.get_filename() for one in found] == [*names[:2], "c X: y.txt"]

    def test_text_files_arrive_as_they_are(self):
        [part] = read(letter(files=(File("a.txt", "text/plain", b"a\nb\r\n"),))).iter_attachments()
        assert part.get_payload(decode=True) == b"a\nb\r\n"

    def test_a_mail_in_the_mail_keeps_every_octet(self):
        original = b"From: a@x.example\r\nSubject: \xc3\xa4 \xff\r\n\r\n" + b"y" * 2000 + b"\r\n.\r\n"
        raw = compose(letter(files=(File("m.eml", "message/rfc822", original),)))
        assert original in raw

    def test_images_of_the_text_are_parts(self):
        html, images = with_inline(
            '<img src="/web/image/7?a=1&amp;b=2"><img src=\'/web/image/7?a=1&amp;b=2\'><img src="https://x/y.png">',
            lambda source: File("i.png", "image/png", b"PNG", "i@our") if source == "/web/image/7?a=1&b=2" else None,
        )
        assert html.count('src="cid:i@our"') == 2
        assert "https://x/y.png" in html
        mail = read(letter(html=html, files=tuple(images)))
        [image] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
        assert (image["Content-ID"], image.get_content_disposition()) == ("<i@our>", "inline")

    def test_a_domain_beyond_ascii_takes_its_ascii_form(self):
        assert read(letter(to=(Address("", "a@münchen.example"),)))["To"] == "a@xn--mnchen-3ya.example"

    def test_without_a_visible_recipient_it_says_so(self):
        assert read(letter(to=()))["To"] == "undisclosed-recipients:;"


class TestAnswers:
    def test_the_sender_gets_the_answer(self):
        mail = Correspondence((ANNA,), (), (ME, BOB), ())
        assert answer_recipients(mail, OWN, everybody=False) == ([ANNA], [])

    def test_reply_to_comes_before_from(self):
        mail = Correspondence((ANNA,), (BOB,), (ME,), ())
        assert answer_recipients(mail, OWN, everybody=False) == ([BOB], [])

    def test_all_but_oneself_and_each_once(self):
        mail = Correspondence((ANNA,), (), (ME, BOB), (Address("", "sales@our.example"), ANNA))
        assert answer_recipients(mail, OWN, everybody=True) == ([ANNA], [BOB])

    def test_an_answer_to_ones_own_mail_goes_where_that_went(self):
        mail = Correspondence((ME,), (), (ANNA,), (BOB,))
        assert answer_recipients(mail, OWN, everybody=False) == ([ANNA], [])
        assert answer_recipients(mail, OWN, everybody=True) == ([ANNA], [BOB])

    def test_to_oneself_rather_than_to_nobody(self):
        assert answer_recipients(Correspondence((ME,), (), (ME,), ()), OWN, everybody=True) == ([ME], [])

    @pytest.mark.parametrize(
        ("subject", "answer"),
        [("Offer", "Re: Offer"), ("RE: Offer", "RE: Offer"), ("Aw: Offer", "Aw: Offer"), ("Re[2]: O", "Re[2]: O")],
    )
    def test_prefixes_are_not_doubled(self, subject, answer):
        assert answer_subject(subject) == answer

    def test_forwarding_prefixes_an_answer_once(self):
        assert forward_subject(forward_subject("Re: Offer")) == "Fwd: Re: Offer"

    def test_references_end_with_the_parent_and_are_bounded(self):
        assert references("<p@x>", ["<a@x>", "<b@x>"]) == ("<a@x>", "<b@x>", "<p@x>")
        many = references("<p@x>", [f"<{n}@x>" for n in range(500)])
        assert (many[0], many[-1], len(many)) == ("<0@x>", "<p@x>", 20)
        assert references("", []) == ()

    def test_quotes_are_marked_in_the_plain_text(self):
        html = "<p>New</p><p>On Monday:</p><blockquote>old<br>text<blockquote>older</blockquote></blockquote>"
        assert "> old\n> text" in plain_text(html)
        assert ">> older" in plain_text(html)


class TestRecipients:
    def test_what_people_type(self):
        found, wrong = parse_recipients(
            'Anna@X.example; "Me, you" <b@c.example>, Bob <bob@x.example>\nfoo, x@y, @, a b@c.d'
        )
        assert found == [
            Address("", "Anna@X.example"),
            Address("Me, you", "b@c.example"),
            Address("Bob", "bob@x.example"),
            Address("a", "b@c.d"),
        ]
        assert wrong == ["foo", "x@y", "@"]

    def test_two_addresses_without_a_comma_are_none(self):
        assert parse_recipients("a@x.example b@x.example") == ([], ["a@x.example b@x.example"])

    def test_a_line_break_in_a_name_is_refused(self):
        assert parse_recipients('"A\r\nBcc: c@x.example" <a@x.example>')[0] == []

    def test_what_is_shown_is_understood(self):
        shown = [Address('A, "B" \\', "a@x.example"), Address("", "b@x.example")]
        assert parse_recipients(people(shown)) == (shown, [])

    def test_the_id_is_in_the_domain_of_the_sender(self):
        assert message_id("t", "me@our.example") == "<t@our.example>"
        assert message_id("t", "me@münchen.example") == "<t@xn--mnchen-3ya.example>"
