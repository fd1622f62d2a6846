"""Rooms and other things that only one appointment at a time can have."""

from typing import Any

from sqlalchemy import Boolean, Index
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


class Room(TenantTable, Versioned, Base):
    """A room; without a schedule it is always open."""

    __tablename__ = "rooms"
    __table_args__: Any = (
        tenant_key(),
        reference("schedule_id", "schedules"),
        Index("ix_rooms_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    active: Mapped[bool] = mapped_column(Boolean)
    schedule_id: Mapped[str | None] = mapped_column(Id)


# A client of the firm reads none of these by themselves: the free time they are offered is computed as them.
declare(
    Room,
    *policies("rooms", client_sees="true"),
    *grants("rooms", "select, insert, update"),
    moves_version("rooms", "id"),
)
