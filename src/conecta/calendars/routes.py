"""`/calendar-connections`: members' calendars at Google and Microsoft, kept in step."""

import json
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.bookings.service import IN_TURN, Sender
from conecta.kit import clock
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import (
    CalendarAuthorization,
    CalendarAuthorize,
    ChangeDecision,
    ConnectionFilters,
    ConnectionRead,
    ConnectionUpdate,
)

router = native_router("/calendar-connections", tag="Calendario")

BookingsRead = Annotated[Caller, require(Scope.BOOKINGS_READ)]
BookingsWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.get("", response_model=Page[ConnectionRead], summary="Listar calendarios conectados")
async def list_connections(
    caller: BookingsRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[ConnectionFilters, query_of(ConnectionFilters)],
) -> Response:
    """The firm's connections; a member sees their own."""
    return pager.respond(await service.list_connections(reads, pager, caller=caller, filters=filters))


@router.post(
    "/authorize",
    response_model=CalendarAuthorization,
    summary="Obtener el enlace para conectar un calendario",
)
async def authorize(
    caller: BookingsWrite, reads: DbReads, request: Request, wanted: CalendarAuthorize
) -> Response:
    """Where to send the member's browser; the connection is made when they come back from there."""
    url, expires_at = await service.authorize(reads, _setup(request), caller=caller, wanted=wanted)
    answer = json_object(json.dumps({"authorize_url": url, "expires_at": clock.wire(expires_at)}))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/{uuid}", response_model=ConnectionRead, summary="Detalle de un calendario conectado")
async def read_connection(caller: BookingsRead, reads: DbReads, uuid: str) -> Response:
    """One connection."""
    return json_object(await service.read_connection(reads, caller=caller, connection_id=uuid))


@router.patch("/{uuid}", response_model=ConnectionRead, summary="Actualizar un calendario conectado")
async def update_connection(
    caller: BookingsWrite, session: DbSession, uuid: str, wanted: ConnectionUpdate
) -> Response:
    """Choose the calendars, and what becomes of bookings that are moved or deleted there."""
    text = await service.update_connection(session, caller=caller, connection_id=uuid, wanted=wanted)
    return json_object(text)


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Desconectar un calendario")
async def end_connection(caller: BookingsWrite, session: DbSession, uuid: str) -> Response:
    """Stop following an account. Events of bookings that are there already stay as they are."""
    await service.end_connection(session, caller=caller, connection_id=uuid)
    return Response(status_code=204)


@router.post("/{uuid}/sync", response_model=ConnectionRead, summary="Sincronizar un calendario ahora")
async def sync_now(caller: BookingsWrite, session: DbSession, uuid: str) -> Response:
    """Have it read at once; `last_synced_at` tells when that is done."""
    return json_object(await service.sync_now(session, caller=caller, connection_id=uuid))


@router.post(
    "/{uuid}/changes/{booking}",
    response_model=ConnectionRead,
    summary="Decidir sobre una cita movida fuera",
    dependencies=[IN_TURN],
)
async def decide(
    caller: BookingsWrite,
    session: DbSession,
    request: Request,
    uuid: str,
    booking: str,
    wanted: ChangeDecision,
) -> Response:
    """Move the booking where its event was moved, or the event back."""
    state = request.app.state
    sender = Sender(state.keyring, state.settings.base_url)
    text = await service.decide(
        session, sender, caller=caller, connection_id=uuid, booking_id=booking, wanted=wanted
    )
    return json_object(text)


def _setup(request: Request) -> service.Setup:
    state = request.app.state
    return service.Setup(state.database, state.keyring, state.settings)
