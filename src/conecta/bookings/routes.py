"""`/bookings`: the firm's appointments."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .actors import Actor, Sender
from .read_schemas import BookingRead
from .schemas import (
    BookingChange,
    BookingCreate,
    BookingFilters,
    BookingOutcome,
    BookingReschedule,
    BookingUpdate,
)
from .turns import IN_TURN

router = native_router("/bookings", tag="Citas")

# A client of the firm may read and make their own bookings, and confirm, move and cancel them within policy.
BookingsRead = Annotated[Caller, require(Scope.BOOKINGS_READ, clients=True)]
BookingsWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE, clients=True)]
# Only the firm corrects a booking and says what became of it.
BookingsMark = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


async def _sender(request: Request) -> Sender:
    return Sender(request.app.state.keyring, request.scope["state"]["base_url"])


BookingSender = Annotated[Sender, Depends(_sender)]


@router.get("", response_model=Page[BookingRead], summary="Listar citas")
async def list_bookings(
    caller: BookingsRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[Any, query_of(BookingFilters)],
) -> Response:
    """Bookings of the firm in every state, the latest start first."""
    return pager.respond(await service.list_bookings(reads, pager, caller=caller, filters=filters))


@router.post("", response_model=BookingRead, status_code=201, summary="Crear cita", dependencies=[IN_TURN])
async def create_booking(
    caller: BookingsWrite, session: DbSession, sender: BookingSender, wanted: BookingCreate
) -> Response:
    """Book a time of a service, a held time (`hold_id`), or, for the firm, a free appointment.

    Every rule is checked again inside the transaction. A time that somebody has is a 409 with the next three
    free ones in `next_slots`; a time that a rule excludes is a 422 whose `code` is the rule. Emits
    `booking.created`.
    """
    actor = Actor.of(caller)
    new_id, (text, version) = await service.create(session, sender, actor=actor, wanted=wanted)
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/bookings/{new_id}")


@router.get("/{uuid}", response_model=BookingRead, summary="Detalle de cita")
async def read_booking(caller: BookingsRead, reads: DbReads, uuid: str) -> Response:
    """One booking, in whatever state."""
    text, version = await service.read_booking(reads, actor=Actor.of(caller), booking_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=BookingRead, summary="Actualizar cita", dependencies=[IN_TURN])
async def update_booking(
    caller: BookingsMark, session: DbSession, uuid: str, wanted: BookingUpdate, if_match: IfMatch
) -> Response:
    """Correct what a booking says, in whatever state: notes, case, place and your own data.

    Nobody is written to and no event is emitted; the history says which members changed.
    """
    text, version = await service.update(
        session, actor=Actor.of(caller), booking_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/cancel", response_model=BookingRead, summary="Cancelar cita", dependencies=[IN_TURN])
async def cancel_booking(
    caller: BookingsWrite,
    session: DbSession,
    sender: BookingSender,
    uuid: str,
    if_match: IfMatch,
    wanted: BookingChange | None = None,
) -> Response:
    """Cancel a booking for good; a client may until the limit of its policy. Emits `booking.cancelled`."""
    actor, wanted = Actor.of(caller), wanted or BookingChange()
    text, version = await service.cancel(
        session, sender, actor=actor, booking_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post(
    "/{uuid}/reschedule", response_model=BookingRead, summary="Reprogramar cita", dependencies=[IN_TURN]
)
async def reschedule_booking(
    caller: BookingsWrite,
    session: DbSession,
    sender: BookingSender,
    uuid: str,
    if_match: IfMatch,
    wanted: BookingReschedule,
) -> Response:
    """Move a booking; a client may within the limits of its policy. Emits `booking.rescheduled`."""
    actor = Actor.of(caller)
    text, version = await service.reschedule(
        session, sender, actor=actor, booking_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/confirm", response_model=BookingRead, summary="Confirmar cita", dependencies=[IN_TURN])
async def confirm_booking(
    caller: BookingsWrite,
    session: DbSession,
    sender: BookingSender,
    uuid: str,
    if_match: IfMatch,
    wanted: BookingChange | None = None,
) -> Response:
    """Confirm a booking that is pending: its client or the firm. Emits `booking.confirmed`."""
    actor, wanted = Actor.of(caller), wanted or BookingChange()
    text, version = await service.confirm(
        session, sender, actor=actor, booking_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post(
    "/{uuid}/complete",
    response_model=BookingRead,
    summary="Marcar cita como celebrada",
    dependencies=[IN_TURN],
)
async def complete_booking(
    caller: BookingsMark,
    session: DbSession,
    sender: BookingSender,
    uuid: str,
    if_match: IfMatch,
    wanted: BookingOutcome | None = None,
) -> Response:
    """Note that a booking took place; also corrects a no-show. Emits `booking.completed`."""
    actor, wanted = Actor.of(caller), wanted or BookingOutcome()
    text, version = await service.complete(
        session, sender, actor=actor, booking_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post(
    "/{uuid}/no-show", response_model=BookingRead, summary="Marcar que no se presentó", dependencies=[IN_TURN]
)
async def mark_no_show(
    caller: BookingsMark,
    session: DbSession,
    sender: BookingSender,
    uuid: str,
    if_match: IfMatch,
    wanted: BookingOutcome | None = None,
) -> Response:
    """Note that nobody came; also corrects a completed booking. Emits `booking.no_show`."""
    actor, wanted = Actor.of(caller), wanted or BookingOutcome()
    text, version = await service.no_show(
        session, sender, actor=actor, booking_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))
