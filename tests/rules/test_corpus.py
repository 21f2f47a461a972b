"""Real octets: the project's own mails to the letter, and every mail of a bigger corpus without a fault."""

import json
from pathlib import Path

import pytest

from mail_crm_link.rules import automatic, conversation, naming
from mail_crm_link.rules.addresses import normalize
from mail_crm_link.rules.message import Body, Header, parse_body, parse_header, sanitize, snippet, text_to_html

from . import corpus


@pytest.mark.parametrize("path", corpus.own_mails(), ids=lambda path: path.stem)
def test_own_mail_reads_as_described(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert corpus.described(path.read_bytes()) == expected


@pytest.mark.parametrize("path", corpus.own_mails(), ids=lambda path: path.stem)
def test_own_mail_cut_anywhere_is_still_read(path: Path) -> None:
    raw = path.read_bytes()
    for end in range(0, len(raw), 7):
        _check(raw[:end])


def _folders() -> list[Path]:
    return [folder for folder in sorted(corpus.OTHERS.iterdir()) if folder.is_dir()] if corpus.OTHERS else []


@pytest.mark.skipif(corpus.OTHERS is None, reason="MAIL_CORPUS is not set")
@pytest.mark.parametrize("folder", _folders(), ids=lambda folder: folder.name)
def test_every_mail_of_the_corpus_is_read(folder: Path) -> None:
    for path in (one for one in folder.rglob("*") if one.is_file()):
        try:
            _check(path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path}: {error!r}") from error


def _check(raw: bytes) -> None:
    """Read a mail by everything there is: nothing raises, and every text can be stored."""
    header, body = parse_header(raw, len(raw)), parse_body(raw)
    for text in (*corpus.texts((header, body)), *_derived(header, body)):
        assert "\0" not in text
        text.encode("utf-8")
    for address in (*header.to, *header.cc):
        assert normalize(address.email) == address.email


def _derived(header: Header, body: Body) -> list[str]:
    return [
        sanitize(body.html),
        text_to_html(body.text),
        snippet(body),
        automatic.classify(header).reason,
        naming.record_name(header.subject, "fallback"),
        *conversation.keys(header),
        *(naming.person_name(address) for address in header.to),
    ]
