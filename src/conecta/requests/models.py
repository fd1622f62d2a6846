"""The request log: every native call of a firm's credentials, for some weeks."""

from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, TenantTable, declare, grants, policies, tenant_key


class LoggedRequest(TenantTable, Base):
    """One call. `id` is its request id, which a caller may choose, so it may come more than once.

    Query, bodies and user agent are masked before they are stored.
    """

    __tablename__ = "logged_requests"
    __table_args__: Any = (
        tenant_key(),
        Index("ix_logged_requests_tenant_id_id", "tenant_id", "id"),
        # Few rows, looked for most often.
        Index(
            "ix_logged_requests_errors",
            "tenant_id",
            "created_at",
            "id",
            postgresql_where="status >= 400",
        ),
    )

    created_at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    method: Mapped[str]
    path: Mapped[str]
    query: Mapped[str | None]
    route: Mapped[str | None]
    status: Mapped[int] = mapped_column(Integer)
    duration_ms: Mapped[float] = mapped_column(Double)
    caller_kind: Mapped[str]
    credential_id: Mapped[str] = mapped_column(Id)
    credential_name: Mapped[str]
    user_id: Mapped[str | None] = mapped_column(Id)
    client_id: Mapped[str | None] = mapped_column(Id)
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    error_code: Mapped[str | None]
    request_body: Mapped[str | None]
    error_body: Mapped[str | None]


declare(LoggedRequest, *policies("logged_requests"), *grants("logged_requests", "select"))
