"""Wire schemas of cases."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, EmailStr, Field, WithJsonSchema

from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import (
    CustomFieldFilter,
    CustomFields,
    CustomFieldsPatch,
    ReadSchema,
    Schema,
    Timestamp,
    id_of,
)
from conecta.kit.validation import Refused

from . import rules

if TYPE_CHECKING:
    ClientId = str
    UserId = str
else:
    ClientId, UserId = id_of("cli"), id_of("usr")

Status = Literal["open", "on_hold", "closed", "archived"]
Priority = Literal["low", "normal", "high", "urgent"]
PartyRole = Literal[
    "opposing_party", "opposing_lawyer", "lawyer", "attorney", "witness", "expert", "court", "notary", "other"
]
Title = Annotated[str, Field(min_length=1, max_length=300, examples=["Reclamación de cantidad"])]
Description = Annotated[str, Field(max_length=20_000, examples=["Deuda de 5.000€ por servicios prestados"])]
CategoryCode = Annotated[str, Field(min_length=1, max_length=40, examples=["civil"])]
Reason = Annotated[str, Field(max_length=1000, examples=["Acuerdo extrajudicial"])]
Tag = Annotated[str, Field(min_length=1, max_length=50, examples=["urgente"])]
Tags = Annotated[list[Tag], Field(max_length=30), AfterValidator(rules.unique)]
ExternalId = Annotated[str, Field(min_length=1, max_length=200, examples=["crm-4711"])]


class PartyCreate(Schema):
    """Somebody else who takes part in the case."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Construcciones Ejemplo, S.L."])]
    """Person, company or court."""
    role: PartyRole
    """What they are in the case."""
    tax_id: Annotated[str | None, Field(max_length=40)] = None
    """Tax id, as it is known."""
    email: Annotated[EmailStr | None, Field(max_length=254)] = None
    """E-mail address."""
    phone: Annotated[str | None, Field(max_length=40)] = None
    """Phone, as it is known."""
    client_id: ClientId | None = None
    """The party's own record, when it is also a client of the firm."""
    notes: Annotated[str | None, Field(max_length=2000)] = None
    """What else there is to know."""


class PartyUpdate(PartyCreate):
    """A party in a list that replaces the former one."""

    id: Annotated[str | None, Field(max_length=64, examples=["pty_01m7wbgc28efz8dbeq636vqtdj"])] = None
    """`pty_…` of the party it was; an equal party keeps its id without it."""


class PartyRead(ReadSchema):
    """Somebody else who takes part in the case."""

    id: str
    """`pty_…`."""
    name: str
    """Person, company or court."""
    role: PartyRole
    """What they are in the case."""
    tax_id: str | None
    """Tax id."""
    email: str | None
    """E-mail address."""
    phone: str | None
    """Phone."""
    client_id: str | None
    """Their own record among the firm's clients."""
    notes: str | None
    """What else there is to know."""


class CaseCreate(Schema):
    """A case to open."""

    client_id: ClientId
    """Client it is for; must be active."""
    category: CategoryCode
    """Code of the firm's catalogue (`GET /case-categories`)."""
    title: Title
    """What it is about, in a line."""
    description: Description | None = None
    """What it is about."""
    assigned_provider_id: UserId | None = None
    """Member of the firm in charge: an active owner, admin or provider."""
    priority: Priority = "normal"
    """How soon it wants attention."""
    tags: Tags = Field(default_factory=list)
    """Your own labels; repeated ones count once."""
    external_id: ExternalId | None = None
    """The case's key in your system; unique in the firm."""
    custom_fields: CustomFields = Field(default_factory=dict)
    """Your own data, by key."""
    parties: Annotated[list[PartyCreate], Field(max_length=50)] = Field(default_factory=list)
    """Who else takes part."""


class CaseUpdate(Schema):
    """Changes to a case; what is absent stays, null empties."""

    client_id: ClientId | None = None
    """Client it is for."""
    category: CategoryCode | None = None
    """Code of the firm's catalogue."""
    title: Title | None = None
    """What it is about, in a line."""
    description: Description | None = None
    """What it is about."""
    assigned_provider_id: UserId | None = None
    """Member of the firm in charge."""
    status: Status | None = None
    """State to go to, if the table of states allows it."""
    status_reason: Reason | None = None
    """Why it is in its state; a change of state without a reason empties it."""
    priority: Priority | None = None
    """How soon it wants attention."""
    tags: Tags | None = None
    """Your own labels; the list replaces the former one."""
    external_id: ExternalId | None = None
    """The case's key in your system."""
    custom_fields: CustomFieldsPatch = Field(default_factory=dict)
    """Your own data: keys are merged, null removes one."""
    parties: Annotated[list[PartyUpdate], Field(max_length=50)] | None = None
    """Who else takes part; the list replaces the former one."""


class StatusChange(Schema):
    """Why a case is closed or reopened."""

    reason: Reason | None = None
    """Kept as `status_reason` and in the timeline."""


class CaseBody(ReadSchema):
    """What a case and the payload of its events have in common."""

    client_id: str
    """Client it is for."""
    category: str
    """Code of the firm's catalogue."""
    title: str
    """What it is about, in a line."""
    description: str | None
    """What it is about."""
    assigned_provider_id: str | None
    """Member of the firm in charge."""
    status: Status
    """`open`, `on_hold`, `closed` or `archived`."""
    status_reason: str | None
    """Why it is in its state."""
    priority: Priority
    """How soon it wants attention."""
    tags: list[str]
    """The firm's labels."""
    parties: list[PartyRead]
    """Who else takes part."""
    external_id: str | None
    """Key in your system."""
    custom_fields: dict[str, Any]
    """Your own data."""
    created_at: Timestamp
    """When it was opened."""
    updated_at: Timestamp
    """When it last changed."""
    closed_at: Timestamp | None
    """When it was closed; null while it is open or on hold."""


class CaseRead(CaseBody):
    """A case."""

    id: str
    """`cas_…`."""
    number: str
    """Number in the firm, gapless within its year."""


def _statuses(value: str) -> str:
    if unknown := [name for name in value.split(",") if name not in rules.STATUSES]:
        known = ", ".join(rules.STATUSES)
        shown = unknown[0][:40]
        raise Refused(
            "not_allowed",
            Text(f"No existe «{shown}». Se admiten: {known}.", f"No “{shown}”. Accepted: {known}."),
        )
    return value


_ONE_STATUS = f"({'|'.join(rules.STATUSES)})"
StatusFilter = Annotated[
    str,
    Field(max_length=100),
    AfterValidator(_statuses),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_ONE_STATUS}(,{_ONE_STATUS})*$", "examples": ["open,on_hold"]}
    ),
]
Words = Annotated[str, Field(min_length=2, max_length=200)]


class CaseFilters(PageParams):
    """Filters of `GET /cases`."""

    q: Words | None = None
    """Words of title or description (Spanish, accents do not matter, the last may be unfinished),
    `"a phrase"`, `-without`; also a whole number and the beginning of an external id."""
    status: StatusFilter | None = None
    """One state, or several with commas; all of them unless told."""
    category: Annotated[str | None, Field(max_length=40)] = None
    """Code of the firm's catalogue."""
    client_id: ClientId | None = None
    """Only of this client."""
    assigned_provider_id: UserId | None = None
    """Only those this member is in charge of."""
    priority: Priority | None = None
    """Only of this priority."""
    tag: Annotated[str | None, Field(max_length=50)] = None
    """Only with this label."""
    external_id: Annotated[str | None, Field(max_length=200)] = None
    """Exact key of your system."""
    created_after: Timestamp | None = None
    """Opened at this moment or later."""
    created_before: Timestamp | None = None
    """Opened before this moment."""
    updated_after: Timestamp | None = None
    """Changed at this moment or later: what a synchronisation asks for."""
    custom_field: CustomFieldFilter | None = None
    """`key:value` of one custom field."""
    sort: Literal["created_at", "-created_at", "updated_at", "-updated_at", "number", "-number"] = (
        "-created_at"
    )
    """Order; a minus turns it round."""
