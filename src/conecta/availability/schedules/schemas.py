"""Wire schemas of working hours and of the dates that differ from them."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from conecta.kit.pages import PageParams
from conecta.kit.schemas import CalendarDate, ReadSchema, Schema, Timestamp, TimeZone, id_of

from . import rules

DayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Horario de mañana"])]
Note = Annotated[str, Field(max_length=500, examples=["Feria"])]
if TYPE_CHECKING:  # the types of ids are made when the program runs
    UserId = str
    CalendarId = str
else:
    UserId, CalendarId = id_of("usr"), id_of("hol")
_Clock = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
ClockFrom = Annotated[_Clock, Field(alias="from", examples=["09:00"])]
ClockTo = Annotated[_Clock, Field(alias="to", examples=["14:00"])]


class DaySpan(Schema):
    """A span of hours on the wall clock of the schedule."""

    from_: ClockFrom
    """When it begins."""
    to: ClockTo
    """When it ends, `24:00` at the latest; at or before `from` it is on the next day."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        rules.span(self.from_, self.to)
        return self

    @property
    def minutes(self) -> rules.Span:
        """Minutes from the midnight of the day it begins on."""
        return rules.span(self.from_, self.to)


class WeekSpan(DaySpan):
    """A span of hours on a day of the week."""

    day: DayName
    """The day it begins on."""

    @property
    def weekday(self) -> int:
        """1 for Monday … 7 for Sunday."""
        return rules.DAYS.index(self.day) + 1


def _week(spans: list[WeekSpan]) -> list[WeekSpan]:
    rules.sorted_week([(span.weekday, span.minutes) for span in spans])
    return spans


def _day(spans: list[DaySpan]) -> list[DaySpan]:
    rules.sorted_day(span.minutes for span in spans)
    return spans


_WEEK_EXAMPLE = [{"day": "monday", "from": "09:00", "to": "14:00"}]
Weekly = Annotated[list[WeekSpan], Field(max_length=70, examples=[_WEEK_EXAMPLE]), AfterValidator(_week)]
Spans = Annotated[
    list[DaySpan], Field(max_length=10, examples=[[{"from": "10:00", "to": "13:00"}]]), AfterValidator(_day)
]


class ScheduleCreate(Schema):
    """Hours to add."""

    name: Name
    """What people call it."""
    provider_id: UserId | None = None
    """The member it is of; without one it is the firm's."""
    time_zone: TimeZone | None = None
    """Zone of its wall clock; the firm's unless told."""
    holiday_calendar_id: CalendarId | None = None
    """Which holidays it keeps; the firm's default calendar unless told."""
    weekly: Weekly
    """Hours of each week, several spans a day; no span at all means never."""
    is_default: bool | None = None
    """Whether it counts where none is named; true unless told when its member (or the firm) has no other."""


class ScheduleUpdate(Schema):
    """Changes to hours; what is absent stays."""

    name: Name | None = None
    """What people call it."""
    time_zone: TimeZone | None = None
    """Zone of its wall clock."""
    holiday_calendar_id: CalendarId | None = None
    """Which holidays it keeps; null goes back to the firm's default calendar."""
    weekly: Weekly | None = None
    """The whole week."""
    is_default: bool | None = None
    """True makes it the default in place of the other one."""


class DaySpanRead(ReadSchema):
    """A span of hours."""

    from_: Annotated[str, Field(alias="from", examples=["09:00"])]
    """When it begins."""
    to: Annotated[str, Field(examples=["14:00"])]
    """When it ends; at or before `from` it is on the next day."""


class WeekSpanRead(DaySpanRead):
    """A span of hours on a day of the week."""

    day: DayName
    """The day it begins on."""


class ScheduleRead(ReadSchema):
    """Weekly hours in a time zone."""

    id: str
    """`sch_…`."""
    name: str
    """What people call it."""
    provider_id: str | None
    """The member it is of; null for the firm's."""
    is_default: bool
    """Whether it counts where none is named."""
    time_zone: str
    """Zone of its wall clock."""
    holiday_calendar_id: str | None
    """Which holidays it keeps; null for the firm's default calendar."""
    weekly: list[WeekSpanRead]
    """Hours of each week."""
    created_at: Timestamp
    """When it was added."""
    updated_at: Timestamp
    """When it last changed."""


class ScheduleFilters(PageParams):
    """Filters of `GET /schedules`."""

    provider_id: UserId | None = None
    """Of this member."""
    is_default: bool | None = None
    """Defaults only, or all others."""
    sort: Literal["created_at", "-created_at"] = "created_at"
    """Order."""


class OverrideWrite(Schema):
    """The hours of one date."""

    spans: Spans
    """Hours that begin on that date, instead of the week's; an empty list means unavailable."""
    note: Note | None = None
    """Why, for the firm."""


class OverrideRead(ReadSchema):
    """A date with hours of its own."""

    date: CalendarDate
    """The date, on the calendar of the schedule's zone."""
    spans: list[DaySpanRead]
    """Its hours; empty when unavailable."""
    note: str | None
    """Why, for the firm."""
    created_at: Timestamp
    """When it was added."""
    updated_at: Timestamp
    """When it last changed."""


class OverrideFilters(PageParams):
    """Filters of the list of dates."""

    date_from: CalendarDate | None = None
    """This date and later ones."""
    date_to: CalendarDate | None = None
    """This date and earlier ones."""
    sort: Literal["date", "-date"] = "date"
    """Order."""


def stored_week(weekly: list[WeekSpan]) -> list[dict[str, int]]:
    """Return a week as it is stored, in its order."""
    in_order = rules.sorted_week([(span.weekday, span.minutes) for span in weekly])
    return [{"day": day, "start": start, "end": end} for day, (start, end) in in_order]


def stored_day(spans: list[DaySpan]) -> list[dict[str, int]]:
    """Return a day's hours as they are stored, in their order."""
    return [{"start": start, "end": end} for start, end in rules.sorted_day(span.minutes for span in spans)]
