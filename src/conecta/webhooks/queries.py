"""All SQL of webhooks but the dispatcher's."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.events import service as events
from conecta.kit import clock
from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from . import rules
from .models import DELIVERY_STATUSES, WebhookDelivery, WebhookEndpoint
from .schemas import DeliveryFilters, Recover, WebhookFilters

# A rotation whose end has passed is over for every reader, so that what is read depends on the time, too:
# `rules.version_of` writes the same version.
ENDPOINTS = JsonView(
    source="""(
      select w.tenant_id, w.id, w.url, w.description, w.events, w.status, w.disabled_reason, w.disabled_at,
        w.health, w.created_at, w.updated_at,
        case when w.rotation_ends_at > %(now)s::timestamptz then w.rotation_ends_at end as rotation_ends_at,
        w.version || case when w.rotation_ends_at > %(now)s::timestamptz then '-rotating' else '' end
          as version
      from webhook_endpoints w) w""",
    alias="w",
    fields=f"""w.id, w.url, w.description, w.events, w.status, w.disabled_reason,
      {wire_time("w.disabled_at")} as disabled_at, w.health,
      case when w.rotation_ends_at is not null
        then json_build_object('ends_at', {wire_time("w.rotation_ends_at")}) end as rotation,
      {wire_time("w.created_at")} as created_at, {wire_time("w.updated_at")} as updated_at""",
    sorts={"created_at": ("w.created_at", "timestamptz")},
)

_DELIVERY = f"""d.id, d.endpoint_id, d.event_id, e.type as event_type, d.status,
  d.attempts as attempt_count, {wire_time("d.due_at")} as due_at, d.last_status_code, d.last_error,
  {wire_time("d.delivered_at")} as delivered_at, {wire_time("d.created_at")} as created_at"""
_WITH_EVENT = "webhook_deliveries d join events e on e.tenant_id = d.tenant_id and e.id = d.event_id"

DELIVERIES = JsonView(
    source=_WITH_EVENT,
    alias="d",
    fields=_DELIVERY,
    sorts={"created_at": ("d.created_at", "timestamptz")},
)

_DELIVERY_DETAIL = f"""
select row_to_json(j)::text from (
  select {_DELIVERY},
    json_build_object('id', e.id, 'type', e.type, 'created', {wire_time("e.created_at")},
      'resource_id', e.resource_id) as event,
    coalesce((
      select json_agg(t order by t.number) from (
        select a.number, {wire_time("a.at")} as at, a.duration_ms, a.status_code, a.error, a.response_excerpt
        from webhook_attempts a where a.tenant_id = %(tenant)s and a.delivery_id = d.id
        order by a.number desc limit 100) t), '[]') as attempts
  from {_WITH_EVENT}
  where d.tenant_id = %(tenant)s and d.endpoint_id = %(endpoint)s and d.id = %(id)s) j
"""

_HEALTH = f"""
select row_to_json(j)::text from (
  select w.status, w.health, {wire_time("w.failing_since")} as failing_since, w.failures,
    {wire_time("w.last_success_at")} as last_success_at, {wire_time("w.last_failure_at")} as last_failure_at,
    (select count(*) from webhook_deliveries d where d.tenant_id = %(tenant)s and d.endpoint_id = w.id
      and d.status = 'pending') as pending,
    stopped.parked, stopped.failed,
    coalesce((
      select json_agg(json_build_object('health', t.health, 'detail', t.detail,
        'created_at', {wire_time("t.created_at")}) order by t.created_at desc, t.id desc)
      from (
        select n.id, n.health, n.detail, n.created_at
        from webhook_notices n where n.tenant_id = %(tenant)s and n.endpoint_id = w.id
        order by n.created_at desc, n.id desc limit 20) t), '[]') as notices
  from webhook_endpoints w cross join lateral (
    select count(*) filter (where d.status = 'parked') as parked,
      count(*) filter (where d.status = 'failed') as failed
    from webhook_deliveries d where d.tenant_id = %(tenant)s and d.endpoint_id = w.id
      and d.status in ('failed', 'parked')) stopped
  where w.tenant_id = %(tenant)s and w.id = %(id)s) j
"""

_EXISTS = "select from webhook_endpoints w where w.tenant_id = %(tenant)s and w.id = %(id)s"

# Creations of one firm stand in line here, so that two at once cannot both be the last one allowed.
_QUEUE_UP = "select pg_advisory_xact_lock(hashtextextended('webhook endpoints ' || %(tenant)s, 0))"
_COUNT = "select count(*) from webhook_endpoints w where w.tenant_id = %(tenant)s"

# What a worker is recording at this moment is left to it: it parks what it finds of a disabled endpoint.
_PARK = """
with waiting as (
  select d.id from webhook_deliveries d
  where d.tenant_id = %(tenant)s and d.endpoint_id = %(id)s and d.status = 'pending'
  for update skip locked
)
update webhook_deliveries d set status = 'parked', due_at = null
from waiting w where d.tenant_id = %(tenant)s and d.id = w.id
"""

_NOTIFY = "pg_notify('conecta_deliveries', '')"

_SEND = f"""
with delivery as (
  insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id, status, attempts, due_at, created_at)
  values (%(tenant)s, 'dlv_' || right(%(event)s::text, 26) || '_' || right(%(endpoint)s::text, 26),
    %(endpoint)s, %(event)s, 'pending', 0, %(now)s, %(now)s)
  returning id
)
select id, {_NOTIFY} from delivery
"""

_RESEND = f"""
with delivery as (
  update webhook_deliveries d set status = 'pending', due_at = %(now)s
  where d.tenant_id = %(tenant)s and d.id = %(id)s
  returning d.id
)
select id, {_NOTIFY} from delivery
"""

_STOPPED = f"""
select d.id from {_WITH_EVENT}
where d.tenant_id = %(tenant)s and d.endpoint_id = %(endpoint)s and d.status in ('failed', 'parked')
  and e.created_at >= %(since)s and (%(until)s::timestamptz is null or e.created_at < %(until)s::timestamptz)
"""

_RECOVER = f"""
with stopped as ({_STOPPED} order by d.id for update of d), recovered as (
  update webhook_deliveries d set status = 'pending', due_at = %(now)s
  from stopped s where d.tenant_id = %(tenant)s and d.id = s.id
  returning d.id
), found as (select count(*) as count from recovered)
select count, case when count > 0 then {_NOTIFY} end from found
"""

# A claimed delivery is under way and due again by the real clock; one that waits for its next try is not.
_BRING_NEARER = f"""
with nearer as (
  update webhook_deliveries d set due_at = greatest(%(now)s, d.due_at - %(by)s)
  where d.tenant_id = %(tenant)s and d.status = 'pending' and d.due_at > %(claimed_until)s
  returning d.id
)
select case when exists (select from nearer) then {_NOTIFY} end
"""

# Written out, so that the planner sees which index of one state fits.
_IN_STATE = {status: f"d.status = '{status}'" for status in DELIVERY_STATUSES}


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: WebhookFilters) -> PageOfRows:
    """Return a page of a firm's endpoints."""
    where = Where("w.tenant_id = %(tenant)s", tenant=tenant_id, now=clock.real_now())
    where.add("w.status = %(status)s", status=filters.status)
    return await pager.fetch(reads, ENDPOINTS, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, endpoint_id: str) -> tuple[str, str] | None:
    """Return an endpoint as JSON text and version."""
    params = {"tenant": tenant_id, "id": endpoint_id, "now": clock.real_now()}
    rows = await reads.rows(ENDPOINTS.one("w.tenant_id = %(tenant)s and w.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def exists(reads: Reads, tenant_id: str, endpoint_id: str) -> bool:
    """Say whether the firm has this endpoint."""
    return bool(await reads.rows(_EXISTS, {"tenant": tenant_id, "id": endpoint_id}))


async def count_in_line(reads: Reads, tenant_id: str) -> int:
    """Return how many endpoints the firm has; nobody else may add one until the transaction ends."""
    await reads.rows(_QUEUE_UP, {"tenant": tenant_id})
    return int((await reads.rows(_COUNT, {"tenant": tenant_id}))[0][0])


async def for_change(session: AsyncSession, tenant_id: str, endpoint_id: str) -> WebhookEndpoint | None:
    """Return an endpoint, locked until the transaction ends; events may go on being emitted to it."""
    wanted = select(WebhookEndpoint).where(
        WebhookEndpoint.tenant_id == tenant_id, WebhookEndpoint.id == endpoint_id
    )
    return await session.scalar(wanted.with_for_update(key_share=True))


async def park(session: AsyncSession, tenant_id: str, endpoint_id: str) -> None:
    """Park what waits to be sent to an endpoint."""
    connection = await session.connection()
    await connection.exec_driver_sql(_PARK, {"tenant": tenant_id, "id": endpoint_id})


async def health(reads: Reads, tenant_id: str, endpoint_id: str) -> str | None:
    """Return an endpoint's health, counts and notices as JSON text."""
    rows = await reads.rows(_HEALTH, {"tenant": tenant_id, "id": endpoint_id})
    return rows[0][0] if rows else None


async def deliveries(
    reads: Reads, pager: Pager, tenant_id: str, endpoint_id: str, filters: DeliveryFilters
) -> PageOfRows:
    """Return a page of an endpoint's deliveries."""
    where = Where(
        "d.tenant_id = %(tenant)s and d.endpoint_id = %(endpoint)s", tenant=tenant_id, endpoint=endpoint_id
    )
    if filters.status is not None:
        where.add(_IN_STATE[filters.status])
    events.narrow(where, filters.event_type)
    where.add("d.created_at >= %(created_after)s", created_after=filters.created_after)
    where.add("d.created_at < %(created_before)s", created_before=filters.created_before)
    return await pager.fetch(reads, DELIVERIES, where, filters, sort=filters.sort)


async def delivery(reads: Reads, tenant_id: str, endpoint_id: str, delivery_id: str) -> str | None:
    """Return a delivery with its event and attempts as JSON text."""
    params = {"tenant": tenant_id, "endpoint": endpoint_id, "id": delivery_id}
    rows = await reads.rows(_DELIVERY_DETAIL, params)
    return rows[0][0] if rows else None


async def delivery_for_change(
    session: AsyncSession, tenant_id: str, endpoint_id: str, delivery_id: str
) -> WebhookDelivery | None:
    """Return a delivery, locked until the transaction ends."""
    wanted = select(WebhookDelivery).where(
        WebhookDelivery.tenant_id == tenant_id,
        WebhookDelivery.endpoint_id == endpoint_id,
        WebhookDelivery.id == delivery_id,
    )
    return await session.scalar(wanted.with_for_update(key_share=True))


async def send(reads: Reads, tenant_id: str, endpoint_id: str, event_id: str) -> str:
    """Make an event due for one endpoint, whatever its filter says; return the delivery's id."""
    params = {"tenant": tenant_id, "endpoint": endpoint_id, "event": event_id, "now": clock.real_now()}
    return str((await reads.rows(_SEND, params))[0][0])


async def resend(reads: Reads, tenant_id: str, delivery_id: str, now: datetime) -> None:
    """Make a delivery due."""
    await reads.rows(_RESEND, {"tenant": tenant_id, "id": delivery_id, "now": now})


async def bring_nearer(reads: Reads, tenant_id: str, by: timedelta) -> None:
    """Let every waiting try of a tenant come sooner by as much."""
    now = clock.real_now()
    params = {"tenant": tenant_id, "by": by, "now": now, "claimed_until": now + rules.UNDER_WAY}
    await reads.rows(_BRING_NEARER, params)


async def recover(reads: Reads, tenant_id: str, endpoint_id: str, wanted: Recover) -> int:
    """Make what failed or was parked due again, or only count it; return how many deliveries that is."""
    params = {
        "tenant": tenant_id,
        "endpoint": endpoint_id,
        "since": wanted.since,
        "until": wanted.until,
        "now": clock.real_now(),
    }
    statement = f"select count(*) from ({_STOPPED}) s" if wanted.dry_run else _RECOVER
    return int((await reads.rows(statement, params))[0][0])
