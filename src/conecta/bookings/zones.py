"""Follows the law: when a country changes its clocks, what was agreed for ten o'clock stays at ten o'clock.

Bookings are instants, but what people agreed on is what the clock on the wall will say; each booking keeps
both. After an update of the time zones, the future bookings whose instant no longer fits are moved.
"""

from datetime import timedelta

import structlog

from conecta.kit import clock
from conecta.kit.db import Database
from conecta.kit.errors import Problem
from conecta.kit.etags import Precondition

from . import queries, rules, service
from .actors import Actor, Sender
from .schemas import BookingReschedule

log = structlog.get_logger()


async def follow(database: Database, sender: Sender) -> tuple[int, int]:
    """Move the bookings to come whose zone has changed its rules; return how many, and how many could not.

    One that has no room there stays and is logged, for people to settle; it is tried again the next day.
    """
    moved = stuck = 0
    async for booking in queries.agreed(database, clock.real_now()):
        start = rules.instant_agreed(booking.wall_start, booking.schedule_zone, booking.starts_at)
        if start == booking.starts_at:
            continue
        if await _move(database, sender, booking, start - booking.starts_at):
            moved += 1
        else:
            stuck += 1
    return moved, stuck


async def _move(database: Database, sender: Sender, booking: queries.Agreed, by: timedelta) -> bool:
    actor = Actor(kind="system", tenant_id=booking.tenant_id, id=None, name=None)
    wanted = BookingReschedule(start=booking.starts_at + by, bypass_rules=True)
    try:
        async with database.transaction(tenant_id=booking.tenant_id) as session:
            await service.reschedule(
                session,
                sender,
                actor=actor,
                booking_id=booking.id,
                wanted=wanted,
                precondition=Precondition(None),
            )
    except Problem as refusal:
        log.warning("booking_against_its_zone", booking=booking.id, code=refusal.code)
        return False
    return True
