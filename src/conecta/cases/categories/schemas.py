"""Wire schemas of the firm's catalogue of matters."""

from typing import Annotated, Literal

from pydantic import Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp

Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Propiedad intelectual"])]
Position = Annotated[int, Field(ge=0, le=100_000)]


class CategoryCreate(Schema):
    """A category to add."""

    code: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$", examples=["propiedad_intelectual"])]
    """What cases carry; never changes."""
    name_es: Name
    """Name in Spanish."""
    name_en: Name | None = None
    """Name in English."""
    position: Position | None = None
    """Place in lists; after the last one unless told."""


class CategoryUpdate(Schema):
    """Changes to a category; what is absent stays."""

    name_es: Name | None = None
    """Name in Spanish."""
    name_en: Name | None = None
    """Name in English; null empties it."""
    position: Position | None = None
    """Place in lists."""
    active: bool | None = None
    """False archives it: its cases keep it, and no other case may take it."""


class CategoryRead(ReadSchema):
    """A category of cases."""

    code: str
    """What `category` of a case takes."""
    name_es: str
    """Name in Spanish."""
    name_en: str | None
    """Name in English."""
    position: int
    """Place in lists."""
    active: bool
    """Whether cases may take it."""
    created_at: Timestamp
    """When it was added."""
    updated_at: Timestamp
    """When it last changed."""


class CategoryFilters(PageParams):
    """Filters of `GET /case-categories`."""

    active: bool | None = None
    """Only those that cases may take, or only archived ones."""
    sort: Literal["position", "-position"] = "position"
    """Order."""
