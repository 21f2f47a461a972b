from datetime import date, datetime, timezone

import pytest

from mail_crm_link.rules.invitation import parse_invitation

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1@mill.example
DTSTAMP:20260101T000000Z
{times}
SUMMARY:Site visit\\, hall 3
LOCATION:Mill Ltd
ORGANIZER;CN=Anna Meyer:mailto:anna@mill.example
ATTENDEE;CN=Olaf Owner:mailto:owner@our.example
ATTENDEE:mailto:bob@mill.example
{more}END:VEVENT
END:VCALENDAR
"""


def event(times: str = "DTSTART:20260310T090000Z\nDTEND:20260310T100000Z", more: str = "") -> bytes:
    return EVENT.format(times=times, more=more).replace("\n", "\r\n").encode()


def test_it_says_what_where_and_who() -> None:
    invitation = parse_invitation(event())
    assert invitation is not None
    assert (invitation.method, invitation.summary, invitation.location) == (
        "REQUEST",
        "Site visit, hall 3",
        "Mill Ltd",
    )
    assert (invitation.organizer, invitation.attendees) == ("Anna Meyer", ("Olaf Owner", "bob@mill.example"))
    assert not invitation.repeats


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        (
            "DTSTART:20260310T090000Z\nDTEND:20260310T100000Z",
            datetime(2026, 3, 10, 9, tzinfo=timezone.utc),
            datetime(2026, 3, 10, 10, tzinfo=timezone.utc),
        ),
        ("DTSTART;TZID=Berlin:20260310T090000", datetime(2026, 3, 10, 8, tzinfo=timezone.utc), None),
        ("DTSTART:20260310T090000", datetime(2026, 3, 10, 9), None),
        ("DTSTART;VALUE=DATE:20260310", date(2026, 3, 10), None),
        ("", None, None),
    ],
)
def test_times_are_utc_where_they_say_their_zone(times: str, start: object, end: object) -> None:
    invitation = parse_invitation(event(times))
    assert invitation is not None
    assert (invitation.start, invitation.end) == (start, end)


def test_a_series_says_so() -> None:
    invitation = parse_invitation(event(more="RRULE:FREQ=WEEKLY\n"))
    assert invitation is not None
    assert invitation.repeats


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\n" * 5_000,
        b"BEGIN:VCARD\r\nEND:VCARD\r\n",
        event(times="DTSTART:tomorrow"),
        event(times="DTSTART;TZID=Nowhere:20260310T090000")[:-30],
        event()[:200],
        b"\xff\xfe\x00" * 100,
    ],
)
def test_nothing_raises(content: bytes) -> None:
    parse_invitation(content)
