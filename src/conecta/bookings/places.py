"""Takes time: asks the availability for a place, and writes the claims that keep everybody else out of it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.availability import service as availability
from conecta.availability.service import Wish
from conecta.kit import clock
from conecta.kit.db import SessionReads
from conecta.kit.ids import new_id

from . import queries, terms
from .actors import Actor
from .models import Booking
from .terms import Terms

_OVERLAP = "23P01"  # exclusion violation: somebody has that time


async def find(session: AsyncSession, actor: Actor, wish: Wish) -> Terms:
    """Check a wish against every rule, now that nobody else can book; raise what the availability does."""
    place = await availability.place(
        SessionReads(session),
        tenant_id=actor.tenant_id,
        wish=wish,
        now=clock.now(),
        time_zone=actor.time_zone,
    )
    return terms.of_place(place)


async def take(
    session: AsyncSession,
    actor: Actor,
    wish: Wish,
    found: Terms,
    *,
    holder: str,
    state: str,
    expires_at: datetime | None = None,
) -> Terms:
    """Take the time that was found, for a holder or as seats of a session; return it as it was taken.

    Raises SlotTaken (409) when the database knows of somebody who has it, and SeatFull (409).
    """
    try:
        async with session.begin_nested():
            if found.is_group:
                return await _take_seats(session, actor, wish, found)
            await queries.claim(
                session,
                actor.tenant_id,
                found,
                found.resources,
                holder=holder,
                state=state,
                expires_at=expires_at,
            )
            return found
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != _OVERLAP:
            raise
    raise availability.SlotTaken(await _next_free(session, actor, wish))


async def _take_seats(session: AsyncSession, actor: Actor, wish: Wish, found: Terms) -> Terms:
    taken = await queries.take_seats(session, actor.tenant_id, found, wish.seats, new_id("occ"))
    if taken is None:
        raise availability.SeatFull(await _next_free(session, actor, wish))
    shared = replace(
        found, provider_ids=tuple(taken.provider_ids), room_id=taken.room_id, occurrence_id=taken.id
    )
    if taken.fresh:
        await queries.claim(
            session, actor.tenant_id, shared, shared.resources, holder=taken.id, state="confirmed"
        )
    return shared


async def release(session: AsyncSession, booking: Booking, state: str = "released") -> None:
    """Give back the time or the seats of a booking."""
    if booking.occurrence_id is None:
        await queries.set_claims(session, booking.tenant_id, booking.id, state)
    elif state == "released":
        await queries.give_seats_back(session, booking.tenant_id, booking.occurrence_id, booking.seats)


async def _next_free(session: AsyncSession, actor: Actor, wish: Wish) -> Any:
    return await availability.next_free(
        SessionReads(session), tenant_id=actor.tenant_id, wish=wish, now=clock.now()
    )
