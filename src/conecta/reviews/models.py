"""Reviews: a client is asked by mail, answers on a page, and the firm decides what the world sees."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary
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

from .rules import STATUSES


class Review(TenantTable, Versioned, Base):
    """One review, from the moment it is asked for; of the link only a keyed hash is stored."""

    __tablename__ = "reviews"
    __table_args__: Any = (
        tenant_key(),
        reference("client_id", "clients"),
        reference("case_id", "cases"),
        reference("booking_id", "bookings"),
        CheckConstraint(f"status in {STATUSES}", name="status_known"),
        CheckConstraint("rating between 1 and 5", name="rating_of_five"),
        CheckConstraint("(status = 'requested') = (rating is null)", name="rated_when_written"),
        CheckConstraint("(rating is null) = (submitted_at is null)", name="written_dated"),
        CheckConstraint("(reply is null) = (replied_at is null)", name="reply_dated"),
        Index("uq_reviews_link_hash", "link_hash", unique=True),
        Index("ix_reviews_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_reviews_tenant_id_client_id", "tenant_id", "client_id"),
        Index("ix_reviews_tenant_id_case_id", "tenant_id", "case_id"),
        Index("ix_reviews_tenant_id_booking_id", "tenant_id", "booking_id"),
        Index(
            "ix_reviews_published", "tenant_id", "submitted_at", "id", postgresql_where="status = 'published'"
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    client_id: Mapped[str] = mapped_column(Id)
    case_id: Mapped[str | None] = mapped_column(Id)
    booking_id: Mapped[str | None] = mapped_column(Id)
    status: Mapped[str] = mapped_column(Id, default="requested")
    rating: Mapped[int | None] = mapped_column(Integer)
    comment: Mapped[str | None]
    author_name: Mapped[str | None]
    link_hash: Mapped[bytes] = mapped_column(LargeBinary)
    link_expires_at: Mapped[datetime] = mapped_column(Moment)
    submitted_at: Mapped[datetime | None]
    moderated_at: Mapped[datetime | None]
    moderated_by: Mapped[str | None]
    reply: Mapped[str | None]
    replied_at: Mapped[datetime | None]


declare(Review, *policies("reviews"), *grants("reviews", "select, insert, update"))
