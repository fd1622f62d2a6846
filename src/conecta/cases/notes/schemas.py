"""Wire schemas of the notes of a case."""

from typing import Annotated, Literal

from pydantic import AliasChoices, Field

from conecta.cases.activities.schemas import AuthorType
from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp

Visibility = Literal["internal", "shared"]
# The seed names no member: these are the words other systems use for the text of a note.
_NAMES = AliasChoices("content", "note", "text", "body")
Content = Annotated[
    str, Field(min_length=1, max_length=20_000, examples=["Llamar al cliente antes de la vista."])
]


class NoteCreate(Schema):
    """A note to add; its text may also be called `note`, `text` or `body`."""

    content: Annotated[Content, Field(validation_alias=_NAMES)]
    """What it says."""
    visibility: Visibility = "internal"
    """`internal`: only the firm; `shared`: also the client."""


class NoteUpdate(Schema):
    """Changes to a note; what is absent stays."""

    content: Annotated[Content | None, Field(validation_alias=_NAMES)] = None
    """What it says; the former text is kept in its history."""
    visibility: Visibility | None = None
    """Who may read it."""


class NoteRead(ReadSchema):
    """A note of a case."""

    id: str
    """`nte_…`."""
    case_id: str
    """Case it belongs to."""
    content: str
    """What it says."""
    visibility: Visibility
    """`internal`: only the firm; `shared`: also the client."""
    author_type: AuthorType
    """Who wrote it: the firm's own system or a member."""
    author_id: str | None
    """`usr_…` of a member, `key_…` of the firm's own system."""
    author_name: str | None
    """Their name then."""
    edited: bool
    """Whether it was changed since; its history tells how."""
    version: int
    """Grows with every change; the ETag."""
    created_at: Timestamp
    """When it was written."""
    updated_at: Timestamp
    """When it last changed."""


class NoteEditRead(ReadSchema):
    """What a note was before a change."""

    id: str
    """`ned_…`."""
    note_id: str
    """Note that was changed."""
    content: str
    """What it said before."""
    visibility: Visibility
    """Who might read it before."""
    author_type: AuthorType
    """Who changed it."""
    author_id: str | None
    """`usr_…` of a member, `key_…` of the firm's own system."""
    author_name: str | None
    """Their name then."""
    created_at: Timestamp
    """When it was changed."""


class NoteFilters(PageParams):
    """Filters of a case's notes."""

    visibility: Visibility | None = None
    """Only internal or only shared notes."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order: newest first unless told."""


class NoteEditFilters(PageParams):
    """Parameters of a note's history."""

    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order: newest first unless told."""
