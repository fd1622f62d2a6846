"""Calendar feeds: addresses at which a calendar program reads the bookings of a member, or of the firm."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

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

PRIVACIES = ("busy", "title", "full")


class CalendarFeed(TenantTable, Versioned, Base):
    """One address, of which only a keyed hash is stored; without a user it is the whole firm's."""

    __tablename__ = "calendar_feeds"
    __table_args__: Any = (
        tenant_key(),
        reference("user_id", "users"),
        CheckConstraint(f"privacy in {PRIVACIES}", name="privacy_known"),
        Index("uq_calendar_feeds_hash", "hash", unique=True),
        Index("ix_calendar_feeds_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_calendar_feeds_user", "tenant_id", "user_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    user_id: Mapped[str | None] = mapped_column(Id)
    privacy: Mapped[str]
    language: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    hint: Mapped[str]
    revoked_at: Mapped[datetime | None]


declare(CalendarFeed, *policies("calendar_feeds"), *grants("calendar_feeds", "select, insert, update"))
