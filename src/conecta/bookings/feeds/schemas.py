"""Wire schemas of calendar feeds."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp, id_of

if TYPE_CHECKING:
    UserId = str
else:
    UserId = id_of("usr")

Privacy = Literal["busy", "title", "full"]


class CalendarFeedCreate(Schema):
    """A feed to create."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Agenda de Marta"])]
    """What the calendar is called."""
    user_id: UserId | None = None
    """Whose bookings; null: those of the whole firm."""
    privacy: Privacy = "full"
    """`busy` only says that time is taken, `title` also of which service, `full` with whom and where too."""


class CalendarFeedRead(ReadSchema):
    """A feed, without its address."""

    id: str
    """`feed_…`."""
    name: str
    """What the calendar is called."""
    user_id: str | None
    """Whose bookings; null: those of the whole firm."""
    privacy: Privacy
    """`busy`, `title` or `full`."""
    hint: str
    """The last characters of the secret in its address."""
    status: Literal["active", "revoked"]
    """Only `active` feeds are served."""
    revoked_at: Timestamp | None
    """When it was revoked."""
    created_at: Timestamp
    """When it was created."""


class CalendarFeedCreated(CalendarFeedRead):
    """A new feed; this is the only time its address is shown."""

    url: str
    """The address, for a calendar program to subscribe to. Whoever has it can read the feed."""


class CalendarFeedFilters(PageParams):
    """Filters of `GET /calendar-feeds`."""

    user_id: UserId | None = None
    """Only feeds of this member."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order."""
