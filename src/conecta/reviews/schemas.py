"""Wire schemas of reviews."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp, id_of
from conecta.kit.validation import Refused

if TYPE_CHECKING:
    ClientId = str
    CaseId = str
    BookingId = str
else:
    ClientId, CaseId, BookingId = id_of("cli"), id_of("cas"), id_of("bkg")

Status = Literal["requested", "pending", "published", "rejected"]
Rating = Annotated[int, Field(ge=1, le=5)]


class ReviewRequest(Schema):
    """Whose opinion to ask for, and of what."""

    client_id: ClientId | None = None
    """Client to ask: active, with an e-mail address; follows from the booking or the case."""
    booking_id: BookingId | None = None
    """Completed booking that it is about."""
    case_id: CaseId | None = None
    """Closed case that it is about."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        given = [self.client_id, self.booking_id, self.case_id]
        if sum(value is not None for value in given) != 1:
            raise Refused(
                "one_of",
                Text(
                    "Indica booking_id, case_id o client_id, uno de los tres.",
                    "Give booking_id, case_id or client_id, one of the three.",
                ),
            )
        return self


class ReviewReply(Schema):
    """What the firm answers in public."""

    reply: Annotated[str | None, Field(max_length=2_000, examples=["Gracias por su confianza."])]
    """The answer; null takes it back."""


class ReviewWritten(Schema):
    """What a client writes on the page of the link."""

    rating: Rating
    """Stars, 1 to 5."""
    comment: Annotated[str | None, Field(max_length=4_000)] = None
    """What they write."""
    author_name: Annotated[str | None, Field(max_length=80)] = None
    """Name they want to be shown by; null: none."""


class ReviewRead(ReadSchema):
    """A review, from the moment it is asked for."""

    id: str
    """`rev_…`."""
    client_id: str
    """Client who is asked."""
    booking_id: str | None
    """Booking it is about."""
    case_id: str | None
    """Case it is about."""
    status: Status
    """`requested`, then `pending` until the firm publishes or rejects it."""
    rating: int | None
    """Stars, 1 to 5; null until it is written."""
    comment: str | None
    """What they wrote."""
    author_name: str | None
    """Name they want to be shown by."""
    link_expires_at: Timestamp
    """Until when the client can write it."""
    submitted_at: Timestamp | None
    """When it was written."""
    moderated_at: Timestamp | None
    """When the firm last published or rejected it."""
    moderated_by: str | None
    """Who did."""
    reply: str | None
    """What the firm answers in public."""
    replied_at: Timestamp | None
    """When it did."""
    created_at: Timestamp
    """When it was asked for."""
    updated_at: Timestamp
    """When it last changed."""


class PublicReviewRead(ReadSchema):
    """A published review, as the world sees it."""

    rating: int
    """Stars, 1 to 5."""
    comment: str | None
    """What they wrote."""
    author_name: str | None
    """Name they want to be shown by."""
    submitted_at: Timestamp
    """When it was written."""
    reply: str | None
    """What the firm answers."""


class ReviewFilters(PageParams):
    """Filters of `GET /reviews`."""

    status: Status | None = None
    """Only those of this state."""
    rating: Annotated[int | None, Field(ge=1, le=5)] = None
    """Only those with so many stars."""
    client_id: ClientId | None = None
    """Only those of this client."""
    case_id: CaseId | None = None
    """Only those about this case."""
    booking_id: BookingId | None = None
    """Only those about this booking."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; a minus turns it round."""


class PublicReviewParams(PageParams):
    """Parameters of the list of published reviews."""

    sort: Literal["submitted_at", "-submitted_at"] = "-submitted_at"
    """Order; a minus turns it round."""
