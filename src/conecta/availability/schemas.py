"""What is asked about free time, and what the API answers."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema, Timestamp, TimeZone, id_of
from conecta.kit.validation import Refused

from . import rules


def _day_or_moment(value: str) -> str:
    try:
        rules.check_bound(value)
    except (ValueError, OverflowError):
        form = Text(
            "Formato: 2026-01-17 o 2026-01-17T14:30:00Z.", "Format: 2026-01-17 or 2026-01-17T14:30:00Z."
        )
        raise Refused("type", form) from None
    return value


def _day(value: str) -> str:
    if len(value) != len("2026-01-17"):
        raise Refused("type", Text("Formato: 2026-01-17.", "Format: 2026-01-17."))
    return _day_or_moment(value)


DayOrMoment = Annotated[str, Field(max_length=40, examples=["2026-01-17"]), AfterValidator(_day_or_moment)]
Day = Annotated[str, Field(max_length=40, examples=["2026-01-17"]), AfterValidator(_day)]
if TYPE_CHECKING:
    ServiceId = str
    UserId = str
    RoomId = str
else:
    ServiceId, UserId, RoomId = id_of("svc"), id_of("usr"), id_of("room")

# `from` is a word of the language, so the classes cannot be written with it.
_PERIOD: dict[str, Any] = {
    "from": (
        DayOrMoment | None,
        Field(None, description="First day, or a moment; without it, today. A day is the invitee's."),
    ),
    "to": (
        DayOrMoment | None,
        Field(None, description="Last day, whole, or the moment until which; without it, a week."),
    ),
}


class _FreeTime(BaseModel):
    """Parameters of `GET /availability`."""

    model_config = ConfigDict(use_attribute_docstrings=True, populate_by_name=True)

    service_id: ServiceId | None = None
    """Time in which this service could take place, with all of its rules."""
    provider_id: UserId | None = None
    """Only of this member."""
    time_zone: TimeZone | None = None
    """IANA zone of whoever is invited, which days are counted in; without it, the firm's."""
    date: Day | None = None
    """A single day, instead of `from` and `to`."""
    duration: Annotated[int | None, Field(ge=5, le=1440)] = None
    """Minutes, one of the service's durations; its first without it. 30 where there is no service."""
    seats: Annotated[int, Field(ge=1, le=1000)] = 1
    """Places in a group session."""


class _Slots(_FreeTime):
    """Parameters of `GET /availability/slots`."""

    explain: bool = False
    """Say in `explanation` why the moment `at` is not offered."""
    at: Timestamp | None = None
    """The moment to explain."""


class _Calendar(BaseModel):
    """Parameters of `GET /calendar`."""

    model_config = ConfigDict(use_attribute_docstrings=True, populate_by_name=True)

    provider_id: UserId | None = None
    """Only what concerns this member."""
    room_id: RoomId | None = None
    """Only what concerns this room."""
    time_zone: TimeZone | None = None
    """IANA zone in which the days of `from` and `to` are counted; without it, the firm's."""


FreeTimeQuery = create_model("FreeTimeQuery", __base__=_FreeTime, __doc__=_FreeTime.__doc__, **_PERIOD)
SlotsQuery = create_model("SlotsQuery", __base__=_Slots, __doc__=_Slots.__doc__, **_PERIOD)
CalendarQuery = create_model("CalendarQuery", __base__=_Calendar, __doc__=_Calendar.__doc__, **_PERIOD)


class RangeRead(ReadSchema):
    """A range of free time, `[start, end)`."""

    start: Timestamp
    """Its beginning."""
    end: Timestamp
    """Its end, which is no longer part of it."""


class DayRead(ReadSchema):
    """The free time of one of the invitee's days."""

    date: str
    """The day."""
    available: bool
    """Whether there is any."""
    ranges: list[RangeRead]
    """When; what passes midnight is cut there."""


class ProviderTimeRead(ReadSchema):
    """The free time of one member."""

    provider_id: str
    """`usr_…`."""
    ranges: list[RangeRead]
    """When."""


class FreeTimeRead(ReadSchema):
    """Free time, in ranges."""

    time_zone: str
    """The zone that days are counted in."""
    version: str
    """Changes when anything that decides this may have changed."""
    data: list[DayRead]
    """Each day of the period."""
    ranges: list[RangeRead]
    """When anybody is free."""
    providers: list[ProviderTimeRead]
    """When each is."""


class SlotRead(ReadSchema):
    """A start that is free."""

    start: Timestamp
    """When the appointment would begin."""
    end: Timestamp
    """When it would end."""
    seats: int
    """Places there are, at most with one of the providers."""
    provider_ids: list[str]
    """Who could host it: any of them, or all of them together where the service asks for all."""


class DaySlotsRead(ReadSchema):
    """The slots that begin on one of the invitee's days."""

    date: str
    """The day."""
    slots: list[SlotRead]
    """In order; two may show the same hour on the night when clocks go back."""


class ReasonRead(ReadSchema):
    """A rule that keeps a moment from being offered."""

    rule: str
    """Its id, the same as the `code` with which a booking would be refused."""
    provider_id: str | None
    """Whom it binds; null is everybody."""
    message: str
    """The same in a sentence."""


class ExplanationRead(ReadSchema):
    """Why a moment is offered or not."""

    at: Timestamp
    """The moment."""
    offered: bool
    """Whether it is."""
    rule: str | None
    """The rule that says most about what to ask for instead; null when it is offered."""
    reasons: list[ReasonRead]
    """All of them."""


class SlotsRead(ReadSchema):
    """Free slots."""

    time_zone: str
    """The zone that days are counted in."""
    version: str
    """Changes when anything that decides this may have changed."""
    duration: int
    """Minutes of each slot."""
    days: list[DaySlotsRead]
    """By day; days without a slot are left out."""
    data: list[SlotRead]
    """The same slots as one list."""
    explanation: ExplanationRead | None
    """With `explain`: why the moment is offered or not."""


class CalendarEntryRead(ReadSchema):
    """Something that takes time of somebody, of a room or of the whole firm."""

    kind: Literal["booking", "hold", "time_off", "holiday", "external"]
    """What it is."""
    id: str
    """Of the booking, the hold, the absence or the holiday."""
    start: Timestamp
    """Its beginning."""
    end: Timestamp
    """Its end."""
    all_day: bool
    """Whether it is a whole day on the calendar, as holidays are."""
    title: str | None
    """What to show."""
    attendee: str | None
    """Whom a booking is for."""
    status: str | None
    """State of a booking, kind of an absence or of a holiday."""
    provider_ids: list[str]
    """Whose time it takes; nobody's in particular is the whole firm's."""
    provider_id: str | None
    """The first of them."""
    room_id: str | None
    """Which room."""
    service_id: str | None
    """Service of a booking."""
    client_id: str | None
    """Client of a booking."""
    case_id: str | None
    """Case of a booking."""


class CalendarRead(ReadSchema):
    """Everything on the calendar of a period."""

    data: list[CalendarEntryRead]
    """By its beginning."""
