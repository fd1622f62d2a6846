"""The SQL of the calendar: everything that takes time, in one statement and one shape."""

from datetime import datetime

from conecta.kit.db import Reads
from conecta.kit.sql import wire_time

_NONE = "null::text"

# The days of a holiday begin and end at midnight where the firm's own hours are kept.
_ENTRIES = f"""
with home as (
  select coalesce((select s.time_zone from schedules s where s.tenant_id = %(tenant)s and s.user_id is null
    and s.is_default), 'UTC') as zone
), entries as (
  select 'booking' as kind, b.id, b.starts_at, b.ends_at, false as all_day,
    coalesce(b.service, a.name) as title, a.name as attendee, b.status, b.provider_ids, b.room_id,
    b.service_id, b.client_id, b.case_id
  from bookings b left join booking_attendees a
    on a.tenant_id = b.tenant_id and a.booking_id = b.id and a.position = 0
  where b.tenant_id = %(tenant)s and b.starts_at < %(to)s::timestamptz
    and b.starts_at > %(from)s::timestamptz - interval '31 days' and b.ends_at > %(from)s::timestamptz
    and b.status <> 'cancelled'
    and (%(provider)s::text is null or %(provider)s::text = any(b.provider_ids))
    and (%(room)s::text is null or b.room_id = %(room)s::text)
  union all
  select 'hold', h.id, h.starts_at, h.ends_at, false, null, {_NONE}, 'held', h.provider_ids, h.room_id,
    h.service_id, h.client_id, null
  from booking_holds h
  where h.tenant_id = %(tenant)s and h.starts_at < %(to)s::timestamptz and h.ends_at > %(from)s::timestamptz
    and h.expires_at > %(now)s::timestamptz
    and (%(provider)s::text is null or %(provider)s::text = any(h.provider_ids))
    and (%(room)s::text is null or h.room_id = %(room)s::text)
  union all
  select 'time_off', t.id, t.starts_at, t.ends_at, false, t.note, {_NONE}, t.kind,
    case when t.user_id is null then '{{}}' else array[t.user_id::text] end, t.room_id, {_NONE}, {_NONE},
    {_NONE}
  from time_off t
  where t.tenant_id = %(tenant)s and t.starts_at < %(to)s::timestamptz and t.ends_at > %(from)s::timestamptz
    and (t.user_id is null and t.room_id is null or (%(provider)s::text is null and %(room)s::text is null)
      or t.user_id = %(provider)s::text or t.room_id = %(room)s::text)
  union all
  select 'external', e.id, e.starts_at, e.ends_at, e.all_day, e.title, {_NONE},
    case when e.tentative then 'tentative' else 'busy' end, array[e.user_id::text], {_NONE}, {_NONE}, {_NONE},
    {_NONE}
  from external_busy e
  where e.tenant_id = %(tenant)s and e.starts_at < %(to)s::timestamptz and e.ends_at > %(from)s::timestamptz
    and (%(provider)s::text is null and %(room)s::text is null or e.user_id = %(provider)s::text)
  union all
  select 'holiday', d.id, d.starts_at, d.ends_at, true, d.name, {_NONE}, d.kind, '{{}}', {_NONE}, {_NONE},
    {_NONE}, {_NONE}
  from (
    select h.id, h.name, h.kind, h.date::timestamp at time zone home.zone as starts_at,
      (h.date + 1)::timestamp at time zone home.zone as ends_at
    from holidays h cross join home
    where h.tenant_id = %(tenant)s
      and h.calendar_id in (select c.id from holiday_calendars c where c.tenant_id = %(tenant)s
        and (c.is_default or c.id in (select s.holiday_calendar_id from schedules s
          where s.tenant_id = %(tenant)s and s.user_id = %(provider)s::text)))
      and h.date between (%(from)s::timestamptz at time zone 'UTC')::date - 1
        and (%(to)s::timestamptz at time zone 'UTC')::date + 1
  ) d
  where d.starts_at < %(to)s::timestamptz and d.ends_at > %(from)s::timestamptz
)
select coalesce(string_agg(j.text, ',' order by j.starts_at, j.kind, j.id), '') from (
  select e.starts_at, e.kind, e.id, (select row_to_json(w)::text from (select e.kind, e.id,
    {wire_time("e.starts_at")} as start, {wire_time("e.ends_at")} as "end", e.all_day, e.title, e.attendee,
    e.status, e.provider_ids, e.provider_ids[1] as provider_id, e.room_id, e.service_id, e.client_id,
    e.case_id) w) as text
  from entries e
) j
"""


async def entries(
    reads: Reads,
    tenant_id: str,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    provider_id: str | None,
    room_id: str | None,
) -> str:
    """Return what takes time in a period, as JSON text."""
    params = {
        "tenant": tenant_id,
        "from": start,
        "to": end,
        "now": now,
        "provider": provider_id,
        "room": room_id,
    }
    rows = await reads.rows(_ENTRIES, params)
    return f'{{"data":[{rows[0][0]}]}}'
