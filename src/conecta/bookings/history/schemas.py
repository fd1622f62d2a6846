"""Wire schemas of what happened to a booking."""

from typing import Any, Literal

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Timestamp


class HistoryRead(ReadSchema):
    """One thing that happened to a booking."""

    id: str
    """`bkh_…`."""
    at: Timestamp
    """When."""
    action: Literal["created", "updated", "confirmed", "rescheduled", "cancelled", "completed", "no_show"]
    """What."""
    actor_type: Literal["firm", "user", "client", "link", "visitor", "system"]
    """Who: the firm's program, a member, the client, the holder of a link, a visitor, or we."""
    actor_id: str | None
    """Which one of them."""
    actor_name: str | None
    """Their name."""
    data: dict[str, Any]
    """What changed, such as `previous_start`, `reason` and `changed`, the members of an update."""


class HistoryFilters(PageParams):
    """Parameters of a booking's history."""

    sort: Literal["at", "-at"] = "at"
    """Order; a minus turns it round."""
