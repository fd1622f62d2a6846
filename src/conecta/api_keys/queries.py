"""All SQL of API keys."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time
from conecta.tenants.models import Tenant

from .models import ApiKey
from .schemas import ApiKeyFilters

# Finds a key with its firm, plan and limits; and charges the request in the same round trip, but only
# when the key may come in, so that a revoked or misplaced key never spends its firm's requests: the
# function takes its arguments from `admitted`, so it cannot run before that has let the key through
# (a condition on the join would be looked at too late).
ADMIT = """
select k.id, k.revoked, k.expired, k.elsewhere, k.name, k.scopes, k.tenant_id, k.firm_id,
  k.plan_id, k.per_minute, k.per_day, k.clock_offset_seconds, k.time_zone,
  c.allowed, c.minute_used, c.minute_start, c.day_used, c.day_start
from (
  select k.id, k.tenant_id, k.name, k.scopes,
    k.allowed_addresses <> '{}' and not exists (
      select from unnest(k.allowed_addresses) as network
      where %(address)s::inet <<= network::inet) as elsewhere,
    k.revoked_at is not null as revoked,
    coalesce(k.expires_at <= statement_timestamp(), false) as expired,
    firm.id as firm_id, p.id as plan_id, t.clock_offset_seconds, t.time_zone,
    coalesce(firm.per_minute_override, p.per_minute) as per_minute,
    coalesce(firm.per_day_override, p.per_day) as per_day
  from api_keys k
  join tenants t on t.id = k.tenant_id
  join tenants firm on firm.id = coalesce(t.sandbox_of, t.id)
  join plans p on p.id = case
    when firm.trial_until <= statement_timestamp() then 'free' else firm.plan_id end
  where k.hash = any(%(hashes)s)
) k
left join lateral (
  select c.*, set_config('synchronous_commit', 'off', true)
  from (select k.tenant_id, k.per_minute, k.per_day
        where %(charge)s and not k.revoked and not k.expired and not k.elsewhere offset 0) as admitted
  cross join lateral charge_request(admitted.tenant_id, admitted.per_minute, admitted.per_day) c
) c on true
"""

WRITE_USES = """
update api_keys k set last_used_at = u.at, last_used_address = u.address,
  last_used_agent = u.agent, last_used_route = u.route
from unnest(%(tenant)s::text[], %(id)s::text[], %(at)s::timestamptz[], %(address)s::text[],
  %(agent)s::text[], %(route)s::text[]) as u (tenant_id, id, at, address, agent, route)
where k.tenant_id = u.tenant_id and k.id = u.id
"""

VIEW = JsonView(
    source="api_keys k join tenants t on t.id = k.tenant_id",
    alias="k",
    fields=f"""k.id, k.name, k.hint,
      case when t.sandbox_of is null then 'live' else 'test' end as mode, k.scopes, k.allowed_addresses,
      case when k.revoked_at is not null then 'revoked'
           when k.expires_at <= statement_timestamp() then 'expired' else 'active' end as status,
      {wire_time("k.expires_at")} as expires_at, {wire_time("k.revoked_at")} as revoked_at, k.replaced_by,
      {wire_time("k.last_used_at")} as last_used_at, k.last_used_address, k.last_used_agent,
      k.last_used_route, {wire_time("k.created_at")} as created_at""",
    sorts={"created_at": ("k.created_at", "timestamptz")},
)


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: ApiKeyFilters) -> PageOfRows:
    """Return a page of a firm's keys."""
    where = Where("k.tenant_id = %(tenant)s", tenant=tenant_id)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, key_id: str) -> str | None:
    """Return a key as JSON text."""
    params = {"tenant": tenant_id, "id": key_id}
    rows = await reads.rows(VIEW.one("k.tenant_id = %(tenant)s and k.id = %(id)s"), params)
    return rows[0][0] if rows else None


async def for_change(session: AsyncSession, tenant_id: str, key_id: str) -> ApiKey | None:
    """Return a key, locked until the transaction ends."""
    wanted = select(ApiKey).where(ApiKey.tenant_id == tenant_id, ApiKey.id == key_id)
    return await session.scalar(wanted.with_for_update())


async def sandbox_of(database: Database, tenant_id: str) -> str:
    """Return the sandbox of a firm; every firm is born with one."""
    (row,) = await database.read(_SANDBOX, {"tenant": tenant_id}, system=True)
    return str(row[0])


_SANDBOX = "select t.id from tenants t where t.sandbox_of = %(tenant)s"


async def mode_of_tenant(session: AsyncSession, tenant_id: str) -> str | None:
    """Return `live` for a firm, `test` for a sandbox, None when there is no such tenant."""
    row = (await session.execute(select(Tenant.sandbox_of).where(Tenant.id == tenant_id))).first()
    if row is None:
        return None
    return "live" if row[0] is None else "test"


async def by_id_or_hash(session: AsyncSession, key_id: str, hashes: list[bytes]) -> ApiKey | None:
    """Return a key of any tenant, locked; needs a system session."""
    wanted = select(ApiKey).where(or_(ApiKey.id == key_id, ApiKey.hash.in_(hashes)))
    return await session.scalar(wanted.with_for_update())
