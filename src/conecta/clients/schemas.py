"""Wire schemas of clients."""

from typing import Annotated, Any, Literal, Self

import pycountry
from pydantic import AfterValidator, EmailStr, Field, model_validator

from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import (
    CustomFieldFilter,
    CustomFields,
    CustomFieldsPatch,
    ReadSchema,
    Schema,
    Timestamp,
)
from conecta.kit.validation import Refused

from . import rules

Kind = Literal["person", "company"]
TaxIdType = Literal["nif", "nie", "cif", "vat", "passport", "other"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Email = Annotated[EmailStr, Field(max_length=254)]
Phone = Annotated[str, Field(max_length=40, examples=["+34600111222"]), AfterValidator(rules.phone)]
Language = Annotated[str, Field(pattern="^[a-z]{2}$", examples=["es"])]
ExternalId = Annotated[str, Field(min_length=1, max_length=200, examples=["crm-4711"])]


def _country(value: str) -> str:
    if pycountry.countries.get(alpha_2=value.upper()) is None:
        raise Refused(
            "invalid_country", Text("Código ISO 3166-1 de dos letras.", "Two-letter ISO 3166-1 code.")
        )
    return value.upper()


Country = Annotated[str, Field(min_length=2, max_length=2, examples=["ES"]), AfterValidator(_country)]


class Address(Schema):
    """A postal address."""

    street: Annotated[str | None, Field(max_length=300, examples=["Calle Mayor 1, 2.º B"])] = None
    """Street, number, floor."""
    postal_code: Annotated[str | None, Field(max_length=20, examples=["46001"])] = None
    """Postal code."""
    city: Annotated[str | None, Field(max_length=100, examples=["València"])] = None
    """Town."""
    province: Annotated[str | None, Field(max_length=100, examples=["Valencia"])] = None
    """Province or region."""
    country: Country = "ES"
    """ISO 3166-1 alpha-2."""


class _ClientFields(Schema):
    """What creating and changing a client have in common."""

    first_name: Name | None = None
    """Given name of a person."""
    last_name: Name | None = None
    """Surnames of a person."""
    name: Name | None = None
    """Name of a company; a person's may also come whole here."""
    tax_id: Annotated[str | None, Field(max_length=40, examples=["12345678Z"])] = None
    """NIF, NIE or CIF; with `tax_id_type` also a foreign one."""
    tax_id_type: TaxIdType | None = None
    """What kind of id it is; found out for Spanish ones."""
    tax_id_country: Country | None = None
    """Country of a `passport` or `other` id."""
    email: Email | None = None
    """Main e-mail address."""
    phone: Phone | None = None
    """Main phone; kept as E.164, numbers without a prefix are Spanish."""
    additional_emails: Annotated[list[Email], Field(max_length=20)] | None = None
    """Other e-mail addresses."""
    additional_phones: Annotated[list[Phone], Field(max_length=20)] | None = None
    """Other phones."""
    address: Address | None = None
    """Postal address."""
    external_id: ExternalId | None = None
    """The client's key in your system; unique in the firm."""


class ClientCreate(_ClientFields):
    """A client to create: a person needs a name, a company its `name`."""

    kind: Kind = "person"
    """`person` or `company`."""
    language: Language = "es"
    """Language to write to them in."""
    custom_fields: CustomFields = Field(default_factory=dict)
    """Your own data, by key."""

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not rules.display_name(self.kind, self.first_name, self.last_name, self.name):
            raise Refused(
                "name_required",
                Text(
                    "Falta el nombre: name, o first_name y last_name.",
                    "A name is missing: name, or first_name and last_name.",
                ),
            )
        return self


class ClientUpdate(_ClientFields):
    """Changes to a client; what is absent stays, null empties."""

    kind: Kind | None = None
    """`person` or `company`."""
    language: Language | None = None
    """Language to write to them in."""
    custom_fields: CustomFieldsPatch = Field(default_factory=dict)
    """Your own data: keys are merged, null removes one."""


class ClientRead(ReadSchema):
    """A client."""

    id: str
    """`cli_…`."""
    kind: Kind
    """`person` or `company`."""
    name: str
    """How people see it."""
    first_name: str | None
    """Given name."""
    last_name: str | None
    """Surnames."""
    tax_id: str | None
    """Tax id, compact and upper case."""
    tax_id_type: TaxIdType | None
    """Kind of tax id."""
    tax_id_country: str | None
    """Country that gave it."""
    email: str | None
    """Main e-mail address."""
    phone: str | None
    """Main phone, E.164."""
    additional_emails: list[str]
    """Other e-mail addresses."""
    additional_phones: list[str]
    """Other phones, E.164."""
    address: Address | None
    """Postal address."""
    language: str
    """Language to write to them in."""
    external_id: str | None
    """Key in your system."""
    custom_fields: dict[str, Any]
    """Your own data."""
    status: Literal["active", "archived"]
    """Archived clients are hidden from lists unless asked for."""
    archived_at: Timestamp | None
    """When it was archived."""
    created_at: Timestamp
    """When it was created."""
    updated_at: Timestamp
    """When it last changed."""


class ClientFilters(PageParams):
    """Filters of `GET /clients`."""

    q: Annotated[str | None, Field(min_length=2, max_length=200, pattern="^[^\\x00]*$")] = None
    """Words of the name (without regard to accents), phone, NIF or e-mail; beginnings are enough."""
    kind: Kind | None = None
    """Only people or only companies."""
    status: Literal["active", "archived", "all"] = "active"
    """`active` unless told."""
    email: Annotated[str | None, Field(max_length=254)] = None
    """Exact main e-mail address."""
    tax_id: Annotated[str | None, Field(max_length=40)] = None
    """The whole tax id, however it is spelt."""
    external_id: Annotated[str | None, Field(max_length=200)] = None
    """Exact key of your system."""
    created_after: Timestamp | None = None
    """Created at this moment or later."""
    created_before: Timestamp | None = None
    """Created before this moment."""
    updated_after: Timestamp | None = None
    """Changed at this moment or later: what a synchronisation asks for."""
    custom_field: CustomFieldFilter | None = None
    """`key:value` of one custom field."""
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"] = "-created_at"
    """Order; a minus turns it round."""
