"""Wire schemas of publishable keys."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp

from . import rules

Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Web del despacho"])]
Origin = Annotated[
    str, Field(max_length=300, examples=["https://www.bufete.example"]), AfterValidator(rules.origin)
]
Origins = Annotated[list[Origin], Field(min_length=1, max_length=20)]


class PublishableKeyCreate(Schema):
    """A publishable key to create."""

    name: Name
    """What website it is for."""
    origins: Origins
    """Web origins that may use it, such as `https://www.bufete.example`; http only for localhost."""


class PublishableKeyUpdate(Schema):
    """Changes to a publishable key; what is absent stays."""

    name: Name | None = None
    """What website it is for."""
    origins: Origins | None = None
    """Web origins that may use it."""


class PublishableKeyRead(ReadSchema):
    """A publishable key: it is no secret, so it can be read again."""

    id: str
    """`pub_…`."""
    name: str
    """What website it is for."""
    key: str
    """What the website sends as `Authorization: Bearer …`, or names in the widget's tag."""
    mode: Literal["live", "test"]
    """`test` keys show the sandbox."""
    origins: list[str]
    """Web origins that may use it."""
    status: Literal["active", "revoked"]
    """A revoked key no longer works."""
    revoked_at: Timestamp | None
    """When it was revoked."""
    created_at: Timestamp
    """When it was made."""
    updated_at: Timestamp
    """When it last changed."""


class PublishableKeyFilters(PageParams):
    """Parameters of `GET /publishable-keys`."""

    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; a minus turns it round."""
