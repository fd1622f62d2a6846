"""Wire schemas of services as they are read."""

from typing import Annotated, Literal

from pydantic import Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Timestamp

from .schemas import Assignment, Confirmation, HorizonKind, LocationKind, SlotAnchor


class ServicePriceRead(ReadSchema):
    """An amount of money."""

    amount: int
    """In the minor unit of the currency."""
    currency: str
    """ISO 4217."""


class ServiceLocationRead(ReadSchema):
    """Where it takes place."""

    kind: LocationKind
    """At the office, by phone, by video, or at the client's address."""
    detail: str | None
    """The address, the number or the link."""


class ServicePolicyRead(ReadSchema):
    """What the client may do with a booking."""

    free_cancel_minutes: int
    """Until how long before the start they may cancel."""
    reschedule_minutes: int
    """Until how long before the start they may move it."""
    max_reschedules: int | None
    """How often they may move it; null is no limit."""
    reason_required: bool
    """Whether they must say why they cancel."""


class ServiceHostRead(ReadSchema):
    """A member who gives the service."""

    provider_id: str
    """The member."""
    name: str | None
    """Their name; a client of the firm is told only that of who can be booked."""
    kind: Literal["rotating", "fixed"]
    """`rotating`: one of them is chosen; `fixed`: is there each time."""
    weight: int | None
    """Share among the rotating ones; null to a client of the firm."""
    schedule_id: str | None
    """Hours for this service only; null to a client of the firm."""


class ServiceRead(ReadSchema):
    """What can be booked. Lengths are minutes."""

    id: str
    """`svc_…`."""
    name: str
    """What people book."""
    name_en: str | None
    """The same in English."""
    description: str | None
    """What it is."""
    slug: str
    """Its part of public addresses."""
    active: bool
    """Whether it can be booked."""
    public: bool
    """Whether clients and visitors of the website may book it themselves."""
    durations: list[int]
    """How long it may take; the first is the default."""
    price: ServicePriceRead | None
    """What it costs."""
    buffer_before: int
    """Time kept free before it."""
    buffer_after: int
    """Time kept free after it."""
    buffers_within_hours: bool
    """Whether the free time must be within working hours too."""
    capacity: int
    """Places; more than one makes it a group session."""
    notice_minutes: int
    """How long before the start it must be booked."""
    notice_day_before: Annotated[str | None, Field(examples=["18:00"])]
    """By this time of the previous working day it must be booked."""
    horizon_days: int
    """How far ahead it may be booked."""
    horizon_kind: HorizonKind
    """Which days the horizon counts."""
    slot_step: int
    """From one possible start to the next."""
    slot_anchor: SlotAnchor
    """Whether starts are counted from the beginning of the free hours or from the full hour."""
    max_per_day: int | None
    """How many a provider gives in a day."""
    max_per_week: int | None
    """How many a provider gives in a week."""
    location: ServiceLocationRead
    """Where."""
    confirmation: Confirmation
    """Who confirms a booking."""
    assignment: Assignment
    """One of the hosts, or all of them together."""
    policy: ServicePolicyRead
    """What clients may do with their booking."""
    hosts: list[ServiceHostRead]
    """Who gives it; nobody: every active owner, admin or provider."""
    room_ids: list[str]
    """It needs one of these rooms to be free."""
    created_at: Timestamp
    """When it was added."""
    updated_at: Timestamp
    """When it last changed."""


class ServiceFilters(PageParams):
    """Filters of `GET /booking-services`."""

    active: bool | None = None
    """Those that can be booked, or all others."""
    public: bool | None = None
    """Those that clients may book themselves, or all others."""
    slug: Annotated[str | None, Field(max_length=60)] = None
    """The one of this slug."""
    sort: Literal["name", "-name", "created_at", "-created_at"] = "name"
    """Order."""
