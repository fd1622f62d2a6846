"""Wire schemas of holiday calendars and their days."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import CalendarDate, ReadSchema, Schema, Timestamp
from conecta.kit.validation import Refused

Region = Literal[
    "AN", "AR", "AS", "CB", "CE", "CL", "CM", "CN", "CT", "EX",
    "GA", "IB", "MC", "MD", "ML", "NC", "PV", "RI", "VC",
]  # fmt: skip
Kind = Literal["national", "regional", "local", "judicial", "office"]
CalendarName = Annotated[str, Field(min_length=1, max_length=100, examples=["Barcelona"])]
DayName = Annotated[str, Field(min_length=1, max_length=100, examples=["La Mercè"])]
Municipality = Annotated[str, Field(min_length=1, max_length=100, examples=["Barcelona"])]
Year = Annotated[int, Field(ge=2008, le=2100, examples=[2027])]


def _each_once(years: list[int]) -> list[int]:
    if len(set(years)) != len(years):
        raise Refused("repeated", Text("Un año está repetido.", "A year is repeated."))
    return sorted(years)


class HolidayCalendarCreate(Schema):
    """A calendar to add."""

    name: CalendarName
    """What people call it."""
    region: Region | None = None
    """Autonomous community or city whose days it has; without one only the national days."""
    municipality: Municipality | None = None
    """Town. Local days are added by hand, but for Barcelona's."""
    is_default: bool = False
    """Whether schedules that name no calendar keep this one."""
    years: Annotated[list[Year], Field(max_length=10), AfterValidator(_each_once)] | None = None
    """Years to fill in with official days: this one and the next unless told; none for an empty calendar."""


class HolidayCalendarUpdate(Schema):
    """Changes to a calendar; what is absent stays."""

    name: CalendarName | None = None
    """What people call it."""
    municipality: Municipality | None = None
    """Town; null empties it."""
    is_default: bool | None = None
    """True makes it the default in place of the other one."""


class HolidayCalendarRead(ReadSchema):
    """The holidays of a place."""

    id: str
    """`hol_…`."""
    name: str
    """What people call it."""
    region: Region | None
    """Autonomous community or city; null: national days only."""
    municipality: str | None
    """Town."""
    is_default: bool
    """Whether schedules that name no calendar keep this one."""
    years: list[int]
    """Years whose official days were filled in; others have only what was added by hand."""
    created_at: Timestamp
    """When it was added."""
    updated_at: Timestamp
    """When it last changed."""


class HolidayCalendarFilters(PageParams):
    """Filters of `GET /holiday-calendars`."""

    is_default: bool | None = None
    """The default one, or all others."""
    sort: Literal["created_at", "-created_at"] = "created_at"
    """Order."""


class YearAdd(Schema):
    """A year to fill in."""

    year: Year
    """Days that are there already, changed or not, stay as they are."""


class HolidayCreate(Schema):
    """A day to add."""

    date: CalendarDate
    """The day."""
    name: DayName
    """What it is called."""
    kind: Kind = "local"
    """`local`: of the town; `office`: of the firm alone; `judicial`: no court day, which closes nothing."""
    closed: bool | None = None
    """Whether it takes the day's hours away; true unless told, but false for `judicial`."""


class HolidayUpdate(Schema):
    """Changes to a day; what is absent stays. Its date does not change: delete it and add another."""

    name: DayName | None = None
    """What it is called."""
    closed: bool | None = None
    """Whether it takes the day's hours away."""
    confirmed: bool | None = None
    """True once somebody has checked it with an official source."""


class HolidayRead(ReadSchema):
    """A holiday."""

    id: str
    """`day_…`."""
    date: CalendarDate
    """The day."""
    name: str
    """What it is called."""
    kind: Kind
    """Who declares it."""
    source: Literal["library", "own"]
    """`library`: filled in with its year; `own`: added by hand."""
    closed: bool
    """Whether it takes the day's hours away."""
    confirmed: bool
    """False while it is only computed: the official calendar of its year was not known yet."""
    created_at: Timestamp
    """When it was added."""
    updated_at: Timestamp
    """When it last changed."""


class HolidayFilters(PageParams):
    """Filters of a calendar's days."""

    year: Year | None = None
    """Of this year."""
    kind: Kind | None = None
    """Of this kind."""
    closed: bool | None = None
    """Those that take time away, or all others."""
    sort: Literal["date", "-date"] = "date"
    """Order."""
