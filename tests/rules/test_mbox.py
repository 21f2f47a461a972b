"""What is written as mbox is read by Python's own `mailbox`, byte by byte what it was."""

import email.policy
import mailbox
import re
from datetime import datetime

from mail_crm_link.rules.addresses import Address
from mail_crm_link.rules.mbox import entry, rebuilt

WHEN = datetime(2026, 3, 1, 12, 30, 5)


def read(tmp_path, *mails: bytes) -> list[bytes]:
    path = tmp_path / "mail.mbox"
    path.write_bytes(b"".join(entry(raw, "anna@mill.example", WHEN) for raw in mails))
    box = mailbox.mbox(path)
    return [re.sub(rb"^>(?=>*From )", b"", box.get_bytes(key), flags=re.MULTILINE) for key in box.keys()]


def test_lines_that_look_like_separators_come_back_as_they_were(tmp_path):
    first = b"Subject: one\n\nFrom here\n>From there\n>>From both\nNot From\n"
    second = b"Subject: two\n\nFrom: no separator\n"
    assert read(tmp_path, first, second) == [first, second]


def test_line_ends_become_those_of_the_file(tmp_path):
    assert read(tmp_path, b"Subject: one\r\n\r\nHello\r\n") == [b"Subject: one\n\nHello\n"]


def test_a_mail_without_line_end_does_not_run_into_the_next(tmp_path):
    assert read(tmp_path, b"Subject: one\n\nHello", b"Subject: two\n\n") == [
        b"Subject: one\n\nHello\n",
        b"Subject: two\n\n",
    ]


def test_the_separator_names_sender_and_time():
    assert entry(b"", "anna@mill.example", WHEN).startswith(b"From anna@mill.example Sun Mar  1 12:30:05 2026\n")
    assert entry(b"", "a b\r\nX: y@x.example", WHEN).splitlines()[0] == b"From abX:y@x.example Sun Mar  1 12:30:05 2026"
    assert entry(b"", "", WHEN).startswith(b"From MAILER-DAEMON ")


def test_a_mail_made_anew_says_what_is_known_of_it():
    raw = rebuilt(
        [("From", [Address("Änna Meyer", "anna@mill.example")]), ("To", [Address("", "büro@mühle.example")])],
        [("Subject", "Grüße\r\nBcc: evil@x.example"), ("Message-ID", "<1@x.example>"), ("Date", "")],
        "<p>From me – ∞</p>",
        [('plän "1".pdf', "application/pdf", b"\x00\x01" * 100), ("", "nonsense\r\nX: 1", b"x")],
    )
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert str(message["From"]) == "Änna Meyer <anna@mill.example>"
    assert "büro@mühle.example" in raw.decode()
    assert (message["Subject"], message["Message-ID"]) == ("Grüße Bcc: evil@x.example", "<1@x.example>")
    assert message["Bcc"] is None and message["Date"] is None and message["X"] is None
    text, plan, other = message.iter_parts()
    assert text.get_content().strip() == "<p>From me – ∞</p>"
    assert (plan.get_filename(), plan.get_content()) == ('plän "1".pdf', b"\x00\x01" * 100)
    assert (other.get_content_type(), other.get_content()) == ("application/octet-stream", b"x")
