"""Wire schemas of webhooks, their secrets, deliveries and health."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from conecta.events import service as events
from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp
from conecta.kit.validation import Refused

from . import rules

Status = Literal["enabled", "disabled"]
DisabledReason = Literal["manual", "gone", "failing"]
Health = Literal["healthy", "unhealthy", "warning", "disabled"]
DeliveryStatus = Literal["pending", "delivered", "failed", "parked"]


def _unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


EventPattern = Annotated[
    str, Field(max_length=100, examples=["case.*"]), AfterValidator(events.known_pattern)
]
EventName = Annotated[
    str, Field(max_length=100, examples=["case.created"]), AfterValidator(events.known_name)
]
Url = Annotated[
    str, Field(min_length=1, max_length=2048, examples=["https://crm.example.com/webhooks/conecta"])
]
Events = Annotated[
    list[EventPattern],
    Field(min_length=1, max_length=100, examples=[["case.*", "invoice.paid"]]),
    AfterValidator(_unique),
]
Description = Annotated[str, Field(max_length=500, examples=["CRM de la firma"])]


class WebhookCreate(Schema):
    """An endpoint to create."""

    url: Url
    """Where to send: https, on a public address."""
    events: Events
    """What to send: `*`, groups such as `case.*`, or names of the catalogue."""
    description: Description | None = None
    """What it is for."""


class WebhookUpdate(Schema):
    """Changes to an endpoint; what is absent stays."""

    url: Url | None = None
    """Where to send from now on."""
    events: Events | None = None
    """What to send from now on."""
    description: Description | None = None
    """What it is for; null empties it."""
    status: Status | None = None
    """`disabled` parks what is waiting and what happens from now on; `enabled` sends again."""


class RotationRead(ReadSchema):
    """A rotation of the secret that is running."""

    ends_at: Timestamp
    """When the new secret becomes the only one by itself."""


class WebhookRead(ReadSchema):
    """An endpoint, without its secret."""

    id: str
    """`whk_…`."""
    url: str
    """Where deliveries go."""
    description: str | None
    """What it is for."""
    events: list[str]
    """Which events it wants."""
    status: Status
    """Whether deliveries are sent."""
    disabled_reason: DisabledReason | None
    """`manual`: by you; `gone`: it answered 410; `failing`: it failed for five days."""
    disabled_at: Timestamp | None
    """Since when it is disabled."""
    health: Health
    """How its deliveries are going; `GET /webhooks/{id}/health` tells more."""
    rotation: RotationRead | None
    """The running rotation of its secret."""
    created_at: Timestamp
    """When it was created."""
    updated_at: Timestamp
    """When it last changed."""


class WebhookCreated(WebhookRead):
    """A new endpoint; this is the only time its secret is shown."""

    secret: str
    """`whsec_…`: signs every delivery. Keep it now; it cannot be read again."""


class WebhookFilters(PageParams):
    """Filters of `GET /webhooks`."""

    status: Status | None = None
    """Only enabled or only disabled ones."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; newest first unless told."""


class SecretRotate(Schema):
    """How to rotate a secret."""

    grace_seconds: Annotated[int, Field(ge=0, le=rules.MAX_GRACE_SECONDS)] = rules.DEFAULT_GRACE_SECONDS
    """How long both secrets sign, in seconds: 24 hours unless told, 7 days at most, 0 to change at once."""


class SecretRotated(ReadSchema):
    """A rotation that has begun; this is the only time the new secret is shown."""

    secret: str
    """The new `whsec_…`. Keep it now; it cannot be read again."""
    ends_at: Timestamp
    """When it becomes the only one, unless you promote it earlier or cancel."""


class TestSend(Schema):
    """What to try an endpoint with."""

    type: EventName = "webhook.test"
    """A type of the catalogue, to get its example; a greeting unless told."""


class DeliveryRead(ReadSchema):
    """One event on its way to one endpoint."""

    id: str
    """`dlv_…`; deliveries carry it as `X-Webhook-Delivery-ID`."""
    endpoint_id: str
    """`whk_…`."""
    event_id: str
    """`wh_evt_…`."""
    event_type: str
    """Type of the event."""
    status: DeliveryStatus
    """`pending`: it will be sent; `failed`: given up; `parked`: kept while the endpoint is disabled."""
    attempt_count: int
    """How many times it was sent."""
    due_at: Timestamp | None
    """When it is sent next; a worker that is sending it holds it for a while."""
    last_status_code: int | None
    """HTTP status of the last answer; null when there was none."""
    last_error: str | None
    """What went wrong last."""
    delivered_at: Timestamp | None
    """When the receiver last took it."""
    created_at: Timestamp
    """When it was made."""


class DeliveryEvent(ReadSchema):
    """The event of a delivery; `GET /events/{id}` gives it whole."""

    id: str
    """`wh_evt_…`."""
    type: str
    """Type in the catalogue."""
    created: Timestamp
    """When it happened."""
    resource_id: str
    """The case, booking, invoice… it is about."""


class AttemptRead(ReadSchema):
    """One POST of a delivery."""

    number: int
    """1 is the first."""
    at: Timestamp
    """When it was sent."""
    duration_ms: int
    """Milliseconds until the answer was read."""
    status_code: int | None
    """HTTP status; null when no answer came."""
    error: str | None
    """Why it does not count as delivered."""
    response_excerpt: str | None
    """Beginning of the answer's body; secrets and personal data are masked."""


class DeliveryDetail(DeliveryRead):
    """A delivery with its attempts."""

    event: DeliveryEvent
    """What is delivered."""
    attempts: list[AttemptRead]
    """The last hundred attempts, oldest first."""


class DeliveryFilters(PageParams):
    """Filters of `GET /webhooks/{id}/deliveries`."""

    status: DeliveryStatus | None = None
    """Only those in this state."""
    event_type: EventPattern | None = None
    """Type of the event, or a pattern such as `case.*`."""
    created_after: Timestamp | None = None
    """Made at this moment or later."""
    created_before: Timestamp | None = None
    """Made before this moment."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; newest first unless told."""


class Recover(Schema):
    """Which events to deliver after all."""

    since: Timestamp
    """Events that happened at this moment or later…"""
    until: Timestamp | None = None
    """…and before this one; null: up to now."""
    dry_run: bool = False
    """Only count them."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until is not None and self.until <= self.since:
            raise Refused(
                "range_empty", Text("until tiene que ser posterior a since.", "until must be after since.")
            )
        return self


class Recovered(ReadSchema):
    """How many deliveries a recovery found."""

    count: int
    """Deliveries that are sent again, or would be."""
    dry_run: bool
    """Whether they were only counted."""


class NoticeRead(ReadSchema):
    """What the firm was told of an endpoint."""

    health: Health
    """The health it changed to."""
    detail: str
    """Why."""
    created_at: Timestamp
    """When."""


class HealthRead(ReadSchema):
    """How an endpoint is doing."""

    status: Status
    """Whether deliveries are sent."""
    health: Health
    """`unhealthy` after an hour of nothing but failures, `warning` after a day, `disabled` after five."""
    failing_since: Timestamp | None
    """First failure of the current run; a success ends it."""
    failures: int
    """Failures of the current run."""
    last_success_at: Timestamp | None
    """When a delivery last succeeded, to within a second."""
    last_failure_at: Timestamp | None
    """When one last failed."""
    pending: int
    """Deliveries that wait to be sent."""
    parked: int
    """Deliveries kept from when it was disabled; `recover` sends them."""
    failed: int
    """Deliveries given up; `recover` sends them, too."""
    notices: list[NoticeRead]
    """The last twenty notices, newest first."""
