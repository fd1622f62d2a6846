"""All SQL of calendar feeds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import CalendarFeed
from .schemas import CalendarFeedFilters

VIEW = JsonView(
    source="calendar_feeds f",
    alias="f",
    fields=f"""f.id, f.name, f.user_id, f.privacy, f.hint,
      case when f.revoked_at is null then 'active' else 'revoked' end as status,
      {wire_time("f.revoked_at")} as revoked_at, {wire_time("f.created_at")} as created_at""",
    sorts={"created_at": ("f.created_at", "timestamptz")},
)

# Whoever reads a feed shows nothing but its address: this one is looked up across firms. The feed of a
# member who has left is over.
_OPEN = """
select f.tenant_id, f.name, f.user_id, f.privacy, f.language, t.clock_offset_seconds
from calendar_feeds f
join tenants t on t.id = f.tenant_id
left join users u on u.tenant_id = f.tenant_id and u.id = f.user_id
where f.hash = any(%(hashes)s::bytea[]) and f.revoked_at is null and (f.user_id is null or u.active)
"""

# Cancelled bookings stay for a while, so that programs learn of it; and what is long past goes. When there
# are more than fit, those nearest to now do.
_BOOKINGS = """
select b.id, b.sequence, b.status, b.starts_at, b.ends_at, b.created_at, b.updated_at,
  case when %(language)s = 'en' then coalesce(s.name_en, b.service) else b.service end, b.location_kind,
  b.location_detail, b.notes,
  coalesce((select array_agg(a.name order by a.position, a.id) from booking_attendees a
    where a.tenant_id = b.tenant_id and a.booking_id = b.id), '{}'),
  coalesce((select array_agg(u.name order by u.name) from users u
    where u.tenant_id = b.tenant_id and u.id = any(b.provider_ids)), '{}')
from bookings b left join booking_services s on s.tenant_id = b.tenant_id and s.id = b.service_id
where b.tenant_id = %(tenant)s and b.starts_at >= %(from)s and b.starts_at < %(to)s
  and (%(user)s::text is null or %(user)s = any(b.provider_ids))
  and (b.cancelled_at is null or b.cancelled_at >= %(cancelled_since)s)
order by abs(extract(epoch from b.starts_at - %(now)s::timestamptz)), b.id limit %(limit)s::int
"""


class OpenFeed(NamedTuple):
    """A feed that is served: whose bookings, and how much of them."""

    tenant_id: str
    name: str
    user_id: str | None
    privacy: str
    language: str
    clock_offset_seconds: int


class FeedBooking(NamedTuple):
    """One booking as feeds know it."""

    id: str
    sequence: int
    status: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    updated_at: datetime
    service: str | None
    location_kind: str
    location_detail: str | None
    notes: str | None
    attendees: Sequence[str]
    hosts: Sequence[str]


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: CalendarFeedFilters) -> PageOfRows:
    """Return a page of a firm's feeds."""
    where = Where("f.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("f.user_id = %(user)s", user=filters.user_id)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, feed_id: str) -> str | None:
    """Return a feed as JSON text."""
    params = {"tenant": tenant_id, "id": feed_id}
    rows = await reads.rows(VIEW.one("f.tenant_id = %(tenant)s and f.id = %(id)s"), params)
    return rows[0][0] if rows else None


async def for_change(session: AsyncSession, tenant_id: str, feed_id: str) -> CalendarFeed | None:
    """Return a feed, locked until the transaction ends."""
    wanted = select(CalendarFeed).where(CalendarFeed.tenant_id == tenant_id, CalendarFeed.id == feed_id)
    return await session.scalar(wanted.with_for_update())


async def find(database: Database, hashes: Sequence[bytes]) -> OpenFeed | None:
    """Return the feed with one of these hashes, if it is served."""
    rows = await database.read(_OPEN, {"hashes": list(hashes)}, system=True)
    return OpenFeed(*rows[0]) if rows else None


async def bookings(
    database: Database,
    feed: OpenFeed,
    *,
    now: datetime,
    start: datetime,
    end: datetime,
    cancelled_since: datetime,
    limit: int,
) -> list[FeedBooking]:
    """Return the bookings of a feed that start within [start, end), in order; of too many the nearest."""
    params: dict[str, Any] = {
        "tenant": feed.tenant_id,
        "user": feed.user_id,
        "language": feed.language,
        "now": now,
        "from": start,
        "to": end,
        "cancelled_since": cancelled_since,
        "limit": limit,
    }
    rows = await database.read(_BOOKINGS, params, tenant_id=feed.tenant_id)
    return sorted((FeedBooking(*row) for row in rows), key=lambda booking: (booking.starts_at, booking.id))
