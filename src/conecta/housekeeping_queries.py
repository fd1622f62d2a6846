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
# given up; what goes takes its deliveries and their attempts with it. Two that delete at once take other
# rows each: they would come upon the same ones in other orders, and wait for each other for ever.
_OLD_EVENTS = """
with old as (
  select e.tenant_id, e.id from tenants t cross join lateral (
    select e.tenant_id, e.id from events e
    where e.tenant_id = t.id and e.created_at < %(before)s::timestamptz
      and not exists (
        select from webhook_deliveries d
        where d.tenant_id = t.id and d.event_id = e.id and d.status = 'pending')
    order by e.created_at limit %(batch)s::int for update skip locked) e
  limit %(batch)s::int
), gone as (
  delete from events e using old o where e.tenant_id = o.tenant_id and e.id = o.id
  returning e.id
)
select count(*) from gone
"""

# Firm by firm again. What is kept is told by the machine's time, which no sandbox moves.
_OLD_OF_FIRMS = """
with old as (
  select r.tenant_id, r.id, r.created_at from tenants t cross join lateral (
    select r.tenant_id, r.id, r.created_at from {table} r
    where r.tenant_id = t.id and r.created_at < %(before)s::timestamptz
    order by r.created_at limit %(batch)s::int for update skip locked) r
  limit %(batch)s::int
), gone as (
  delete from {table} r using old o
  where r.tenant_id = o.tenant_id and r.id = o.id and r.created_at = o.created_at
  returning r.id
)
select count(*) from gone
"""

_OLD_MAIL = """
with gone as (
  delete from {table} m where m.ctid = any(array(
    select m.ctid from {table} m
    where m.queued_at < %(before)s::timestamptz and m.status <> 'queued'
    limit %(batch)s::int for update skip locked))
  returning m.id
)
select count(*) from gone
"""

_OLD_ROWS = {
    "logged_requests": _OLD_OF_FIRMS.format(table="logged_requests"),
    "audit_entries": _OLD_OF_FIRMS.format(table="audit_entries"),
    "messages": _OLD_MAIL.format(table="messages"),
    "personal_messages": _OLD_MAIL.format(table="personal_messages"),
}

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


async def delete_old(database: Database, table: str, before: datetime) -> int:
    """Delete a batch of a log's or mailbox's rows; return how many, 0 when none is left."""
    return await _count(database, _OLD_ROWS[table], {"before": before, "batch": BATCH})


async def delete_windows(database: Database, before: datetime) -> int:
    """Delete the counters of subjects whose last day began before this; return how many."""
    return await _count(database, _OLD_WINDOWS, {"before": int(before.timestamp())})


async def _count(database: Database, sql: str, params: Mapping[str, Any]) -> int:
    return int((await database.read(sql, params, system=True))[0][0])
