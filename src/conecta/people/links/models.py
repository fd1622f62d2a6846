"""Links that open once: to reset a password, to accept an invitation, to sign in as a client of a firm."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, declare, grants


class OneTimeLink(Base):
    """A secret that somebody was given, of which only a keyed hash is stored.

    Only the system role sees this table: whoever shows a link has not said yet who they are. The firm it
    is about is called `at_tenant`, for the row belongs to no firm.
    """

    __tablename__ = "one_time_links"
    __table_args__: Any = (
        ForeignKeyConstraint(["at_tenant", "client_id"], ["clients.tenant_id", "clients.id"]),
        CheckConstraint("client_id is null or at_tenant is not null", name="client_of_a_firm"),
        Index("uq_one_time_links_hash", "hash", unique=True),
        Index("ix_one_time_links_expires_at", "expires_at"),
        Index("ix_one_time_links_person_id", "person_id", "purpose"),
        Index("ix_one_time_links_client_id", "at_tenant", "client_id", "purpose"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str] = mapped_column(Id)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    at_tenant: Mapped[str | None] = mapped_column(Id, ForeignKey("tenants.id"))
    person_id: Mapped[str | None] = mapped_column(Id, ForeignKey("people.id"))
    client_id: Mapped[str | None] = mapped_column(Id)
    email: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


declare(OneTimeLink, *grants("one_time_links", ""))
