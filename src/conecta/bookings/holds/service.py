"""Holds: a time kept free for some minutes, which nobody else can book meanwhile."""

import json
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.availability.service import Wish
from conecta.bookings import moments, places, rules, terms
from conecta.bookings import queries as bookings
from conecta.bookings.actors import Actor
from conecta.bookings.errors import HoldExpired, TooManyHolds
from conecta.bookings.models import BookingHold
from conecta.bookings.preparing import firm_only, named, refuse, the_provider
from conecta.bookings.terms import Terms
from conecta.kit import clock
from conecta.kit.db import Database, SessionReads
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical, new_id

from . import queries
from .schemas import HoldCreate

MAX_OF_CLIENT: Final = 3


async def create_hold(session: AsyncSession, *, actor: Actor, wanted: HoldCreate) -> str:
    """Keep a time for somebody who is still deciding; return the hold as JSON text.

    Raises what the availability does (SlotTaken, SeatFull, NotOffered), TooManyHolds and ValidationFailed.
    """
    firm_only(actor, wanted)
    client_id = wanted.client_id or actor.client_id
    found = await bookings.references(SessionReads(session), actor.tenant_id, _referring(wanted, client_id))
    refuse(found, client_id=client_id, case_id=None)
    asked = moments.asked(wanted, found.zone or actor.time_zone)
    now = clock.now()
    await bookings.take_turn(session, actor.tenant_id, now)
    if actor.kind == "client" and await _has_enough(session, actor):
        raise TooManyHolds(limit=MAX_OF_CLIENT)
    wish = Wish(
        start=asked.start,
        minutes=asked.minutes,
        service_id=wanted.service_id,
        provider_id=the_provider(actor, wanted, found),
        room_id=wanted.room_id,
        seats=wanted.seats,
        bypass=wanted.bypass_rules,
        from_outside=not actor.is_firm,
    )
    hold_id, expires_at = new_id("hld"), now + timedelta(seconds=wanted.ttl_seconds)
    place = await places.find(session, actor, wish)
    taken = await places.take(
        session, actor, wish, place, holder=hold_id, state="held", expires_at=expires_at
    )
    hold = _hold(actor, taken, id=hold_id, client_id=client_id, seats=wanted.seats, expires_at=expires_at)
    session.add(hold)
    await session.flush()
    return json.dumps(_wire(hold))


async def release_hold(session: AsyncSession, *, actor: Actor, hold_id: str) -> None:
    """Give a held time back; raise NotFound."""
    key = canonical("hld", hold_id)
    if key is None:
        raise NotFound
    await bookings.take_turn(session, actor.tenant_id, clock.now())
    hold = await _usable(session, actor, key)
    if hold is None:
        raise NotFound
    if hold.occurrence_id is None:
        await bookings.forget_claims(session, hold.tenant_id, hold.id)
    else:
        await bookings.give_seats_back(session, hold.tenant_id, hold.occurrence_id, hold.seats)
    await session.delete(hold)
    await session.flush()


async def use(
    session: AsyncSession, actor: Actor, hold_id: str, *, booking_id: str, by_firm: bool
) -> tuple[Terms, BookingHold]:
    """Turn a hold's time into that of a booking, without ever letting go of it; return what it was.

    Raises HoldExpired (409), which does not tell whether there ever was such a hold.
    """
    hold = await _usable(session, actor, hold_id)
    if hold is None:
        raise HoldExpired
    promise = terms.promise_of(hold.terms)
    state = rules.first_status(promise.confirmation, by_firm=by_firm)
    kept = Terms(
        service_id=hold.service_id,
        provider_ids=tuple(hold.provider_ids),
        room_id=hold.room_id,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        promise=promise,
        occurrence_id=hold.occurrence_id,
    )
    if hold.occurrence_id is None:
        passed = await bookings.hand_over(session, hold.tenant_id, hold.id, booking_id, state)
        if not passed:
            raise HoldExpired
    await session.delete(hold)
    await session.flush()
    return kept, hold


async def delete_expired(database: Database) -> int:
    """Delete the expired holds of all firms; return how many."""
    return await queries.clear_everywhere(database, clock.real_now())


async def _usable(session: AsyncSession, actor: Actor, hold_id: str) -> BookingHold | None:
    # A visitor's session sees everything of the firm: what visitors hold is all they may use.
    held_by = "visitor" if actor.kind == "visitor" else None
    return await queries.for_use(
        session, actor.tenant_id, hold_id, clock.now(), own=actor.own, held_by=held_by
    )


async def _has_enough(session: AsyncSession, actor: Actor) -> bool:
    count = await queries.count_of_client(session, actor.tenant_id, actor.client_id or "-", clock.now())
    return count >= MAX_OF_CLIENT


def _referring(wanted: HoldCreate, client_id: str | None) -> dict[str, Any]:
    return named(
        client_id=client_id,
        service_id=wanted.service_id,
        provider_id=wanted.provider_id,
        free=wanted.service_id is None,
    )


def _hold(actor: Actor, taken: Terms, **more: Any) -> BookingHold:
    return BookingHold(
        tenant_id=actor.tenant_id,
        service_id=taken.service_id,
        provider_id=taken.provider_ids[0],
        provider_ids=list(taken.provider_ids),
        room_id=taken.room_id,
        occurrence_id=taken.occurrence_id,
        held_by=actor.kind,
        starts_at=taken.starts_at,
        ends_at=taken.ends_at,
        terms=taken.promise.dump(),
        created_at=clock.now(),
        **more,
    )


def _wire(hold: BookingHold) -> dict[str, Any]:
    return {
        "id": hold.id,
        "service_id": hold.service_id,
        "client_id": hold.client_id,
        "provider_id": hold.provider_id,
        "provider_ids": hold.provider_ids,
        "room_id": hold.room_id,
        "start": clock.wire(hold.starts_at),
        "end": clock.wire(hold.ends_at),
        "seats": hold.seats,
        "expires_at": clock.wire(hold.expires_at),
        "created_at": clock.wire(hold.created_at),
    }
