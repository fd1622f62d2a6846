"""Wire schemas of rooms."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp, id_of

Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Sala de juntas"])]
if TYPE_CHECKING:  # the types of ids are made when the program runs
    ScheduleId = str
else:
    ScheduleId = id_of("sch")


class RoomCreate(Schema):
    """A room to add."""

    name: Name
    """What people call it."""
    schedule_id: ScheduleId | None = None
    """A schedule of the firm, when it is not always open."""


class RoomUpdate(Schema):
    """Changes to a room; what is absent stays."""

    name: Name | None = None
    """What people call it."""
    active: bool | None = None
    """False takes it out of use; its bookings stay."""
    schedule_id: ScheduleId | None = None
    """A schedule of the firm; null: always open."""


class RoomRead(ReadSchema):
    """A room, or another thing that only one appointment at a time can have."""

    id: str
    """`room_…`."""
    name: str
    """What people call it."""
    active: bool
    """Whether it can be booked."""
    schedule_id: str | None
    """When it is open; null: always."""
    created_at: Timestamp
    """When it was added."""
    updated_at: Timestamp
    """When it last changed."""


class RoomFilters(PageParams):
    """Filters of `GET /rooms`."""

    active: bool | None = None
    """Those in use, or all others."""
    sort: Literal["created_at", "-created_at"] = "created_at"
    """Order."""
