"""Sessions of browsers: of people who work for firms, and of clients of a firm."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, declare, grants


class BrowserSession(Base):
    """A person or a client who signed in; only a keyed hash of the cookie is stored.

    Only the system role sees this table: a session says who is asking, so it is read before anybody knows.
    `at_tenant` is the firm, or its sandbox, that is acted in; a person may change it.
    """

    __tablename__ = "sessions"
    __table_args__: Any = (
        ForeignKeyConstraint(["at_tenant", "client_id"], ["clients.tenant_id", "clients.id"]),
        CheckConstraint("(person_id is null) <> (client_id is null)", name="one_owner"),
        Index("uq_sessions_hash", "hash", unique=True),
        Index("ix_sessions_person_id", "person_id", "last_seen_at"),
        Index("ix_sessions_client_id", "at_tenant", "client_id"),
        Index("ix_sessions_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[str | None] = mapped_column(Id, ForeignKey("people.id"))
    at_tenant: Mapped[str] = mapped_column(Id, ForeignKey("tenants.id"))
    client_id: Mapped[str | None] = mapped_column(Id)
    strong: Mapped[bool] = mapped_column(Boolean)
    authenticated_at: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    address: Mapped[str | None]
    user_agent: Mapped[str | None]


declare(BrowserSession, *grants("sessions", ""))
