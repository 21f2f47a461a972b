"""Answers that are read without the library mean what the library says."""

from __future__ import annotations

import pytest
from imapclient.response_parser import parse_fetch_response

from mail_crm_link.connectors.imap import session


@pytest.mark.parametrize(
    "head",
    [
        b'17 (UID 17 RFC822.SIZE 33417 INTERNALDATE "21-Nov-2026 20:00:01 +0100" FLAGS (\\Seen $Junk) BODY[HEADER] {4}',
        b'17 (FLAGS () INTERNALDATE " 1-Nov-2026 20:00:01 -0330" UID 4294967295 BODY[HEADER] {4}',
        b'17 (UID 9 INTERNALDATE "00-Foo-0000 00:00:00 +0000" BODY[HEADER] {4}',
        b"17 (UID 9 BODY[] {4}",
        b"17 (UID 9 MODSEQ (12) BODY[] {4}",
        b"17 (UID 9 BODY[1.2] {4}",
    ],
)
def test_an_answer_means_what_the_library_reads(head: bytes) -> None:
    group = [(head, b"mail"), b")"]
    ((uid, expected),) = parse_fetch_response(group, normalise_times=False).items()
    found, answer = session._parse_fetch(group)
    assert isinstance(answer, dict)
    # The library's time zones have no equality of their own.
    assert {key: str(value) for key, value in answer.items()} == {key: str(value) for key, value in expected.items()}
    assert found == uid


def test_what_the_server_says_unasked_is_nobodys_answer() -> None:
    assert session._parse_fetch([b"17 (FLAGS (\\Seen))"])[0] == 0
