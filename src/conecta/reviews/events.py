"""What other systems learn about reviews."""

from conecta.events.types import EventType
from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema, Timestamp


class ReviewCreatedPayload(ReadSchema):
    """A client's opinion of the firm."""

    review_id: str
    """`rev_…`."""
    rating: int
    """Stars, 1 to 5."""
    comment: str | None
    """What they wrote."""
    author_name: str | None
    """Name they want to be shown by."""
    client_id: str | None
    """Client who wrote it."""
    case_id: str | None
    """Case it is about."""
    booking_id: str | None
    """Booking it is about."""
    created_at: Timestamp
    """When it was written."""


CREATED = EventType(
    "review.created",
    ReviewCreatedPayload,
    Text("Nueva reseña recibida", "A review arrived"),
    {
        "review_id": "rev_01m7wbgc28efz8dbeq636vqtdt",
        "rating": 5,
        "comment": "Muy claros y rápidos.",
        "author_name": "Persona E.",
        "client_id": "cli_01m7wbgc28efz8dbeq636vqtdk",
        "case_id": "cas_01m7wbgc28efz8dbeq636vqtdj",
        "booking_id": None,
        "created_at": "2026-02-10T12:30:00Z",
    },
)

EVENTS = (CREATED,)
