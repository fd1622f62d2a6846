"""API keys: the firm's own credentials, of which only a keyed hash is stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, TenantTable, Versioned, declare, grants, policies, tenant_key


class ApiKey(TenantTable, Versioned, Base):
    """One key; `hint` is what people may see of it again."""

    __tablename__ = "api_keys"
    __table_args__: Any = (
        tenant_key(),
        Index("uq_api_keys_hash", "hash", unique=True),
        Index("ix_api_keys_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    hint: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Id))
    allowed_addresses: Mapped[list[str]] = mapped_column(ARRAY(Id), default=list)
    created_by: Mapped[str | None] = mapped_column(Id)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    replaced_by: Mapped[str | None] = mapped_column(Id)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_address: Mapped[str | None]
    last_used_agent: Mapped[str | None]
    last_used_route: Mapped[str | None]


declare(ApiKey, *policies("api_keys"), *grants("api_keys"))
