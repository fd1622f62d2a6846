"""What happened to a booking, and who did it: lines are added and never changed."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.bookings import queries as bookings
from conecta.bookings.actors import Actor
from conecta.bookings.models import BookingHistory
from conecta.kit import clock
from conecta.kit.db import Reads
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical, new_id
from conecta.kit.pages import PageOfRows, Pager

from . import queries
from .schemas import HistoryFilters


async def add(
    session: AsyncSession, actor: Actor, booking_id: str, action: str, data: dict[str, Any]
) -> None:
    """Write a line of a booking's history."""
    line = BookingHistory(
        tenant_id=actor.tenant_id,
        id=new_id("bkh"),
        booking_id=booking_id,
        at=clock.now(),
        action=action,
        actor_type=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        data=data,
    )
    session.add(line)
    await session.flush()


async def list_history(
    reads: Reads, pager: Pager, *, tenant_id: str, booking_id: str, filters: HistoryFilters
) -> PageOfRows:
    """Return a page of what happened to a booking; raise NotFound."""
    key = canonical("bkg", booking_id)
    if key is None or await bookings.one(reads, tenant_id, key) is None:
        raise NotFound
    return await queries.page(reads, pager, tenant_id, key, filters)
