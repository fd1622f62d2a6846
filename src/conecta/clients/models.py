"""Clients of the firm: people and companies."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.sql import side_table_trigger
from conecta.kit.tables import Base, Id, TenantTable, Versioned, declare, grants, policies, tenant_key

TAX_ID_TYPES = ("nif", "nie", "cif", "vat", "passport", "other")


class Client(TenantTable, Versioned, Base):
    """One client. `name` is how people see it; the other name columns are its parts."""

    __tablename__ = "clients"
    __table_args__: Any = (
        tenant_key(),
        UniqueConstraint("tenant_id", "external_id"),
        Index(
            "uq_clients_tenant_id_tax_id",
            "tenant_id",
            "tax_id_country",
            "tax_id",
            unique=True,
            postgresql_where="tax_id is not null",
        ),
        CheckConstraint("kind in ('person', 'company')", name="kind_known"),
        CheckConstraint("status in ('active', 'archived')", name="status_known"),
        CheckConstraint(f"tax_id_type in {TAX_ID_TYPES}", name="tax_id_type_known"),
        CheckConstraint("(tax_id is null) = (tax_id_type is null)", name="tax_id_typed"),
        Index("ix_clients_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_clients_tenant_id_updated_at_id", "tenant_id", "updated_at", "id"),
        Index("ix_clients_tenant_id_sort_name_id", "tenant_id", "sort_name", "id"),
        Index("ix_clients_tenant_id_email", "tenant_id", "email"),
        Index("ix_clients_tenant_id_email_in_any_case", "tenant_id", text("lower(email)")),
        Index("ix_clients_search", "search", postgresql_using="gin"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    tax_id: Mapped[str | None]
    tax_id_type: Mapped[str | None]
    tax_id_country: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    additional_emails: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    additional_phones: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    language: Mapped[str]
    external_id: Mapped[str | None] = mapped_column(Id)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    status: Mapped[str] = mapped_column(default="active")
    archived_at: Mapped[datetime | None]
    # What people search by, one blank between words; `rules.search_words` writes it.
    search_words: Mapped[str]
    sort_name: Mapped[str] = mapped_column(Text(collation="C"), Computed("plain_text(name)", persisted=True))
    # The tenant is one of the words, so that the index never walks another firm's clients; no word that
    # people search by starts with its bar, so that nobody finds everything by the beginning of "tenant".
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "array_to_tsvector(string_to_array(search_words || ' |' || tenant_id, ' '))", persisted=True
        ),
    )


class ClientCustomField(TenantTable, Base):
    """The searchable copy of `clients.custom_fields`, kept by a trigger."""

    __tablename__ = "client_custom_fields"
    __table_args__: Any = (
        ForeignKeyConstraint(
            ["tenant_id", "client_id"], ["clients.tenant_id", "clients.id"], ondelete="CASCADE"
        ),
        Index("ix_client_custom_fields_tenant_id_client_id", "tenant_id", "client_id"),
    )

    key: Mapped[str] = mapped_column(Id, primary_key=True)
    value: Mapped[str] = mapped_column(Id, primary_key=True)
    client_id: Mapped[str] = mapped_column(Id, primary_key=True)


# Full-text operators are not leakproof, so row-level security would keep them from the index: this one
# function looks for the caller's tenant (and client) with the rights of the tables' owner.
MATCHING_CLIENTS_FUNCTION = """
create or replace function matching_clients(p_query text) returns setof text
language sql stable security definer set search_path = public as $$
  with found as materialized (
    select id from clients
    where tenant_id = current_setting('conecta.tenant_id', true)
      and search @@ ('(' || p_query || ') & '
        || quote_literal('|' || current_setting('conecta.tenant_id', true)))::tsquery
  )
  select id from found
$$
"""

declare(
    Client,
    *policies("clients", client_sees="id = current_setting('conecta.client_id', true)"),
    *grants("clients", "select, insert, update"),
    MATCHING_CLIENTS_FUNCTION,
)
declare(
    ClientCustomField,
    *policies("client_custom_fields"),
    *grants("client_custom_fields", "select"),
    *side_table_trigger("clients", "custom_fields", "client_custom_fields", "client_id"),
)
