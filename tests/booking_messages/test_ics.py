"""What we write for calendars is read back by two other libraries, one of them strict."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar

from conecta.bookings import ics

START = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
MOMENTS = st.integers(946_684_800, 4_102_444_799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
# What no calendar may hold is left out; what it may, comes back.
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp", "Cf", "Co", "Zs"]) | st.just(" ")
)


def entry(**changes):
    return ics.Entry(
        **{
            "uid": ics.uid("bkg_1", "conecta.example"),
            "sequence": 0,
            "status": "CONFIRMED",
            "start": START,
            "end": START + timedelta(minutes=30),
            "created": START - timedelta(days=3),
            "changed": START - timedelta(days=2),
            "summary": "Consulta",
            **changes,
        }
    )


def read(content: bytes):
    return IcsCalendarStream.calendar_from_ics(content.decode())


def unfolded(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_an_invitation_says_what_when_where_and_who():
    guest, organizer = (
        ics.Person("José Núñez, S.L.", "jose@example.com"),
        ics.Person('Bufete "Ñ"', "m@b.example"),
    )
    content = ics.invitation(
        entry(
            summary="Consulta; herencia, y más",
            description="Línea 1\r\nC:\\ruta",
            location="Calle Mayor, 3; 2.º",
            url="https://conecta.example/c/abc",
            organizer=organizer,
            guests=[guest],
        ),
        method="REQUEST",
        stamp=START - timedelta(days=1),
    )
    calendar = read(content)
    (event,) = calendar.events
    assert calendar.method == "REQUEST"
    assert (event.uid, event.sequence, event.status) == ("bkg_1@conecta.example", 0, "CONFIRMED")
    assert (event.dtstart, event.dtend) == (START, START + timedelta(minutes=30))
    assert event.dtstamp == START - timedelta(days=1)
    assert event.summary == "Consulta; herencia, y más"
    assert event.description == "Línea 1\nC:\\ruta"
    assert event.location == "Calle Mayor, 3; 2.º"
    assert (event.organizer.uri, event.organizer.common_name) == ("mailto:m@b.example", "Bufete 'Ñ'")
    (attendee,) = event.attendees
    assert (attendee.uri, attendee.common_name) == ("mailto:jose@example.com", "José Núñez, S.L.")
    assert "DTSTART:20261025T003000Z" in unfolded(content)  # an instant: the night of the change says it once


def test_trap_17_lines_are_folded_by_octets_never_inside_a_letter():
    content = ics.invitation(entry(summary="ñ" * 200 + "😀" * 100), method="REQUEST", stamp=START)
    lines = content.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    for line in lines:
        line.decode()  # a fold inside a letter would leave half of it on each line
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert read(content).events[0].summary == "ñ" * 200 + "😀" * 100


@pytest.mark.parametrize("nasty", ["\x00\x07", "a\u2028b", "\ud7ff\x9f", "BEGIN:VEVENT\r\nUID:x"])
def test_nobody_writes_lines_of_our_calendar(nasty):
    content = ics.invitation(
        entry(summary=nasty, organizer=ics.Person(nasty, "a@b.example")), method="CANCEL", stamp=START
    )
    (event,) = read(content).events
    assert event.uid == "bkg_1@conecta.example"
    assert sum(line.startswith("UID") for line in unfolded(content)) == 1
    assert not any(ord(letter) < 32 for line in unfolded(content) for letter in line)


@given(
    summary=WORDS, location=WORDS, start=MOMENTS, minutes=st.integers(1, 2880), sequence=st.integers(0, 99)
)
def test_whatever_is_written_is_read_back(summary, location, start, minutes, sequence):
    wanted = entry(
        summary=summary,
        location=location,
        start=start,
        end=start + timedelta(minutes=minutes),
        sequence=sequence,
    )
    content = ics.invitation(wanted, method="REQUEST", stamp=START)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    (component,) = Calendar.from_ical(content).events
    assert (component["SUMMARY"], component.get("LOCATION", "")) == (summary, location)
    assert (component.start, component.end) == (wanted.start, wanted.end)
    assert not component.errors
    (event,) = read(content).events
    assert (event.summary or "", event.location or "") == (summary, location)
    assert (event.dtstart, event.dtend, event.sequence) == (wanted.start, wanted.end, sequence)


def test_the_same_bookings_make_the_same_feed():
    entries = [entry(), entry(uid="bkg_2@conecta.example", status="CANCELLED")]
    first = ics.feed("Agenda de Marta", entries)
    assert first == ics.feed("Agenda de Marta", entries)
    calendar = read(first)
    assert [event.status for event in calendar.events] == ["CONFIRMED", "CANCELLED"]
    assert [event.dtstamp for event in calendar.events] == [START - timedelta(days=2)] * 2
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M" in unfolded(first)
