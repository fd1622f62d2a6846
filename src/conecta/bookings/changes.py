"""What every change of a booking begins and ends with."""

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.events import service as events
from conecta.events.types import EventType
from conecta.kit import clock
from conecta.kit.db import SessionReads
from conecta.kit.errors import NotFound
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical

from . import queries
from .actors import Actor, Sender
from .history import service as history
from .messages import service as messages
from .models import Booking

Saved = tuple[str, int]
"""A booking as JSON text and its version."""


async def for_change(
    session: AsyncSession, actor: Actor, booking_id: str, precondition: Precondition
) -> Booking:
    """Return a booking that nobody else changes until the transaction ends.

    Raises NotFound and PreconditionFailed.
    """
    key = canonical("bkg", booking_id)
    if key is None:
        raise NotFound
    await queries.take_turn(session, actor.tenant_id, clock.now())
    booking = await queries.for_change(session, actor.tenant_id, key, own=actor.own)
    if booking is None:
        raise NotFound
    precondition.check(booking.version)
    return booking


async def record(
    session: AsyncSession,
    sender: Sender,
    actor: Actor,
    booking: Booking,
    event: EventType,
    *,
    notify: bool = True,
    reason: str | None = None,
    more: dict[str, Any] | None = None,
) -> Saved:
    """Write the change with its line in the history and its event, and tell whom it concerns."""
    change: Any = event.name.partition(".")[2]
    await session.flush()
    previous = {name: value for name, value in (more or {}).items() if name.startswith("previous_")}
    data = {**previous, **({"reason": reason} if reason else {})}
    await history.add(session, actor, booking.id, change, data)
    saved = await queries.one(SessionReads(session), booking.tenant_id, booking.id)
    assert saved is not None
    body = json.loads(saved[0])
    payload = {"booking_id": body.pop("id"), **body, **(more or {})}
    await events.emit(session, event, tenant_id=booking.tenant_id, resource_id=booking.id, data=payload)
    await messages.on_change(
        session,
        sender.keyring,
        tenant_id=booking.tenant_id,
        booking_id=booking.id,
        change=change,
        base_url=sender.base_url,
        notify=notify and sender.notify,
    )
    if actor.own is None:
        return saved
    # A client reads their booking in another form than the event has it.
    seen = await queries.one(SessionReads(session), booking.tenant_id, booking.id, own=actor.own)
    assert seen is not None  # it is theirs, or they would not have found it
    return seen
