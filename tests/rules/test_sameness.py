"""What all copies of one mail have in common."""

import pytest

from mail_crm_link.rules.message import parse_body
from mail_crm_link.rules.sameness import content_digest, link_target

PAGE = "https://mill.example/offers/7?page=2"


def html(text: str, link: str = PAGE) -> str:
    return f'<style>p {{color: red}}</style><p>{text}</p><a class="x" href="{link}">here</a>'


@pytest.mark.parametrize(
    "rewritten",
    [
        "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fmill.example%2Foffers%2F7%3Fpage%3D2"
        "&data=05%7C02%7Cjane%40our.example%7Cab&sdata=x%3D&reserved=0",
        "https://urldefense.proofpoint.com/v2/url?u=https-3A__mill.example_offers_7-3Fpage-3D2&d=DwMF&c=x&r=jane",
        "https://urldefense.com/v3/__https://mill.example/offers/7?page=2__;!!AbC!xyz$",
        "https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fmill.example%2foffers%2f7%3fpage%3d2&c=E,1,x",
        "HTTPS://MILL.example/offers/7/",
    ],
    ids=["microsoft", "proofpoint-2", "proofpoint-3", "barracuda", "as it is"],
)
def test_links_that_servers_make_their_own_lead_to_the_same_page(rewritten: str) -> None:
    assert link_target(rewritten) == "https://mill.example/offers/7"
    assert content_digest(f"See {rewritten}.", "", []) == content_digest(f"See {PAGE}.", "", [])
    escaped = rewritten.replace("&", "&amp;")
    assert content_digest("", html("Offer", escaped), []) == content_digest("", html("Offer"), [])


@pytest.mark.parametrize(
    ("text", "shown", "names"),
    [
        ("Another offer", html("Offer"), ["a.pdf"]),
        ("Offer", html("Another offer"), ["a.pdf"]),
        ("Offer", html("Offer", "https://evil.example/offers/7"), ["a.pdf"]),
        ("Offer", html("Offer"), ["b.pdf"]),
        ("Offer", "", ["a.pdf"]),
    ],
    ids=["text", "html", "link", "attachment", "form"],
)
def test_what_a_reader_may_get_to_see_is_in_it(text: str, shown: str, names: list[str]) -> None:
    assert content_digest(text, shown, names) != content_digest("Offer", html("Offer"), ["a.pdf"])


def test_what_a_server_writes_anew_is_not_in_it() -> None:
    one = html("Grüße &amp; more").replace("<p>", "<p style='margin:0'>\r\n")
    assert content_digest("Offer", one, []) == content_digest(" Offer\r\n", html("Gr&uuml;&szlig;e &#38; more"), [])


def test_forms_of_one_mail_are_compared_one_by_one() -> None:
    raw = (
        b"Content-Type: multipart/alternative; boundary=B\n\n--B\nContent-Type: text/plain\n\nOpen this as HTML\n"
        b"--B\nContent-Type: text/html\n\n<p>%s</p>\n--B--\n"
    )
    assert parse_body(raw % b"Secret").digest != parse_body(raw % b"A guess").digest
