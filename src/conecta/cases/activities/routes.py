"""`/cases/{uuid}/activities`: what happened to a case."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import ListPager
from conecta.kit.routing import DbReads, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import ActivityFilters, ActivityRead

router = native_router("/cases/{uuid}/activities", tag="Expedientes")

# A client of the firm may read those parts of the timeline of their own cases that concern them.
ActivitiesRead = Annotated[Caller, require(Scope.CASES_READ, clients=True)]


@router.get("", response_model=Page[ActivityRead], summary="Historial de actividad")
async def list_activities(
    caller: ActivitiesRead,
    reads: DbReads,
    pager: ListPager,
    uuid: str,
    filters: Annotated[ActivityFilters, query_of(ActivityFilters)],
) -> Response:
    """What happened to a case and who did it, newest first; lines are added and never changed."""
    page = await service.list_activities(reads, pager, caller=caller, case_id=uuid, filters=filters)
    return pager.respond(page)
