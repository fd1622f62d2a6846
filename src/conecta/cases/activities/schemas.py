"""Wire schemas of a case's timeline."""

from typing import Any, Literal

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Timestamp

AuthorType = Literal["firm", "user", "client", "system"]
ActivityType = Literal[
    "created",
    "updated",
    "status_changed",
    "closed",
    "reopened",
    "provider_assigned",
    "note_added",
    "note_edited",
]


class Change(ReadSchema):
    """One member that changed."""

    before: Any
    """What it was."""
    after: Any
    """What it is now."""


class ActivityData(ReadSchema):
    """What an activity is about, for programs."""

    changes: dict[str, Change]
    """Members of the case that changed, by name; empty when none did."""
    note_id: str | None
    """Note that was added or edited."""


class ActivityRead(ReadSchema):
    """One line of a case's timeline."""

    id: str
    """`act_…`."""
    case_id: str
    """Case it belongs to."""
    type: ActivityType
    """What happened."""
    description: str
    """The same in a Spanish sentence."""
    author_type: AuthorType
    """Who did it: the firm's own system, a member, a client, or this product."""
    author_id: str | None
    """`usr_…` of a member, `cli_…` of a client, `key_…` of the firm's own system."""
    author_name: str | None
    """Their name then."""
    data: ActivityData
    """What changed."""
    created_at: Timestamp
    """When."""


class ActivityFilters(PageParams):
    """Filters of a case's timeline."""

    type: ActivityType | None = None
    """Only this kind."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order: newest first unless told."""
