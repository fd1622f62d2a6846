"""Wire schemas of the firm's public page."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema, Schema, Timestamp
from conecta.kit.validation import Refused


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"https", "http"} and bool(parts.hostname)
    except ValueError:
        known = False
    if not known or any(ord(letter) < 33 for letter in value):
        raise Refused(
            "invalid", Text("Formato: https://www.ejemplo.es/….", "Format: https://www.example.com/….")
        )
    return value


Slug = Annotated[
    str,
    Field(
        min_length=3, max_length=60, pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", examples=["bufete-ejemplo"]
    ),
]
WebAddress = Annotated[
    str,
    Field(max_length=500, examples=["https://www.bufete.example/privacidad"]),
    AfterValidator(_web_address),
]


class PublicSiteWrite(Schema):
    """The firm's public page as it shall be."""

    slug: Slug
    """Its part of the address, `/b/{slug}`: lower-case letters, digits, dashes; unique among all firms."""
    active: bool = True
    """Whether anybody can open the page."""
    intro: Annotated[str | None, Field(max_length=2_000)] = None
    """What the firm says of itself there."""
    privacy_url: WebAddress | None = None
    """Its privacy notice, which visitors then have to accept before they write."""
    shows_reviews: bool = True
    """Whether the page shows published reviews."""
    asks_for_reviews: bool = False
    """Whether clients are asked for a review by mail when a booking of theirs is completed."""


class PublicSiteRead(ReadSchema):
    """The firm's public page."""

    slug: str | None
    """Its part of the address; null until one is chosen."""
    url: str | None
    """Where it is."""
    active: bool
    """Whether anybody can open the page."""
    intro: str | None
    """What the firm says of itself there."""
    privacy_url: str | None
    """Its privacy notice."""
    shows_reviews: bool
    """Whether the page shows published reviews."""
    asks_for_reviews: bool
    """Whether clients are asked for a review by mail when a booking of theirs is completed."""
    updated_at: Timestamp | None
    """When it last changed."""
