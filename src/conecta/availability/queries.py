"""All SQL of free time: two statements, however many hosts there are and however long the period is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conecta.kit.db import Reads

Json = dict[str, Any]

# What can be booked, with whom, where and during which weekly hours; and how often any of it has changed.
SETUP_SQL = """
with named as (
  select h.user_id, h.kind, h.weight, h.schedule_id from booking_service_hosts h
  where h.tenant_id = %(tenant)s and h.service_id = %(service)s::text
), in_sessions as (
  select distinct unnest(o.provider_ids) as id from booking_occurrences o
  where o.tenant_id = %(tenant)s and o.service_id = %(service)s::text and o.taken > 0
    and o.starts_at > %(now)s::timestamptz
), hosts as (
  select m.id, coalesce(n.kind, 'rotating') as kind, coalesce(n.weight, 1) as weight,
    n.user_id is not null or not exists (select from named) as hosting,
    m.id is not distinct from %(provider)s::text as wanted, l.id is not null as in_session,
    coalesce(n.schedule_id,
      (select s.id from schedules s where s.tenant_id = %(tenant)s and s.user_id = m.id and s.is_default),
      (select s.id from schedules s where s.tenant_id = %(tenant)s and s.user_id is null and s.is_default)
    ) as schedule_id
  from bookable_members() m left join named n on n.user_id = m.id left join in_sessions l on l.id = m.id
  where n.user_id is not null or m.id = %(provider)s::text or not exists (select from named)
    or l.id is not null
), places as (
  select r.id, r.schedule_id, l.room_id is not null as listed from rooms r
  left join booking_service_rooms l
    on l.tenant_id = r.tenant_id and l.room_id = r.id and l.service_id = %(service)s::text
  where r.tenant_id = %(tenant)s and r.active and (r.id = %(room)s::text or l.room_id is not null)
), written as (
  select s.id, s.time_zone, s.weekly, coalesce(s.holiday_calendar_id, (select c.id from holiday_calendars c
    where c.tenant_id = %(tenant)s and c.is_default)) as calendar_id
  from schedules s where s.tenant_id = %(tenant)s
    and s.id in (select h.schedule_id from hosts h union select p.schedule_id from places p)
)
select json_build_object(
  'service', (select row_to_json(s) from booking_services s
    where s.tenant_id = %(tenant)s and s.id = %(service)s::text),
  'hosts', (select coalesce(json_agg(row_to_json(h) order by h.id), '[]') from hosts h),
  'rooms', (select coalesce(json_agg(row_to_json(p) order by p.id), '[]') from places p),
  'needs_room', exists (select from booking_service_rooms l
    where l.tenant_id = %(tenant)s and l.service_id = %(service)s::text),
  'schedules', (select coalesce(json_agg(row_to_json(w)), '[]') from written w),
  'versions', (select json_agg(json_build_array(v.resource_id, v.version) order by v.resource_id)
    from availability_versions v where v.tenant_id = %(tenant)s
      and (v.resource_id = '' or v.resource_id in (select h.id from hosts h union select p.id from places p)))
)
"""

_DAY = "%(epoch)s::date"

# What a period holds: dates, absences, claims, sessions, and what counts for limits and turns.
PERIOD_SQL = f"""
select json_build_object(
  'overrides', (select coalesce(json_agg(json_build_array(o.schedule_id, o.date - {_DAY}, o.spans)), '[]')
    from dates_of_schedules(%(tenant)s, %(schedules)s::text[], {_DAY} + %(first_day)s::integer,
      {_DAY} + %(last_day)s::integer) o),
  'holidays', (select coalesce(json_agg(json_build_array(h.calendar_id, h.date - {_DAY})), '[]')
    from holidays h
    where h.tenant_id = %(tenant)s and h.calendar_id = any(%(calendars)s::text[]) and h.closed
      and h.date >= {_DAY} + %(first_day)s::integer and h.date <= {_DAY} + %(last_day)s::integer),
  'absences', (select coalesce(json_agg(json_build_array(t.user_id, t.room_id,
      floor(date_part('epoch', t.starts_at))::bigint, ceil(date_part('epoch', t.ends_at))::bigint,
      t.blocks)), '[]')
    from absent_times(%(tenant)s, %(resources)s::text[], %(from)s::timestamptz, %(to)s::timestamptz) t),
  'claims', (select coalesce(json_agg(json_build_array(c.resource_id, c.holder_id,
      floor(date_part('epoch', c.starts_at))::bigint, ceil(date_part('epoch', c.ends_at))::bigint)),
      '[]')
    from booking_claims c where c.tenant_id = %(tenant)s and c.resource_id = any(%(resources)s::text[])
      and c.starts_at < %(to)s::timestamptz and c.ends_at > %(from)s::timestamptz
      and c.state in ('held', 'pending', 'confirmed')
      and (c.expires_at is null or c.expires_at > %(now)s::timestamptz)
      and c.holder_id is distinct from %(ignoring)s::text),
  'external', (select coalesce(json_agg(json_build_array(e.user_id,
      floor(date_part('epoch', e.starts_at))::bigint, ceil(date_part('epoch', e.ends_at))::bigint)), '[]')
    from external_busy_times(%(tenant)s, %(resources)s::text[], %(from)s::timestamptz,
      %(to)s::timestamptz) e),
  'sessions', (select coalesce(json_agg(json_build_array(o.id, o.provider_ids,
      date_part('epoch', o.starts_at)::bigint, date_part('epoch', o.ends_at)::bigint,
      o.taken, o.room_id)), '[]')
    from booking_occurrences o where o.tenant_id = %(tenant)s and o.service_id = %(grouped)s::text
      and o.starts_at >= %(from)s::timestamptz and o.starts_at < %(to)s::timestamptz and o.taken > 0),
  'booked', case when %(counted)s::text is null then '[]' else
    (select coalesce(json_agg(json_build_array(b.holder_id, b.occurrence_id, b.provider_ids,
      date_part('epoch', b.starts_at)::bigint, b.seats, b.status,
      b.expires_at <= %(now)s::timestamptz)), '[]')
    from booked_times(%(tenant)s, %(counted)s::text, %(count_from)s::timestamptz,
      %(count_to)s::timestamptz) b)
  end,
  'ignored', (select json_build_array(b.occurrence_id, b.seats) from bookings b
    where b.tenant_id = %(tenant)s and b.id = %(ignoring)s::text)
)
"""


@dataclass(frozen=True)
class Period:
    """What to look for: days as day numbers; `grouped` a service with sessions, `counted` one with limits."""

    start: datetime
    end: datetime
    first_day: int
    last_day: int
    count_from: datetime
    count_to: datetime
    now: datetime
    schedules: Sequence[str]
    calendars: Sequence[str]
    resources: Sequence[str]
    grouped: str | None
    counted: str | None
    ignoring: str | None


async def setup(
    reads: Reads,
    tenant_id: str,
    now: datetime,
    *,
    service_id: str | None,
    provider_id: str | None,
    room_id: str | None,
) -> Json:
    """Return the service, its hosts and rooms, their weekly hours and the versions of them all.

    Hosts of sessions to come are among them, though they give the service no more.
    """
    params = {
        "tenant": tenant_id,
        "now": now,
        "service": service_id,
        "provider": provider_id,
        "room": room_id,
    }
    rows = await reads.rows(SETUP_SQL, params)
    found: Json = rows[0][0]
    return found


async def period(reads: Reads, tenant_id: str, wanted: Period) -> Json:
    """Return what a period holds of those concerned."""
    params = {
        "tenant": tenant_id,
        "epoch": "1970-01-01",
        "from": wanted.start,
        "to": wanted.end,
        "first_day": wanted.first_day,
        "last_day": wanted.last_day,
        "count_from": wanted.count_from,
        "count_to": wanted.count_to,
        "now": wanted.now,
        "schedules": list(wanted.schedules),
        "calendars": list(wanted.calendars),
        "resources": list(wanted.resources),
        "grouped": wanted.grouped,
        "counted": wanted.counted,
        "ignoring": wanted.ignoring,
    }
    rows = await reads.rows(PERIOD_SQL, params)
    found: Json = rows[0][0]
    return found
