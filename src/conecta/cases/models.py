"""Cases of the firm, their categories, numbers, timeline and notes."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.sql import side_table_trigger
from conecta.kit.tables import (
    Base,
    Id,
    Moment,
    TenantTable,
    Versioned,
    declare,
    grants,
    policies,
    reference,
    tenant_key,
)

from .rules import PRIORITIES, STATUSES

AUTHOR_TYPES = ("firm", "user", "client", "system")
ACTIVITY_TYPES = (
    "created",
    "updated",
    "status_changed",
    "closed",
    "reopened",
    "provider_assigned",
    "note_added",
    "note_edited",
)
VISIBILITIES = ("internal", "shared")
# What a client of the firm may read of the timeline of their own case.
CLIENT_ACTIVITIES = ("created", "status_changed", "closed", "reopened")


class CaseCategory(TenantTable, Versioned, Base):
    """One entry of the firm's catalogue of matters; cases keep its code."""

    __tablename__ = "case_categories"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,39}$'", name="code_plain"),
        Index("ix_case_categories_tenant_id_position_code", "tenant_id", "position", "code"),
    )

    code: Mapped[str] = mapped_column(Id, primary_key=True)
    name_es: Mapped[str]
    name_en: Mapped[str | None]
    position: Mapped[int] = mapped_column(Integer)
    active: Mapped[bool] = mapped_column(Boolean, default=True)


class CaseCounter(TenantTable, Base):
    """The last case number a firm gave in a year; its row lock makes numbers gapless."""

    __tablename__ = "case_counters"
    __table_args__: Any = (tenant_key(), {"postgresql_with": {"fillfactor": 50}})

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last_number: Mapped[int] = mapped_column(Integer)


# Both the accented and the plain stems are words of a case (`reclamación` has the stem `reclam`, but
# `reclamacion` keeps its ending), and the title's plain words for those still being typed. The tenant is
# a word too, so that the index never walks another firm's cases.
_SEARCH = """
setweight(to_tsvector('spanish', title), 'A')
|| setweight(to_tsvector('spanish', plain_text(title)), 'A')
|| setweight(to_tsvector('simple', plain_text(title)), 'A')
|| setweight(to_tsvector('spanish', coalesce(description, '')), 'B')
|| setweight(to_tsvector('spanish', plain_text(coalesce(description, ''))), 'B')
|| setweight(to_tsvector('simple', number), 'A')
|| array_to_tsvector(array['|' || tenant_id])
""".strip()


class Case(TenantTable, Versioned, Base):
    """One matter the firm handles for a client."""

    __tablename__ = "cases"
    __table_args__: Any = (
        tenant_key(),
        reference("client_id", "clients"),
        reference("assigned_provider_id", "users"),
        ForeignKeyConstraint(
            ["tenant_id", "category"], ["case_categories.tenant_id", "case_categories.code"]
        ),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "external_id"),
        CheckConstraint(f"status in {STATUSES}", name="status_known"),
        CheckConstraint(f"priority in {PRIORITIES}", name="priority_known"),
        CheckConstraint("(status in ('closed', 'archived')) = (closed_at is not null)", name="closed_dated"),
        Index("ix_cases_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_cases_tenant_id_updated_at_id", "tenant_id", "updated_at", "id"),
        Index("ix_cases_tenant_id_number_key_id", "tenant_id", "number_key", "id", unique=True),
        Index("ix_cases_status", "tenant_id", "status", "created_at", "id"),
        Index("ix_cases_client", "tenant_id", "client_id", "created_at", "id"),
        Index("ix_cases_provider", "tenant_id", "assigned_provider_id", "created_at", "id"),
        Index("ix_cases_category", "tenant_id", "category", "created_at", "id"),
        Index("ix_cases_priority", "tenant_id", "priority", "created_at", "id"),
        Index("ix_cases_search", "search", postgresql_using="gin"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    number: Mapped[str] = mapped_column(Id)
    # Year and running number as one integer, year * 10^9 + number: how cases are sorted by number.
    number_key: Mapped[int] = mapped_column(BigInteger)
    client_id: Mapped[str] = mapped_column(Id)
    category: Mapped[str] = mapped_column(Id)
    title: Mapped[str]
    description: Mapped[str | None]
    assigned_provider_id: Mapped[str | None] = mapped_column(Id)
    status: Mapped[str]
    status_reason: Mapped[str | None]
    priority: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    parties: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    external_id: Mapped[str | None] = mapped_column(Id)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    closed_at: Mapped[datetime | None]
    search: Mapped[str] = mapped_column(TSVECTOR, Computed(_SEARCH, persisted=True), deferred=True)


def _of_case() -> ForeignKeyConstraint:
    return reference("case_id", "cases")


class CaseTag(TenantTable, Base):
    """The searchable copy of `cases.tags`, kept by a trigger."""

    __tablename__ = "case_tags"
    __table_args__: Any = (_of_case(), Index("ix_case_tags_tenant_id_case_id", "tenant_id", "case_id"))

    tag: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(Id, primary_key=True)


class CaseCustomField(TenantTable, Base):
    """The searchable copy of `cases.custom_fields`, kept by a trigger."""

    __tablename__ = "case_custom_fields"
    __table_args__: Any = (
        _of_case(),
        Index("ix_case_custom_fields_tenant_id_case_id", "tenant_id", "case_id"),
    )

    key: Mapped[str] = mapped_column(Id, primary_key=True)
    value: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(Id, primary_key=True)


class CaseActivity(TenantTable, Base):
    """One line of a case's timeline; written once, never changed."""

    __tablename__ = "case_activities"
    __table_args__: Any = (
        _of_case(),
        CheckConstraint(f"type in {ACTIVITY_TYPES}", name="type_known"),
        CheckConstraint(f"author_type in {AUTHOR_TYPES}", name="author_type_known"),
        Index("ix_case_activities_case", "tenant_id", "case_id", "created_at", "id"),
        Index("ix_case_activities_type", "tenant_id", "case_id", "type", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(Id)
    type: Mapped[str]
    description: Mapped[str]
    author_type: Mapped[str]
    author_id: Mapped[str | None] = mapped_column(Id)
    author_name: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Moment)


class CaseNote(TenantTable, Versioned, Base):
    """A note on a case: internal, or shared with the client."""

    __tablename__ = "case_notes"
    __table_args__: Any = (
        _of_case(),
        CheckConstraint(f"visibility in {VISIBILITIES}", name="visibility_known"),
        CheckConstraint(f"author_type in {AUTHOR_TYPES}", name="author_type_known"),
        Index("ix_case_notes_case", "tenant_id", "case_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(Id)
    content: Mapped[str]
    visibility: Mapped[str]
    author_type: Mapped[str]
    author_id: Mapped[str | None] = mapped_column(Id)
    author_name: Mapped[str | None]
    edited: Mapped[bool] = mapped_column(Boolean)


class CaseNoteEdit(TenantTable, Base):
    """What a note said before somebody changed it; written once, never changed."""

    __tablename__ = "case_note_edits"
    __table_args__: Any = (
        reference("note_id", "case_notes"),
        CheckConstraint(f"visibility in {VISIBILITIES}", name="visibility_known"),
        CheckConstraint(f"author_type in {AUTHOR_TYPES}", name="author_type_known"),
        Index("ix_case_note_edits_note", "tenant_id", "note_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    note_id: Mapped[str] = mapped_column(Id)
    content: Mapped[str]
    visibility: Mapped[str]
    author_type: Mapped[str]
    author_id: Mapped[str | None] = mapped_column(Id)
    author_name: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Moment)


# Writes a number in the firm's format, which `rules.check_number_format` has let through; a number longer
# than its width is never cut.
CASE_NUMBER_FUNCTION = r"""
create or replace function case_number(p_format text, p_year integer, p_number integer) returns text
language sql immutable parallel safe as $$
  select regexp_replace(
    replace(replace(p_format, '{year}', p_year::text), '{yy}', right(p_year::text, 2)),
    '\{number([:]0[1-9])?\}',
    lpad(p_number::text, greatest(length(p_number::text),
      coalesce(substring(p_format from '\{number[:]0([1-9])\}')::integer, 1)), '0'))
$$
"""

# What a search asks for: its accented and its plain words, and those before a last one still being typed.
# A search without a single word that counts asks for nothing, which is null.
CASE_SEARCH_QUERY_FUNCTION = """
create or replace function case_search_query(p_words text, p_head text, p_last text) returns tsquery
language sql stable parallel safe set search_path = public as $$
  select case when numnode(a.query) > 0 then a.query end
  from (select websearch_to_tsquery('spanish', p_words)
    || websearch_to_tsquery('spanish', plain_text(p_words))
    || case when p_last is null then ''::tsquery else
      (websearch_to_tsquery('spanish', p_head) || websearch_to_tsquery('spanish', plain_text(p_head)))
      && (quote_literal(plain_text(p_last)) || ':*')::tsquery end as query) a
$$
"""

# Full-text operators are not leakproof, so row-level security would keep them from the index: this one
# function looks for the caller's tenant (and client) with the rights of the tables' owner. The beginning
# of an external id is written as a range, since `^@` with a parameter finds no index in a function's plan.
MATCHING_CASES_FUNCTION = """
create or replace function matching_cases(p_text text, p_words text, p_head text, p_last text)
returns setof text
language sql stable security definer rows 100 set search_path = public as $$
  with found as materialized (
    select c.id, c.client_id from cases c
    where c.tenant_id = current_setting('conecta.tenant_id', true)
      and c.search @@ (select case_search_query(p_words, p_head, p_last)
        && quote_literal('|' || current_setting('conecta.tenant_id', true))::tsquery)
    union all
    select c.id, c.client_id from cases c
    where c.tenant_id = current_setting('conecta.tenant_id', true)
      and c.number = any(array[p_text, upper(p_text)])
    union all
    select c.id, c.client_id from cases c
    where c.tenant_id = current_setting('conecta.tenant_id', true)
      and c.external_id >= p_text and c.external_id < p_text || chr(1114111)
  )
  select f.id from found f
  where coalesce(current_setting('conecta.client_id', true), '') in ('', f.client_id)
$$
"""

# Written as a case, since the planner takes a comparison with a setting for one that lets one row in two
# hundred through, and then no list seems worth walking in its order.
_OWN = "case when client_id = current_setting('conecta.client_id', true) then true else false end"


def _own_case(table: str) -> str:
    """Write the condition that a row is of a case of the calling client."""
    return (
        f"exists (select from cases c where c.tenant_id = {table}.tenant_id and c.id = {table}.case_id"
        " and c.client_id = current_setting('conecta.client_id', true))"
    )


declare(
    CaseCategory,
    *policies("case_categories", client_sees="true"),
    *grants("case_categories", "select, insert, update"),
)
declare(CaseCounter, *policies("case_counters"), *grants("case_counters", "select, insert, update"))
declare(
    Case,
    *policies("cases", client_sees=_OWN),
    *grants("cases", "select, insert, update"),
    CASE_NUMBER_FUNCTION,
    CASE_SEARCH_QUERY_FUNCTION,
    MATCHING_CASES_FUNCTION,
)
declare(
    CaseTag,
    *policies("case_tags", client_sees=_own_case("case_tags")),
    *grants("case_tags", "select"),
    *side_table_trigger("cases", "tags", "case_tags", "case_id"),
)
declare(
    CaseCustomField,
    *policies("case_custom_fields", client_sees=_own_case("case_custom_fields")),
    *grants("case_custom_fields", "select"),
    *side_table_trigger("cases", "custom_fields", "case_custom_fields", "case_id"),
)
declare(
    CaseActivity,
    *policies(
        "case_activities", client_sees=f"type in {CLIENT_ACTIVITIES} and {_own_case('case_activities')}"
    ),
    *grants("case_activities", "select, insert"),
)
declare(
    CaseNote,
    *policies("case_notes", client_sees=f"visibility = 'shared' and {_own_case('case_notes')}"),
    *grants("case_notes", "select, insert, update"),
)
declare(CaseNoteEdit, *policies("case_note_edits"), *grants("case_note_edits", "select, insert"))
