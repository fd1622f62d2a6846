"""Wire schemas of events, their feed and their catalogue."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from conecta.kit.pages import DEFAULT_LIMIT, MAX_LIMIT, PageParams
from conecta.kit.schemas import ReadSchema, Timestamp

from . import catalogue

EventPattern = Annotated[
    str, Field(max_length=100, examples=["case.*"]), AfterValidator(catalogue.known_pattern)
]
"""A filter of events: `*`, a group such as `case.*`, or the name of one type."""


class EventRead(ReadSchema):
    """An event: the very body that every webhook delivery of it carries."""

    id: str
    """`wh_evt_…`; the same in every delivery."""
    type: str
    """Name in the catalogue."""
    created: Timestamp
    """When it happened."""
    tenant_id: str
    """The firm."""
    data: dict[str, Any]
    """What happened; `GET /event-types` has its schema."""


class EventFilters(PageParams):
    """Filters of `GET /events`."""

    type: EventPattern | None = None
    """Type, or a pattern such as `case.*`."""
    resource_id: Annotated[str | None, Field(max_length=64, pattern="^[A-Za-z0-9_-]+$")] = None
    """Only the events of one case, booking, invoice…"""
    created_after: Timestamp | None = None
    """Happened at this moment or later."""
    created_before: Timestamp | None = None
    """Happened before this moment."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; newest first unless told."""


class FeedParams(BaseModel):
    """Parameters of `GET /events/feed`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    cursor: Annotated[str | None, Field(max_length=1000)] = None
    """The `next_cursor` of the answer before; without it the feed starts at the oldest event kept."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    """Events per answer: 25 unless told, 100 at most."""
    type: EventPattern | None = None
    """Type, or a pattern such as `case.*`."""


class FeedRead(ReadSchema):
    """A stretch of the feed."""

    data: list[EventRead]
    """The events, oldest first."""
    has_more: bool
    """Whether there is more to read right now."""
    next_cursor: str
    """Where to go on from, now or later; it is there on an empty answer too."""


class EventTypeRead(ReadSchema):
    """One entry of the catalogue."""

    name: str
    """What `type` says, and what `events` of a webhook names."""
    description: str
    """When it happens."""
    example: dict[str, Any]
    """An example of `data`."""
    data_schema: dict[str, Any]
    """JSON Schema of `data`."""
