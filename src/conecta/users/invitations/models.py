"""Invitations to become a member of a firm."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, TenantTable, Versioned, declare, grants, policies, tenant_key
from conecta.users.models import ROLES


class Invitation(TenantTable, Versioned, Base):
    """Somebody who was mailed a link to join; an address has one open invitation of a firm at most.

    `hash` is that of the link's secret. `expires_at`, `accepted_at` and `revoked_at` are real times.
    """

    __tablename__ = "invitations"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint(f"role in {ROLES}", name="role_known"),
        CheckConstraint("accepted_at is null or revoked_at is null", name="one_end"),
        Index("uq_invitations_hash", "hash", unique=True),
        Index("ix_invitations_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index(
            "uq_invitations_open",
            "tenant_id",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("accepted_at is null and revoked_at is null"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    invited_by: Mapped[str | None] = mapped_column(Id)
    user_id: Mapped[str | None] = mapped_column(Id)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    accepted_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


declare(Invitation, *policies("invitations"), *grants("invitations", "select, insert, update"))
