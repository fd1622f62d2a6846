"""`/holiday-calendars`: which days a place keeps."""

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
    HolidayCalendarCreate,
    HolidayCalendarFilters,
    HolidayCalendarRead,
    HolidayCalendarUpdate,
    HolidayCreate,
    HolidayFilters,
    HolidayRead,
    HolidayUpdate,
    YearAdd,
)

router = native_router("/holiday-calendars", tag="Disponibilidad")

HolidaysRead = Annotated[Caller, require(Scope.BOOKINGS_READ)]
HolidaysWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.get("", response_model=Page[HolidayCalendarRead], summary="Listar calendarios de festivos")
async def list_holiday_calendars(
    caller: HolidaysRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[HolidayCalendarFilters, query_of(HolidayCalendarFilters)],
) -> Response:
    """The firm's calendars; every firm starts with the national days."""
    page = await service.list_calendars(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=HolidayCalendarRead, status_code=201, summary="Crear calendario de festivos")
async def create_holiday_calendar(
    caller: HolidaysWrite, session: DbSession, wanted: HolidayCalendarCreate
) -> Response:
    """Add a calendar, filled with the official days of its region for this year and the next."""
    new_id, (text, version) = await service.create_calendar(
        session, tenant_id=caller.tenant_id, wanted=wanted
    )
    location = f"{API_PREFIX}/holiday-calendars/{new_id}"
    return json_object(text, etag=etag(version), status=201, location=location)


@router.get("/{uuid}", response_model=HolidayCalendarRead, summary="Detalle de calendario de festivos")
async def read_holiday_calendar(caller: HolidaysRead, reads: DbReads, uuid: str) -> Response:
    """One calendar, without its days."""
    text, version = await service.read_calendar(reads, tenant_id=caller.tenant_id, calendar_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=HolidayCalendarRead, summary="Actualizar calendario de festivos")
async def update_holiday_calendar(
    caller: HolidaysWrite, session: DbSession, uuid: str, wanted: HolidayCalendarUpdate, if_match: IfMatch
) -> Response:
    """Rename it or make it the default; another region is another calendar."""
    text, version = await service.update_calendar(
        session, tenant_id=caller.tenant_id, calendar_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Borrar calendario de festivos")
async def delete_holiday_calendar(
    caller: HolidaysWrite, session: DbSession, uuid: str, if_match: IfMatch
) -> Response:
    """Delete a calendar that no schedule keeps; the default one cannot go."""
    await service.delete_calendar(
        session, tenant_id=caller.tenant_id, calendar_id=uuid, precondition=if_match
    )
    return Response(status_code=204)


@router.post("/{uuid}/years", response_model=HolidayCalendarRead, summary="Añadir los festivos de un año")
async def add_holiday_year(caller: HolidaysWrite, session: DbSession, uuid: str, wanted: YearAdd) -> Response:
    """Fill a year in with its official days. Coming years are added by themselves in good time."""
    text, version = await service.add_year(
        session, tenant_id=caller.tenant_id, calendar_id=uuid, wanted=wanted
    )
    return json_object(text, etag=etag(version))


@router.get("/{uuid}/days", response_model=Page[HolidayRead], summary="Listar festivos de un calendario")
async def list_holidays(
    caller: HolidaysRead,
    reads: DbReads,
    pager: ListPager,
    uuid: str,
    filters: Annotated[HolidayFilters, query_of(HolidayFilters)],
) -> Response:
    """The days of a calendar, judicial ones too."""
    page = await service.list_days(
        reads, pager, tenant_id=caller.tenant_id, calendar_id=uuid, filters=filters
    )
    return pager.respond(page)


@router.post("/{uuid}/days", response_model=HolidayRead, status_code=201, summary="Añadir festivo")
async def create_holiday(
    caller: HolidaysWrite, session: DbSession, uuid: str, wanted: HolidayCreate
) -> Response:
    """Add a day: one of the town's two, or one on which the office is closed."""
    calendar_id, new_id, (text, version) = await service.create_day(
        session, tenant_id=caller.tenant_id, calendar_id=uuid, wanted=wanted
    )
    location = f"{API_PREFIX}/holiday-calendars/{calendar_id}/days/{new_id}"
    return json_object(text, etag=etag(version), status=201, location=location)


@router.get("/{uuid}/days/{day}", response_model=HolidayRead, summary="Detalle de festivo")
async def read_holiday(caller: HolidaysRead, reads: DbReads, uuid: str, day: str) -> Response:
    """One day."""
    text, version = await service.read_day(reads, tenant_id=caller.tenant_id, calendar_id=uuid, day_id=day)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}/days/{day}", response_model=HolidayRead, summary="Actualizar festivo")
async def update_holiday(
    caller: HolidaysWrite, session: DbSession, uuid: str, day: str, wanted: HolidayUpdate, if_match: IfMatch
) -> Response:
    """Rename it, confirm it, or work on it after all (`closed: false`)."""
    text, version = await service.update_day(
        session,
        tenant_id=caller.tenant_id,
        calendar_id=uuid,
        day_id=day,
        wanted=wanted,
        precondition=if_match,
    )
    return json_object(text, etag=etag(version))


@router.delete("/{uuid}/days/{day}", status_code=204, response_class=Response, summary="Borrar festivo")
async def delete_holiday(
    caller: HolidaysWrite, session: DbSession, uuid: str, day: str, if_match: IfMatch
) -> Response:
    """Delete a day; one that was filled in comes back when its year is filled in again."""
    await service.delete_day(
        session, tenant_id=caller.tenant_id, calendar_id=uuid, day_id=day, precondition=if_match
    )
    return Response(status_code=204)
