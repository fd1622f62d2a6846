"""Wire schemas of inquiries."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, EmailStr, Field, model_validator

from conecta.clients import service as clients
from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import (
    CustomFields,
    CustomFieldsPatch,
    ReadSchema,
    Schema,
    Timestamp,
    id_of,
)
from conecta.kit.validation import Refused

if TYPE_CHECKING:
    ClientId = str
    UserId = str
else:
    ClientId, UserId = id_of("cli"), id_of("usr")

Kind = Literal["person", "company"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Phone = Annotated[str, Field(max_length=40, examples=["+34600111222"]), AfterValidator(clients.phone)]
CategoryCode = Annotated[str, Field(min_length=1, max_length=40, examples=["civil"])]
Title = Annotated[str, Field(min_length=1, max_length=300, examples=["Reclamación de cantidad"])]
Status = Literal["new", "converted", "closed", "spam"]
Source = Literal["api", "page", "widget", "website"]
Email = Annotated[EmailStr, Field(max_length=254)]
Message = Annotated[
    str, Field(min_length=1, max_length=5_000, examples=["¿Podrían orientarme sobre una herencia?"])
]
Subject = Annotated[str, Field(min_length=1, max_length=200, examples=["Herencia"])]
PageUrl = Annotated[str, Field(max_length=1_000, examples=["https://www.bufete.example/contacto"])]


class InquiryAsk(Schema):
    """What somebody asks the firm, and where to answer."""

    name: Name
    """Who asks."""
    email: Email | None = None
    """E-mail address to answer to; it or `phone` is needed."""
    phone: Phone | None = None
    """Phone to answer to; kept as E.164, numbers without a prefix are Spanish."""
    subject: Subject | None = None
    """What about, in a line."""
    message: Message
    """What they ask."""
    language: Literal["es", "en"] = "es"
    """Language to answer in."""
    page_url: PageUrl | None = None
    """Page of the website that it came from."""
    custom_fields: CustomFields = Field(default_factory=dict)
    """Your own data, by key."""

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if self.email is None and self.phone is None:
            raise Refused(
                "contact_required",
                Text("Falta un correo o un teléfono.", "An e-mail address or a phone is missing."),
            )
        return self


class InquiryCreate(InquiryAsk):
    """An inquiry that reached the firm by another way, to be kept here."""


class InquiryUpdate(Schema):
    """Changes to an inquiry; what is absent stays."""

    status: Literal["new", "closed", "spam"] | None = None
    """`closed`: answered; `spam`: none at all; `new` opens it again."""
    custom_fields: CustomFieldsPatch = Field(default_factory=dict)
    """Your own data: keys are merged, null removes one."""


class ConvertedClient(Schema):
    """Who the inquiry's author is as a client; what is absent is taken from the inquiry."""

    kind: Kind = "person"
    """`person` or `company`."""
    name: Name | None = None
    """Name, when another than the inquiry's."""
    tax_id: Annotated[str | None, Field(max_length=40, examples=["12345678Z"])] = None
    """NIF, NIE or CIF."""


class ConvertedCase(Schema):
    """A case to open with it."""

    category: CategoryCode
    """Code of the firm's catalogue (`GET /case-categories`)."""
    title: Title | None = None
    """What it is about; the inquiry's subject unless told."""
    assigned_provider_id: UserId | None = None
    """Member of the firm in charge."""


class InquiryConvert(Schema):
    """What an inquiry becomes: a client, and perhaps a case."""

    client_id: ClientId | None = None
    """An active client that the author already is; without it a new one is created."""
    client: ConvertedClient | None = None
    """More about the new client."""
    case: ConvertedCase | None = None
    """The case to open; it needs the scope `write:cases`, too."""

    @model_validator(mode="after")
    def _old_or_new(self) -> Self:
        if self.client_id is not None and self.client is not None:
            raise Refused(
                "one_of",
                Text("Indica client_id o client, no los dos.", "Give client_id or client, not both."),
            )
        return self


class InquiryRead(ReadSchema):
    """An inquiry."""

    id: str
    """`inq_…`."""
    name: str
    """Who asks."""
    email: str | None
    """E-mail address to answer to."""
    phone: str | None
    """Phone to answer to, E.164."""
    subject: str | None
    """What about, in a line."""
    message: str
    """What they ask."""
    language: Literal["es", "en"]
    """Language to answer in."""
    source: Source
    """`page`: the public page; `widget`: the firm's website by the widget; `website`: the same by the API."""
    page_url: str | None
    """Page of the website that it came from."""
    custom_fields: dict[str, Any]
    """Your own data."""
    status: Status
    """`new` until it is converted, closed or found to be spam."""
    privacy_accepted_at: Timestamp | None
    """When the author accepted the firm's privacy notice; null when they were not asked."""
    client_id: str | None
    """Client it became."""
    case_id: str | None
    """Case it became."""
    converted_at: Timestamp | None
    """When it became that."""
    created_at: Timestamp
    """When it arrived."""
    updated_at: Timestamp
    """When it last changed."""


class InquiryFilters(PageParams):
    """Filters of `GET /inquiries`."""

    status: Literal["new", "converted", "closed", "spam", "all"] | None = None
    """Only those of this state; unless told, all but spam."""
    email: Annotated[str | None, Field(max_length=254)] = None
    """Exact e-mail address."""
    client_id: ClientId | None = None
    """Those that became this client."""
    created_after: Timestamp | None = None
    """Arrived at this moment or later."""
    created_before: Timestamp | None = None
    """Arrived before this moment."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; a minus turns it round."""
