"""All SQL of the links to bookings."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads, SessionReads

_ADD = """
insert into booking_links (tenant_id, id, booking_id, attendee_id, hash, created_at, expires_at)
select %(tenant)s, l.id, %(booking)s, l.attendee_id, l.hash, %(now)s, %(expires)s
from unnest(%(ids)s::text[], %(attendees)s::text[], %(hashes)s::bytea[]) as l (id, attendee_id, hash)
returning 1
"""

# Whoever shows a link has not said whose it is: this one is looked up across firms. It expires by the
# firm's clock, which a sandbox may move.
_OPEN = """
select l.tenant_id, l.id, l.booking_id, l.attendee_id, a.name, a.language, a.time_zone, t.name,
  t.clock_offset_seconds, b.client_id
from booking_links l
join tenants t on t.id = l.tenant_id
join bookings b on b.tenant_id = l.tenant_id and b.id = l.booking_id
join booking_attendees a on a.tenant_id = l.tenant_id and a.id = l.attendee_id
where l.hash = any(%(hashes)s::bytea[]) and l.revoked_at is null
  and l.expires_at > %(now)s::timestamptz + make_interval(secs => t.clock_offset_seconds)
"""

_ATTENDEES = """
select b.ends_at, a.id, a.name
from bookings b
left join booking_attendees a on a.tenant_id = b.tenant_id and a.booking_id = b.id
where b.tenant_id = %(tenant)s and b.id = %(booking)s
order by a.position, a.id
"""

_KEEP = """
with kept as (
  update booking_links l set expires_at = %(expires)s
  where l.tenant_id = %(tenant)s and l.booking_id = %(booking)s and l.revoked_at is null
    and l.expires_at < %(expires)s
  returning 1
)
select count(*) from kept
"""

_REVOKE = """
update booking_links l set revoked_at = %(now)s
where l.tenant_id = %(tenant)s and l.booking_id = %(booking)s and l.revoked_at is null
returning 1
"""

_EXPIRED = """
with gone as (
  delete from booking_links l where l.ctid = any(array(
    select l.ctid from booking_links l where l.expires_at < %(before)s::timestamptz
    limit %(batch)s::int for update skip locked))
  returning l.id
)
select count(*) from gone
"""

_BATCH = 1_000


class OpenLink(NamedTuple):
    """A link that works: the booking it opens, and for whom."""

    tenant_id: str
    id: str
    booking_id: str
    attendee_id: str
    attendee: str
    language: str
    time_zone: str
    firm: str
    clock_offset_seconds: int
    client_id: str | None


class Attendee(NamedTuple):
    """Somebody who comes to a booking, and when that ends."""

    ends_at: datetime
    id: str | None
    name: str | None


async def add(
    session: AsyncSession,
    tenant_id: str,
    booking_id: str,
    links: Sequence[tuple[str, str, bytes]],
    *,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Write links (id, attendee, hash) to a booking."""
    params = {
        "tenant": tenant_id,
        "booking": booking_id,
        "now": now,
        "expires": expires_at,
        "ids": [link[0] for link in links],
        "attendees": [link[1] for link in links],
        "hashes": [link[2] for link in links],
    }
    await SessionReads(session).rows(_ADD, params)


async def find(database: Database, hashes: Sequence[bytes], now: datetime) -> OpenLink | None:
    """Return the link with one of these hashes, if it works."""
    rows = await database.read(_OPEN, {"hashes": list(hashes), "now": now}, system=True)
    return OpenLink(*rows[0]) if rows else None


async def attendees(reads: Reads, tenant_id: str, booking_id: str) -> list[Attendee]:
    """Return who comes to a booking; one empty row when nobody does, none when there is no booking."""
    rows = await reads.rows(_ATTENDEES, {"tenant": tenant_id, "booking": booking_id})
    return [Attendee(*row[:3]) for row in rows]


async def keep(session: AsyncSession, tenant_id: str, booking_id: str, expires_at: datetime) -> None:
    """Let the links to a booking work until then at least."""
    params = {"tenant": tenant_id, "booking": booking_id, "expires": expires_at}
    await SessionReads(session).rows(_KEEP, params)


async def revoke(session: AsyncSession, tenant_id: str, booking_id: str, now: datetime) -> int:
    """Stop every link to a booking; return how many worked until now."""
    params = {"tenant": tenant_id, "booking": booking_id, "now": now}
    return len(await SessionReads(session).rows(_REVOKE, params))


async def delete_expired(database: Database, before: datetime) -> int:
    """Delete a batch of expired links of all firms; return how many, 0 when none is left."""
    rows = await database.read(_EXPIRED, {"before": before, "batch": _BATCH}, system=True)
    return int(rows[0][0])
