"""`/availability` and `/calendar`: when there is time, and what takes it."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit import clock
from conecta.kit.etags import etag
from conecta.kit.pages import json_object
from conecta.kit.routing import DbReads, native_router, query_of

from . import asking, service
from .schemas import CalendarQuery, CalendarRead, FreeTimeQuery, FreeTimeRead, SlotsQuery, SlotsRead


async def _known_tag(request: Request) -> str:
    # Looked at before anything is computed; whether it holds is decided where the answer is written.
    return ", ".join(request.headers.getlist("if-none-match"))


KnownTag = Annotated[str, Depends(_known_tag)]

router = native_router("", tag="Disponibilidad")

# A client of the firm asks about public services only.
AvailabilityRead = Annotated[Caller, require(Scope.BOOKINGS_READ, clients=True)]
CalendarOfFirm = Annotated[Caller, require(Scope.BOOKINGS_READ)]


@router.get("/availability", response_model=FreeTimeRead, summary="Consultar disponibilidad")
async def read_availability(
    caller: AvailabilityRead, reads: DbReads, known: KnownTag, query: Annotated[Any, query_of(FreeTimeQuery)]
) -> Response:
    """Free time in ranges: merged, by day and by provider, for at most 62 days."""
    now = clock.now()
    wanted = asking.query_of(query, caller, now)
    tag, text = await service.free_text(
        reads, tenant_id=caller.tenant_id, query=wanted, now=now, known_tag=known
    )
    return json_object(text or "", etag=etag(tag))


@router.get("/availability/slots", response_model=SlotsRead, summary="Slots disponibles por fecha")
async def list_slots(
    caller: AvailabilityRead, reads: DbReads, known: KnownTag, query: Annotated[Any, query_of(SlotsQuery)]
) -> Response:
    """Free starts of a service or a provider; `explain=1&at=…` names the rule that excludes a moment."""
    now = clock.now()
    wanted, at = asking.query_of(query, caller, now), asking.moment_of(query, caller)
    tag, text = await service.slots_text(
        reads, tenant_id=caller.tenant_id, query=wanted, now=now, at=at, known_tag=known
    )
    return json_object(text or "", etag=None if at else etag(tag))


@router.get("/calendar", response_model=CalendarRead, summary="Consultar el calendario")
async def list_calendar_entries(
    caller: CalendarOfFirm, reads: DbReads, query: Annotated[Any, query_of(CalendarQuery)]
) -> Response:
    """Bookings, holds, absences and holidays of at most 62 days, in one shape."""
    period = asking.period_of(query, caller, clock.now())
    text = await service.calendar_text(
        reads, tenant_id=caller.tenant_id, period=period, who=query.provider_id, room=query.room_id
    )
    return json_object(text)
