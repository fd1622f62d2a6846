"""Wire schemas of holds."""

from typing import Annotated

from pydantic import Field

from conecta.bookings.schemas import ClientId, ServiceId, When
from conecta.kit.schemas import ReadSchema, Timestamp


class HoldCreate(When):
    """A time to keep for somebody who is still deciding."""

    service_id: ServiceId | None = None
    """What of; without one the time of one provider."""
    client_id: ClientId | None = None
    """Client it is kept for, who alone may then use it from the firm's app."""
    seats: Annotated[int, Field(ge=1, le=1000)] = 1
    """Places of a group session."""
    ttl_seconds: Annotated[int, Field(ge=10, le=600)] = 300
    """How long it is kept."""


class HoldRead(ReadSchema):
    """A time that is kept for somebody who is still deciding."""

    id: str
    """`hld_…`: what `hold_id` of the booking wants."""
    service_id: str | None
    """What of."""
    client_id: str | None
    """Client it is kept for."""
    provider_id: str
    """With whom; the first of several."""
    provider_ids: list[str]
    """All of them."""
    room_id: str | None
    """Room it takes."""
    start: Timestamp
    """When it begins."""
    end: Timestamp
    """When it ends."""
    seats: int
    """Places of a group session."""
    expires_at: Timestamp
    """Until when it is kept."""
    created_at: Timestamp
    """Since when."""
