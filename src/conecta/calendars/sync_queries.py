"""All SQL of the worker that keeps calendars in step. What claims work acts across firms, as the system."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads, SessionReads
from conecta.kit.ids import new_id

from .provider import RemoteEvent

# One account at a time and worker: what is waited for longest comes first. One that was disconnected is
# visited once more, to say goodbye; that of somebody who has left the firm is left alone.
_CLAIM = """
update calendar_connections c
set leased_until = %(until)s::timestamptz, due_at = %(next)s::timestamptz
from tenants t
where t.id = c.tenant_id and (c.tenant_id, c.id) = (
  select d.tenant_id, d.id from calendar_connections d
  where d.due_at <= %(now)s::timestamptz and d.tokens is not null and (d.state = 'disconnected'
      or d.state = 'active' and exists (select from users u
        where u.tenant_id = d.tenant_id and u.id = d.user_id and u.active))
    and (d.leased_until is null or d.leased_until < %(now)s::timestamptz)
  order by d.due_at limit 1 for update skip locked)
returning c.tenant_id, c.id, c.user_id, c.provider, c.account, c.tokens, c.titles, c.on_move, c.on_delete,
  c.state, c.write_calendar_id, c.listed_at, c.failures, c.version, c.leased_until, t.clock_offset_seconds,
  t.language
"""

# Whose lease has ended has no say any more: the account was refused or connected anew meanwhile.
_RELEASE = """
update calendar_connections c
set leased_until = null, failures = 0, last_error = null,
  last_synced_at = coalesce(%(synced)s::timestamptz, c.last_synced_at),
  due_at = least(c.due_at, %(next)s::timestamptz)
where c.tenant_id = %(tenant)s and c.id = %(id)s and c.leased_until = %(lease)s::timestamptz
"""

# A failure comes back later than the next regular time, if it says so; a notice that came meanwhile does not
# bring it back sooner.
_DELAY = """
update calendar_connections c
set leased_until = null, failures = %(failures)s::int, last_error = %(error)s::text,
  due_at = %(next)s::timestamptz
where c.tenant_id = %(tenant)s and c.id = %(id)s and c.leased_until = %(lease)s::timestamptz
"""

# Whoever has connected it anew, or changed it, since the account was opened has made another version of it.
_REFUSED = """
update calendar_connections c
set state = 'reauthorization_needed', last_error = %(error)s::text, failures = 0, leased_until = null
where c.tenant_id = %(tenant)s and c.id = %(id)s and c.state = 'active' and c.version = %(version)s::int
returning c.user_id, c.account
"""

_KEEP_TOKENS = """
update calendar_connections c set tokens = %(tokens)s::bytea
where c.tenant_id = %(tenant)s and c.id = %(id)s and c.tokens is not null and c.version = %(version)s::int
"""

# Firms share nothing but the account itself, which withdraws all of its access at once.
_SHARED = """
select exists (select from calendar_connections c where c.provider = %(provider)s and c.account = %(account)s
  and c.tokens is not null and c.state <> 'disconnected')
"""

_FORGET = """
with gone as (delete from calendar_channels h where h.tenant_id = %(tenant)s and h.connection_id = %(id)s)
update calendar_connections c set tokens = null, leased_until = null
where c.tenant_id = %(tenant)s and c.id = %(id)s and c.state = 'disconnected'
"""

_SOURCES = """
select s.calendar_id, s.time_zone, s.busy, s.cursor, s.window_ends_at
from calendar_sources s
where s.tenant_id = %(tenant)s and s.connection_id = %(id)s and (s.busy or s.calendar_id = %(write)s::text
  or exists (select from mirrored_bookings m where m.tenant_id = s.tenant_id
    and m.connection_id = s.connection_id and m.calendar_id = s.calendar_id and m.external_id is not null
    and m.ends_at > %(now)s::timestamptz))
order by s.calendar_id
"""

# What was chosen otherwise while the provider was asked has no cursor any more, or another: it stays so.
_LOCK_SOURCE = """
select s.busy from calendar_sources s
where s.tenant_id = %(tenant)s and s.connection_id = %(id)s and s.calendar_id = %(calendar)s
  and s.cursor is not distinct from %(cursor)s::text
for update
"""

_WISHES = """
select c.titles, c.on_move, c.on_delete from calendar_connections c
where c.tenant_id = %(tenant)s and c.id = %(id)s and c.state = 'active'
"""

# The furthest that anything of the firm can be booked; working days are at least every other one.
_REACH = """
select coalesce(max(s.horizon_days * case s.horizon_kind when 'working' then 2 else 1 end), 0)
from booking_services s where s.tenant_id = %(tenant)s and s.active
"""

# Whole days are others in another zone, and nobody tells them anew: all is read again.
_ADVANCE = """
update calendar_sources s set
  cursor = case when %(ends)s::timestamptz is not null or s.time_zone = coalesce(%(zone)s::text, s.time_zone)
    then %(cursor)s::text end,
  time_zone = coalesce(%(zone)s::text, s.time_zone),
  window_ends_at = coalesce(%(ends)s::timestamptz, s.window_ends_at)
where s.tenant_id = %(tenant)s and s.connection_id = %(id)s and s.calendar_id = %(calendar)s
"""

_UPSERT = """
insert into external_busy as b (tenant_id, id, user_id, connection_id, calendar_id, external_id, series_id,
  occurrence_start, starts_at, ends_at, all_day, tentative, title)
select %(tenant)s, e.id, %(user)s, %(connection)s, %(calendar)s, e.external_id, e.series_id,
  e.occurrence_start, e.starts_at, e.ends_at, e.all_day, e.tentative, e.title
from jsonb_to_recordset(%(events)s::jsonb) as e(id text, external_id text, series_id text,
  occurrence_start timestamptz, starts_at timestamptz, ends_at timestamptz, all_day boolean,
  tentative boolean, title text)
on conflict (tenant_id, connection_id, calendar_id, external_id) do update
set series_id = excluded.series_id, occurrence_start = excluded.occurrence_start,
  starts_at = excluded.starts_at, ends_at = excluded.ends_at, all_day = excluded.all_day,
  tentative = excluded.tentative, title = excluded.title
where (b.series_id, b.occurrence_start, b.starts_at, b.ends_at, b.all_day, b.tentative, b.title)
  is distinct from (excluded.series_id, excluded.occurrence_start, excluded.starts_at, excluded.ends_at,
    excluded.all_day, excluded.tentative, excluded.title)
"""

# A series that is gone takes its occurrences with it, whether or not the provider names each.
_DELETE = """
delete from external_busy b where b.tenant_id = %(tenant)s and b.connection_id = %(connection)s
  and b.calendar_id = %(calendar)s
  and (b.external_id = any(%(ids)s::text[]) or b.series_id = any(%(gone)s::text[]))
"""

_DELETE_OTHERS = """
delete from external_busy b where b.tenant_id = %(tenant)s and b.connection_id = %(connection)s
  and b.calendar_id = %(calendar)s and b.external_id <> all(%(ids)s::text[])
"""

_OURS = """
m.tenant_id = %(tenant)s and m.connection_id = %(connection)s and m.calendar_id = %(calendar)s
  and (m.external_id = any(%(ids)s::text[]) or m.external_id is null and m.wanted > m.written
    or %(whole)s and m.external_id is not null and m.ends_at > %(business)s::timestamptz)
"""
_ANY_OURS = f"select exists (select from mirrored_bookings m where {_OURS})"

_MIRRORS = f"""
select m.booking_id, m.external_id, m.etag, m.starts_at, m.ends_at, m.wanted > m.written
    or m.leased_until > %(now)s::timestamptz or m.written_at >= %(asked)s::timestamptz,
  b.status, b.starts_at, b.ends_at, b.service, b.wall_start
from bookings b join mirrored_bookings m on b.tenant_id = m.tenant_id and b.id = m.booking_id
where {_OURS}
order by m.booking_id for update of b, m
"""

# A shared calendar may be read by several connections; an event of ours is ours in each of them.
_KNOWN = """
select m.external_id from mirrored_bookings m
where m.tenant_id = %(tenant)s and m.external_id = any(%(ids)s::text[])
"""

_SEEN = """
update mirrored_bookings m set etag = %(etag)s::text, starts_at = %(start)s::timestamptz,
  ends_at = %(end)s::timestamptz, outside = %(outside)s::jsonb
where m.tenant_id = %(tenant)s and m.connection_id = %(connection)s and m.booking_id = %(booking)s
"""

_PUT_BACK = """
update mirrored_bookings m set wanted = m.wanted + 1, due_at = now(), tries = 0, outside = null
where m.tenant_id = %(tenant)s and m.connection_id = %(connection)s and m.booking_id = %(booking)s
"""

_MEMBER = """
select u.email, t.language from users u join tenants t on t.id = u.tenant_id
where u.tenant_id = %(tenant)s and u.id = %(user)s and u.active
"""

# A calendar that the account has no more takes along what is known of it. Bookings go nowhere then until its
# member says where.
_LOSE_SOURCES = """
with lost as (
  delete from calendar_sources s where s.tenant_id = %(tenant)s and s.connection_id = %(id)s
    and s.calendar_id <> all(%(calendars)s::text[])
  returning s.calendar_id
), busy as (
  delete from external_busy b using lost l where b.tenant_id = %(tenant)s and b.connection_id = %(id)s
    and b.calendar_id = l.calendar_id
), events as (
  delete from mirrored_bookings m using lost l where m.tenant_id = %(tenant)s and m.connection_id = %(id)s
    and m.calendar_id = l.calendar_id
)
update calendar_connections c set write_calendar_id = null from lost l
where c.tenant_id = %(tenant)s and c.id = %(id)s and c.write_calendar_id = l.calendar_id
returning c.id
"""

_LISTED = """
update calendar_connections c set listed_at = %(now)s::timestamptz
where c.tenant_id = %(tenant)s and c.id = %(id)s and c.version = %(version)s::int
"""


@dataclass(frozen=True)
class Claimed:
    """A connection that this worker has to itself for a while."""

    tenant_id: str
    id: str
    user_id: str
    provider: str
    account: str
    tokens: bytes
    titles: bool
    on_move: str
    on_delete: str
    state: str
    write_calendar_id: str | None
    listed_at: datetime | None
    failures: int
    version: int
    leased_until: datetime
    clock_offset_seconds: int
    language: str


@dataclass(frozen=True)
class Source:
    """A calendar that is read; `busy` when what is in it takes its owner's time."""

    calendar_id: str
    time_zone: str
    busy: bool
    cursor: str | None
    window_ends_at: datetime | None


@dataclass(frozen=True)
class Mirror:
    """An event of ours; `unsettled` while we write it, or have since the provider was asked."""

    booking_id: str
    external_id: str | None
    etag: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    unsettled: bool
    status: str
    booked_from: datetime
    booked_to: datetime
    service: str | None
    wall_start: str


async def claim(session: AsyncSession, now: datetime, until: datetime, next_at: datetime) -> Claimed | None:
    """Take a connection that is due; needs a system session."""
    rows = await SessionReads(session).rows(_CLAIM, {"now": now, "until": until, "next": next_at})
    return Claimed(*rows[0]) if rows else None


async def _run(session: AsyncSession, sql: str, **params: Any) -> None:
    await session.flush()
    await (await session.connection()).exec_driver_sql(sql, params)


async def release(
    session: AsyncSession, claimed: Claimed, *, synced: datetime | None = None, next_at: datetime
) -> None:
    """Give a connection back; a notice that came meanwhile keeps it due."""
    await _run(
        session, _RELEASE, tenant=claimed.tenant_id, id=claimed.id, lease=claimed.leased_until,
        synced=synced, next=next_at,
    )  # fmt: skip


async def delay(session: AsyncSession, claimed: Claimed, *, error: str, next_at: datetime) -> None:
    """Give a connection back that could not be read, not to be tried before a time."""
    await _run(
        session, _DELAY, tenant=claimed.tenant_id, id=claimed.id, lease=claimed.leased_until, error=error,
        failures=claimed.failures + 1, next=next_at,
    )  # fmt: skip


async def refuse(
    session: AsyncSession, tenant_id: str, connection_id: str, version: int, error: str
) -> tuple[str, str] | None:
    """Note that an account lets us in no more; return its member and address, None when that was known."""
    params = {"tenant": tenant_id, "id": connection_id, "version": version, "error": error}
    rows = await SessionReads(session).rows(_REFUSED, params)
    return (rows[0][0], rows[0][1]) if rows else None


async def keep_tokens(
    session: AsyncSession, tenant_id: str, connection_id: str, version: int, tokens: bytes
) -> None:
    """Store renewed tokens, unless the connection has been ended or made anew."""
    await _run(session, _KEEP_TOKENS, tenant=tenant_id, id=connection_id, version=version, tokens=tokens)


async def shared(session: AsyncSession, provider: str, account: str) -> bool:
    """Whether anybody, of any firm, follows an account; needs a system session."""
    params = {"provider": provider, "account": account}
    return bool((await SessionReads(session).rows(_SHARED, params))[0][0])


async def forget(session: AsyncSession, tenant_id: str, connection_id: str) -> None:
    """Delete what opens an account that was disconnected."""
    await _run(session, _FORGET, tenant=tenant_id, id=connection_id)


async def sources(reads: Reads, claimed: Claimed, now: datetime) -> list[Source]:
    """Return the calendars to read: those that take time, and those with events of ours."""
    params = {"tenant": claimed.tenant_id, "id": claimed.id, "write": claimed.write_calendar_id, "now": now}
    return [Source(*row) for row in await reads.rows(_SOURCES, params)]


async def reach(reads: Reads, tenant_id: str) -> int:
    """Return how many days ahead the firm can be booked."""
    return int((await reads.rows(_REACH, {"tenant": tenant_id}))[0][0])


async def lock_source(session: AsyncSession, claimed: Claimed, source: Source) -> tuple[bool, Claimed] | None:
    """Lock a calendar; return whether it takes time, and the connection as its member wants it by now.

    None when it is not to be written as it was read.
    """
    params = {
        "tenant": claimed.tenant_id,
        "id": claimed.id,
        "calendar": source.calendar_id,
        "cursor": source.cursor,
    }
    reads = SessionReads(session)
    rows = await reads.rows(_LOCK_SOURCE, params)
    # Only now: what was changed while we waited for the row is not seen by the statement that waited.
    wishes = await reads.rows(_WISHES, {"tenant": claimed.tenant_id, "id": claimed.id}) if rows else []
    if not wishes:
        return None
    titles, on_move, on_delete = wishes[0]
    return bool(rows[0][0]), replace(claimed, titles=titles, on_move=on_move, on_delete=on_delete)


async def advance(
    session: AsyncSession,
    claimed: Claimed,
    calendar_id: str,
    cursor: str,
    zone: str | None,
    ends: datetime | None,
) -> None:
    """Remember how much of a calendar is known; `ends` is that of a new window."""
    await _run(
        session, _ADVANCE, tenant=claimed.tenant_id, id=claimed.id, calendar=calendar_id, cursor=cursor,
        zone=zone, ends=ends,
    )  # fmt: skip


async def store_busy(
    session: AsyncSession,
    claimed: Claimed,
    calendar_id: str,
    events: Sequence[RemoteEvent],
    *,
    ours: Sequence[str],
    whole: bool,
) -> None:
    """Write which of these events take time; `whole` when no others are left. Those of `ours` never do."""
    who = {"tenant": claimed.tenant_id, "connection": claimed.id, "calendar": calendar_id}
    # The last word on an event counts, should a list name it twice.
    latest = {event.id: event for event in events}
    busy = [event for event in latest.values() if event.busy and not event.gone]
    if whole:
        await _run(session, _DELETE_OTHERS, **who, ids=[event.id for event in busy])
    else:
        gone = [event.id for event in latest.values() if event.gone]
        free = [event.id for event in latest.values() if not event.busy or event.gone]
        await _run(session, _DELETE, **who, ids=[*free, *ours], gone=gone)
    rows = [
        {
            "id": new_id("ext"),
            "external_id": event.id,
            "series_id": event.series_id,
            "occurrence_start": (event.occurrence_start or event.start).isoformat(),  # type: ignore[union-attr]
            "starts_at": event.start.isoformat(),  # type: ignore[union-attr]
            "ends_at": event.end.isoformat(),  # type: ignore[union-attr]
            "all_day": event.all_day,
            "tentative": event.tentative,
            "title": (event.title or "").replace("\x00", "")[:500] or None if claimed.titles else None,
        }
        for event in busy
    ]
    if rows:
        await _run(session, _UPSERT, **who, user=claimed.user_id, events=json.dumps(rows))


async def any_ours(
    session: AsyncSession,
    claimed: Claimed,
    calendar_id: str,
    *,
    ids: Sequence[str],
    whole: bool,
    business: datetime,
) -> bool:
    """Whether `mirrors` would find any."""
    params = {
        "tenant": claimed.tenant_id, "connection": claimed.id, "calendar": calendar_id, "ids": list(ids),
        "whole": whole, "business": business,
    }  # fmt: skip
    return bool((await SessionReads(session).rows(_ANY_OURS, params))[0][0])


async def mirrors(
    session: AsyncSession,
    claimed: Claimed,
    calendar_id: str,
    *,
    ids: Sequence[str],
    whole: bool,
    asked: datetime,
    now: datetime,
    business: datetime,
) -> list[Mirror]:
    """Lock and return our events among these; with `whole`, all that should be there.

    `asked` is when the provider began to be asked: what we have written since is unknown to its answer.
    """
    params = {
        "tenant": claimed.tenant_id, "connection": claimed.id, "calendar": calendar_id, "ids": list(ids),
        "whole": whole, "asked": asked, "now": now, "business": business,
    }  # fmt: skip
    return [Mirror(*row) for row in await SessionReads(session).rows(_MIRRORS, params)]


async def known(session: AsyncSession, tenant_id: str, ids: Sequence[str]) -> set[str]:
    """Return which of these events are ours, whoever reads them."""
    rows = await SessionReads(session).rows(_KNOWN, {"tenant": tenant_id, "ids": list(ids)})
    return {row[0] for row in rows}


async def seen(
    session: AsyncSession,
    claimed: Claimed,
    booking_id: str,
    event: RemoteEvent,
    outside: dict[str, Any] | None,
) -> None:
    """Remember how an event of ours stands there; `outside` is what nobody has decided on yet."""
    await _run(
        session, _SEEN, tenant=claimed.tenant_id, connection=claimed.id, booking=booking_id, etag=event.etag,
        start=event.start, end=event.end, outside=json.dumps(outside) if outside else None,
    )  # fmt: skip


async def put_back(session: AsyncSession, tenant_id: str, connection_id: str, booking_id: str) -> None:
    """Have an event of ours written again as the booking says."""
    await _run(session, _PUT_BACK, tenant=tenant_id, connection=connection_id, booking=booking_id)


async def member(session: AsyncSession, tenant_id: str, user_id: str) -> tuple[str, str] | None:
    """Return a member's address and the firm's language; None for who has left."""
    rows = await SessionReads(session).rows(_MEMBER, {"tenant": tenant_id, "user": user_id})
    return (rows[0][0], rows[0][1]) if rows else None


async def lose_sources(session: AsyncSession, claimed: Claimed, calendars: Sequence[str]) -> bool:
    """Forget the calendars that an account has no more; say whether bookings were written into one."""
    params = {"tenant": claimed.tenant_id, "id": claimed.id, "calendars": list(calendars)}
    return bool(await SessionReads(session).rows(_LOSE_SOURCES, params))


async def listed(session: AsyncSession, claimed: Claimed, now: datetime | None) -> None:
    """Remember when an account's calendars were listed; None has them listed the next time."""
    await _run(session, _LISTED, tenant=claimed.tenant_id, id=claimed.id, version=claimed.version, now=now)
