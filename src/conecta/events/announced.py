"""Events of features that have not landed: firms can already subscribe to them.

Each group moves to the `events.py` of its feature, with these names, when that feature lands.
"""

from typing import Any

from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema, Timestamp

from .types import EventType


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


_CLIENT, _CASE = "cli_01m7wbgc28efz8dbeq636vqtdk", "cas_01m7wbgc28efz8dbeq636vqtdj"
_DOCUMENT: dict[str, Any] = {
    "document_id": "doc_01m7wbgc28efz8dbeq636vqtdq",
    "name": "Contrato de arrendamiento.pdf",
    "content_type": "application/pdf",
    "size": 184320,
    "client_id": _CLIENT,
    "case_id": _CASE,
}

EVENTS = (
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
)
