"""What can be booked: how long, with whom, where, from when and under which rules."""

from datetime import time
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from conecta.availability.models import moves_version
from conecta.kit.tables import (
    Base,
    Id,
    TenantTable,
    Versioned,
    declare,
    grants,
    policies,
    reference,
    tenant_key,
)

LOCATION_KINDS = ("office", "phone", "video", "client_address")
CONFIRMATIONS = ("automatic", "client", "firm")
ASSIGNMENTS = ("round_robin", "collective")
HORIZON_KINDS = ("calendar", "working")
SLOT_ANCHORS = ("window", "clock")
HOST_KINDS = ("rotating", "fixed")


class BookingService(TenantTable, Versioned, Base):
    """One service of the firm. All lengths are in minutes; the first duration is the default."""

    __tablename__ = "booking_services"
    __table_args__: Any = (
        tenant_key(),
        UniqueConstraint("tenant_id", "slug"),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_plain"),
        CheckConstraint(
            "cardinality(durations) > 0 and 5 <= all (durations) and 1440 >= all (durations)",
            name="durations_sane",
        ),
        CheckConstraint("(price_amount is null) = (price_currency is null)", name="price_whole"),
        CheckConstraint("price_amount >= 0", name="price_positive"),
        CheckConstraint("buffer_before >= 0 and buffer_after >= 0", name="buffers_positive"),
        CheckConstraint("capacity > 0", name="capacity_positive"),
        CheckConstraint("notice_minutes >= 0 and horizon_days > 0", name="reach_sane"),
        CheckConstraint("slot_step > 0", name="step_positive"),
        CheckConstraint("max_per_day > 0 and max_per_week > 0", name="limits_positive"),
        CheckConstraint(f"horizon_kind in {HORIZON_KINDS}", name="horizon_kind_known"),
        CheckConstraint(f"slot_anchor in {SLOT_ANCHORS}", name="slot_anchor_known"),
        CheckConstraint(f"location_kind in {LOCATION_KINDS}", name="location_kind_known"),
        CheckConstraint(f"confirmation in {CONFIRMATIONS}", name="confirmation_known"),
        CheckConstraint(f"assignment in {ASSIGNMENTS}", name="assignment_known"),
        Index("ix_booking_services_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_booking_services_tenant_id_sort_name_id", "tenant_id", "sort_name", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str | None]
    description: Mapped[str | None]
    slug: Mapped[str] = mapped_column(Id)
    active: Mapped[bool] = mapped_column(Boolean)
    # Whether clients of the firm and visitors of its website may book it themselves.
    public: Mapped[bool] = mapped_column(Boolean)
    durations: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    price_amount: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str | None]
    buffer_before: Mapped[int] = mapped_column(Integer)
    buffer_after: Mapped[int] = mapped_column(Integer)
    buffers_within_hours: Mapped[bool] = mapped_column(Boolean)
    capacity: Mapped[int] = mapped_column(Integer)
    notice_minutes: Mapped[int] = mapped_column(Integer)
    # "By this time of the previous working day", on the wall clock of the schedule.
    notice_day_before: Mapped[time | None]
    horizon_days: Mapped[int] = mapped_column(Integer)
    horizon_kind: Mapped[str]
    slot_step: Mapped[int] = mapped_column(Integer)
    slot_anchor: Mapped[str]
    max_per_day: Mapped[int | None] = mapped_column(Integer)
    max_per_week: Mapped[int | None] = mapped_column(Integer)
    location_kind: Mapped[str]
    location_detail: Mapped[str | None]
    confirmation: Mapped[str]
    assignment: Mapped[str]
    # {free_cancel_minutes, reschedule_minutes, max_reschedules, reason_required}; copied into each booking.
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sort_name: Mapped[str] = mapped_column(Text(collation="C"), Computed("plain_text(name)", persisted=True))


class BookingServiceHost(TenantTable, Base):
    """A member who gives a service; a service without any is given by every active assignable member."""

    __tablename__ = "booking_service_hosts"
    __table_args__: Any = (
        reference("service_id", "booking_services"),
        reference("user_id", "users"),
        reference("schedule_id", "schedules"),
        CheckConstraint(f"kind in {HOST_KINDS}", name="kind_known"),
        CheckConstraint("weight between 1 and 100", name="weight_sane"),
        Index("ix_booking_service_hosts_tenant_id_user_id", "tenant_id", "user_id"),
    )

    service_id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str]
    weight: Mapped[int] = mapped_column(Integer)
    # Hours for this service only; null: the member's default schedule, else the firm's.
    schedule_id: Mapped[str | None] = mapped_column(Id)


class BookingServiceRoom(TenantTable, Base):
    """A room that a service may take; it needs one of its rooms to be free."""

    __tablename__ = "booking_service_rooms"
    __table_args__: Any = (
        reference("service_id", "booking_services"),
        reference("room_id", "rooms"),
        Index("ix_booking_service_rooms_tenant_id_room_id", "tenant_id", "room_id"),
    )

    service_id: Mapped[str] = mapped_column(Id, primary_key=True)
    room_id: Mapped[str] = mapped_column(Id, primary_key=True)


# Those that are not `public` too, which a client may have been booked for: what a client lists is narrowed
# by the query.
declare(
    BookingService,
    *policies("booking_services", client_sees="true"),
    *grants("booking_services", "select, insert, update"),
    moves_version("booking_services"),
)
declare(
    BookingServiceHost,
    *policies("booking_service_hosts", client_sees="true"),
    *grants("booking_service_hosts"),
    moves_version("booking_service_hosts"),
)
declare(
    BookingServiceRoom,
    *policies("booking_service_rooms", client_sees="true"),
    *grants("booking_service_rooms"),
    moves_version("booking_service_rooms"),
)
