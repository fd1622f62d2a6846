"""Which clients of the firm may sign in."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
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

from .rules import STATUSES


class ClientAccess(TenantTable, Versioned, Base):
    """A client's login; a client without a row was never invited and never came."""

    __tablename__ = "client_access"
    __table_args__: Any = (
        tenant_key(),
        reference("client_id", "clients"),
        CheckConstraint(f"status in {STATUSES}", name="status_known"),
        CheckConstraint("(status = 'revoked') = (revoked_at is not null)", name="revoked_dated"),
    )

    client_id: Mapped[str] = mapped_column(Id, primary_key=True)
    status: Mapped[str]
    invited_at: Mapped[datetime | None]
    last_signed_in_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


declare(
    ClientAccess,
    *policies("client_access"),
    *grants("client_access", "select, insert, update"),
)
