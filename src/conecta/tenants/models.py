"""A tenant is a firm, or the sandbox of a firm: a sibling with the same code and its own data."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Versioned, declare, grants, policies

# Who of the firm's clients may have a login: nobody, whom the firm invites, or whoever asks for it.
CLIENT_ACCESS_RULES = ("off", "invitation", "self_service")


class Tenant(Versioned, Base):
    """One firm's account, or its sandbox (`sandbox_of`)."""

    __tablename__ = "tenants"
    __table_args__: Any = (
        CheckConstraint("per_minute_override > 0 and per_day_override > 0", name="override_positive"),
        CheckConstraint("language in ('es', 'en')", name="language_known"),
        CheckConstraint(f"client_access in {CLIENT_ACCESS_RULES}", name="client_access_known"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    sandbox_of: Mapped[str | None] = mapped_column(Id, ForeignKey("tenants.id"), unique=True)
    name: Mapped[str]
    tax_id: Mapped[str | None]
    plan_id: Mapped[str] = mapped_column(Id, ForeignKey("plans.id"))
    trial_until: Mapped[datetime | None]
    per_minute_override: Mapped[int | None] = mapped_column(Integer)
    per_day_override: Mapped[int | None] = mapped_column(Integer)
    language: Mapped[str] = mapped_column(default="es")
    time_zone: Mapped[str] = mapped_column(default="Europe/Madrid")
    case_number_format: Mapped[str] = mapped_column(default="EXP-{year}-{number:04}")
    clock_offset_seconds: Mapped[int] = mapped_column(Integer, default=0)
    client_access: Mapped[str] = mapped_column(default="invitation", server_default="invitation")


declare(Tenant, *policies("tenants", tenant_column="id"), *grants("tenants", "select, update"))
