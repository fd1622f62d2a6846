"""Links by which somebody without an account sees their booking, and does what is theirs to do."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, TenantTable, declare, grants, policies, reference, tenant_key


class BookingLink(TenantTable, Base):
    """A secret that one attendee was sent, of which only a keyed hash is stored."""

    __tablename__ = "booking_links"
    __table_args__: Any = (
        tenant_key(),
        reference("booking_id", "bookings", ondelete="CASCADE"),
        reference("attendee_id", "booking_attendees", ondelete="CASCADE"),
        Index("uq_booking_links_hash", "hash", unique=True),
        Index("ix_booking_links_booking", "tenant_id", "booking_id"),
        Index("ix_booking_links_attendee", "tenant_id", "attendee_id"),
        Index("ix_booking_links_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    booking_id: Mapped[str] = mapped_column(Id)
    attendee_id: Mapped[str] = mapped_column(Id)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


_OWN = (
    "exists (select from bookings b"
    " where b.tenant_id = booking_links.tenant_id and b.id = booking_links.booking_id"
    " and b.client_id = current_setting('conecta.client_id', true))"
)

# A client of the firm who books is mailed a link, and so writes one; a hash opens nothing.
declare(
    BookingLink,
    *policies("booking_links", client_sees=_OWN),
    *grants("booking_links", "select, insert, update"),
)
