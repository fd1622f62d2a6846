"""Base classes and field types that every wire schema shares."""

import functools
import re
import zoneinfo
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from . import clock
from .errors import FieldError, ValidationFailed
from .ids import canonical
from .language import Text
from .validation import Refused

T = TypeVar("T")


class Schema(BaseModel):
    """A body somebody sends: unknown members are refused, strings lose surrounding blanks.

    It is strict: `"5"` is no number and 1 is no true. A type that JSON has no form of (an enum, a date)
    says `Field(strict=False)`.
    """

    model_config = ConfigDict(
        strict=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )


class ReadSchema(BaseModel):
    """A body we answer: every member is always there, null when it has no value."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


class Page(ReadSchema, Generic[T]):
    """One page of a list."""

    # `total` is left out unless asked for. Its members are described by hand: for each kind of page the
    # docstrings would be looked for in every module there is, which made up a third of the start.
    model_config = ConfigDict(
        json_schema_serialization_defaults_required=False, use_attribute_docstrings=False
    )

    data: list[T] = Field(description="The items, in the order asked for.")
    has_more: bool = Field(description="Whether another page follows.")
    next_cursor: str | None = Field(description="What to send as `cursor` to get it; null on the last page.")
    total: int | None = Field(
        default=None, description="How many items match in all; only with `include=total`."
    )


def _within_reach(value: datetime) -> datetime:
    # Postgres and every client library can hold these years; outside them is a typing mistake.
    if not 1900 <= value.year <= 9998:
        raise Refused("out_of_range", Text("El año no es creíble.", "The year is not credible."))
    return value.astimezone(UTC)


def _text_only(value: Any) -> Any:
    # Pydantic would also take a number in a text for Unix seconds.
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE_FIRST.match(value)):
        return value
    raise Refused("type", Text("Formato: 2026-01-17T14:30:00Z.", "Format: 2026-01-17T14:30:00Z."))


_DATE_FIRST = re.compile(r"\s*\d{4}-\d\d-\d\d")

Timestamp = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_text_only),
    AfterValidator(_within_reach),
    PlainSerializer(clock.wire, return_type=str),
    Field(json_schema_extra={"format": "date-time", "examples": ["2026-01-17T14:30:00Z"]}),
]
"""A moment: RFC 3339 with a zone in, UTC whole seconds with `Z` out."""


def _whole_day(value: Any) -> Any:
    # Pydantic would also take midnight of a day, or Unix seconds, for a date.
    if isinstance(value, date) or (isinstance(value, str) and _DATE_ALONE.match(value)):
        return value
    raise Refused("type", Text("Formato: 2026-01-17.", "Format: 2026-01-17."))


def _credible(value: date) -> date:
    if not 1900 <= value.year <= 9998:
        raise Refused("out_of_range", Text("El año no es creíble.", "The year is not credible."))
    return value


_DATE_ALONE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)

CalendarDate = Annotated[
    date,
    Field(strict=False),
    BeforeValidator(_whole_day),
    AfterValidator(_credible),
    Field(json_schema_extra={"format": "date", "examples": ["2026-01-17"]}),
]
"""A day of the calendar, `YYYY-MM-DD`, in whatever zone is meant."""


@functools.cache
def time_zones() -> frozenset[str]:
    """Return the names of all IANA zones, and none that means the machine's own."""
    # To ask for them is to walk a folder with all its files.
    return frozenset(zoneinfo.available_timezones() - {"Factory", "localtime", "posixrules"})


def _zone(value: str) -> str:
    if value not in time_zones():
        raise Refused(
            "unknown_time_zone",
            Text("Zona IANA, p. ej. Europe/Madrid o Atlantic/Canary.", "IANA zone, e.g. Europe/Madrid."),
        )
    return value


TimeZone = Annotated[str, Field(max_length=60, examples=["Europe/Madrid"]), AfterValidator(_zone)]
"""The name of an IANA time zone."""


def changes_of(wanted: BaseModel, *, nullable: Collection[str] = ()) -> dict[str, Any]:
    """Return the members that a PATCH gives; raise ValidationFailed when it empties one that is needed.

    They are as the schema has them: a moment is a datetime, an object is still a schema.
    """
    changes = {
        name: getattr(wanted, name) for name in type(wanted).model_fields if name in wanted.model_fields_set
    }
    message = Text("No puede ser null.", "It cannot be null.")
    empty = [name for name, value in changes.items() if value is None and name not in nullable]
    if empty:
        raise ValidationFailed(errors=[FieldError(f"/{name}", "required", str(message)) for name in empty])
    return changes


def id_of(prefix: str) -> Any:
    """Return the type of a body or query member that names a row: the public id or its bare UUID."""

    def normalise(value: str) -> str:
        found = canonical(prefix, value)
        if found is None:
            raise Refused(
                "invalid_id",
                Text(f"Tiene que ser un identificador {prefix}_…", f"It must be a {prefix}_… id."),
            )
        return found

    return Annotated[
        str,
        AfterValidator(normalise),
        Field(max_length=64, examples=[f"{prefix}_01m7wbgc28efz8dbeq636vqtdj"]),
    ]


_MAX_CUSTOM_FIELDS = 50
_MAX_NUMBER = 2**53 - 1  # beyond it, a JSON reader that uses floats (JavaScript) would read another number


def _one_refusal(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    # A union reports each of its branches, at places that do not exist in the body.
    try:
        return check(value)
    except ValidationError:
        raise Refused(
            "invalid",
            Text(
                "Texto de hasta 500 caracteres, número de hasta 2^53-1, true o false.",
                "A string of at most 500 characters, a number up to 2^53-1, true or false.",
            ),
        ) from None


CustomKey = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
_Text = Annotated[str, Field(max_length=500)]
_Integer = Annotated[int, Field(ge=-_MAX_NUMBER, le=_MAX_NUMBER)]
_Decimal = Annotated[float, Field(ge=-_MAX_NUMBER, le=_MAX_NUMBER, allow_inf_nan=False)]
CustomValue = Annotated[_Text | bool | _Integer | _Decimal, WrapValidator(_one_refusal)]
_CustomChange = Annotated[_Text | bool | _Integer | _Decimal | None, WrapValidator(_one_refusal)]
CustomFields = Annotated[dict[CustomKey, CustomValue], Field(max_length=_MAX_CUSTOM_FIELDS)]
"""The firm's own data about a row, by key: texts, numbers, true and false."""
CustomFieldsPatch = Annotated[dict[CustomKey, _CustomChange], Field(max_length=_MAX_CUSTOM_FIELDS)]
"""Changes to them: keys are merged, null removes one."""


def merge_custom_fields(current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the fields after a PATCH; raise ValidationFailed when there would be too many."""
    merged = {key: value for key, value in (current | changes).items() if value is not None}
    if len(merged) > _MAX_CUSTOM_FIELDS:
        message = Text(f"Máximo {_MAX_CUSTOM_FIELDS} campos.", f"At most {_MAX_CUSTOM_FIELDS} fields.")
        raise ValidationFailed.at("/custom_fields", "too_many", message)
    return merged


def _split_custom_field(value: str) -> str:
    key, colon, _ = value.partition(":")
    if not colon or not key:
        raise Refused("invalid", Text("Formato: clave:valor.", "Format: key:value."))
    return value


CustomFieldFilter = Annotated[str, Field(max_length=600), AfterValidator(_split_custom_field)]
"""`key:value`, for lists."""
