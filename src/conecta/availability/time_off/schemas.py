"""Wire schemas of absences."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp, id_of
from conecta.kit.validation import Refused

Kind = Literal["vacation", "sick", "training", "block"]
if TYPE_CHECKING:  # the types of ids are made when the program runs
    UserId = str
    RoomId = str
else:
    UserId, RoomId = id_of("usr"), id_of("room")
Note = Annotated[str, Field(max_length=500, examples=["Congreso en Valencia"])]


class TimeOffCreate(Schema):
    """An absence to add: of a member, of a room, or with neither of them of the whole firm."""

    provider_id: UserId | None = None
    """The member who is away."""
    room_id: RoomId | None = None
    """The room that cannot be used."""
    start: Timestamp
    """When it begins."""
    end: Timestamp
    """When it is over."""
    kind: Kind = "block"
    """Why; `block` is any other reason."""
    note: Note | None = None
    """More about it, for the firm."""

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if self.provider_id is not None and self.room_id is not None:
            raise Refused(
                "one_of",
                Text("Indica provider_id o room_id, no los dos.", "Give provider_id or room_id, not both."),
            )
        return self


class TimeOffUpdate(Schema):
    """Changes to an absence; what is absent stays. Whose it is does not change."""

    start: Timestamp | None = None
    """When it begins."""
    end: Timestamp | None = None
    """When it is over."""
    kind: Kind | None = None
    """Why."""
    note: Note | None = None
    """More about it; null empties it."""


class TimeOffRead(ReadSchema):
    """An absence."""

    id: str
    """`off_…`."""
    provider_id: str | None
    """The member who is away."""
    room_id: str | None
    """The room that cannot be used; with no member and no room the whole firm is away."""
    start: Timestamp
    """When it begins."""
    end: Timestamp
    """When it is over."""
    kind: Kind
    """Why."""
    note: str | None
    """More about it, for the firm."""
    created_at: Timestamp
    """When it was added."""
    updated_at: Timestamp
    """When it last changed."""


class TimeOffFilters(PageParams):
    """Filters of `GET /time-off`."""

    provider_id: UserId | None = None
    """Of this member."""
    room_id: RoomId | None = None
    """Of this room."""
    kind: Kind | None = None
    """For this reason."""
    ends_after: Timestamp | None = None
    """Not over yet at this moment."""
    starts_before: Timestamp | None = None
    """Begun by this moment."""
    sort: Literal["start", "-start"] = "start"
    """Order."""
