"""What other systems learn about inquiries."""

from conecta.events.types import EventType
from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema, Timestamp


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
    language: str
    """Language to answer in."""
    source: str
    """`api`, `page`, `widget` or `website`."""
    received_at: Timestamp
    """When it arrived."""


RECEIVED = EventType(
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
        "language": "es",
        "source": "page",
        "received_at": "2026-01-17T18:02:00Z",
    },
)

EVENTS = (RECEIVED,)
