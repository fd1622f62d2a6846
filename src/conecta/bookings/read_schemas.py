"""What the API answers of a booking."""

from typing import Any, Literal

from conecta.kit.schemas import ReadSchema, Timestamp

from .schemas import LocationKind

Status = Literal["pending", "confirmed", "completed", "no_show", "cancelled"]


class AttendeeRead(ReadSchema):
    """Somebody who comes."""

    id: str
    """`att_…`."""
    name: str
    """Their name."""
    email: str | None
    """Where they are written to."""
    phone: str | None
    """Phone."""
    client_id: str | None
    """Their record among the firm's clients."""
    language: str
    """In which they are written to."""
    time_zone: str
    """Their IANA zone."""
    status: Literal["invited", "confirmed", "declined", "attended", "no_show"]
    """`invited`, `confirmed` or `declined` by their own word, `attended` or `no_show`."""


class LocationRead(ReadSchema):
    """Where it takes place."""

    kind: LocationKind
    """`office`, `phone`, `video` or `client_address`."""
    detail: str | None
    """Address, number or link."""


class PriceRead(ReadSchema):
    """What it costs."""

    amount: int
    """Minor units (cents)."""
    currency: str
    """ISO 4217."""


class PolicyRead(ReadSchema):
    """What its client may still change, as it was when it was booked."""

    free_cancel_minutes: int
    """They may cancel until so long before it begins."""
    reschedule_minutes: int
    """They may move it until so long before it begins."""
    max_reschedules: int | None
    """How often they may move it; null is no limit."""
    reason_required: bool
    """Whether they have to say why they cancel."""


class BookingBody(ReadSchema):
    """What a booking and the payload of its events have in common."""

    service_id: str | None
    """What of; null is a free appointment."""
    service: str | None
    """The service's name when it was booked, or what a free appointment is about."""
    client_id: str | None
    """Client who comes."""
    case_id: str | None
    """Case it belongs to."""
    provider_id: str
    """Member of the firm who attends; the first of several."""
    provider_ids: list[str]
    """All of them."""
    room_id: str | None
    """Room it takes."""
    start: Timestamp
    """When it begins."""
    end: Timestamp
    """When it ends."""
    time_zone: str
    """IANA zone of who comes."""
    status: Status
    """`pending`, `confirmed`, `completed`, `no_show` or `cancelled`."""
    status_reason: str | None
    """Why it is in its state."""
    confirmation: Literal["automatic", "client", "firm"]
    """Who has to confirm it."""
    location: LocationRead
    """Where it takes place."""
    notes: str | None
    """Notes that firm and client read."""
    attendees: list[AttendeeRead]
    """Who comes."""
    seats: int
    """Places it takes of a group session."""
    price: PriceRead | None
    """What it cost when it was booked."""
    policy: PolicyRead
    """What its client may still change."""
    reschedule_count: int
    """How often it was moved."""
    external_id: str | None
    """Key in your system."""
    custom_fields: dict[str, Any]
    """Your own data."""
    source: Literal["api", "panel", "client", "link", "web", "sync"]
    """How it came to the firm."""
    confirmed_at: Timestamp | None
    """When it was confirmed."""
    cancelled_at: Timestamp | None
    """When it was cancelled."""
    completed_at: Timestamp | None
    """When it was marked as completed."""
    created_at: Timestamp
    """When it was made."""
    updated_at: Timestamp
    """When it last changed."""


class BookingRead(BookingBody):
    """A booking."""

    id: str
    """`bkg_…`."""
