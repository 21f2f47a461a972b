"""Programs and people: which mail was written by whom."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mail_crm_link.rules.automatic import Verdict, classify, is_role_address
from mail_crm_link.rules.message import Header, parse_header

from . import corpus

PERSON = {
    "From": "Jane Doe <jane@example.com>",
    "To": "max@acme.example",
    "Subject": "Offer",
    "Return-Path": "<jane@example.com>",
}


def header(**changes: str) -> Header:
    fields = PERSON | {name.replace("_", "-"): value for name, value in changes.items()}
    return parse_header("".join(f"{name}: {value}\n" for name, value in fields.items()).encode(), 1)


REPORT = 'multipart/report; report-type="{}"; boundary=x'


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "none"),
        ({"Auto_Submitted": "no"}, "none"),
        ({"Auto_Submitted": "auto-generated"}, "notification"),
        ({"Auto_Submitted": "auto-replied (vacation)"}, "auto_reply"),
        ({"Auto_Submitted": "auto-notified; owner-email=x@y.example"}, "notification"),
        ({"Auto_Submitted": "auto-generated", "Subject": "Automatic reply: Offer"}, "auto_reply"),
        ({"Auto_Submitted": "auto-generated", "List_Unsubscribe": "<https://x.example>"}, "bulk"),
        ({"X_Autoreply": "yes"}, "auto_reply"),
        ({"X_Autoreply": "no"}, "none"),
        ({"X_Autorespond": "Offer"}, "auto_reply"),
        ({"Precedence": "auto_reply"}, "auto_reply"),
        ({"X_Auto_Response_Suppress": "All", "Subject": "Automatische Antwort: Offer"}, "auto_reply"),
        ({"X_Auto_Response_Suppress": "OOF"}, "notification"),
        ({"X_Auto_Response_Suppress": "None"}, "none"),
        ({"Return_Path": "<>", "Subject": "Out of office"}, "auto_reply"),
        ({"Return_Path": "<>", "In_Reply_To": "<1@x>"}, "auto_reply"),
        ({"Return_Path": "<>"}, "bounce"),
        ({"Return_Path": "< >"}, "bounce"),
        ({"Subject": "Out of office next week?"}, "none"),
        ({"Subject": "Abwesenheit am Montag"}, "none"),
        ({"List_Id": "<list.example.com>"}, "bulk"),
        ({"List_Unsubscribe": "<mailto:x@y.example>"}, "bulk"),
        ({"List_Post": "<mailto:x@y.example>"}, "bulk"),
        ({"Feedback_ID": "1:campaign:x"}, "bulk"),
        ({"Precedence": "bulk"}, "bulk"),
        ({"Precedence": "List"}, "bulk"),
        ({"Precedence": "first-class"}, "none"),
        ({"Return_Path": "<bounces+1-max=acme.example@mail.example.com>"}, "bulk"),
        ({"Return_Path": "<x@bounce.example.com>"}, "bulk"),
        ({"Return_Path": "<list-owner@example.com>"}, "bulk"),
        ({"Return_Path": "<SRS0=a=b=example.com=jane@forward.example>"}, "none"),
        ({"Return_Path": "<prvs=0123=jane@example.com>"}, "none"),
        ({"Return_Path": "<jane.owner-smith@example.com>"}, "none"),
        ({"Content_Type": REPORT.format("delivery-status")}, "bounce"),
        ({"Content_Type": REPORT.format("Disposition-Notification")}, "notification"),
        ({"Content_Type": "multipart/mixed; boundary=x"}, "none"),
        ({"X_Failed_Recipients": "max@acme.example"}, "bounce"),
        ({"From": "MAILER-DAEMON@mx.example.com"}, "bounce"),
        ({"From": "Mail Delivery Subsystem <x@example.com>"}, "bounce"),
        ({"From": "postmaster@example.com", "Subject": "Undeliverable: Offer"}, "bounce"),
        ({"From": "postmaster@example.com"}, "notification"),
        ({"Subject": "Undelivered Mail Returned to Sender"}, "bounce"),
        ({"Subject": "Delivery failure: one desk is missing"}, "none"),
        ({"Subject": "Fwd: Undelivered Mail Returned to Sender"}, "none"),
        ({"From": "no-reply@example.com"}, "notification"),
        ({"From": "noreply-orders@example.com"}, "notification"),
        ({"From": "orders.no-reply@example.com"}, "notification"),
        ({"From": "nichtantworten@example.com"}, "notification"),
        ({"From": "notifications@example.com"}, "notification"),
        ({"From": "newsletter@example.com"}, "notification"),
        ({"From": "info@example.com"}, "none"),
        ({"From": "sales@example.com"}, "none"),
        ({"From": "norepleyev@example.com"}, "none"),
        ({"From": "alerta.garcia@example.com"}, "none"),
        ({"From": "notifyme.smith@example.com"}, "none"),
        ({"From": ""}, "none"),
        ({"Sender": "assistant@example.com", "Reply_To": "jane@private.example"}, "none"),
        ({"X_Mailer": "Bulk Mailer 5"}, "none"),
    ],
    ids=str,
)
def test_classify(changes: dict[str, str], kind: str) -> None:
    verdict = classify(header(**changes))
    assert verdict.kind == kind
    assert bool(verdict.reason) == (kind != "none")


def test_reasons_are_for_people() -> None:
    assert classify(header(List_Id="<x>")) == Verdict("bulk", "List-ID header")
    assert classify(header(From="no-reply@example.com")) == Verdict("notification", "sender no-reply@example.com")
    assert classify(header(Precedence="bulk")) == Verdict("bulk", "Precedence: bulk")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("info@example.com", True),
        ("Sales+web@example.com", True),
        ("no-reply@example.com", True),
        ("postmaster@example.com", True),
        ("jane@example.com", False),
        ("info.desk@example.com", False),
        ("", False),
    ],
)
def test_is_role_address(address: str, expected: bool) -> None:
    assert is_role_address(address) is expected


needs_corpus = pytest.mark.skipif(corpus.OTHERS is None, reason="MAIL_CORPUS is not set")


def _headers(*folders: str) -> Iterator[tuple[Path, Header]]:
    assert corpus.OTHERS
    for folder in folders:
        for path in corpus.mails(corpus.OTHERS / folder):
            yield path, parse_header(path.read_bytes(), 1)


@needs_corpus
def test_nobody_whom_people_write_to_is_a_program() -> None:
    """Automatic senders of business mailboxes are those nobody in them ever wrote to."""
    mails = list(_headers("enron-7users"))
    written_to = {one.email for path, header in mails if "sent" in str(path) for one in (*header.to, *header.cc)}
    programs = {header.from_.email for _path, header in mails if header.from_ and classify(header).kind != "none"}
    colleagues = {email for email in programs if email.endswith("@enron.com")}
    assert len(written_to) > 300
    assert programs
    assert not programs & written_to
    assert not colleagues


@needs_corpus
def test_a_mailbox_of_friends_has_no_automatic_mail() -> None:
    assert [path.name for path, header in _headers("k9-demo-mailbox") if classify(header).kind != "none"] == []


@needs_corpus
def test_precision_and_recall(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs: bounces, commercial ham and list traffic; people: the other ham, and colleagues' mail.

    Spam is left out: it pretends to be of people, and is no business of this. What counts as a false alarm here was
    read one by one: list and feed mail whose software leaves no trace but those the classifier itself goes by.
    """
    ham = list(_headers("spamassassin-public/easy-ham-1", "spamassassin-public/easy-ham-2"))
    programs = [header for _path, header in _headers("flufl-bounce", "spamassassin-public/hard-ham-1")]
    programs += [header for _path, header in ham if _passed_a_list(header)]
    people = [header for _path, header in ham if not _passed_a_list(header)]
    people += [header for _path, header in _headers("enron-7users") if _is_colleague(header)]
    hits = sum(classify(header).kind != "none" for header in programs)
    false_alarms = sum(classify(header).kind != "none" for header in people)
    bounces = [header for _path, header in _headers("flufl-bounce")]
    figures = {
        "precision": hits / (hits + false_alarms),
        "recall": hits / len(programs),
        "recall of bounces": sum(classify(header).kind != "none" for header in bounces) / len(bounces),
    }
    with capsys.disabled():
        print("\n" + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()), len(programs), len(people))
    for name, value in figures.items():
        record_property(name, value)
    assert figures["precision"] > 0.96
    assert figures["recall"] > 0.93
    assert figures["recall of bounces"] > 0.95


def _passed_a_list(header: Header) -> bool:
    """By what list software leaves behind that the classifier does not look at, or by a feed as the sender."""
    sender = header.from_.email if header.from_ else ""
    return bool({"x-beenthere", "errors-to", "x-egroups-return"} & header.fields.keys()) or sender.startswith("rss")


def _is_colleague(header: Header) -> bool:
    return header.from_ is not None and header.from_.email.endswith("@enron.com")
