"""Wire schemas of messages."""

from typing import Annotated, Literal

from pydantic import Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Timestamp

Status = Literal["queued", "sent", "failed", "captured"]


class MessageFilters(PageParams):
    """Parameters of `GET /messages`."""

    status: Status | None = None
    """`queued`, `sent`, `failed` or `captured`."""
    to: Annotated[str, Field(max_length=320, examples=["persona@example.com"])] | None = None
    """The whole address it was written to, in upper or lower case."""
    created_after: Timestamp | None = None
    """Written at this moment or later."""
    created_before: Timestamp | None = None
    """Written before this moment."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; newest first unless told."""


class MessageRead(ReadSchema):
    """A mail, without its body."""

    id: str
    """`msg_…`."""
    to: str
    """The address it was written to."""
    language: Literal["es", "en"]
    """In which language."""
    subject: str
    """Its subject."""
    status: Status
    """`captured` stays here to be read: mail of the sandbox, or of an installation that sends none."""
    attempts: int
    """How often a mail server was asked to take it."""
    last_error: str | None
    """Why it was not taken the last time."""
    sent_at: Timestamp | None
    """When a mail server took it."""
    created_at: Timestamp
    """When it was written."""


class MessageDetail(MessageRead):
    """A mail with its body."""

    text: str | None
    """The words, when it was captured; what is sent is not kept."""
    html: str | None
    """The same as HTML."""
    link: str | None
    """Where its button leads."""
