"""Events of features that have not landed: firms can already subscribe to them.

Each group moves to the `events.py` of its feature, with these names, when that feature lands.
"""

from typing import Any

from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema, Timestamp

from .types import EventType


class BookingPayload(ReadSchema):
    """A booking as it was when the event happened."""

    booking_id: str
    """`bkg_…`."""
    client_id: str
    """Client who comes."""
    provider_id: str
    """Member of the firm who attends."""
    case_id: str | None
    """Case it belongs to."""
    service: str | None
    """Kind of appointment."""
    start: Timestamp
    """When it begins."""
    end: Timestamp
    """When it ends."""
    time_zone: str
    """IANA zone in which it was agreed."""
    status: str
    """`pending`, `confirmed` or `cancelled`."""


class BookingConfirmedPayload(BookingPayload):
    """A booking that its client has confirmed."""

    confirmed_at: Timestamp
    """When the client confirmed it."""


class BookingCancelledPayload(BookingPayload):
    """A booking that will not take place."""

    cancelled_at: Timestamp
    """When it was cancelled."""
    reason: str | None
    """Why."""


class InvoiceCreatedPayload(ReadSchema):
    """A new invoice."""

    invoice_id: str
    """`inv_…`."""
    invoice_number: str | None
    """Number; null while the invoice is a draft."""
    amount: int
    """Total with taxes, in minor units (cents)."""
    currency: str
    """ISO 4217."""
    client_id: str
    """Client who pays."""
    case_id: str | None
    """Case it belongs to."""
    due_date: str | None
    """Day it is due, YYYY-MM-DD."""
    created_at: Timestamp
    """When it was made."""


class InvoicePaidPayload(ReadSchema):
    """A paid invoice: the members of the example in the integration guide, §4.2."""

    invoice_id: str
    """`inv_…`."""
    invoice_number: str
    """Number."""
    amount: int
    """Total with taxes, in minor units (cents)."""
    currency: str
    """ISO 4217."""
    client_id: str
    """Client who paid."""
    paid_at: Timestamp
    """When it was paid."""


class DocumentPayload(ReadSchema):
    """A document, without its contents."""

    document_id: str
    """`doc_…`."""
    name: str
    """File name, as people see it."""
    content_type: str
    """Media type that was found in the contents."""
    size: int
    """Bytes."""
    client_id: str | None
    """Client it belongs to."""
    case_id: str | None
    """Case it belongs to."""


class DocumentUploadedPayload(DocumentPayload):
    """A document that a client has uploaded."""

    uploaded_at: Timestamp
    """When it arrived."""


class DocumentSignedPayload(DocumentPayload):
    """A document that everybody has signed."""

    signed_at: Timestamp
    """When the last one signed."""


class InquiryReceivedPayload(ReadSchema):
    """Somebody asks the firm for something."""

    inquiry_id: str
    """`inq_…`."""
    name: str
    """Who asks."""
    email: str | None
    """E-mail address to answer to."""
    phone: str | None
    """Phone to answer to, E.164."""
    subject: str | None
    """What about, in a line."""
    message: str
    """What they ask."""
    received_at: Timestamp
    """When it arrived."""


class ReviewCreatedPayload(ReadSchema):
    """A client's opinion of the firm."""

    review_id: str
    """`rev_…`."""
    rating: int
    """Stars, 1 to 5."""
    comment: str | None
    """What they wrote."""
    client_id: str | None
    """Client who wrote it."""
    case_id: str | None
    """Case it is about."""
    created_at: Timestamp
    """When it was written."""


_CLIENT, _CASE = "cli_01m7wbgc28efz8dbeq636vqtdk", "cas_01m7wbgc28efz8dbeq636vqtdj"
_BOOKING: dict[str, Any] = {
    "booking_id": "bkg_01m7wbgc28efz8dbeq636vqtdp",
    "client_id": _CLIENT,
    "provider_id": "usr_01m7wbgc28efz8dbeq636vqtdm",
    "case_id": _CASE,
    "service": "Primera consulta",
    "start": "2026-01-20T09:00:00Z",
    "end": "2026-01-20T09:45:00Z",
    "time_zone": "Europe/Madrid",
    "status": "pending",
}
_DOCUMENT: dict[str, Any] = {
    "document_id": "doc_01m7wbgc28efz8dbeq636vqtdq",
    "name": "Contrato de arrendamiento.pdf",
    "content_type": "application/pdf",
    "size": 184320,
    "client_id": _CLIENT,
    "case_id": _CASE,
}

EVENTS = (
    EventType("booking.created", BookingPayload, Text("Nueva cita creada", "A booking was made"), _BOOKING),
    EventType(
        "booking.confirmed",
        BookingConfirmedPayload,
        Text("Cita confirmada por cliente", "A client confirmed a booking"),
        _BOOKING | {"status": "confirmed", "confirmed_at": "2026-01-18T10:05:00Z"},
    ),
    EventType(
        "booking.cancelled",
        BookingCancelledPayload,
        Text("Cita cancelada", "A booking was cancelled"),
        _BOOKING
        | {"status": "cancelled", "cancelled_at": "2026-01-19T08:00:00Z", "reason": "Viaje del cliente"},
    ),
    EventType(
        "invoice.created",
        InvoiceCreatedPayload,
        Text("Nueva factura creada", "An invoice was made"),
        {
            "invoice_id": "inv_01m7wbgc28efz8dbeq636vqtdr",
            "invoice_number": "FAC-2026-0042",
            "amount": 125000,
            "currency": "EUR",
            "client_id": _CLIENT,
            "case_id": _CASE,
            "due_date": "2026-02-16",
            "created_at": "2026-01-17T09:00:00Z",
        },
    ),
    EventType(
        "invoice.paid",
        InvoicePaidPayload,
        Text("Factura cobrada", "An invoice was paid"),
        {
            "invoice_id": "inv_xyz789",
            "invoice_number": "FAC-2026-0042",
            "amount": 125000,
            "currency": "EUR",
            "client_id": "cli_abc123",
            "paid_at": "2026-01-17T14:29:55Z",
        },
    ),
    EventType(
        "document.uploaded",
        DocumentUploadedPayload,
        Text("Documento subido por cliente", "A client uploaded a document"),
        _DOCUMENT | {"uploaded_at": "2026-01-17T11:20:00Z"},
    ),
    EventType(
        "document.signed",
        DocumentSignedPayload,
        Text("Documento firmado", "A document was signed"),
        _DOCUMENT | {"signed_at": "2026-01-18T16:45:00Z"},
    ),
    EventType(
        "inquiry.received",
        InquiryReceivedPayload,
        Text("Nueva consulta recibida", "An inquiry arrived"),
        {
            "inquiry_id": "inq_01m7wbgc28efz8dbeq636vqtds",
            "name": "Persona de ejemplo",
            "email": "persona@example.com",
            "phone": "+34600111222",
            "subject": "Herencia",
            "message": "¿Podrían orientarme sobre una aceptación de herencia?",
            "received_at": "2026-01-17T18:02:00Z",
        },
    ),
    EventType(
        "review.created",
        ReviewCreatedPayload,
        Text("Nueva reseña recibida", "A review arrived"),
        {
            "review_id": "rev_01m7wbgc28efz8dbeq636vqtdt",
            "rating": 5,
            "comment": "Muy claros y rápidos.",
            "client_id": _CLIENT,
            "case_id": _CASE,
            "created_at": "2026-02-10T12:30:00Z",
        },
    ),
)
