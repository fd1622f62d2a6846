"""Wire schemas of bookings."""

import re
from datetime import time as clock_time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, WithJsonSchema, create_model

from conecta.kit.language import Text
from conecta.kit.mail import one_line
from conecta.kit.pages import PageParams
from conecta.kit.schemas import (
    CalendarDate,
    CustomFields,
    CustomFieldsPatch,
    Schema,
    Timestamp,
    TimeZone,
    id_of,
)
from conecta.kit.validation import Refused

from . import rules

if TYPE_CHECKING:
    ClientId = str
    CaseId = str
    ServiceId = str
    UserId = str
    RoomId = str
    HoldId = str
else:
    ClientId, CaseId, ServiceId = id_of("cli"), id_of("cas"), id_of("svc")
    UserId, RoomId, HoldId = id_of("usr"), id_of("room"), id_of("hld")

LocationKind = Literal["office", "phone", "video", "client_address"]
Reason = Annotated[str, Field(max_length=1000, examples=["Viaje del cliente"])]
Minutes = Annotated[int, Field(ge=1, le=1440, examples=[30])]
ExternalId = Annotated[str, Field(min_length=1, max_length=200, examples=["crm-4711"])]


def _wall_time(value: str) -> str:
    try:
        clock_time.fromisoformat(value)
    except ValueError:
        raise Refused("type", Text("Formato: 16:30.", "Format: 16:30.")) from None
    return value


WallTime = Annotated[
    str, Field(pattern=r"^\d\d:\d\d(:\d\d)?$", examples=["16:30"]), AfterValidator(_wall_time)
]


def _in_one_line(value: Any) -> Any:
    # It stands in mails, where a second line could be taken for words of ours.
    return one_line(value) if isinstance(value, str) else value


class AttendeeCreate(Schema):
    """Somebody who comes."""

    name: Annotated[
        str, BeforeValidator(_in_one_line), Field(min_length=1, max_length=200, examples=["Ana Gil"])
    ]
    """Their name, which is one line."""
    email: Annotated[EmailStr | None, Field(max_length=254)] = None
    """Where confirmations and reminders go."""
    phone: Annotated[str | None, Field(max_length=40, examples=["+34600111222"])] = None
    """Where reminders by SMS go, E.164."""
    client_id: ClientId | None = None
    """Their record among the firm's clients."""
    language: Annotated[str | None, Field(pattern="^[a-z]{2}$", examples=["es"])] = None
    """In which they are written to (ISO 639-1); the client's, else Spanish."""
    time_zone: TimeZone | None = None
    """Their own IANA zone; the booking's unless told."""


class Location(Schema):
    """Where it takes place."""

    kind: LocationKind
    """`office`, `phone`, `video` or `client_address`."""
    detail: Annotated[str | None, Field(max_length=500, examples=["Calle Mayor 1, 2.º B"])] = None
    """Address, number or link."""


class When(Schema):
    """When something is to take place: `start` or one of its aliases, or `date` and `time`."""

    start: Timestamp | None = None
    """When it begins, with its offset."""
    start_at: Timestamp | None = None
    """The same as `start`."""
    starts_at: Timestamp | None = None
    """The same as `start`."""
    date: CalendarDate | None = None
    """Day on the wall calendar, with `time`."""
    time: WallTime | None = None
    """Time on the wall clock of `time_zone`, else of the schedule; of a repeated hour the first one."""
    end: Timestamp | None = None
    """When it ends; the service's first duration unless told."""
    duration_minutes: Minutes | None = None
    """How long it takes, instead of `end`."""
    duration: Minutes | None = None
    """The same as `duration_minutes`."""
    time_zone: TimeZone | None = None
    """IANA zone of who comes."""
    provider_id: UserId | None = None
    """With whom; whoever is free, unless told."""
    room_id: RoomId | None = None
    """Where; any free room of the service, unless told."""
    bypass_rules: bool = False
    """Let only conflicts refuse it: notice, horizon, hours and limits do not bind. For the firm alone."""


class BookingCreate(When):
    """A booking to make."""

    service_id: ServiceId | None = None
    """What of; without one the firm notes a free appointment, with `provider_id` and its length."""
    hold_id: HoldId | None = None
    """A hold to turn into this booking; service, time, host and seats are then the hold's."""
    service: Annotated[str | None, Field(min_length=1, max_length=200, examples=["Firma en notaría"])] = None
    """What a free appointment is about; a service's booking has the service's name."""
    client_id: ClientId | None = None
    """Client who comes; of the case, unless told."""
    case_id: CaseId | None = None
    """Case it belongs to."""
    attendees: Annotated[list[AttendeeCreate], Field(max_length=50)] = Field(default_factory=list)
    """Who comes; the client, unless told."""
    seats: Annotated[int | None, Field(ge=1, le=1000)] = None
    """Places of a group session; one for each of the attendees, unless told."""
    location: Location | None = None
    """Where, when not where the service says."""
    notes: Annotated[str | None, Field(max_length=5000, examples=["Trae el contrato."])] = None
    """Notes that firm and client read."""
    external_id: ExternalId | None = None
    """The booking's key in your system; unique in the firm."""
    custom_fields: CustomFields = Field(default_factory=dict)
    """Your own data, by key."""
    notify: bool = True
    """Whether those who come are written to."""


class LocationUpdate(Schema):
    """Changes to where it takes place; what is absent stays."""

    kind: LocationKind | None = None
    """`office`, `phone`, `video` or `client_address`."""
    detail: Annotated[str | None, Field(max_length=500, examples=["Calle Mayor 1, 2.º B"])] = None
    """Address, number or link; null empties it."""


class BookingUpdate(Schema):
    """Changes to what a booking says; what is absent stays, null empties.

    When, with whom and in which room is `reschedule`'s; its state, that of the other acts.
    """

    case_id: CaseId | None = None
    """Case it belongs to, of its client; a booking without a client gets the case's."""
    location: LocationUpdate | None = None
    """Where."""
    notes: Annotated[str | None, Field(max_length=5000, examples=["Trae el contrato."])] = None
    """Notes that firm and client read."""
    external_id: ExternalId | None = None
    """The booking's key in your system; unique in the firm."""
    custom_fields: CustomFieldsPatch = Field(default_factory=dict)
    """Your own data: keys are merged, null removes one."""


class BookingReschedule(When):
    """Where a booking moves to; its length stays unless told."""

    reason: Reason | None = None
    """Why."""
    notify: bool = True
    """Whether those who come are written to."""


class BookingChange(Schema):
    """Why a booking is cancelled or confirmed."""

    reason: Reason | None = None
    """Kept as `status_reason` and in the history."""
    notify: bool = True
    """Whether those who come are written to."""


class BookingOutcome(Schema):
    """What became of a booking."""

    reason: Reason | None = None
    """Kept as `status_reason` and in the history."""
    bypass_rules: bool = False
    """Mark it although, by the clock, it has not begun."""


_WORDS = (*rules.STATUSES, rules.RESCHEDULED, *rules.STATUS_WORDS)
_ONE_STATUS = f"({'|'.join(_WORDS)})"


def _statuses(value: str) -> str:
    if unknown := [word for word in value.split(",") if word not in _WORDS]:
        known = ", ".join((*rules.STATUSES, rules.RESCHEDULED))
        shown = unknown[0][:40]
        raise Refused(
            "not_allowed",
            Text(f"No existe «{shown}». Se admiten: {known}.", f"No “{shown}”. Accepted: {known}."),
        )
    return value


StatusFilter = Annotated[
    str,
    Field(max_length=120),
    AfterValidator(_statuses),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_ONE_STATUS}(,{_ONE_STATUS})*$", "examples": ["pending,confirmed"]}
    ),
]


def _day_or_moment(value: str) -> str:
    try:
        if not _MOMENT.match(value):
            raise ValueError
        rules.bound(value, "UTC")
    except (ValueError, OverflowError):
        raise Refused(
            "type",
            Text(
                "Formato: 2026-01-17 o 2026-01-17T14:30:00Z.", "Format: 2026-01-17 or 2026-01-17T14:30:00Z."
            ),
        ) from None
    return value


_MOMENT = re.compile(
    r"(?:19[5-9]\d|[2-8]\d{3})-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d))?\Z"
)
DayOrMoment = Annotated[str, Field(max_length=40, examples=["2026-01-17"]), AfterValidator(_day_or_moment)]


class _Filters(PageParams):
    """Filters of `GET /bookings`."""

    status: StatusFilter | None = None
    """One state, or several with commas; `rescheduled` are those that were moved."""
    client_id: ClientId | None = None
    """Only of this client."""
    provider_id: UserId | None = None
    """Only those this member attends."""
    case_id: CaseId | None = None
    """Only of this case."""
    service_id: ServiceId | None = None
    """Only of this service."""
    external_id: Annotated[str | None, Field(max_length=200)] = None
    """Exact key of your system."""
    updated_after: Timestamp | None = None
    """Changed at this moment or later: what a synchronisation asks for."""
    sort: Literal["start", "-start", "created_at", "-created_at", "updated_at", "-updated_at"] = "-start"
    """Order; a minus turns it round."""


# `from` is a word of the language, so the class cannot be written with it.
_PERIOD: dict[str, Any] = {
    "from": (
        DayOrMoment | None,
        Field(
            None, description="Beginning at this moment or later; a date is its midnight where the firm is."
        ),
    ),
    "to": (
        DayOrMoment | None,
        Field(None, description="Beginning before this moment; a date is counted whole."),
    ),
}
BookingFilters = create_model("BookingFilters", __base__=_Filters, __doc__=_Filters.__doc__, **_PERIOD)
