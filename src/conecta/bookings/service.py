"""Bookings: make, list, read, confirm, move, cancel, and say what became of them.

Every change leaves its line in the history and its event, and is told to those who come; what is edited
leaves the line alone.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.availability.service import Wish
from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager

from . import changes, editing, moments, places, preparing, queries, rules
from .actors import Actor, Sender
from .changes import Saved
from .errors import (
    BookingNotStarted,
    BookingState,
    ConfirmationOfFirm,
    DuplicateBooking,
    HoldExpired,
    PolicyWindow,
    RescheduleLimit,
)
from .events import CANCELLED, COMPLETED, CONFIRMED, CREATED, NO_SHOW, RESCHEDULED
from .holds import service as holds
from .models import Booking, BookingAttendee
from .queries import References
from .schemas import (
    AttendeeCreate,
    BookingChange,
    BookingCreate,
    BookingFilters,
    BookingOutcome,
    BookingReschedule,
    BookingUpdate,
    Location,
)
from .terms import Terms
from .turns import IN_TURN

__all__ = [
    "IN_TURN",
    "Actor",
    "AttendeeCreate",
    "BookingChange",
    "BookingCreate",
    "BookingFilters",
    "BookingOutcome",
    "BookingReschedule",
    "BookingUpdate",
    "Location",
    "Sender",
    "cancel",
    "cancellable_until",
    "complete",
    "confirm",
    "create",
    "delete_expired_holds",
    "list_bookings",
    "no_show",
    "read_booking",
    "reschedule",
    "take_turn",
    "update",
]

delete_expired_holds = holds.delete_expired
take_turn = queries.take_turn
update = editing.update


async def list_bookings(reads: Reads, pager: Pager, *, caller: Caller, filters: Any) -> PageOfRows:
    """Return a page of the firm's bookings; a client gets their own."""
    own = Actor.of(caller).own
    return await queries.page(reads, pager, caller.tenant_id, filters, own=own, zone=caller.time_zone)


async def read_booking(reads: Reads, *, actor: Actor, booking_id: str) -> Saved:
    """Return one booking as JSON text and version; raise NotFound."""
    key = canonical("bkg", booking_id)
    found = await queries.one(reads, actor.tenant_id, key, own=actor.own) if key else None
    if found is None:
        raise NotFound
    return found


async def create(
    session: AsyncSession, sender: Sender, *, actor: Actor, wanted: BookingCreate
) -> tuple[str, Saved]:
    """Book a time and announce it; return the booking's id, and its JSON text and version.

    Everything is checked again here: a slot that was listed is not a right. Raises SlotTaken, SeatFull and
    HoldExpired (409), NotOffered (422) with the rule that refuses, DuplicateBooking (409), ValidationFailed.
    """
    preparing.firm_only(actor, wanted)
    reads = SessionReads(session)
    await queries.take_turn(session, actor.tenant_id, clock.now())
    found = await queries.references(reads, actor.tenant_id, preparing.referring(actor, wanted))
    client_id = wanted.client_id or actor.own
    preparing.refuse(found, client_id=client_id, case_id=wanted.case_id, attendees=wanted.attendees)
    if found.external_id_holder is not None:
        raise DuplicateBooking(found.external_id_holder)
    booking_id = new_id("bkg")
    terms, seats = await _time_for(session, actor, wanted, found, booking_id)
    booking = _new(actor, wanted, found, terms, booking_id, seats)
    session.add(booking)
    await session.flush()
    session.add_all(_attendees(booking, wanted, found, actor))
    saved = await changes.record(session, sender, actor, booking, CREATED, notify=wanted.notify)
    return booking_id, saved


async def confirm(
    session: AsyncSession,
    sender: Sender,
    *,
    actor: Actor,
    booking_id: str,
    wanted: BookingChange,
    precondition: Precondition,
) -> Saved:
    """Confirm a booking that waits for it: its client, or the firm.

    Raises NotFound, PreconditionFailed, BookingState (409), ConfirmationOfFirm (409), PolicyWindow (422).
    """
    booking = await changes.for_change(session, actor, booking_id, precondition)
    _refuse_transition(booking, "confirmed")
    if not actor.is_firm:
        if booking.confirmation == "firm":
            raise ConfirmationOfFirm
        _refuse_late(booking, 0)
    now = clock.now()
    booking.status, booking.status_reason, booking.confirmed_at = "confirmed", wanted.reason, now
    booking.sequence += 1
    if booking.occurrence_id is None:
        await queries.set_claims(session, booking.tenant_id, booking.id, "confirmed")
    if not actor.is_firm:
        await queries.set_attendees(session, booking.tenant_id, booking.id, "confirmed", all_of_them=False)
    more = {"confirmed_by": actor.kind}
    return await changes.record(
        session, sender, actor, booking, CONFIRMED, notify=wanted.notify, reason=wanted.reason, more=more
    )


async def cancel(
    session: AsyncSession,
    sender: Sender,
    *,
    actor: Actor,
    booking_id: str,
    wanted: BookingChange,
    precondition: Precondition,
) -> Saved:
    """Cancel a booking, for good; its time is free again.

    Raises NotFound, PreconditionFailed, BookingState (409), and for who is not of the firm PolicyWindow
    (422), and ValidationFailed when a reason is needed.
    """
    booking = await changes.for_change(session, actor, booking_id, precondition)
    _refuse_transition(booking, "cancelled")
    if not actor.is_firm:
        _refuse_late(booking, booking.policy["free_cancel_minutes"])
        if booking.policy["reason_required"] and not wanted.reason:
            raise ValidationFailed.at("/reason", "required", _WHY)
    booking.status, booking.status_reason, booking.cancelled_at = "cancelled", wanted.reason, clock.now()
    booking.sequence += 1
    await places.release(session, booking)
    more = {"reason": wanted.reason, "cancelled_by": actor.kind}
    return await changes.record(
        session, sender, actor, booking, CANCELLED, notify=wanted.notify, reason=wanted.reason, more=more
    )


async def reschedule(
    session: AsyncSession,
    sender: Sender,
    *,
    actor: Actor,
    booking_id: str,
    wanted: BookingReschedule,
    precondition: Precondition,
) -> Saved:
    """Move a booking to another time, perhaps with somebody else; the old time is free when it is done.

    Raises what `create` does of times, NotFound, PreconditionFailed, BookingState (409), and for who is not
    of the firm PolicyWindow and RescheduleLimit (422).
    """
    booking = await changes.for_change(session, actor, booking_id, precondition)
    preparing.movable_by(actor, wanted, of_service=booking.service_id is not None)
    if booking.status not in rules.MOVABLE:
        raise BookingState(booking.status, rules.TRANSITIONS[booking.status])
    asked = moments.asked(wanted, booking.schedule_zone)
    if not actor.is_firm:
        _refuse_move(booking)
    before = booking.starts_at, booking.ends_at
    wish = _wish_to_move(actor, booking, wanted, asked)
    place = await places.find(session, actor, wish)
    await places.release(session, booking)
    state = "confirmed" if booking.status == "confirmed" else "pending"
    taken = await places.take(session, actor, wish, place, holder=booking.id, state=state)
    _move(booking, taken, wanted)
    booking.client_moves += not actor.is_firm
    more = {"previous_start": clock.wire(before[0]), "previous_end": clock.wire(before[1])}
    return await changes.record(
        session, sender, actor, booking, RESCHEDULED, notify=wanted.notify, reason=wanted.reason, more=more
    )


async def complete(
    session: AsyncSession,
    sender: Sender,
    *,
    actor: Actor,
    booking_id: str,
    wanted: BookingOutcome,
    precondition: Precondition,
) -> Saved:
    """Note that a booking took place.

    Raises NotFound, PreconditionFailed, and BookingState and BookingNotStarted (409).
    """
    booking = await _over(session, actor, booking_id, precondition, "completed", wanted)
    booking.completed_at = clock.now()
    await queries.set_attendees(session, booking.tenant_id, booking.id, "attended", all_of_them=True)
    return await changes.record(session, sender, actor, booking, COMPLETED, reason=wanted.reason)


async def no_show(
    session: AsyncSession,
    sender: Sender,
    *,
    actor: Actor,
    booking_id: str,
    wanted: BookingOutcome,
    precondition: Precondition,
) -> Saved:
    """Note that nobody came. Raises NotFound, PreconditionFailed, BookingState, BookingNotStarted."""
    booking = await _over(session, actor, booking_id, precondition, "no_show", wanted)
    booking.completed_at = None
    await queries.set_attendees(session, booking.tenant_id, booking.id, "no_show", all_of_them=True)
    return await changes.record(session, sender, actor, booking, NO_SHOW, reason=wanted.reason)


def cancellable_until(booking: Mapping[str, Any]) -> datetime | None:
    """Return until when the client of a booking (as the API writes it) may cancel it; None: no more."""
    if not rules.may_become(booking["status"], "cancelled"):
        return None
    return rules.deadline(datetime.fromisoformat(booking["start"]), booking["policy"]["free_cancel_minutes"])


async def _time_for(
    session: AsyncSession, actor: Actor, wanted: BookingCreate, found: References, booking_id: str
) -> tuple[Terms, int]:
    """Take the time that is wanted, or that of the hold; return it and how many places it has."""
    if wanted.hold_id is not None:
        terms, hold = await holds.use(
            session, actor, wanted.hold_id, booking_id=booking_id, by_firm=actor.is_firm
        )
        if hold.client_id not in {None, found.client_id}:
            raise HoldExpired
        start = moments.given_start(wanted, terms.promise.schedule_zone)
        if start not in {None, terms.starts_at}:
            raise ValidationFailed.at("/start", "other_time", _OTHER_TIME)
        preparing.same_as_held(wanted, terms, hold.seats)
        return terms, hold.seats
    asked = moments.asked(wanted, found.zone or actor.time_zone)
    wish = Wish(
        start=asked.start,
        minutes=asked.minutes,
        service_id=wanted.service_id,
        provider_id=preparing.the_provider(actor, wanted, found),
        room_id=wanted.room_id,
        seats=preparing.seats_of(wanted, found),
        bypass=wanted.bypass_rules,
        from_outside=not actor.is_firm,
    )
    place = await places.find(session, actor, wish)
    state = rules.first_status(place.promise.confirmation, by_firm=actor.is_firm)
    return await places.take(session, actor, wish, place, holder=booking_id, state=state), wish.seats


def _new(
    actor: Actor, wanted: BookingCreate, found: References, terms: Terms, booking_id: str, seats: int
) -> Booking:
    promise, now = terms.promise, clock.now()
    status = rules.first_status(promise.confirmation, by_firm=actor.is_firm)
    location_kind, location_detail = preparing.location_of(actor, wanted, promise)
    return Booking(
        tenant_id=actor.tenant_id,
        id=booking_id,
        service_id=terms.service_id,
        service=promise.service or wanted.service,
        client_id=found.client_id,
        case_id=found.case_id,
        provider_id=terms.provider_ids[0],
        provider_ids=list(terms.provider_ids),
        room_id=terms.room_id,
        occurrence_id=terms.occurrence_id,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        buffer_before=promise.buffer_before,
        buffer_after=promise.buffer_after,
        time_zone=wanted.time_zone or promise.schedule_zone,
        wall_start=rules.wall_time(terms.starts_at, promise.schedule_zone),
        schedule_zone=promise.schedule_zone,
        status=status,
        confirmation=promise.confirmation,
        location_kind=location_kind,
        location_detail=location_detail,
        notes=wanted.notes,
        seats=seats,
        price_amount=promise.price_amount,
        price_currency=promise.price_currency,
        policy=promise.policy,
        reschedule_count=0,
        client_moves=0,
        sequence=0,
        external_id=wanted.external_id,
        custom_fields=wanted.custom_fields,
        source=actor.source,
        confirmed_at=now if status == "confirmed" else None,
        created_at=now,
        updated_at=now,
    )


def _attendees(
    booking: Booking, wanted: BookingCreate, found: References, actor: Actor
) -> list[BookingAttendee]:
    confirmed = booking.status == "confirmed" and not actor.is_firm
    rows = preparing.attendees_of(wanted, found, time_zone=booking.time_zone, confirmed=confirmed)
    return [
        BookingAttendee(tenant_id=booking.tenant_id, id=new_id("att"), booking_id=booking.id, **row)
        for row in rows
    ]


async def _over(
    session: AsyncSession,
    actor: Actor,
    booking_id: str,
    precondition: Precondition,
    target: str,
    wanted: BookingOutcome,
) -> Booking:
    """Bring a booking that has begun into its last state; its time is nobody's concern any more."""
    booking = await changes.for_change(session, actor, booking_id, precondition)
    _refuse_transition(booking, target)
    if clock.now() < booking.starts_at and not wanted.bypass_rules:
        raise BookingNotStarted(booking.starts_at)
    booking.status, booking.status_reason = target, wanted.reason
    await places.release(session, booking, "done")
    return booking


def _refuse_transition(booking: Booking, target: str) -> None:
    if not rules.may_become(booking.status, target):
        raise BookingState(booking.status, rules.TRANSITIONS[booking.status])


def _refuse_late(booking: Booking, minutes: int | None) -> None:
    until = rules.deadline(booking.starts_at, minutes)
    if clock.now() > until:
        raise PolicyWindow(until)


def _refuse_move(booking: Booking) -> None:
    _refuse_late(booking, booking.policy["reschedule_minutes"])
    limit = booking.policy["max_reschedules"]
    if limit is not None and booking.client_moves >= limit:
        raise RescheduleLimit(limit=limit)


def _wish_to_move(actor: Actor, booking: Booking, wanted: BookingReschedule, asked: moments.Asked) -> Wish:
    """Say where a booking wants to go: with the same host and as long as before, unless told."""
    several = len(booking.provider_ids) > 1
    return Wish(
        start=asked.start,
        minutes=asked.minutes,
        service_id=booking.service_id,
        provider_id=wanted.provider_id or (None if several else booking.provider_id),
        room_id=wanted.room_id,
        seats=booking.seats,
        ignoring=booking.id,
        agreed_minutes=int((booking.ends_at - booking.starts_at) / timedelta(minutes=1)),
        agreed_room=booking.room_id,
        bypass=wanted.bypass_rules,
        from_outside=not actor.is_firm,
    )


def _move(booking: Booking, taken: Terms, wanted: BookingReschedule) -> None:
    booking.starts_at, booking.ends_at = taken.starts_at, taken.ends_at
    booking.provider_id, booking.provider_ids = taken.provider_ids[0], list(taken.provider_ids)
    booking.room_id, booking.occurrence_id = taken.room_id, taken.occurrence_id
    booking.buffer_before, booking.buffer_after = taken.promise.buffer_before, taken.promise.buffer_after
    booking.schedule_zone = taken.promise.schedule_zone
    booking.wall_start = rules.wall_time(taken.starts_at, taken.promise.schedule_zone)
    booking.time_zone = wanted.time_zone or booking.time_zone
    booking.reschedule_count += 1
    booking.sequence += 1


_WHY = Text("Di por qué.", "Say why.")
_OTHER_TIME = Text(
    "La reserva provisional es de otra hora; quita start o usa la suya.",
    "The hold is of another time; leave start out or use its own.",
)
