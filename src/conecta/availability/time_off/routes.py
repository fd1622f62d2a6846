"""`/time-off`: when a member, a room or the whole firm is not there."""

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
from .schemas import TimeOffCreate, TimeOffFilters, TimeOffRead, TimeOffUpdate

router = native_router("/time-off", tag="Disponibilidad")

TimeOffReadable = Annotated[Caller, require(Scope.BOOKINGS_READ)]
TimeOffWritable = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.get("", response_model=Page[TimeOffRead], summary="Listar ausencias")
async def list_time_off(
    caller: TimeOffReadable,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[TimeOffFilters, query_of(TimeOffFilters)],
) -> Response:
    """Absences of members and rooms, and those of the whole firm."""
    page = await service.list_time_off(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=TimeOffRead, status_code=201, summary="Crear ausencia")
async def create_time_off(caller: TimeOffWritable, session: DbSession, wanted: TimeOffCreate) -> Response:
    """Take time away. Bookings made already stay: cancel or move them yourself."""
    new_id, (text, version) = await service.create_time_off(
        session, tenant_id=caller.tenant_id, wanted=wanted
    )
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/time-off/{new_id}")


@router.get("/{uuid}", response_model=TimeOffRead, summary="Detalle de ausencia")
async def read_time_off(caller: TimeOffReadable, reads: DbReads, uuid: str) -> Response:
    """One absence."""
    text, version = await service.read_time_off(reads, tenant_id=caller.tenant_id, time_off_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=TimeOffRead, summary="Actualizar ausencia")
async def update_time_off(
    caller: TimeOffWritable, session: DbSession, uuid: str, wanted: TimeOffUpdate, if_match: IfMatch
) -> Response:
    """Move it, or say something else about it."""
    text, version = await service.update_time_off(
        session, tenant_id=caller.tenant_id, time_off_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Borrar ausencia")
async def delete_time_off(
    caller: TimeOffWritable, session: DbSession, uuid: str, if_match: IfMatch
) -> Response:
    """Give the time back."""
    await service.delete_time_off(
        session, tenant_id=caller.tenant_id, time_off_id=uuid, precondition=if_match
    )
    return Response(status_code=204)
