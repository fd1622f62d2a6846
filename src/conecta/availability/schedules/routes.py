"""`/schedules`: working hours and the dates that differ from them."""

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
from .schemas import (
    OverrideFilters,
    OverrideRead,
    OverrideWrite,
    ScheduleCreate,
    ScheduleFilters,
    ScheduleRead,
    ScheduleUpdate,
)

router = native_router("/schedules", tag="Disponibilidad")

SchedulesRead = Annotated[Caller, require(Scope.BOOKINGS_READ)]
SchedulesWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.get("", response_model=Page[ScheduleRead], summary="Listar horarios")
async def list_schedules(
    caller: SchedulesRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[ScheduleFilters, query_of(ScheduleFilters)],
) -> Response:
    """The firm's schedules and its members'."""
    page = await service.list_schedules(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=ScheduleRead, status_code=201, summary="Crear horario")
async def create_schedule(caller: SchedulesWrite, session: DbSession, wanted: ScheduleCreate) -> Response:
    """Add weekly hours of a member or of the firm. Spans may reach past midnight and may not overlap."""
    new_id, (text, version) = await service.create_schedule(session, caller=caller, wanted=wanted)
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/schedules/{new_id}")


@router.get("/{uuid}", response_model=ScheduleRead, summary="Detalle de horario")
async def read_schedule(caller: SchedulesRead, reads: DbReads, uuid: str) -> Response:
    """One schedule."""
    text, version = await service.read_schedule(reads, tenant_id=caller.tenant_id, schedule_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=ScheduleRead, summary="Actualizar horario")
async def update_schedule(
    caller: SchedulesWrite, session: DbSession, uuid: str, wanted: ScheduleUpdate, if_match: IfMatch
) -> Response:
    """Change some members; `weekly` replaces the whole week. Bookings made already stay."""
    text, version = await service.update_schedule(
        session, tenant_id=caller.tenant_id, schedule_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Borrar horario")
async def delete_schedule(
    caller: SchedulesWrite, session: DbSession, uuid: str, if_match: IfMatch
) -> Response:
    """Delete a schedule that no service and no room uses; the firm's default cannot go."""
    await service.delete_schedule(
        session, tenant_id=caller.tenant_id, schedule_id=uuid, precondition=if_match
    )
    return Response(status_code=204)


@router.get(
    "/{uuid}/overrides", response_model=Page[OverrideRead], summary="Listar fechas con horario propio"
)
async def list_overrides(
    caller: SchedulesRead,
    reads: DbReads,
    pager: ListPager,
    uuid: str,
    filters: Annotated[OverrideFilters, query_of(OverrideFilters)],
) -> Response:
    """Dates whose hours are not those of the week."""
    page = await service.list_overrides(
        reads, pager, tenant_id=caller.tenant_id, schedule_id=uuid, filters=filters
    )
    return pager.respond(page)


@router.put("/{uuid}/overrides/{date}", response_model=OverrideRead, summary="Fijar el horario de una fecha")
async def put_override(
    caller: SchedulesWrite, session: DbSession, uuid: str, date: str, wanted: OverrideWrite, if_match: IfMatch
) -> Response:
    """Give a date its own hours, stronger than holidays, absences and the week; no span: unavailable."""
    text, version = await service.put_override(
        session, tenant_id=caller.tenant_id, schedule_id=uuid, day=date, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.delete(
    "/{uuid}/overrides/{date}",
    status_code=204,
    response_class=Response,
    summary="Quitar el horario de una fecha",
)
async def delete_override(
    caller: SchedulesWrite, session: DbSession, uuid: str, date: str, if_match: IfMatch
) -> Response:
    """Let a date have the hours of its week again."""
    await service.delete_override(
        session, tenant_id=caller.tenant_id, schedule_id=uuid, day=date, precondition=if_match
    )
    return Response(status_code=204)
