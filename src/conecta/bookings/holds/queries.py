"""All SQL of holds."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.bookings.models import BookingHold
from conecta.kit.db import Database

_CLEAR_EVERYWHERE = """
select coalesce(sum(clear_expired_holds(t.id, %(now)s::timestamptz)), 0) from tenants t
where exists (select from booking_holds h where h.tenant_id = t.id and h.expires_at <= %(now)s::timestamptz)
"""


async def for_use(
    session: AsyncSession,
    tenant_id: str,
    hold_id: str,
    now: datetime,
    *,
    own: str | None,
    held_by: str | None,
) -> BookingHold | None:
    """Return a hold that has not expired, locked; only of the client `own` or of a kind, when given."""
    wanted = select(BookingHold).where(
        BookingHold.tenant_id == tenant_id, BookingHold.id == hold_id, BookingHold.expires_at > now
    )
    if own is not None:
        wanted = wanted.where(BookingHold.client_id == own)
    if held_by is not None:
        wanted = wanted.where(BookingHold.held_by == held_by)
    return await session.scalar(wanted.with_for_update())


async def count_of_client(session: AsyncSession, tenant_id: str, client_id: str, now: datetime) -> int:
    """Return how many times a client holds."""
    counted = select(func.count()).where(
        BookingHold.tenant_id == tenant_id,
        BookingHold.client_id == client_id,
        BookingHold.held_by == "client",
        BookingHold.expires_at > now,
    )
    return await session.scalar(counted) or 0


async def clear_everywhere(database: Database, now: datetime) -> int:
    """Delete the expired holds of all firms; return how many."""
    return int((await database.read(_CLEAR_EVERYWHERE, {"now": now}, system=True))[0][0])
