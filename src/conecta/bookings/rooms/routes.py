"""`/rooms`: rooms and other things that only one appointment at a time can have."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import RoomCreate, RoomFilters, RoomRead, RoomUpdate

router = native_router("/rooms", tag="Servicios y salas")

RoomsRead = Annotated[Caller, require(Scope.BOOKINGS_READ)]
RoomsWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.get("", response_model=Page[RoomRead], summary="Listar salas")
async def list_rooms(
    caller: RoomsRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[RoomFilters, query_of(RoomFilters)],
) -> Response:
    """The firm's rooms, those out of use too."""
    page = await service.list_rooms(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=RoomRead, status_code=201, summary="Crear sala")
async def create_room(caller: RoomsWrite, session: DbSession, wanted: RoomCreate) -> Response:
    """Add a room; services that need it name it in `room_ids`."""
    new_id, (text, version) = await service.create_room(session, tenant_id=caller.tenant_id, wanted=wanted)
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/rooms/{new_id}")


@router.get("/{uuid}", response_model=RoomRead, summary="Detalle de sala")
async def read_room(caller: RoomsRead, reads: DbReads, uuid: str) -> Response:
    """One room."""
    text, version = await service.read_room(reads, tenant_id=caller.tenant_id, room_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=RoomRead, summary="Actualizar sala")
async def update_room(
    caller: RoomsWrite, session: DbSession, uuid: str, wanted: RoomUpdate, if_match: IfMatch
) -> Response:
    """Rename it, change its hours, or take it out of use (`active: false`)."""
    text, version = await service.update_room(
        session, tenant_id=caller.tenant_id, room_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))
