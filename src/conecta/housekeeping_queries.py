"""All SQL of the housekeeping; it acts across tenants, as the system role, a batch at a time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conecta.kit.db import Database

BATCH = 1_000

_EXPIRED_ANSWERS = """
with old as (
  select k.tenant_id, k.route, k.key from idempotency_keys k where k.created_at < %(before)s::timestamptz
  limit %(batch)s::int for update skip locked
), gone as (
  delete from idempotency_keys k using old o
  where k.tenant_id = o.tenant_id and k.route = o.route and k.key = o.key
  returning k.tenant_id
)
select count(*) from gone
"""

# Firm by firm, because that is how the index goes. What is still being sent is left until it is sent or
# given up; what goes takes its deliveries and their attempts with it.
_OLD_EVENTS = """
with old as (
  select e.tenant_id, e.id from tenants t cross join lateral (
    select e.tenant_id, e.id from events e
    where e.tenant_id = t.id and e.created_at < %(before)s::timestamptz
      and not exists (
        select from webhook_deliveries d
        where d.tenant_id = t.id and d.event_id = e.id and d.status = 'pending')
    order by e.created_at limit %(batch)s::int) e
  limit %(batch)s::int
), gone as (
  delete from events e using old o where e.tenant_id = o.tenant_id and e.id = o.id
  returning e.id
)
select count(*) from gone
"""

_OLD_WINDOWS = """
with gone as (delete from rate_windows w where w.day_start < %(before)s::bigint returning w.subject)
select count(*) from gone
"""


async def delete_answers(database: Database, before: datetime) -> int:
    """Delete a batch of remembered answers; return how many, 0 when none is left."""
    return await _count(database, _EXPIRED_ANSWERS, {"before": before, "batch": BATCH})


async def delete_events(database: Database, before: datetime) -> int:
    """Delete a batch of events with their deliveries and attempts; return how many, 0 when none is left."""
    return await _count(database, _OLD_EVENTS, {"before": before, "batch": BATCH})


async def delete_windows(database: Database, before: datetime) -> int:
    """Delete the counters of subjects whose last day began before this; return how many."""
    return await _count(database, _OLD_WINDOWS, {"before": int(before.timestamp())})


async def _count(database: Database, sql: str, params: Mapping[str, Any]) -> int:
    return int((await database.read(sql, params, system=True))[0][0])
