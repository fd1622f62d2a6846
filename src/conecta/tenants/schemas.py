"""Wire schemas of the firm's own account and of its sandbox's clock."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema, Schema, Timestamp, TimeZone
from conecta.kit.validation import Refused

ClientAccessRule = Literal["off", "invitation", "self_service"]


class TenantRead(ReadSchema):
    """The firm's account, or its sandbox's."""

    id: str
    """`tenant_…`."""
    name: str
    """Name of the firm."""
    tax_id: str | None
    """Its own NIF."""
    mode: Literal["live", "test"]
    """`test` for the sandbox."""
    plan: Literal["free", "professional", "enterprise"]
    """The plan in force."""
    trial_until: Timestamp | None
    """When a trial of a paid plan ends; then the limits are those of `free`."""
    language: Literal["es", "en"]
    """Language of what the firm is sent."""
    time_zone: str
    """IANA zone in which years and days begin."""
    case_number_format: str
    """How cases are numbered, e.g. `EXP-{year}-{number:04}`."""
    client_access: ClientAccessRule
    """Who of the firm's clients may sign in to the portal and to the firm's own app."""
    created_at: Timestamp
    """When the account was opened."""
    updated_at: Timestamp
    """When it last changed."""


class TenantUpdate(Schema):
    """Changes to the firm's account; what is absent stays."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Name of the firm."""
    tax_id: Annotated[str, Field(max_length=40, examples=["B12345674"])] | None = None
    """Its own NIF, NIE or CIF; null empties it."""
    language: Literal["es", "en"] | None = None
    """Language of what the firm is sent."""
    time_zone: TimeZone | None = None
    """IANA zone in which years and days begin."""
    case_number_format: Annotated[str, Field(max_length=60, examples=["EXP-{year}-{number:04}"])] | None = (
        None
    )
    """Tokens: `{year}`, `{yy}`, `{number}`, `{number:04}`; cases made already keep their number."""
    client_access: ClientAccessRule | None = None
    """`off`: no client signs in; `invitation`: whom the firm invites; `self_service`: every active client."""


class ClockRead(ReadSchema):
    """The sandbox's clock."""

    now: Timestamp
    """The sandbox's time."""
    offset_seconds: int
    """How far it runs ahead of the real time."""


class ClockMove(Schema):
    """Where to move the sandbox's clock: give one of the two."""

    now: Timestamp | None = None
    """The time it shall be."""
    advance_seconds: Annotated[int, Field(ge=0, le=10 * 366 * 86_400)] | None = None
    """How far to go on from where it is."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.now is None) == (self.advance_seconds is None):
            raise Refused(
                "one_of",
                Text(
                    "Indica now o advance_seconds, uno de los dos.",
                    "Give now or advance_seconds, one of them.",
                ),
            )
        return self
