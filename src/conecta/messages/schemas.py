"""Wire schemas of messages."""

from typing import Annotated, Literal

from pydantic import Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Timestamp

Status = Literal["queued", "sent", "failed", "captured"]
Channel = Literal["mail", "sms"]


class MessageFilters(PageParams):
    """Parameters of `GET /messages`."""

    status: Status | None = None
    """`queued`, `sent`, `failed` or `captured`."""
    channel: Channel | None = None
    """`mail` or `sms`."""
    to: Annotated[str, Field(max_length=320, examples=["persona@example.com"])] | None = None
    """The whole address or phone number it was written to, in upper or lower case."""
    created_after: Timestamp | None = None
    """Written at this moment or later."""
    created_before: Timestamp | None = None
    """Written before this moment."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; newest first unless told."""


class MessageRead(ReadSchema):
    """A mail or text message, without its body."""

    id: str
    """`msg_…`."""
    channel: Channel
    """`mail` or `sms`."""
    to: str
    """The address, or the phone number, it was written to."""
    language: Literal["es", "en"]
    """In which language."""
    subject: str | None
    """Its subject; a text message has none."""
    status: Status
    """`captured` stays here to be read: what the sandbox writes, or an installation that sends none."""
    attempts: int
    """How often a mail server or SMS gateway was asked to take it."""
    last_error: str | None
    """Why it was not taken the last time."""
    sent_at: Timestamp | None
    """When it was taken."""
    created_at: Timestamp
    """When it was written."""


class AttachmentRead(ReadSchema):
    """A file that a mail carries."""

    name: str
    """Its name."""
    content_type: str
    """Its media type, such as `text/calendar`."""
    parameters: dict[str, str]
    """The parameters of the media type, such as the `method` of an invitation."""
    content: str
    """The file, in base64."""


class MessageDetail(MessageRead):
    """A mail or text message with its body."""

    text: str | None
    """The words, when it was captured; what is sent is not kept."""
    html: str | None
    """The same as HTML; a text message has none."""
    link: str | None
    """Where its button leads."""
    attachments: list[AttachmentRead] | None
    """The files it carries, when it was captured."""
