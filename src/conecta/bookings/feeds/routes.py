"""`/calendar-feeds`: addresses at which calendar programs read the firm's bookings."""

import json
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import CalendarFeedCreate, CalendarFeedCreated, CalendarFeedFilters, CalendarFeedRead

router = native_router("/calendar-feeds", tag="Calendario")

BookingsRead = Annotated[Caller, require(Scope.BOOKINGS_READ)]
BookingsWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.get("", response_model=Page[CalendarFeedRead], summary="Listar calendarios para suscribirse")
async def list_feeds(
    caller: BookingsRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[CalendarFeedFilters, query_of(CalendarFeedFilters)],
) -> Response:
    """The firm's calendar feeds, newest first, revoked ones too."""
    return pager.respond(await service.list_feeds(reads, pager, tenant_id=caller.tenant_id, filters=filters))


@router.post(
    "", response_model=CalendarFeedCreated, status_code=201, summary="Crear un calendario para suscribirse"
)
async def create_feed(
    caller: BookingsWrite, session: DbSession, request: Request, wanted: CalendarFeedCreate
) -> Response:
    """Create a read-only calendar. The answer is the only time that its address is shown."""
    state = request.app.state
    new = await service.create_feed(session, state.keyring, caller=caller, wanted=wanted)
    return _created(new, state.settings.base_url)


@router.delete(
    "/{uuid}", status_code=204, response_class=Response, summary="Revocar un calendario para suscribirse"
)
async def revoke_feed(caller: BookingsWrite, session: DbSession, uuid: str) -> Response:
    """Stop serving a calendar at once."""
    await service.revoke_feed(session, caller=caller, feed_id=uuid)
    return Response(status_code=204)


def _created(new: service.NewFeed, base_url: str) -> Response:
    body = json.loads(new.json_text) | {"url": f"{base_url}/calendars/{new.secret}.ics"}
    answer = json_object(
        json.dumps(body, ensure_ascii=False), status=201, location=f"{API_PREFIX}/calendar-feeds/{new.id}"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
