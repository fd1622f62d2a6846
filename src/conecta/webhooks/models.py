"""Webhook endpoints, what is to be delivered to them, every attempt, and the notices of their health."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, ForeignKeyConstraint, Index, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import (
    Base,
    Id,
    Moment,
    TenantTable,
    Versioned,
    declare,
    grants,
    policies,
    reference,
    tenant_key,
)

ENDPOINT_STATUSES = ("enabled", "disabled")
DISABLED_REASONS = ("manual", "gone", "failing")
HEALTH = ("healthy", "unhealthy", "warning", "disabled")
DELIVERY_STATUSES = ("pending", "delivered", "failed", "parked")


class WebhookEndpoint(TenantTable, Versioned, Base):
    """An address that wants some of the firm's events.

    `pending_secret` lives while a rotation runs: both sign `webhook-signature`, the old one alone keeps
    signing `X-Webhook-Signature` until the rotation is promoted or `rotation_ends_at` has passed.
    `failing_since` and `failures` describe the current run of failures only; a success clears them.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint(f"status in {ENDPOINT_STATUSES}", name="status_known"),
        CheckConstraint(f"disabled_reason in {DISABLED_REASONS}", name="disabled_reason_known"),
        CheckConstraint(f"health in {HEALTH}", name="health_known"),
        Index("ix_webhook_endpoints_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    url: Mapped[str]
    description: Mapped[str | None]
    events: Mapped[list[str]] = mapped_column(ARRAY(Id))
    status: Mapped[str] = mapped_column(default="enabled")
    disabled_reason: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_pending_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    rotation_ends_at: Mapped[datetime | None]
    health: Mapped[str] = mapped_column(default="healthy")
    failing_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(Integer, default=0)
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]


class WebhookDelivery(TenantTable, Base):
    """One event for one endpoint. A claim moves `due_at` ahead: whoever dies lets it come due again."""

    __tablename__ = "webhook_deliveries"
    __table_args__: Any = (
        reference("endpoint_id", "webhook_endpoints", ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["tenant_id", "event_id"], ["events.tenant_id", "events.id"], ondelete="CASCADE"
        ),
        CheckConstraint(f"status in {DELIVERY_STATUSES}", name="status_known"),
        CheckConstraint("(status = 'pending') = (due_at is not null)", name="pending_is_due"),
        Index(
            "ix_webhook_deliveries_due",
            "tenant_id",
            "endpoint_id",
            "due_at",
            postgresql_where="status = 'pending'",
        ),
        Index("ix_webhook_deliveries_endpoint", "tenant_id", "endpoint_id", "created_at", "id"),
        Index("ix_webhook_deliveries_event", "tenant_id", "event_id"),
        # Few rows and for good: what was given up or kept, for the health, the lists and `recover`.
        Index(
            "ix_webhook_deliveries_stopped",
            "tenant_id",
            "endpoint_id",
            "status",
            "created_at",
            "id",
            postgresql_where="status in ('failed', 'parked')",
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(Id)
    event_id: Mapped[str] = mapped_column(Id)
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[datetime | None]
    last_status_code: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(Moment)


class WebhookAttempt(TenantTable, Base):
    """One POST of a delivery; the response is capped and redacted before it is stored."""

    __tablename__ = "webhook_attempts"
    __table_args__: Any = (
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["webhook_deliveries.tenant_id", "webhook_deliveries.id"],
            ondelete="CASCADE",
        ),
    )

    delivery_id: Mapped[str] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    duration_ms: Mapped[int] = mapped_column(Integer)
    status_code: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[str | None]
    response_excerpt: Mapped[str | None]


class WebhookNotice(TenantTable, Base):
    """What the firm was told of an endpoint's health."""

    __tablename__ = "webhook_notices"
    __table_args__: Any = (
        reference("endpoint_id", "webhook_endpoints", ondelete="CASCADE"),
        Index("ix_webhook_notices_endpoint", "tenant_id", "endpoint_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(Id)
    health: Mapped[str]
    detail: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Moment)


for _table in (WebhookEndpoint, WebhookDelivery, WebhookAttempt, WebhookNotice):
    declare(_table, *policies(_table.__tablename__), *grants(_table.__tablename__))
