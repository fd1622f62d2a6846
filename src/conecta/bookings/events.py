"""What other systems learn about bookings."""

from typing import Any, Literal

from conecta.events.types import EventType
from conecta.kit.language import Text
from conecta.kit.schemas import Timestamp

from .read_schemas import BookingBody

_EXAMPLE: dict[str, Any] = {
    "booking_id": "bkg_01m7wbgc28efz8dbeq636vqtdp",
    "service_id": "svc_01m7wbgc28efz8dbeq636vqtdv",
    "service": "Primera consulta",
    "client_id": "cli_01m7wbgc28efz8dbeq636vqtdk",
    "case_id": "cas_01m7wbgc28efz8dbeq636vqtdj",
    "provider_id": "usr_01m7wbgc28efz8dbeq636vqtdm",
    "provider_ids": ["usr_01m7wbgc28efz8dbeq636vqtdm"],
    "room_id": None,
    "start": "2026-01-20T09:00:00Z",
    "end": "2026-01-20T09:45:00Z",
    "time_zone": "Europe/Madrid",
    "status": "pending",
    "status_reason": None,
    "confirmation": "client",
    "location": {"kind": "office", "detail": "Calle Mayor 1, 2.º B"},
    "notes": "Trae el contrato.",
    "attendees": [
        {
            "id": "att_01m7wbgc28efz8dbeq636vqtdw",
            "name": "Ana Gil",
            "email": "ana@example.com",
            "phone": "+34600111222",
            "client_id": "cli_01m7wbgc28efz8dbeq636vqtdk",
            "language": "es",
            "time_zone": "Europe/Madrid",
            "status": "invited",
        }
    ],
    "seats": 1,
    "price": {"amount": 6000, "currency": "EUR"},
    "policy": {
        "free_cancel_minutes": 1440,
        "reschedule_minutes": 1440,
        "max_reschedules": 3,
        "reason_required": False,
    },
    "reschedule_count": 0,
    "external_id": None,
    "custom_fields": {},
    "source": "api",
    "confirmed_at": None,
    "cancelled_at": None,
    "completed_at": None,
    "created_at": "2026-01-17T14:30:00Z",
    "updated_at": "2026-01-17T14:30:00Z",
}

By = Literal["firm", "user", "client", "link", "visitor", "system"]


class BookingPayload(BookingBody):
    """A booking as it was when the event happened."""

    booking_id: str
    """`bkg_…`."""


class BookingConfirmedPayload(BookingPayload):
    """A booking that was confirmed."""

    confirmed_by: By
    """Who confirmed it: `client` or `link` is its client."""


class BookingCancelledPayload(BookingPayload):
    """A booking that will not take place."""

    reason: str | None
    """Why."""
    cancelled_by: By
    """Who cancelled it."""


class BookingRescheduledPayload(BookingPayload):
    """A booking that was moved."""

    previous_start: Timestamp
    """When it would have begun."""
    previous_end: Timestamp
    """When it would have ended."""


_CONFIRMED = _EXAMPLE | {"status": "confirmed", "confirmed_at": "2026-01-18T10:05:00Z"}

CREATED = EventType(
    "booking.created", BookingPayload, Text("Nueva cita creada", "A booking was made"), _EXAMPLE
)
CONFIRMED = EventType(
    "booking.confirmed",
    BookingConfirmedPayload,
    Text("Cita confirmada por cliente", "A client confirmed a booking"),
    _CONFIRMED | {"updated_at": "2026-01-18T10:05:00Z", "confirmed_by": "link"},
)
CANCELLED = EventType(
    "booking.cancelled",
    BookingCancelledPayload,
    Text("Cita cancelada", "A booking was cancelled"),
    _EXAMPLE
    | {
        "status": "cancelled",
        "status_reason": "Viaje del cliente",
        "cancelled_at": "2026-01-19T08:00:00Z",
        "updated_at": "2026-01-19T08:00:00Z",
        "reason": "Viaje del cliente",
        "cancelled_by": "client",
    },
)
RESCHEDULED = EventType(
    "booking.rescheduled",
    BookingRescheduledPayload,
    Text("Cita cambiada de hora", "A booking was moved"),
    _CONFIRMED
    | {
        "start": "2026-01-21T16:00:00Z",
        "end": "2026-01-21T16:45:00Z",
        "reschedule_count": 1,
        "updated_at": "2026-01-19T08:00:00Z",
        "previous_start": "2026-01-20T09:00:00Z",
        "previous_end": "2026-01-20T09:45:00Z",
    },
)
COMPLETED = EventType(
    "booking.completed",
    BookingPayload,
    Text("Cita celebrada", "A booking took place"),
    _CONFIRMED
    | {
        "status": "completed",
        "completed_at": "2026-01-20T09:50:00Z",
        "updated_at": "2026-01-20T09:50:00Z",
    },
)
NO_SHOW = EventType(
    "booking.no_show",
    BookingPayload,
    Text("El cliente no se presentó", "Nobody came to a booking"),
    _CONFIRMED | {"status": "no_show", "updated_at": "2026-01-20T10:00:00Z"},
)

EVENTS = (CREATED, CONFIRMED, CANCELLED, RESCHEDULED, COMPLETED, NO_SHOW)
