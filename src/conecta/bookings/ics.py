"""Bookings as calendars write them (RFC 5545, RFC 5546): invitations, cancellations, whole feeds. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from icalendar import Calendar, Event, vCalAddress, vDuration, vText, vUri

MEDIA_TYPE: Final = "text/calendar"
_PRODUCT: Final = "-//ServiciosConecta//Bookings 1.0//ES"
_REFRESH: Final = timedelta(minutes=15)
# A calendar program shows a line or two of these; the longest texts of ours stay whole.
_LONGEST: Final = 4_000

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
Status = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]

# What a booking is to a calendar; one that was held, or missed, stays where it was.
STATUSES: Final[dict[str, Status]] = {
    "pending": "TENTATIVE",
    "confirmed": "CONFIRMED",
    "completed": "CONFIRMED",
    "no_show": "CONFIRMED",
    "cancelled": "CANCELLED",
}


@dataclass(frozen=True)
class Person:
    """Somebody with a mail address, as organizer or guest."""

    name: str
    email: str


@dataclass(frozen=True)
class Entry:
    """One booking in a calendar. All times are instants; `changed` is when it last changed."""

    uid: str
    sequence: int
    status: Status
    start: datetime
    end: datetime
    created: datetime
    changed: datetime
    summary: str
    description: str = ""
    location: str = ""
    url: str = ""
    organizer: Person | None = None
    guests: Sequence[Person] = ()


def uid(booking_id: str, host: str) -> str:
    """Return what a booking is called in every calendar, for as long as it exists."""
    return f"{booking_id}@{host}"


def invitation(entry: Entry, *, method: Method, stamp: datetime) -> bytes:
    """Write one booking to be mailed: REQUEST for a new or changed one, CANCEL for one that is called off.

    `stamp` is when this message was written: of two with the same sequence, the later one counts.
    """
    return _written({"method": method}, [_event(entry, stamp)])


def feed(name: str, entries: Iterable[Entry]) -> bytes:
    """Write many bookings, to be fetched again and again: the same bookings make the same bytes."""
    head = {
        "method": "PUBLISH",
        "name": _text(name),
        "x-wr-calname": _text(name),
        "refresh-interval": vDuration(_REFRESH, {"value": "DURATION"}),
        "x-published-ttl": vDuration(_REFRESH),
    }
    return _written(head, (_event(entry, entry.changed) for entry in entries))


def _written(head: dict[str, Any], events: Iterable[Event]) -> bytes:
    calendar = Calendar()
    for name, value in {"prodid": _PRODUCT, "version": "2.0", "calscale": "GREGORIAN", **head}.items():
        calendar.add(name, value)
    for event in events:
        calendar.add_component(event)
    return bytes(calendar.to_ical(sorted=False))


def _event(entry: Entry, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", _text(entry.uid))
    event.add("sequence", entry.sequence)
    moments = {
        "dtstamp": stamp,
        "created": entry.created,
        "last-modified": entry.changed,
        "dtstart": entry.start,
        "dtend": entry.end,
    }
    for name, moment in moments.items():
        event.add(name, moment.astimezone(UTC).replace(microsecond=0))
    event.add("status", entry.status)
    event.add("transp", "TRANSPARENT" if entry.status == "CANCELLED" else "OPAQUE")
    event.add("summary", _text(entry.summary))
    for name, text in {"description": entry.description, "location": entry.location}.items():
        if text:
            event.add(name, _text(text))
    if entry.url:
        event.add("url", vUri(entry.url))
    if entry.organizer:
        event.add("organizer", _person(entry.organizer), encode=False)
    # Answers of a calendar program would reach a person's mailbox, not us: people answer by their link.
    answered = "NEEDS-ACTION" if entry.status == "TENTATIVE" else "ACCEPTED"
    for guest in entry.guests:
        asked = _person(guest)
        asked.params |= {"role": "REQ-PARTICIPANT", "partstat": answered, "rsvp": "FALSE"}
        event.add("attendee", asked, encode=False)
    return event


def _person(person: Person) -> vCalAddress:
    # A parameter cannot hold a double quote or a line break, however it is written.
    address = vCalAddress(f"mailto:{''.join(_printable(person.email).split())}")
    address.params["cn"] = " ".join(_printable(person.name).replace('"', "'").split())
    return address


def _text(text: str) -> vText:
    """Leave out what no calendar may hold."""
    return vText(_printable(text)[:_LONGEST])


def _printable(text: str) -> str:
    """Drop control characters but for line breaks, each of which becomes a single one."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(
        line if line.isprintable() else "".join(c for c in line if c == "\t" or c.isprintable())
        for line in lines
    )
