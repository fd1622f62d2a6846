"""Wire schemas of services."""

import re
from datetime import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from conecta.kit.language import Text
from conecta.kit.schemas import Schema, id_of
from conecta.kit.validation import Refused

from . import rules

if TYPE_CHECKING:  # the types of ids are made when the program runs
    UserId = str
    RoomId = str
    ScheduleId = str
else:
    UserId, RoomId, ScheduleId = id_of("usr"), id_of("room"), id_of("sch")
Name = Annotated[str, Field(min_length=1, max_length=120, examples=["Primera consulta"])]
Description = Annotated[str, Field(max_length=2000)]
Slug = Annotated[
    str,
    Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=rules.MAX_SLUG, examples=["primera-consulta"]),
]
Durations = Annotated[
    list[Annotated[int, Field(ge=5, le=1440)]],
    Field(min_length=1, max_length=12, examples=[[30, 60]]),
    AfterValidator(rules.each_once),
]
Buffer = Annotated[int, Field(ge=0, le=720)]
Capacity = Annotated[int, Field(ge=1, le=1000)]
Notice = Annotated[int, Field(ge=0, le=525_600)]
Horizon = Annotated[int, Field(ge=1, le=730)]
Step = Annotated[int, Field(ge=5, le=1440)]
Limit = Annotated[int, Field(ge=1, le=1000)]
HorizonKind = Literal["calendar", "working"]
SlotAnchor = Literal["window", "clock"]
LocationKind = Literal["office", "phone", "video", "client_address"]
Confirmation = Literal["automatic", "client", "firm"]
Assignment = Literal["round_robin", "collective"]


def _clock(value: Any) -> Any:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise Refused("invalid_time", Text("Formato: 18:00.", "Format: 18:00."))
    return time.fromisoformat(value)


ClockTime = Annotated[
    time, BeforeValidator(_clock), Field(json_schema_extra={"format": "", "examples": ["18:00"]})
]


class ServicePrice(Schema):
    """An amount of money."""

    amount: Annotated[int, Field(ge=0, le=10**12, examples=[6000])]
    """In the minor unit of the currency: 6000 is 60.00 €."""
    currency: Annotated[
        str, Field(pattern="^[A-Z]{3}$", examples=["EUR"]), AfterValidator(rules.currency)
    ] = "EUR"
    """ISO 4217."""


class ServiceLocation(Schema):
    """Where it takes place."""

    kind: LocationKind
    """At the office, by phone, by video, or at the client's address."""
    detail: Annotated[str, Field(max_length=500, examples=["Calle Mayor 1, 2º"])] | None = None
    """The address, the number or the link that the client is told."""


class ServicePolicyWrite(Schema):
    """What the client may do with a booking; copied into each booking when it is made."""

    free_cancel_minutes: Annotated[int, Field(ge=0, le=525_600)] | None = None
    """Until how long before the start they may cancel."""
    reschedule_minutes: Annotated[int, Field(ge=0, le=525_600)] | None = None
    """Until how long before the start they may move it."""
    max_reschedules: Annotated[int, Field(ge=0, le=100)] | None = None
    """How often they may move it; null is no limit."""
    reason_required: bool | None = None
    """Whether they must say why they cancel."""


class ServiceHostWrite(Schema):
    """A member who gives the service."""

    provider_id: UserId
    """The member."""
    kind: Literal["rotating", "fixed"] = "rotating"
    """`rotating`: one of them is chosen; `fixed`: is there each time."""
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    """Share among the rotating ones."""
    schedule_id: ScheduleId | None = None
    """Hours for this service only: a schedule of theirs or of the firm."""


def _providers_once(hosts: list[ServiceHostWrite]) -> list[ServiceHostWrite]:
    rules.each_once([host.provider_id for host in hosts])
    return hosts


Hosts = Annotated[list[ServiceHostWrite], Field(max_length=100), AfterValidator(_providers_once)]
RoomIds = Annotated[list[RoomId], Field(max_length=100), AfterValidator(rules.each_once)]


class ServiceCreate(Schema):
    """A service to add. Lengths are minutes."""

    name: Name
    """What people book."""
    name_en: Name | None = None
    """The same in English."""
    description: Description | None = None
    """What it is, for whoever books."""
    slug: Slug | None = None
    """Its part of public addresses, unique in the firm; made of the name unless told."""
    public: bool = True
    """Whether clients and visitors of the website may book it themselves."""
    durations: Durations = Field([30])
    """How long it may take; the first is the default."""
    price: ServicePrice | None = None
    """What it costs; nothing is charged."""
    buffer_before: Buffer = 0
    """Time kept free before it."""
    buffer_after: Buffer = 0
    """Time kept free after it."""
    buffers_within_hours: bool = False
    """Whether the free time must be within working hours too."""
    capacity: Capacity = 1
    """Places; more than one makes it a group session."""
    notice_minutes: Notice = 120
    """How long before the start it must be booked."""
    notice_day_before: ClockTime | None = None
    """By this time of the previous working day it must be booked."""
    horizon_days: Horizon = 60
    """How far ahead it may be booked."""
    horizon_kind: HorizonKind = "calendar"
    """Which days the horizon counts."""
    slot_step: Step = 30
    """From one possible start to the next."""
    slot_anchor: SlotAnchor = "window"
    """Whether starts are counted from the beginning of the free hours or from the full hour."""
    max_per_day: Limit | None = None
    """How many a provider gives in a day."""
    max_per_week: Limit | None = None
    """How many a provider gives in a week, Monday to Sunday."""
    location: ServiceLocation = ServiceLocation(kind="office")
    """Where."""
    confirmation: Confirmation = "automatic"
    """Who confirms a booking."""
    assignment: Assignment = "round_robin"
    """`round_robin`: one of the hosts; `collective`: all of them together."""
    policy: ServicePolicyWrite = ServicePolicyWrite()
    """What clients may do with their booking."""
    hosts: Hosts = Field([])
    """Who gives it; nobody named: every active owner, admin or provider."""
    room_ids: RoomIds = Field([])
    """It needs one of these rooms to be free."""


class ServiceUpdate(Schema):
    """Changes to a service; what is absent stays. Bookings made already keep what they were made with."""

    name: Name | None = None
    """What people book."""
    name_en: Name | None = None
    """The same in English; null empties it."""
    description: Description | None = None
    """What it is; null empties it."""
    slug: Slug | None = None
    """Its part of public addresses."""
    active: bool | None = None
    """False: nobody can book it any more."""
    public: bool | None = None
    """Whether clients and visitors may book it themselves."""
    durations: Durations | None = None
    """How long it may take."""
    price: ServicePrice | None = None
    """What it costs; null empties it."""
    buffer_before: Buffer | None = None
    """Time kept free before it."""
    buffer_after: Buffer | None = None
    """Time kept free after it."""
    buffers_within_hours: bool | None = None
    """Whether the free time must be within working hours too."""
    capacity: Capacity | None = None
    """Places."""
    notice_minutes: Notice | None = None
    """How long before the start it must be booked."""
    notice_day_before: ClockTime | None = None
    """By this time of the previous working day; null empties it."""
    horizon_days: Horizon | None = None
    """How far ahead it may be booked."""
    horizon_kind: HorizonKind | None = None
    """Which days the horizon counts."""
    slot_step: Step | None = None
    """From one possible start to the next."""
    slot_anchor: SlotAnchor | None = None
    """Where starts are counted from."""
    max_per_day: Limit | None = None
    """How many a provider gives in a day; null: no limit."""
    max_per_week: Limit | None = None
    """How many a provider gives in a week; null: no limit."""
    location: ServiceLocation | None = None
    """Where."""
    confirmation: Confirmation | None = None
    """Who confirms a booking."""
    assignment: Assignment | None = None
    """One of the hosts, or all of them together."""
    policy: ServicePolicyWrite | None = None
    """What clients may do; members that are absent stay."""
    hosts: Hosts | None = None
    """All who give it."""
    room_ids: RoomIds | None = None
    """All its rooms."""
