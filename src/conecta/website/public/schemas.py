"""Wire schemas of what every visitor of the firm's website may call."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, EmailStr, Field, create_model

from conecta.clients import service as clients
from conecta.inquiries.service import InquiryAsk
from conecta.kit.schemas import CalendarDate, ReadSchema, Schema, Timestamp, TimeZone

from . import rules

LONGEST_SEARCH = timedelta(days=62)

Minutes = Annotated[int, Field(ge=5, le=1440, examples=[30])]
Seats = Annotated[int, Field(ge=1, le=100)]
VisitorName = Annotated[
    str, Field(min_length=1, max_length=200, examples=["Ana Gil"]), AfterValidator(rules.visitor_name)
]
ServiceKey = Annotated[str, Field(min_length=1, max_length=64, examples=["consulta"])]
LocationKind = Literal["office", "phone", "video", "client_address"]


class Proof(Schema):
    """The solution of a challenge."""

    challenge: Annotated[str, Field(min_length=1, max_length=500, examples=["bWFkZSBieSB1cw"])]
    """The `challenge` of `GET /public/challenge`."""
    solution: Annotated[str, Field(min_length=1, max_length=20, pattern="^[0-9]+$", examples=["48213"])]
    """A number such that SHA-256 of `{challenge}.{solution}` begins with `bits` zero bits."""


class Visited(Schema):
    """What visitors' forms carry to tell people from programs."""

    proof: Proof | None = None
    """Needed with a publishable key; a server of yours with a secret key may leave it out."""
    website: Annotated[str | None, Field(max_length=500)] = None
    """Leave it empty: a field of your form that people do not see, and programs fill in."""
    privacy_accepted: bool = False
    """Whether the visitor accepts the firm's privacy notice; needed when the firm has one."""


class PublicInquiryCreate(InquiryAsk, Visited):
    """What a visitor asks the firm."""

    name: VisitorName
    """Who asks."""


class ChallengeRead(ReadSchema):
    """What to solve before writing."""

    challenge: str
    """The text to begin with."""
    algorithm: Literal["sha-256"]
    """How to hash it."""
    bits: int
    """With how many zero bits the hash must begin."""
    expires_at: Timestamp
    """Until when it can be used, once."""


class PublicFirmRead(ReadSchema):
    """The firm, as its website shows it."""

    name: str
    """Name of the firm."""
    language: Literal["es", "en"]
    """Its language."""
    time_zone: str
    """IANA zone it works in."""
    intro: str | None
    """What it says of itself."""
    url: str | None
    """Its public page; null when it shows none."""
    privacy_url: str | None
    """Its privacy notice, which visitors then have to accept."""
    review_count: int
    """How many reviews it has published."""
    review_average: float
    """Their mean rating, to a tenth; 0 without any."""


class InquiryReceipt(ReadSchema):
    """What a visitor is told of an inquiry."""

    id: str
    """`inq_…`."""
    received_at: Timestamp
    """When it arrived."""


class PublicPriceRead(ReadSchema):
    """An amount of money."""

    amount: int
    """In the minor unit of the currency."""
    currency: str
    """ISO 4217."""


class PublicPlaceRead(ReadSchema):
    """Where it takes place."""

    kind: LocationKind
    """At the office, by phone, by video, or at the visitor's address."""
    detail: str | None
    """The address, the number or the link."""


class PublicPolicyRead(ReadSchema):
    """What whoever books may still change."""

    free_cancel_minutes: int
    """Until how long before the start they may cancel."""
    reschedule_minutes: int
    """Until how long before the start they may move it."""
    max_reschedules: int | None
    """How often they may move it."""
    reason_required: bool
    """Whether they must say why they cancel."""


class PublicServiceRead(ReadSchema):
    """What can be booked on the firm's website."""

    id: str
    """`svc_…`."""
    name: str
    """What people book."""
    name_en: str | None
    """The same in English."""
    description: str | None
    """What it is."""
    slug: str
    """Its part of addresses."""
    durations: list[int]
    """How many minutes it may take; the first is the default."""
    price: PublicPriceRead | None
    """What it costs."""
    capacity: int
    """Places; more than one makes it a group session."""
    location: PublicPlaceRead
    """Where it takes place."""
    confirmation: Literal["automatic", "client", "firm"]
    """Who has to confirm it."""
    policy: PublicPolicyRead
    """What whoever books may still change."""


class PublicServicesRead(ReadSchema):
    """Everything that can be booked on the firm's website."""

    data: list[PublicServiceRead]
    """The services, by name."""


class _PublicSlotParams(Schema):
    """Which times of a service to list."""

    time_zone: Annotated[TimeZone | None, Field()] = None
    """Zone of whoever asks: it decides the days; the firm's unless told."""
    duration: Annotated[int | None, Field(strict=False, ge=5, le=1440)] = None
    """Minutes; the service's first duration unless told."""
    seats: Annotated[int, Field(strict=False, ge=1, le=100)] = 1
    """Places of a group session."""


_DAYS: dict[str, Any] = {
    "from": (CalendarDate | None, Field(None, description="First day; today unless told.")),
    "to": (CalendarDate | None, Field(None, description="Last day; a week later unless told.")),
}
# `from` is a word of the language, so the class cannot be written with it.
PublicSlotParams = create_model(
    "PublicSlotParams", __base__=_PublicSlotParams, __doc__=_PublicSlotParams.__doc__, **_DAYS
)


class PublicSlotRead(ReadSchema):
    """A time that is free."""

    start: Timestamp
    """When it begins."""
    end: Timestamp
    """When it ends."""
    seats: int
    """Places that are left."""


class PublicDayRead(ReadSchema):
    """A day with free times."""

    date: Annotated[date, Field(examples=["2026-01-20"])]
    """The day, in `time_zone`."""
    slots: list[PublicSlotRead]
    """Its free times."""


class PublicSlotsRead(ReadSchema):
    """The free times of a service; days without any are left out."""

    time_zone: str
    """Zone that the days are of."""
    version: str
    """Changes when the times may have."""
    days: list[PublicDayRead]
    """The days with free times."""


class PublicBookingCreate(Visited):
    """A time that a visitor books."""

    service: ServiceKey
    """Slug or id of the service."""
    start: Timestamp
    """When it begins: a `start` of the service's slots."""
    duration: Minutes | None = None
    """Minutes; the service's first duration unless told."""
    seats: Seats = 1
    """Places of a group session."""
    name: VisitorName
    """Who comes."""
    email: Annotated[EmailStr, Field(max_length=254)]
    """Where the confirmation goes."""
    phone: Annotated[
        str | None,
        Field(max_length=40, examples=["+34600111222"]),
        AfterValidator(lambda v: v and clients.phone(v)),
    ] = None
    """Phone; needed when it takes place by phone."""
    address: Annotated[str | None, Field(max_length=500)] = None
    """Needed when it takes place at the visitor's address."""
    notes: Annotated[str | None, Field(max_length=2_000)] = None
    """What the firm should know beforehand."""
    time_zone: TimeZone | None = None
    """Zone of whoever comes; the firm's unless told."""
    language: Literal["es", "en"] = "es"
    """Language to write to them in."""


class PublicBookingRead(ReadSchema):
    """What a visitor is told of their booking."""

    id: str
    """`bkg_…`."""
    service: str
    """What they booked."""
    start: Timestamp
    """When it begins."""
    end: Timestamp
    """When it ends."""
    time_zone: str
    """Zone of whoever comes."""
    status: Literal["pending", "confirmed"]
    """`pending` while somebody has to confirm it."""
    confirmation: Literal["automatic", "client", "firm"]
    """Who has to confirm it: the visitor, by the link in the mail, or the firm."""
    location: PublicPlaceRead
    """Where it takes place."""
    price: PublicPriceRead | None
    """What it costs."""
