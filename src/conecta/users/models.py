"""A user is a person's membership of a firm: what cases and bookings point at."""

from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, TenantTable, Versioned, declare, grants, policies, tenant_key

ROLES = ("owner", "admin", "provider", "assistant")
# Who may be put in charge of a case or a booking, while active.
ASSIGNABLE_ROLES = ("owner", "admin", "provider")


class User(TenantTable, Versioned, Base):
    """A member of the firm, with a role."""

    __tablename__ = "users"
    __table_args__: Any = (
        tenant_key(),
        UniqueConstraint("tenant_id", "person_id"),
        CheckConstraint(f"role in {ROLES}", name="role_known"),
        Index("ix_users_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_users_person_id", "person_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(Id, ForeignKey("people.id"))
    name: Mapped[str]
    email: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(Boolean, default=True)


declare(User, *policies("users"), *grants("users"))
