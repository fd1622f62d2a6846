"""All SQL of the audit log."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import TupleRow

from conecta.kit import language
from conecta.kit.db import Database, Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .actions import ACTIONS
from .schemas import AuditFilters

VIEW = JsonView(
    source="audit_entries a",
    alias="a",
    fields=f"""a.id, a.action, coalesce(%(sentences)s::jsonb ->> a.action, a.action) as description,
      a.actor_kind as actor_type, a.actor_id, a.actor_name, a.target, a.details, a.address, a.user_agent,
      {wire_time("a.created_at")} as created_at""",
    sorts={"created_at": ("a.created_at", "timestamptz")},
)

_ONE = f"""
select (select row_to_json(j)::text from (select {VIEW.fields}) j)
from audit_entries a where a.tenant_id = %(tenant)s and a.id = %(id)s
"""

_EXPORT = """
select a.id, a.created_at, a.action, a.actor_kind, a.actor_id, a.actor_name, a.target, a.details::text,
  a.address, a.user_agent
from audit_entries a where {where} order by a.created_at desc, a.id desc limit {limit:d}
"""

_FIRMS = """
select u.tenant_id from users u join tenants t on t.id = u.tenant_id
where u.person_id = %(person)s and u.active and t.sandbox_of is null
"""

_ADD = """
insert into audit_entries (tenant_id, id, action, actor_kind, actor_id, actor_name, target, details,
  address, user_agent, created_at)
select e.tenant_id, e.id, %(action)s, %(actor_kind)s, %(actor_id)s, %(actor_name)s, %(target)s,
  %(details)s::jsonb, %(address)s, %(user_agent)s, %(created_at)s
from unnest(%(tenants)s::text[], %(ids)s::text[]) as e (tenant_id, id)
"""


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: AuditFilters) -> PageOfRows:
    """Return a page of a firm's log, described in the caller's language."""
    where = _narrowed(tenant_id, filters)
    where.params["sentences"] = _sentences()
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, entry_id: str) -> str | None:
    """Return an entry as JSON text, described in the caller's language."""
    params = {"tenant": tenant_id, "id": entry_id, "sentences": _sentences()}
    rows = await reads.rows(_ONE, params)
    return rows[0][0] if rows else None


async def export(
    reads: Reads, tenant_id: str, filters: AuditFilters, before: tuple[datetime, str] | None, limit: int
) -> Sequence[TupleRow]:
    """Return the next rows of an export, newest first, after the one that was last."""
    where = _narrowed(tenant_id, filters)
    if before is not None:
        where.add("(a.created_at, a.id) < (%(last_at)s, %(last_id)s)", last_at=before[0], last_id=before[1])
    return await reads.rows(_EXPORT.format(where=where, limit=limit), where.params)


async def firms_of(database: Database, person_id: str) -> list[str]:
    """Return the firms, without their sandboxes, that a person is an active member of."""
    return [row[0] for row in await database.read(_FIRMS, {"person": person_id}, system=True)]


async def add(
    database: Database, tenant_ids: Sequence[str], ids: Sequence[str], values: Mapping[str, Any]
) -> None:
    """Write the same entry for several firms in a transaction of its own."""
    await database.read(_ADD, {**values, "tenants": list(tenant_ids), "ids": list(ids)}, system=True)


def _narrowed(tenant_id: str, filters: AuditFilters) -> Where:
    where = Where("a.tenant_id = %(tenant)s", tenant=tenant_id)
    if filters.action is not None and filters.action.endswith("*"):
        where.add("a.action ^@ %(group)s", group=filters.action.removesuffix("*"))
    else:
        where.add("a.action = %(action)s", action=filters.action)
    where.add("a.actor_id = %(actor)s", actor=filters.actor_id)
    where.add("a.target = %(target)s", target=filters.target)
    where.add("a.created_at >= %(created_after)s", created_after=filters.created_after)
    where.add("a.created_at < %(created_before)s", created_before=filters.created_before)
    return where


def _sentences() -> str:
    english = language.current() == "en"
    return json.dumps({name: text.en if english else text.es for name, text in ACTIONS.items()})
