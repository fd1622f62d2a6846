"""What every table is made of: naming, common columns, row-level security and declared SQL.

A tenant's table has a key that starts with `tenant_id` and two policies; the house rules check both.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DDL, DateTime, ForeignKeyConstraint, Integer, MetaData, Table, Text, event
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from . import clock
from .db import APP_ROLE, SYSTEM_ROLE
from .sql import PLAIN_TEXT_FUNCTION

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

Id = Text(collation="C")
Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    """The declared database: `alembic` migrates to it and a test compares both."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: Moment}


class TenantTable:
    """Mixin of every row that belongs to a firm."""

    @declared_attr
    def tenant_id(self) -> Mapped[str]:
        """The firm; first column of every key and index."""
        return mapped_column(Id, primary_key=True, sort_order=-20)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805
        return (tenant_key(),)


class Versioned:
    """Mixin of rows that people read and change: stamps, and the version that ETags show."""

    @declared_attr
    def created_at(self) -> Mapped[datetime]:
        """When the row was made."""
        return mapped_column(Moment, default=clock.now, sort_order=80)

    @declared_attr
    def updated_at(self) -> Mapped[datetime]:
        """When it last changed."""
        return mapped_column(Moment, default=clock.now, onupdate=clock.now, sort_order=81)

    @declared_attr
    def version(self) -> Mapped[int]:
        """Grows with every change; the ETag."""
        return mapped_column(Integer, default=1, sort_order=82)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.__dict__.get("version") or cls.version}


def tenant_key() -> ForeignKeyConstraint:
    """Tie a row to its tenant."""
    return ForeignKeyConstraint(["tenant_id"], ["tenants.id"])


def reference(column: str, table: str, **more: Any) -> ForeignKeyConstraint:
    """Tie a row to another of the same tenant: a plain foreign key could cross tenants."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], **more)


NOT_A_CLIENT = "coalesce(current_setting('conecta.client_id', true), '') = ''"


def policies(table: str, *, tenant_column: str = "tenant_id", client_sees: str | None = None) -> list[str]:
    """Return the statements that lock a table to the tenant, and to the client when one is calling.

    `client_sees` is a SQL condition over the row that lets a client of the firm see it, with
    `current_setting('conecta.client_id', true)` for the client; without it a client sees no row.
    """
    tenant = f"{tenant_column} = current_setting('conecta.tenant_id', true)"
    visible = f"({NOT_A_CLIENT} or {client_sees})" if client_sees else NOT_A_CLIENT
    return [
        f"alter table {table} enable row level security",
        f"create policy tenant on {table} to {APP_ROLE} using ({tenant}) with check ({tenant})",
        f"create policy client on {table} as restrictive to {APP_ROLE} using ({visible})",
        f"create policy system on {table} to {SYSTEM_ROLE} using (true) with check (true)",
    ]


def grants(table: str, privileges: str = "select, insert, update, delete") -> list[str]:
    """Let the app role use a table so far, and the system role wholly."""
    statements = [f"grant select, insert, update, delete on {table} to {SYSTEM_ROLE}"]
    return [f"grant {privileges} on {table} to {APP_ROLE}", *statements] if privileges else statements


def declare(table: Table | Any, *statements: str) -> None:
    """Attach plain SQL (policies, triggers, grants) to a table, run when the test database is made."""
    target = getattr(table, "__table__", table)
    for statement in statements:
        event.listen(target, "after_create", _sql(statement))


def declare_before(metadata: MetaData, *statements: str) -> None:
    """Attach plain SQL (functions the tables use) to run before any table is made."""
    for statement in statements:
        event.listen(metadata, "before_create", _sql(statement))


def _sql(statement: str) -> DDL:
    return DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]


declare_before(Base.metadata, PLAIN_TEXT_FUNCTION)
