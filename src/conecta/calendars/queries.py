"""All SQL of calendar connections as the firm manages them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import CalendarConnection
from .provider import RemoteCalendar
from .schemas import ConnectionFilters

VIEW = JsonView(
    source="calendar_connections c",
    alias="c",
    fields=f"""c.id, c.user_id, c.provider, c.account, c.state,
      coalesce((select json_agg(json_build_object('id', s.calendar_id, 'name', s.name,
          'time_zone', s.time_zone, 'primary', s.is_primary, 'writable', s.writable, 'busy', s.busy)
          order by s.is_primary desc, s.name, s.calendar_id)
        from calendar_sources s where s.tenant_id = c.tenant_id and s.connection_id = c.id), '[]')
        as calendars,
      c.write_calendar_id, c.on_move, c.on_delete, c.titles as keep_titles,
      c.state = 'active' and exists (select from calendar_channels h where h.tenant_id = c.tenant_id
        and h.connection_id = c.id and h.expires_at > now()) as push,
      coalesce((select json_agg(json_build_object('booking_id', m.booking_id,
          'start', m.outside->>'start', 'end', m.outside->>'end') order by m.booking_id)
        from mirrored_bookings m where m.tenant_id = c.tenant_id and m.connection_id = c.id
          and m.outside is not null), '[]') as open_changes,
      {wire_time("c.last_synced_at")} as last_synced_at,
      coalesce(c.last_error, (select min(m.last_error) from mirrored_bookings m
        join bookings b on b.tenant_id = m.tenant_id and b.id = m.booking_id
        where m.tenant_id = c.tenant_id and m.connection_id = c.id and m.last_error is not null
          and b.ends_at > now())) as last_error,
      {wire_time("c.created_at")} as created_at, {wire_time("c.updated_at")} as updated_at""",
    sorts={"created_at": ("c.created_at", "timestamptz")},
)

_FIND = """
select c.id from calendar_connections c
where c.tenant_id = %(tenant)s and c.user_id = %(user)s and c.provider = %(provider)s
  and c.account = %(account)s
"""

# What was chosen before stays; a calendar that is new takes no time unless it is the account's own. In
# another zone its whole days are others: it is read anew.
_STORE_SOURCES = """
insert into calendar_sources as s (tenant_id, connection_id, calendar_id, name, time_zone, is_primary,
  writable, busy)
select %(tenant)s, %(connection)s, e.id, e.name, e.time_zone, e."primary", e.writable, e."primary"
from jsonb_to_recordset(%(calendars)s::jsonb) as e(id text, name text, time_zone text, "primary" boolean,
  writable boolean)
on conflict (tenant_id, connection_id, calendar_id) do update
set name = excluded.name, time_zone = excluded.time_zone, is_primary = excluded.is_primary,
  writable = excluded.writable,
  cursor = case when s.time_zone = excluded.time_zone then s.cursor end
where (s.name, s.time_zone, s.is_primary, s.writable)
  is distinct from (excluded.name, excluded.time_zone, excluded.is_primary, excluded.writable)
"""

# The worker reads a calendar, and what follows from that it writes while it holds the calendar's row: whoever
# takes something away waits for it, and finds all of it.
_LOCK_SOURCES = """
select s.calendar_id from calendar_sources s
where s.tenant_id = %(tenant)s and s.connection_id = %(connection)s order by s.calendar_id for update
"""

_SOURCES = """
select s.calendar_id, s.writable from calendar_sources s
where s.tenant_id = %(tenant)s and s.connection_id = %(connection)s
"""

# A calendar that no longer takes time is read anew when it does again.
_CHOOSE = """
update calendar_sources s
set busy = s.calendar_id = any(%(ids)s::text[]), cursor = null, window_ends_at = null
where s.tenant_id = %(tenant)s and s.connection_id = %(connection)s
  and s.busy is distinct from (s.calendar_id = any(%(ids)s::text[]))
"""

_DROP_BUSY = """
delete from external_busy b where b.tenant_id = %(tenant)s and b.connection_id = %(connection)s
  and (%(all)s or b.calendar_id in (select s.calendar_id from calendar_sources s
    where s.tenant_id = b.tenant_id and s.connection_id = b.connection_id and not s.busy))
"""

_FORGET_TITLES = """
update external_busy b set title = null
where b.tenant_id = %(tenant)s and b.connection_id = %(connection)s and b.title is not null
"""

_READ_ANEW = """
update calendar_sources s set cursor = null, window_ends_at = null
where s.tenant_id = %(tenant)s and s.connection_id = %(connection)s
"""

# Bookings that are to come are written at once into a calendar that is new. Each is locked before its row is
# made, in the order in which everybody locks them: whoever changes one meanwhile makes the row themselves.
_MIRROR_COMING = """
with coming as (
  select b.tenant_id, b.id, c.id as connection_id, c.write_calendar_id
  from calendar_connections c join bookings b on b.tenant_id = c.tenant_id and c.user_id = any(b.provider_ids)
  where c.tenant_id = %(tenant)s and c.id = %(connection)s and c.write_calendar_id is not null
    and c.state <> 'disconnected' and b.status in ('pending', 'confirmed')
    and b.starts_at > %(now)s::timestamptz
  order by b.id for key share of b)
insert into mirrored_bookings as m (tenant_id, connection_id, booking_id, calendar_id, wanted, written,
  due_at, tries)
select n.tenant_id, n.connection_id, n.id, n.write_calendar_id, 1, 0, now(), 0 from coming n
on conflict (tenant_id, connection_id, booking_id) do nothing
"""

_OPEN_CHANGE = """
select m.outside->>'start', m.outside->>'end' from mirrored_bookings m
where m.tenant_id = %(tenant)s and m.connection_id = %(connection)s and m.booking_id = %(booking)s
  and m.outside is not null
"""

# What is past by the machine's clock as well as by the firm's own.
_PAST_BUSY = """
with gone as (
  delete from external_busy e where e.ctid = any(array(
    select o.ctid from tenants t join external_busy o on o.tenant_id = t.id
    where o.ends_at < %(before)s::timestamptz + least(t.clock_offset_seconds, 0) * interval '1 second'
    limit %(batch)s::int for update of o skip locked))
  returning e.id
)
select count(*) from gone
"""

_PAST_EVENTS = """
with gone as (
  delete from mirrored_bookings m where m.ctid = any(array(
    select o.ctid from tenants t join bookings b on b.tenant_id = t.id
      join mirrored_bookings o on o.tenant_id = b.tenant_id and o.booking_id = b.id
    where b.ends_at < %(before)s::timestamptz + least(t.clock_offset_seconds, 0) * interval '1 second'
    limit %(batch)s::int for update of o skip locked))
  returning m.booking_id
)
select count(*) from gone
"""
_BATCH = 1_000

_CHANNEL = """
select h.tenant_id, h.connection_id, h.secret_hash, h.last_message, c.provider
from calendar_channels h join calendar_connections c on c.tenant_id = h.tenant_id and c.id = h.connection_id
where h.id = %(channel)s and c.state = 'active'
"""

# A message that comes again, or late, finds that a newer one has been there.
_WAKE = """
with heard as (
  update calendar_channels h
  set last_message = greatest(h.last_message, coalesce(%(number)s::bigint, h.last_message)),
    renew = h.renew or %(renew)s
  where h.id = %(channel)s and (%(number)s::bigint is null or h.last_message < %(number)s::bigint)
  returning h.tenant_id, h.connection_id
)
update calendar_connections c set due_at = least(c.due_at, %(now)s::timestamptz)
from heard where c.tenant_id = heard.tenant_id and c.id = heard.connection_id
returning c.id
"""


async def page(
    reads: Reads, pager: Pager, tenant_id: str, filters: ConnectionFilters, *, own: str | None
) -> PageOfRows:
    """Return a page of a firm's connections; `own` is the member who may see no others'."""
    where = Where("c.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("c.user_id = %(own)s", own=own).add("c.user_id = %(user)s", user=filters.user_id)
    where.add("c.provider = %(provider)s", provider=filters.provider).add(
        "c.state = %(state)s", state=filters.state
    )
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, connection_id: str, *, own: str | None = None) -> str | None:
    """Return a connection as JSON text."""
    condition = (
        "c.tenant_id = %(tenant)s and c.id = %(id)s and (%(own)s::text is null or c.user_id = %(own)s::text)"
    )
    rows = await reads.rows(VIEW.one(condition), {"tenant": tenant_id, "id": connection_id, "own": own})
    return rows[0][0] if rows else None


async def for_change(
    session: AsyncSession, tenant_id: str, connection_id: str, *, own: str | None
) -> CalendarConnection | None:
    """Return a connection, locked until the transaction ends."""
    wanted = select(CalendarConnection).where(
        CalendarConnection.tenant_id == tenant_id, CalendarConnection.id == connection_id
    )
    if own is not None:
        wanted = wanted.where(CalendarConnection.user_id == own)
    # Whoever changes a booking refers to the connection meanwhile: that need not wait.
    return await session.scalar(wanted.with_for_update(key_share=True))


async def find(
    session: AsyncSession, tenant_id: str, user_id: str, provider: str, account: str
) -> str | None:
    """Return the id of a member's connection of an account."""
    params = {"tenant": tenant_id, "user": user_id, "provider": provider, "account": account}
    rows = await SessionReads(session).rows(_FIND, params)
    return rows[0][0] if rows else None


async def _run(session: AsyncSession, sql: str, **params: Any) -> None:
    await session.flush()
    await (await session.connection()).exec_driver_sql(sql, params)


async def store_sources(
    session: AsyncSession, tenant_id: str, connection_id: str, calendars: Sequence[RemoteCalendar]
) -> None:
    """Note which calendars an account has."""
    rows = [vars(calendar) for calendar in calendars]
    await _run(
        session, _STORE_SOURCES, tenant=tenant_id, connection=connection_id, calendars=json.dumps(rows)
    )


async def sources(session: AsyncSession, tenant_id: str, connection_id: str) -> dict[str, bool]:
    """Return an account's calendars and whether each can be written into."""
    params = {"tenant": tenant_id, "connection": connection_id}
    return {row[0]: row[1] for row in await SessionReads(session).rows(_SOURCES, params)}


async def lock_sources(session: AsyncSession, tenant_id: str, connection_id: str) -> None:
    """Wait until nobody writes what they read in a connection's calendars, and keep it so."""
    await _run(session, _LOCK_SOURCES, tenant=tenant_id, connection=connection_id)


async def choose(session: AsyncSession, tenant_id: str, connection_id: str, ids: Sequence[str]) -> None:
    """Say which calendars take time; what the others took is free."""
    await _run(session, _CHOOSE, tenant=tenant_id, connection=connection_id, ids=list(ids))
    await _run(session, _DROP_BUSY, tenant=tenant_id, connection=connection_id, all=False)


async def free_all(session: AsyncSession, tenant_id: str, connection_id: str) -> None:
    """Free all the time that a connection took."""
    await _run(session, _DROP_BUSY, tenant=tenant_id, connection=connection_id, all=True)


async def forget_titles(session: AsyncSession, tenant_id: str, connection_id: str) -> None:
    """Delete what a member's events are called."""
    await _run(session, _FORGET_TITLES, tenant=tenant_id, connection=connection_id)


async def read_anew(session: AsyncSession, tenant_id: str, connection_id: str) -> None:
    """Have everything read anew."""
    await _run(session, _READ_ANEW, tenant=tenant_id, connection=connection_id)


async def mirror_coming(session: AsyncSession, tenant_id: str, connection_id: str, now: datetime) -> None:
    """Have the bookings that are to come written into a connection's calendar, if it has one for them."""
    await _run(session, _MIRROR_COMING, tenant=tenant_id, connection=connection_id, now=now)


async def open_change(
    session: AsyncSession, tenant_id: str, connection_id: str, booking_id: str
) -> tuple[datetime, datetime] | None:
    """Return where an event was moved that nobody has decided on."""
    params = {"tenant": tenant_id, "connection": connection_id, "booking": booking_id}
    rows = await SessionReads(session).rows(_OPEN_CHANGE, params)
    return (datetime.fromisoformat(rows[0][0]), datetime.fromisoformat(rows[0][1])) if rows else None


async def channel(database: Database, channel_id: str) -> tuple[str, str, bytes, int, str] | None:
    """Return a channel's firm, connection, secret's hash, last message and provider."""
    rows = await database.read(_CHANNEL, {"channel": channel_id}, system=True)
    return tuple(rows[0]) if rows else None


async def wake(
    database: Database, tenant_id: str, channel_id: str, *, number: int | None, renew: bool, now: datetime
) -> bool:
    """Have a channel's connection read at once; False for a message that was overtaken."""
    params = {"channel": channel_id, "number": number, "renew": renew, "now": now}
    return bool(await database.read(_WAKE, params, tenant_id=tenant_id))


async def delete_past_busy(database: Database, before: datetime) -> int:
    """Delete a batch of the time that was taken before a moment; return how much, 0 when none is left."""
    return await _delete(database, _PAST_BUSY, before)


async def delete_past_events(database: Database, before: datetime) -> int:
    """Forget a batch of events whose bookings ended before a moment; return how many, 0 when none is left."""
    return await _delete(database, _PAST_EVENTS, before)


async def _delete(database: Database, sql: str, before: datetime) -> int:
    return int((await database.read(sql, {"before": before, "batch": _BATCH}, system=True))[0][0])
