"""The firm's agenda: a week of bookings, held times, absences, holidays and what other calendars take."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_interval
from starlette.responses import Response

from conecta.availability import service as availability
from conecta.kit import clock, language
from conecta.kit.language import Text
from conecta.pages import times
from conecta.pages.web import Page, PersonPage, page_router

from . import colleagues
from .booking_words import BOOKING_STATUS, BUSY, EXTERNAL, HELD, HOLIDAYS, TIME_OFF
from .colleagues import Names
from .words import Word

router = page_router("/panel/agenda")

_HERE: Final = "/panel/agenda"
_HALF_A_DAY: Final = timedelta(hours=12)
_WHOLE_FIRM = Text("Todo el despacho", "The whole firm")
_ALL_DAY = Text("Todo el día", "All day")
_SINCE, _UNTIL = Text("desde {time}", "from {time}"), Text("hasta {time}", "until {time}")


@dataclass(frozen=True)
class Line:
    """Something on the agenda, as one day shows it: `when` is the part of it that falls on that day."""

    kind: str
    when: Text | str
    title: Text | str
    about: str
    who: Text | str
    word: Word | None
    href: str | None
    order: tuple[bool, datetime]


@dataclass(frozen=True)
class Day:
    """One day of the week that is shown."""

    date: date
    name: str
    letter: str
    is_today: bool
    lines: Sequence[Line]


@router.get("")
async def show_week(page: PersonPage) -> Response:
    """The week of a day, of everybody or of one member."""
    query, zone = page.request.query_params, ZoneInfo(page.person.time_zone)
    today = clock.now().astimezone(zone).date()
    chosen = times.day_of(query.get("day")) or today
    monday = chosen - timedelta(days=chosen.weekday())
    people = await colleagues.members(page)
    choices = colleagues.assignable(people)
    member = query.get("member", "")
    member = member if member in dict(choices) else ""
    entries = await _entries(page, monday, zone, member or None)
    return page.render(
        "panel/agenda/week.html",
        days=await _days(page, entries, monday, today, zone, colleagues.names_of(people)),
        title=_week_name(monday),
        today=today.isoformat(),
        monday=monday.isoformat(),
        is_this_week=monday <= today < monday + timedelta(days=7),
        before=(monday - timedelta(days=7)).isoformat(),
        after=(monday + timedelta(days=7)).isoformat(),
        members=choices,
        member=member,
        zone=times.zone_name(zone),
    )


async def _entries(page: Page, monday: date, zone: ZoneInfo, member: str | None) -> list[dict[str, Any]]:
    text = await availability.calendar_text(
        page.reads,
        tenant_id=page.person.tenant_id,
        period=(_midnight(monday, zone), _midnight(monday + timedelta(days=7), zone)),
        who=member,
        room=None,
    )
    found: list[dict[str, Any]] = json.loads(text)["data"]
    return found


async def _days(
    page: Page, entries: list[dict[str, Any]], monday: date, today: date, zone: ZoneInfo, names: Names
) -> list[Day]:
    rooms = await colleagues.room_names(page) if any(entry["room_id"] for entry in entries) else {}
    days = []
    for day in (monday + timedelta(days=number) for number in range(7)):
        found = [line for entry in entries if (line := _line(entry, day, zone, names, rooms))]
        days.append(
            Day(
                date=day,
                name=times.day_name(day),
                letter=str(format_date(day, "ccccc", locale=language.current())),
                is_today=day == today,
                lines=sorted(found, key=lambda line: line.order),
            )
        )
    return days


def _line(entry: dict[str, Any], day: date, zone: ZoneInfo, names: Names, rooms: Names) -> Line | None:
    """Return what a day shows of an entry; None when the entry does not touch it."""
    start, end = (datetime.fromisoformat(entry[name]).astimezone(UTC) for name in ("start", "end"))
    begins, ends = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    if entry["all_day"]:
        # Whole days are dates, whatever the zone of the calendar that they come from.
        first, last = (
            (moment).astimezone(zone).date() for moment in (start + _HALF_A_DAY, end - _HALF_A_DAY)
        )
        touches, whole = first <= day <= last, True
    else:
        touches, whole = start < ends and end > begins, start <= begins and end >= ends
    if not touches:
        return None
    people = [names[member] for member in entry["provider_ids"] if member in names]
    title, about, word = _words(entry)
    where = [rooms[entry["room_id"]]] if entry["room_id"] in rooms else []
    everybody = entry["kind"] == "time_off" and not people and not where
    return Line(
        kind=entry["kind"],
        when=_ALL_DAY if whole else _hours(max(start, begins), min(end, ends), (start, end), zone),
        title=title,
        about=about,
        who=_WHOLE_FIRM if everybody else " · ".join([", ".join(people), *where] if people else where),
        word=word,
        href=f"/panel/bookings/{entry['id']}" if entry["kind"] == "booking" else None,
        order=(not whole, start),
    )


def _words(entry: dict[str, Any]) -> tuple[Text | str, str, Word | None]:
    """Return how an entry is called, whom it is for, and its badge."""
    kind, title, status = entry["kind"], entry["title"], entry["status"]
    if kind == "booking":
        attendee = entry["attendee"] or ""
        return title or "", attendee if attendee != title else "", BOOKING_STATUS[status]
    if kind == "hold":
        return HELD, "", None
    words = {"time_off": TIME_OFF, "holiday": HOLIDAYS, "external": EXTERNAL}[kind][status]
    if kind == "external":
        return title or BUSY, "", Word(words, "neutral")
    return (title, "", Word(words, "neutral")) if title else (words, "", None)


def _hours(
    shown_from: datetime, shown_until: datetime, whole: tuple[datetime, datetime], zone: ZoneInfo
) -> Text | str:
    """Return the hours of an entry on a day: both, or the one at which it begins or ends there."""
    first, last = (clock.wall(moment, zone) for moment in (shown_from, shown_until))
    if shown_from > whole[0]:
        return _UNTIL.fill(time=last)
    return f"{first}\u2013{last}" if shown_until == whole[1] else _SINCE.fill(time=first)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _week_name(monday: date) -> str:
    sunday = monday + timedelta(days=6)
    return str(format_interval(monday, sunday, "yMMMMd", locale=language.current()))
