"""Wire schemas of calendar connections."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp, id_of

if TYPE_CHECKING:
    UserId = str
else:
    UserId = id_of("usr")

Provider = Literal["google", "microsoft"]
OnMove = Literal["accept", "ask", "revert"]
OnDelete = Literal["revert", "cancel"]
State = Literal["active", "reauthorization_needed", "disconnected"]
CalendarId = Annotated[str, Field(min_length=1, max_length=1024, examples=["marta@bufete.example"])]


class CalendarAuthorize(Schema):
    """Whose calendars to connect, and where they are."""

    provider: Provider
    """`google` or `microsoft`."""
    user_id: UserId | None = None
    """The member whose calendars they are; a member connects their own."""


class CalendarAuthorization(ReadSchema):
    """Where to send the member's browser."""

    authorize_url: str
    """The provider's page, on which the member lets us in. Good for ten minutes."""
    expires_at: Timestamp
    """Until when."""


class ConnectionUpdate(Schema):
    """Changes to a connection."""

    busy_calendar_ids: Annotated[list[CalendarId] | None, Field(max_length=50)] = None
    """Calendars whose events take the member's time."""
    write_calendar_id: CalendarId | None = None
    """Calendar that bookings are written into from now on; null: none."""
    on_move: OnMove | None = None
    """What becomes of a booking whose event is moved there."""
    on_delete: OnDelete | None = None
    """What becomes of a booking whose event is deleted there."""
    keep_titles: bool | None = None
    """Whether the firm may see what the member's events are called."""


class ConnectedCalendarRead(ReadSchema):
    """One calendar of the account."""

    id: str
    """The provider's id."""
    name: str
    """What it is called."""
    time_zone: str
    """IANA zone of its whole days."""
    primary: bool
    """Whether it is the account's own."""
    writable: bool
    """Whether bookings can be written into it."""
    busy: bool
    """Whether its events take the member's time."""


class OpenChangeRead(ReadSchema):
    """An event of ours that was moved, and that nobody has decided on."""

    booking_id: str
    """Which booking."""
    start: Timestamp
    """Where it was moved."""
    end: Timestamp
    """Until when."""


class ConnectionRead(ReadSchema):
    """One account of a member at a provider."""

    id: str
    """`cal_…`."""
    user_id: str
    """The member."""
    provider: Provider
    """`google` or `microsoft`."""
    account: str
    """The account's address."""
    state: State
    """`reauthorization_needed`: the member has to connect it again."""
    calendars: list[ConnectedCalendarRead]
    """The account's calendars."""
    write_calendar_id: str | None
    """Calendar that bookings are written into."""
    on_move: OnMove
    """`accept`: the booking follows if its new time is free, else the event is put back; `revert`: it is
    always put back; `ask`: both stay until somebody decides."""
    on_delete: OnDelete
    """`revert`: the event is written again; `cancel`: the booking is cancelled."""
    keep_titles: bool
    """Whether the firm may see what the member's events are called."""
    push: bool
    """Whether the provider notifies us of changes; else they are seen within minutes."""
    open_changes: list[OpenChangeRead]
    """Events that were moved with `on_move: ask`; whoever moves the booking, or changes it, decides."""
    last_synced_at: Timestamp | None
    """When it was last read whole."""
    last_error: str | None
    """What went wrong since, in reading or in writing a booking; null when all is well."""
    created_at: Timestamp
    """When it was connected first."""
    updated_at: Timestamp
    """When it was last changed."""


class ChangeDecision(Schema):
    """What becomes of an event that was moved."""

    decision: Literal["accept", "revert"]
    """`accept` moves the booking where the event is, `revert` the event back."""


class ConnectionFilters(PageParams):
    """Filters of `GET /calendar-connections`."""

    user_id: UserId | None = None
    """Only those of this member."""
    provider: Provider | None = None
    """Only those of this provider."""
    state: State | None = None
    """Only those in this state."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order."""
