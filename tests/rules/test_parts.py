import pytest

from mail_crm_link.rules.excerpt import beginning
from mail_crm_link.rules.parts import kind_of


@pytest.mark.parametrize(
    ("content_type", "filename", "kind"),
    [
        ("text/calendar", "", "invitation"),
        ("application/octet-stream", "Invite.ICS", "invitation"),
        ("message/rfc822", "Offer.eml", "mail"),
        ("application/ms-tnef", "winmail.dat", "outlook"),
        ("application/octet-stream", "winmail.dat", "outlook"),
        ("application/pkcs7-mime", "smime.p7m", "smime"),
        ("application/pkcs7-signature", "smime.p7s", "smime_signature"),
        ("application/pgp-encrypted", "", "pgp"),
        ("application/pgp-signature", "signature.asc", "pgp_signature"),
        ("IMAGE/PNG", "", "image"),
        ("image/svg+xml", "logo.svg", "other"),
        ("application/pdf", "Offer.pdf", "other"),
    ],
)
def test_a_part_is_told_by_its_type_else_by_its_name(content_type: str, filename: str, kind: str) -> None:
    assert kind_of(content_type, filename) == kind


@pytest.mark.parametrize(
    ("html", "length", "expected"),
    [
        ("<p>one</p>", 100, "<p>one</p>"),
        ("<p>one</p><p>two</p>", 12, "<p>one</p>"),
        ("no tag in it", 5, "no ta"),
        ('<p>one</p><a href="long', 14, "<p>one</p>"),
    ],
)
def test_a_long_text_is_cut_before_a_tag(html: str, length: int, expected: str) -> None:
    assert beginning(html, length) == expected
