"""SQL of what a token's caller may do now, and of when apps were last used."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.rows import TupleRow

from conecta.kit.db import Database

from .queries import CLIENT_MAY, MEMBERSHIP

SNAPSHOT_COLUMNS = (
    "alive", "version", "grant_id", "kind", "app_id", "app_name", "user_id", "role", "user_name", "client_id",
    "client_name", "tenant_id", "firm_id", "plan", "per_minute", "per_day", "clock_offset", "time_zone",
)  # fmt: skip

_SNAPSHOT = f"""
select f.revoked_at is null and g.revoked_at is null and a.deleted_at is null and case g.subject_kind
    when 'person' then coalesce(m.active, false) when 'client' then {CLIENT_MAY} else true end,
  g.version, g.id, g.subject_kind, a.id, a.name, coalesce(own.id, mine.id), m.role, m.name, c.id, c.name,
  t.id, firm.id, p.id, coalesce(firm.per_minute_override, p.per_minute),
  coalesce(firm.per_day_override, p.per_day), t.clock_offset_seconds, t.time_zone
from oauth_families f
join oauth_grants g on g.tenant_id = f.tenant_id and g.id = f.grant_id
join oauth_apps a on a.tenant_id = g.app_tenant_id and a.id = g.app_id
join tenants t on t.id = f.tenant_id
join tenants firm on firm.id = coalesce(t.sandbox_of, t.id)
join plans p on p.id = case
  when firm.trial_until <= statement_timestamp() then 'free' else firm.plan_id end
left join lateral ({MEMBERSHIP.format(person="g.person_id")}) m on true
left join users mine on mine.tenant_id = firm.id and mine.person_id = g.person_id
left join users own on own.tenant_id = t.id and own.person_id = g.person_id
left join clients c on c.tenant_id = g.tenant_id and c.id = g.client_id
left join client_access x on x.tenant_id = g.tenant_id and x.client_id = g.client_id
where f.tenant_id = %(tenant)s and f.id = %(family)s
"""

_WRITE_USES = """
with uses as (
  select * from unnest(%(tenant)s::text[], %(grant)s::text[], %(at)s::timestamptz[])
    as u (tenant_id, grant_id, at)
), used as (
  update oauth_grants g set last_used_at = u.at
  from uses u where g.tenant_id = u.tenant_id and g.id = u.grant_id
  returning g.app_tenant_id, g.app_id, u.at
)
update oauth_apps a set last_used_at = u.at
from (select app_tenant_id, app_id, max(at) as at from used group by 1, 2) u
where a.tenant_id = u.app_tenant_id and a.id = u.app_id
"""


async def snapshot(database: Database, tenant_id: str, family_id: str) -> TupleRow | None:
    """Return what the caller of a family's tokens may do now."""
    rows = await database.read(_SNAPSHOT, {"tenant": tenant_id, "family": family_id}, system=True)
    return rows[0] if rows else None


async def write_uses(database: Database, uses: Sequence[Mapping[str, Any]]) -> None:
    """Write when grants and their apps were last used, in one statement."""
    columns = {name: [use[name] for use in uses] for name in ("tenant", "grant", "at")}
    await database.read(_WRITE_USES, columns, system=True)
