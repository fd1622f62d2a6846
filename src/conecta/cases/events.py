"""What other systems learn about cases."""

from conecta.events.types import EventType
from conecta.kit.language import Text

from .schemas import CaseBody

_EXAMPLE = {
    "case_id": "cas_01m7wbgc28efz8dbeq636vqtdj",
    "case_number": "EXP-2026-0001",
    "client_id": "cli_01m7wbgc28efz8dbeq636vqtdk",
    "category": "civil",
    "title": "Reclamación de cantidad",
    "description": "Deuda de 5.000€ por servicios prestados",
    "assigned_provider_id": "usr_01m7wbgc28efz8dbeq636vqtdm",
    "status": "open",
    "status_reason": None,
    "priority": "normal",
    "tags": ["morosidad"],
    "parties": [
        {
            "id": "pty_01m7wbgc28efz8dbeq636vqtdn",
            "name": "Construcciones Ejemplo, S.L.",
            "role": "opposing_party",
            "tax_id": None,
            "email": None,
            "phone": None,
            "client_id": None,
            "notes": None,
        }
    ],
    "external_id": "crm-4711",
    "custom_fields": {"sala": "3"},
    "created_at": "2026-01-17T14:30:00Z",
    "updated_at": "2026-01-17T14:30:00Z",
    "closed_at": None,
}


class CasePayload(CaseBody):
    """A case as it was when the event happened."""

    case_id: str
    """`cas_…`."""
    case_number: str
    """Number in the firm."""


class CaseUpdatedPayload(CasePayload):
    """A case after a change."""

    changed: list[str]
    """Names of the members that changed."""


CREATED = EventType(
    "case.created", CasePayload, Text("Nuevo expediente creado", "A case was opened"), _EXAMPLE
)
UPDATED = EventType(
    "case.updated",
    CaseUpdatedPayload,
    Text("Expediente actualizado", "A case changed"),
    _EXAMPLE | {"priority": "high", "updated_at": "2026-01-18T09:00:00Z", "changed": ["priority"]},
)
CLOSED = EventType(
    "case.closed",
    CasePayload,
    Text("Expediente cerrado", "A case was closed"),
    _EXAMPLE
    | {
        "status": "closed",
        "status_reason": "Acuerdo extrajudicial",
        "updated_at": "2026-02-03T12:00:00Z",
        "closed_at": "2026-02-03T12:00:00Z",
    },
)

EVENTS = (CREATED, UPDATED, CLOSED)
