"""Invitations to meetings (RFC 5545, RFC 6047) as far as a reader wants to know: what, when, where, who."""

from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

import vobject
from vobject.base import VObjectError

from .charsets import one_line

LONGEST = 200_000
"""Octets up to which an invitation is read; a year of meetings is none."""

_MOST_PEOPLE = 50
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Invitation:
    """One meeting.

    :param method: "REQUEST", "CANCEL", "REPLY" …; "" where it is none
    :param start: aware UTC; naive where it says no time zone; a date where it takes whole days
    :param end: like ``start``; exclusive; None where it is not said
    :param organizer: name or address
    :param attendees: names or addresses
    :param repeats: whether it is a series
    """

    method: str
    summary: str
    location: str
    start: datetime | date | None
    end: datetime | date | None
    organizer: str
    attendees: tuple[str, ...]
    repeats: bool


def parse_invitation(content: bytes) -> Invitation | None:
    """The first meeting of a calendar; None where there is none, or what there is cannot be read."""
    text = content[:LONGEST].decode("utf-8", "replace")
    try:
        calendar = vobject.readOne(text, ignoreUnreadable=True)
        event = calendar.vevent
        return _invitation(calendar, event)
    except (VObjectError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, StopIteration):
        # What the library raises on broken input is more than it says.
        return None


def _invitation(calendar: Any, event: Any) -> Invitation:
    attendees = tuple(_person(one) for one in event.contents.get("attendee", ())[:_MOST_PEOPLE])
    return Invitation(
        method=_text(calendar, "method").upper(),
        summary=_text(event, "summary"),
        location=_text(event, "location"),
        start=_moment(event, "dtstart"),
        end=_moment(event, "dtend"),
        organizer=next((_person(one) for one in event.contents.get("organizer", ())), ""),
        attendees=attendees,
        repeats="rrule" in event.contents,
    )


def _text(component: Any, name: str) -> str:
    [value, *_others] = component.contents.get(name, [None])
    return one_line(str(value.value))[:_LONGEST_TEXT] if value is not None else ""


def _moment(event: Any, name: str) -> datetime | date | None:
    [value, *_others] = event.contents.get(name, [None])
    moment = value.value if value is not None else None
    if isinstance(moment, datetime):
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment
    return moment if isinstance(moment, date) else None


def _person(line: Any) -> str:
    names = line.params.get("CN") or [""]
    address = str(line.value)
    shown = names[0] or (address[7:] if address.lower().startswith("mailto:") else address)
    return one_line(shown)[:_LONGEST_TEXT]
