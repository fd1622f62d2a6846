"""All SQL of the catalogue of matters."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.cases.models import CaseCategory
from conecta.kit.db import Reads, SessionReads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .schemas import CategoryFilters

# Pages are cut by id: here the code is the id.
VIEW = JsonView(
    source="(select k.*, k.code as id from case_categories k) g",
    alias="g",
    fields=f"""g.code, g.name_es, g.name_en, g.position, g.active,
      {wire_time("g.created_at")} as created_at, {wire_time("g.updated_at")} as updated_at""",
    sorts={"position": ("g.position", "integer")},
)

_ADD = """
insert into case_categories (tenant_id, code, name_es, name_en, position, active, created_at, updated_at,
  version)
select %(tenant)s, %(code)s, %(name_es)s, %(name_en)s,
  coalesce(%(position)s::integer, (select coalesce(max(k.position), 0) + 1 from case_categories k
    where k.tenant_id = %(tenant)s)),
  true, %(now)s, %(now)s, 1
on conflict do nothing returning code
"""
_ACTIVE_CODES = """
select k.code from case_categories k where k.tenant_id = %(tenant)s and k.active
order by k.position, k.code limit 100
"""


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: CategoryFilters) -> PageOfRows:
    """Return a page of the catalogue."""
    where = Where("g.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("g.active = %(active)s", active=filters.active)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, code: str) -> tuple[str, int] | None:
    """Return a category as JSON text and version."""
    params = {"tenant": tenant_id, "code": code}
    rows = await reads.rows(VIEW.one("g.tenant_id = %(tenant)s and g.code = %(code)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def active_codes(reads: Reads, tenant_id: str) -> list[str]:
    """Return the codes that cases may take, in the order of the catalogue; the first hundred."""
    return [row[0] for row in await reads.rows(_ACTIVE_CODES, {"tenant": tenant_id})]


async def add(session: AsyncSession, tenant_id: str, values: dict[str, Any], now: datetime) -> bool:
    """Add a category; return False when the code is taken."""
    params = {"tenant": tenant_id, "now": now, **values}
    return bool(await SessionReads(session).rows(_ADD, params))


async def add_all(session: AsyncSession, rows: list[dict[str, Any]]) -> None:
    """Add several categories at once."""
    await session.execute(insert(CaseCategory).values(rows))


async def for_change(session: AsyncSession, tenant_id: str, code: str) -> CaseCategory | None:
    """Return a category, locked until the transaction ends."""
    wanted = select(CaseCategory).where(CaseCategory.tenant_id == tenant_id, CaseCategory.code == code)
    return await session.scalar(wanted.with_for_update())
