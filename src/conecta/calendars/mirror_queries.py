"""All SQL of what writes our bookings into people's calendars."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import SessionReads

# One event at a time and worker, so that an older write never overtakes a newer one.
_CLAIM = """
update mirrored_bookings m
set leased_until = %(until)s::timestamptz, due_at = %(until)s::timestamptz, tries = m.tries + 1
from calendar_connections c
where c.tenant_id = m.tenant_id and c.id = m.connection_id
  and (m.tenant_id, m.connection_id, m.booking_id) = (
  select n.tenant_id, n.connection_id, n.booking_id
  from mirrored_bookings n join calendar_connections d on d.tenant_id = n.tenant_id and d.id = n.connection_id
  where n.wanted > n.written and n.due_at <= %(now)s::timestamptz and d.state = 'active'
    and d.tokens is not null and exists (select from users u
      where u.tenant_id = d.tenant_id and u.id = d.user_id and u.active)
    and (n.leased_until is null or n.leased_until < %(now)s::timestamptz)
  order by n.due_at limit 1 for update of n skip locked)
returning m.tenant_id, m.connection_id, m.booking_id, m.calendar_id, m.external_id, m.wanted, m.tries,
  c.provider, c.tokens, c.user_id, c.version
"""

_BOOKING = """
select b.starts_at, b.ends_at, b.status, b.service, b.location_detail, b.notes,
  coalesce((select array_agg(a.name order by a.position, a.id) from booking_attendees a
    where a.tenant_id = b.tenant_id and a.booking_id = b.id), '{}'),
  %(user)s::text = any(b.provider_ids), t.language
from bookings b join tenants t on t.id = b.tenant_id
where b.tenant_id = %(tenant)s and b.id = %(booking)s
"""

_DONE = """
update mirrored_bookings m
set written = %(wanted)s, written_at = %(now)s::timestamptz, external_id = %(external)s::text,
  etag = %(etag)s::text, starts_at = %(start)s::timestamptz, ends_at = %(end)s::timestamptz,
  last_error = null, leased_until = null, tries = 0,
  due_at = case when m.wanted > %(wanted)s then now() else m.due_at end
where m.tenant_id = %(tenant)s and m.connection_id = %(connection)s and m.booking_id = %(booking)s
"""

_FAILED = """
update mirrored_bookings m
set leased_until = null, due_at = %(next)s::timestamptz, last_error = %(error)s::text
where m.tenant_id = %(tenant)s and m.connection_id = %(connection)s and m.booking_id = %(booking)s
"""

# What is there stays known, so that nobody takes it for a change of its owner's.
_GIVE_UP = """
update mirrored_bookings m
set written = %(wanted)s, last_error = %(error)s::text, leased_until = null, tries = 0,
  due_at = case when m.wanted > %(wanted)s then now() else m.due_at end
where m.tenant_id = %(tenant)s and m.connection_id = %(connection)s and m.booking_id = %(booking)s
"""


@dataclass(frozen=True)
class Wanted:
    """An event that is to be written; `version` is that of what is wanted, `account` of the connection."""

    tenant_id: str
    connection_id: str
    booking_id: str
    calendar_id: str
    external_id: str | None
    version: int
    tries: int
    provider: str
    tokens: bytes
    user_id: str
    account: int


@dataclass(frozen=True)
class Booked:
    """A booking as its host's calendar tells it; `hosted` by the calendar's owner, still."""

    start: datetime
    end: datetime
    status: str
    service: str | None
    location: str | None
    notes: str | None
    guests: list[str]
    hosted: bool
    language: str


async def claim(session: AsyncSession, now: datetime, until: datetime) -> Wanted | None:
    """Take an event that is to be written; needs a system session."""
    rows = await SessionReads(session).rows(_CLAIM, {"now": now, "until": until})
    return Wanted(*rows[0]) if rows else None


async def booking(session: AsyncSession, wanted: Wanted) -> Booked | None:
    """Return the booking of an event."""
    params = {"tenant": wanted.tenant_id, "booking": wanted.booking_id, "user": wanted.user_id}
    rows = await SessionReads(session).rows(_BOOKING, params)
    return Booked(*rows[0]) if rows else None


async def done(
    session: AsyncSession,
    wanted: Wanted,
    *,
    now: datetime,
    external_id: str | None = None,
    etag: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> None:
    """Note how an event stands; without an id there is none."""
    await _run(
        session, _DONE, wanted, wanted=wanted.version, now=now, external=external_id, etag=etag,
        start=start, end=end,
    )  # fmt: skip


async def failed(session: AsyncSession, wanted: Wanted, *, error: str, next_at: datetime) -> None:
    """Have an event tried again later."""
    await _run(session, _FAILED, wanted, error=error, next=next_at)


async def give_up(session: AsyncSession, wanted: Wanted, error: str) -> None:
    """Leave an event as it is until its booking changes again."""
    await _run(session, _GIVE_UP, wanted, wanted=wanted.version, error=error)


async def _run(session: AsyncSession, sql: str, row: Wanted, **params: Any) -> None:
    key = {"tenant": row.tenant_id, "connection": row.connection_id, "booking": row.booking_id}
    await (await session.connection()).exec_driver_sql(sql, {**key, **params})
