"""All SQL of publishable keys."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time
from conecta.website.models import PublishableKey

from .schemas import PublishableKeyFilters

# Finds a key with its firm and limits; as the system, for nobody has said yet which firm it is.
ADMIT = """
select k.id, k.name, k.origins, k.revoked_at is not null as revoked, k.tenant_id, firm.id as firm_id,
  p.id as plan_id, coalesce(firm.per_minute_override, p.per_minute) as per_minute,
  coalesce(firm.per_day_override, p.per_day) as per_day, t.clock_offset_seconds, t.time_zone
from publishable_keys k
join tenants t on t.id = k.tenant_id
join tenants firm on firm.id = coalesce(t.sandbox_of, t.id)
join plans p on p.id = case when firm.trial_until <= statement_timestamp() then 'free' else firm.plan_id end
where k.key = %(key)s
"""

VIEW = JsonView(
    source="publishable_keys k join tenants t on t.id = k.tenant_id",
    alias="k",
    fields=f"""k.id, k.name, k.key, case when t.sandbox_of is null then 'live' else 'test' end as mode,
      k.origins, case when k.revoked_at is null then 'active' else 'revoked' end as status,
      {wire_time("k.revoked_at")} as revoked_at,
      {wire_time("k.created_at")} as created_at, {wire_time("k.updated_at")} as updated_at""",
    sorts={"created_at": ("k.created_at", "timestamptz")},
)


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: PublishableKeyFilters) -> PageOfRows:
    """Return a page of a firm's publishable keys."""
    where = Where("k.tenant_id = %(tenant)s", tenant=tenant_id)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, key_id: str) -> tuple[str, int] | None:
    """Return a key as JSON text and version."""
    params = {"tenant": tenant_id, "id": key_id}
    rows = await reads.rows(VIEW.one("k.tenant_id = %(tenant)s and k.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def for_change(session: AsyncSession, tenant_id: str, key_id: str) -> PublishableKey | None:
    """Return a key, locked until the transaction ends."""
    wanted = select(PublishableKey).where(PublishableKey.tenant_id == tenant_id, PublishableKey.id == key_id)
    return await session.scalar(wanted.with_for_update())


async def count_active(reads: Reads, tenant_id: str) -> int:
    """Return how many keys of a firm work."""
    rows = await reads.rows(_ACTIVE, {"tenant": tenant_id})
    return int(rows[0][0])


_ACTIVE = "select count(*) from publishable_keys k where k.tenant_id = %(tenant)s and k.revoked_at is null"
_IS_SANDBOX = "select t.sandbox_of is not null from tenants t where t.id = %(tenant)s"


async def is_sandbox(reads: Reads, tenant_id: str) -> bool:
    """Say whether a tenant is the sandbox of a firm."""
    rows = await reads.rows(_IS_SANDBOX, {"tenant": tenant_id})
    return bool(rows[0][0])
