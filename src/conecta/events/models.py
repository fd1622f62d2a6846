"""Events: rows of the business transaction, whose payload is frozen when they happen."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from conecta.kit.tables import Base, Id, Moment, TenantTable, declare, grants, policies, tenant_key


class TransactionId(UserDefinedType[str]):
    """Postgres' xid8: the transaction that wrote the row."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type in DDL."""
        return "xid8"


class Event(TenantTable, Base):
    """Something that happened in a firm; `payload` is the exact body of every delivery."""

    __tablename__ = "events"
    __table_args__: Any = (
        tenant_key(),
        Index("ix_events_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        # The pull feed reads in this order: an id alone would lose what commits late.
        Index("ix_events_tenant_id_xid_id", "tenant_id", "xid", "id"),
        Index("ix_events_tenant_id_type_created_at_id", "tenant_id", "type", "created_at", "id"),
        Index("ix_events_tenant_id_resource_id_id", "tenant_id", "resource_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    type: Mapped[str] = mapped_column(Id)
    resource_id: Mapped[str] = mapped_column(Id)
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    xid: Mapped[str] = mapped_column(TransactionId, server_default=text("pg_current_xact_id()"))


declare(Event, *policies("events"), *grants("events", "select, insert"))
