"""The audit log: who did what, from where. Rows are written and, after two years, deleted; never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, TenantTable, declare, grants, policies, tenant_key

ACTOR_KINDS = ("user", "firm", "client", "person", "operator", "system")


class AuditEntry(TenantTable, Base):
    """One security-relevant act. Its time is the real one, also in a sandbox whose clock was moved."""

    __tablename__ = "audit_entries"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint(f"actor_kind in {ACTOR_KINDS}", name="actor_kind_known"),
        Index("ix_audit_entries_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_audit_entries_action", "tenant_id", "action", "created_at", "id"),
        Index("ix_audit_entries_actor", "tenant_id", "actor_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    action: Mapped[str] = mapped_column(Id)
    actor_kind: Mapped[str]
    actor_id: Mapped[str | None] = mapped_column(Id)
    actor_name: Mapped[str]
    target: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Moment)


declare(
    AuditEntry,
    # A client's session may write what that client did; the routes show it to the firm alone.
    *policies("audit_entries", client_sees="actor_id = current_setting('conecta.client_id', true)"),
    *grants("audit_entries", "select, insert"),
)
