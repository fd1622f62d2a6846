"""`/bookings/{uuid}/history`: what happened to a booking."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import ListPager
from conecta.kit.routing import DbReads, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import HistoryFilters, HistoryRead

router = native_router("/bookings/{uuid}/history", tag="Citas")

HistoryReader = Annotated[Caller, require(Scope.BOOKINGS_READ)]


@router.get("", response_model=Page[HistoryRead], summary="Historial de una cita")
async def list_history(
    caller: HistoryReader,
    reads: DbReads,
    pager: ListPager,
    uuid: str,
    filters: Annotated[HistoryFilters, query_of(HistoryFilters)],
) -> Response:
    """What happened to a booking and who did it, in that order; lines are added and never changed."""
    page = await service.list_history(
        reads, pager, tenant_id=caller.tenant_id, booking_id=uuid, filters=filters
    )
    return pager.respond(page)
