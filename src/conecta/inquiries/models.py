"""Inquiries: what somebody who may not be a client yet asks the firm."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
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

from .rules import SOURCES, STATUSES


class Inquiry(TenantTable, Versioned, Base):
    """One inquiry; `client_id` and `case_id` are what it became."""

    __tablename__ = "inquiries"
    __table_args__: Any = (
        tenant_key(),
        reference("client_id", "clients"),
        reference("case_id", "cases"),
        CheckConstraint(f"status in {STATUSES}", name="status_known"),
        CheckConstraint(f"source in {SOURCES}", name="source_known"),
        CheckConstraint("email is not null or phone is not null", name="answerable"),
        CheckConstraint("(status = 'converted') = (converted_at is not null)", name="converted_dated"),
        CheckConstraint("status <> 'converted' or client_id is not null", name="converted_into"),
        Index("ix_inquiries_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_inquiries_tenant_id_status_created_at_id", "tenant_id", "status", "created_at", "id"),
        Index("ix_inquiries_tenant_id_client_id", "tenant_id", "client_id"),
        Index("ix_inquiries_tenant_id_case_id", "tenant_id", "case_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    subject: Mapped[str | None]
    message: Mapped[str]
    language: Mapped[str]
    source: Mapped[str] = mapped_column(Id)
    page_url: Mapped[str | None]
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    status: Mapped[str] = mapped_column(Id, default="new")
    privacy_accepted_at: Mapped[datetime | None]
    client_id: Mapped[str | None] = mapped_column(Id)
    case_id: Mapped[str | None] = mapped_column(Id)
    converted_at: Mapped[datetime | None]


declare(Inquiry, *policies("inquiries"), *grants("inquiries", "select, insert, update"))
