"""All SQL of the dispatcher; it acts across tenants, as the system role.

The claim is one statement. It hops over the index from endpoint to endpoint (a loose index scan), so that a
dead endpoint with a hundred thousand due deliveries costs it no more than one with a single delivery.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database
from conecta.kit.ids import new_id

from . import health
from .delivery import Claim, Result

PARK_BATCH = 5_000

# Each turn finds the first pending delivery of the next endpoint: two or three pages of the index.
_HEADS = """
heads as (
  (select tenant_id, endpoint_id, due_at from webhook_deliveries
   where status = 'pending' order by tenant_id, endpoint_id, due_at limit 1)
  union all
  select n.tenant_id, n.endpoint_id, n.due_at from heads h cross join lateral (
    select d.tenant_id, d.endpoint_id, d.due_at from webhook_deliveries d
    where d.status = 'pending' and (d.tenant_id, d.endpoint_id) > (h.tenant_id, h.endpoint_id)
    order by d.tenant_id, d.endpoint_id, d.due_at limit 1) n
)"""

# `room` bounds what one endpoint gets: what this worker has left for it, or the start of an endpoint that it
# does not know yet, and never more than a fair share of what the worker can take. The order is random
# so that nobody is always last when there are more endpoints than room. What was picked is updated through
# arrays, in which the planner expects few rows: it goes by the key and never reads the whole table.
_CLAIM = f"""
with recursive {_HEADS},
open as (
  select h.tenant_id, h.endpoint_id, w.url, w.sealed_secret, w.sealed_pending_secret, w.rotation_ends_at,
    w.health = 'healthy' and w.failures < %(start)s::int as healthy,
    least(
      coalesce(b.room, case when w.health = 'healthy' and w.failures < %(start)s::int
        then %(start)s::int else %(slow)s::int end),
      greatest(1, %(free)s::int / count(*) over ())
    ) as room
  from heads h
  join webhook_endpoints w on w.tenant_id = h.tenant_id and w.id = h.endpoint_id and w.status = 'enabled'
  left join unnest(%(busy)s::text[], %(rooms)s::int[]) as b (endpoint_id, room)
    on b.endpoint_id = h.endpoint_id
  where h.due_at <= %(now)s::timestamptz and coalesce(b.room, 1) > 0
  order by random()
), picked as materialized (
  select o.*, p.id from open o cross join lateral (
    select d.id from webhook_deliveries d
    where d.tenant_id = o.tenant_id and d.endpoint_id = o.endpoint_id
      and d.status = 'pending' and d.due_at <= %(now)s::timestamptz
    order by d.due_at limit o.room for update skip locked) p
  limit %(free)s::int
), claimed as (
  update webhook_deliveries d set due_at = %(lease)s::timestamptz
  from unnest(array(select p.tenant_id from picked p), array(select p.id from picked p)) as t (tenant_id, id)
  where d.tenant_id = t.tenant_id and d.id = t.id
  returning d.tenant_id, d.id, d.event_id, d.attempts
), taken as materialized (
  select c.tenant_id, c.id, p.endpoint_id, c.event_id, c.attempts, p.url, p.sealed_secret,
    p.sealed_pending_secret, p.rotation_ends_at, p.healthy, p.room
  from claimed c join picked p on p.tenant_id = c.tenant_id and p.id = c.id
)
select n.due_at, c.tenant_id, c.id, c.endpoint_id, c.event_id, c.attempts, e.payload, c.url, c.sealed_secret,
  c.sealed_pending_secret, c.rotation_ends_at, c.healthy, c.room
from (select min(h.due_at) as due_at from heads h where h.due_at > %(now)s::timestamptz) n
left join (taken c join events e on e.tenant_id = c.tenant_id and e.id = c.event_id) on true
"""

_RELEASE = """
update webhook_deliveries d set due_at = %(now)s::timestamptz
from unnest(%(tenants)s::text[], %(ids)s::text[], %(leases)s::timestamptz[]) as r (tenant_id, id, lease)
where d.tenant_id = r.tenant_id and d.id = r.id and d.status = 'pending' and d.due_at = r.lease
returning d.id
"""

# First, whoever deletes one of these endpoints is waited for, or waits for us: a deletion and a record that
# lock deliveries in different orders could wait for each other. Then those whose condition may change
# are locked, in one order, against other workers; a healthy endpoint that took everything is not.
_LOCK = """
with result as (
  select * from unnest(%(tenants)s::text[], %(ids)s::text[], %(failed)s::bool[]) as r (tenant_id, id, failed)
), present as materialized (
  select w.tenant_id, w.id, r.failed from result r
  join webhook_endpoints w on w.tenant_id = r.tenant_id and w.id = r.id
  order by w.tenant_id, w.id for key share of w
)
select w.tenant_id, w.id, w.url, w.status, w.disabled_reason, w.health, w.failing_since, w.failures,
  w.last_success_at, w.last_failure_at
from present p join webhook_endpoints w on w.tenant_id = p.tenant_id and w.id = p.id
where p.failed or w.failures > 0 or w.health <> 'healthy'
order by w.tenant_id, w.id
for no key update of w
"""

# A result counts only if nobody has recorded the same attempt before (a lease may run out under a slow
# worker). A delivery that was parked meanwhile stays parked unless the receiver took it.
_RECORD = """
with result as (
  select * from unnest(%(tenants)s::text[], %(ids)s::text[], %(endpoints)s::text[], %(numbers)s::int[],
    %(statuses)s::text[], %(dues)s::timestamptz[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
    %(durations)s::int[], %(codes)s::int[], %(errors)s::text[], %(excerpts)s::text[])
  as r (tenant_id, id, endpoint_id, number, status, due_at, started_at, ended_at, duration_ms, code, error,
    excerpt)
), done as (
  update webhook_deliveries d set
    attempts = r.number,
    status = case when r.status = 'pending' then d.status else r.status end,
    due_at = case when r.status = 'pending' and d.status = 'pending' then r.due_at end,
    last_status_code = r.code,
    last_error = r.error,
    delivered_at = case when r.status = 'delivered' then r.ended_at else d.delivered_at end
  from result r
  where d.tenant_id = r.tenant_id and d.id = r.id and d.attempts = r.number - 1
  returning d.tenant_id, d.id
), attempt as (
  insert into webhook_attempts
    (tenant_id, delivery_id, number, at, duration_ms, status_code, error, response_excerpt)
  select r.tenant_id, r.id, r.number, r.started_at, r.duration_ms, r.code, r.error, r.excerpt
  from result r join done d on d.tenant_id = r.tenant_id and d.id = r.id
  on conflict do nothing
)
select d.id, null from done d
union all
select distinct null, r.endpoint_id from result r
left join webhook_endpoints w on w.tenant_id = r.tenant_id and w.id = r.endpoint_id
where w.status is distinct from 'enabled'
"""

_SETTLE = """
with endpoint as (
  update webhook_endpoints w set
    status = s.status, disabled_reason = s.disabled_reason, health = s.health,
    disabled_at = case when s.status = w.status then w.disabled_at else %(now)s::timestamptz end,
    failing_since = s.failing_since, failures = s.failures,
    last_success_at = s.last_success_at, last_failure_at = s.last_failure_at,
    version = w.version + (s.health <> w.health)::int,
    updated_at = case when s.health <> w.health then %(now)s::timestamptz else w.updated_at end
  from unnest(%(e_tenants)s::text[], %(e_ids)s::text[], %(e_statuses)s::text[], %(e_reasons)s::text[],
    %(e_healths)s::text[], %(e_since)s::timestamptz[], %(e_failures)s::int[],
    %(e_successes)s::timestamptz[], %(e_failed)s::timestamptz[])
  as s (tenant_id, id, status, disabled_reason, health, failing_since, failures, last_success_at,
    last_failure_at)
  where w.tenant_id = s.tenant_id and w.id = s.id
), seen as (
  update webhook_endpoints w set last_success_at = f.at
  from (
    select w.tenant_id, w.id, t.at
    from unnest(%(s_tenants)s::text[], %(s_ids)s::text[], %(s_at)s::timestamptz[]) as t (tenant_id, id, at)
    join webhook_endpoints w on w.tenant_id = t.tenant_id and w.id = t.id
    where w.last_success_at is null or w.last_success_at < t.at
    for no key update of w skip locked) f
  where w.tenant_id = f.tenant_id and w.id = f.id
)
insert into webhook_notices (tenant_id, id, endpoint_id, health, detail, created_at)
select n.* from unnest(%(n_tenants)s::text[], %(n_ids)s::text[], %(n_endpoints)s::text[],
  %(n_healths)s::text[], %(n_details)s::text[], %(n_at)s::timestamptz[]) as n
"""

# Who answers for a firm answers for its sandbox, too. Firms made by the operator may have an owner of no
# real address.
_AUDIENCE = """
select t.id, u.email, t.language from tenants t
join users u on u.tenant_id = coalesce(t.sandbox_of, t.id)
where t.id = any(%(tenants)s) and u.active and u.role in ('owner', 'admin')
  and right(u.email, 10) <> '@localhost'
order by u.id
"""

# Deliveries of a disabled endpoint: those it had when it was disabled, and the odd one whose event was
# committed at that very moment.
_PARK = """
with stray as (
  select d.tenant_id, d.id from webhook_endpoints w
  join webhook_deliveries d on d.tenant_id = w.tenant_id and d.endpoint_id = w.id and d.status = 'pending'
  where w.status = 'disabled'
  limit %(limit)s::int
  for share of w for update of d skip locked
)
update webhook_deliveries d set status = 'parked', due_at = null
from stray s where d.tenant_id = s.tenant_id and d.id = s.id
returning d.id
"""

_OLDEST_DUE = f"""
with recursive {_HEADS}
select min(h.due_at) from heads h
join webhook_endpoints w on w.tenant_id = h.tenant_id and w.id = h.endpoint_id and w.status = 'enabled'
where h.due_at <= %(now)s::timestamptz
"""


class Room(NamedTuple):
    """How much a claim may take: in all, for endpoints not listed (well and ailing), and for listed ones."""

    free: int
    start: int
    slow: int
    busy: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim took, and when the next delivery that was not due yet will be."""

    claims: Sequence[Claim]
    next_due_at: datetime | None


async def claim(database: Database, room: Room, *, now: datetime, lease: timedelta) -> Claimed:
    """Take due deliveries of enabled endpoints, fairly; they come due again when the lease runs out."""
    params = {
        "free": room.free,
        "start": room.start,
        "slow": room.slow,
        "busy": list(room.busy),
        "rooms": list(room.busy.values()),
        "now": now,
        "lease": now + lease,
    }
    rows = await database.read(_CLAIM, params, system=True)
    claims = [Claim._make((*row[1:], now + lease)) for row in rows if row[1] is not None]
    return Claimed(claims, rows[0][0])


async def release(database: Database, claims: Sequence[Claim], *, now: datetime) -> None:
    """Let deliveries that were claimed but not sent come due at once."""
    params = {
        "tenants": [claim.tenant_id for claim in claims],
        "ids": [claim.id for claim in claims],
        "leases": [claim.lease_until for claim in claims],
        "now": now,
    }
    await database.read(_RELEASE, params, system=True)


async def park(database: Database) -> int:
    """Park some pending deliveries of disabled endpoints; return how many, 0 when none is left."""
    return len(await database.read(_PARK, {"limit": PARK_BATCH}, system=True))


async def oldest_due(database: Database, *, now: datetime) -> datetime | None:
    """Return since when the longest-waiting due delivery has been waiting for a worker."""
    rows = await database.read(_OLDEST_DUE, {"now": now}, system=True)
    moment: datetime | None = rows[0][0]
    return moment


Endpoint = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Locked:
    """An endpoint whose condition may change in this transaction."""

    key: Endpoint
    url: str
    state: health.State


async def lock_ailing(session: AsyncSession, endpoints: Mapping[Endpoint, bool]) -> list[Locked]:
    """Lock those of the endpoints that failed now (the mapping's value) or were failing before."""
    params = {
        "tenants": [tenant for tenant, _ in endpoints],
        "ids": [endpoint for _, endpoint in endpoints],
        "failed": list(endpoints.values()),
    }
    connection = await session.connection()
    rows: Iterable[Any] = (await connection.exec_driver_sql(_LOCK, params)).all()
    return [Locked((row[0], row[1]), row[2], health.State(*row[3:])) for row in rows]


class Recorded(NamedTuple):
    """Which deliveries' results counted, and which endpoints somebody has deleted or disabled meanwhile."""

    counted: frozenset[str]
    closed: list[str]


async def record(session: AsyncSession, results: Sequence[Result]) -> Recorded:
    """Write attempts and deliveries; each result is of another delivery, and counts only once."""
    connection = await session.connection()
    rows: Iterable[Any] = (await connection.exec_driver_sql(_RECORD, _result_columns(results))).all()
    pairs = [(row[0], row[1]) for row in rows]
    return Recorded(
        frozenset(delivery for delivery, _ in pairs if delivery is not None),
        [endpoint for _, endpoint in pairs if endpoint is not None],
    )


async def settle(
    session: AsyncSession,
    *,
    states: Mapping[Endpoint, health.State],
    successes: Mapping[Endpoint, datetime],
    notices: Sequence[tuple[Endpoint, health.Step, str]],
    now: datetime,
) -> None:
    """Write the conditions of endpoints and the notices of their changes.

    Args:
        session: a system transaction.
        states: the new conditions of the endpoints that `lock_ailing` locked.
        successes: the newest success of other endpoints; passed over where somebody else writes just now.
        notices: the changes of health, with their sentences.
        now: the machine's time.
    """
    params = {
        "now": now,
        **_state_columns(states),
        "s_tenants": [tenant for tenant, _ in successes],
        "s_ids": [endpoint for _, endpoint in successes],
        "s_at": list(successes.values()),
        "n_tenants": [key[0] for key, _, _ in notices],
        "n_ids": [new_id("whn") for _ in notices],
        "n_endpoints": [key[1] for key, _, _ in notices],
        "n_healths": [step.health for _, step, _ in notices],
        "n_details": [detail for _, _, detail in notices],
        "n_at": [step.at for _, step, _ in notices],
    }
    connection = await session.connection()
    await connection.exec_driver_sql(_SETTLE, params)


class Reader(NamedTuple):
    """Somebody who is told of an endpoint's health, and in which language."""

    email: str
    language: str


async def audience(session: AsyncSession, tenant_ids: Iterable[str]) -> dict[str, list[Reader]]:
    """Return the active owners and admins of each firm."""
    connection = await session.connection()
    rows: Iterable[Any] = (await connection.exec_driver_sql(_AUDIENCE, {"tenants": list(tenant_ids)})).all()
    readers: dict[str, list[Reader]] = {}
    for tenant_id, email, language in rows:
        readers.setdefault(tenant_id, []).append(Reader(email, language))
    return readers


def _result_columns(results: Sequence[Result]) -> dict[str, list[Any]]:
    return {
        "tenants": [result.claim.tenant_id for result in results],
        "ids": [result.claim.id for result in results],
        "endpoints": [result.claim.endpoint_id for result in results],
        "numbers": [result.number for result in results],
        "statuses": [result.status for result in results],
        "dues": [result.due_at for result in results],
        "starts": [result.started_at for result in results],
        "ends": [result.ended_at for result in results],
        "durations": [result.duration_ms for result in results],
        "codes": [result.answer.status for result in results],
        "errors": [result.answer.error for result in results],
        "excerpts": [result.answer.excerpt for result in results],
    }


def _state_columns(states: Mapping[Endpoint, health.State]) -> dict[str, list[Any]]:
    return {
        "e_tenants": [tenant for tenant, _ in states],
        "e_ids": [endpoint for _, endpoint in states],
        "e_statuses": [state.status for state in states.values()],
        "e_reasons": [state.disabled_reason for state in states.values()],
        "e_healths": [state.health for state in states.values()],
        "e_since": [state.failing_since for state in states.values()],
        "e_failures": [state.failures for state in states.values()],
        "e_successes": [state.last_success_at for state in states.values()],
        "e_failed": [state.last_failure_at for state in states.values()],
    }
