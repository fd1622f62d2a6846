"""`/events` and `/event-types`: what happened, for whoever would rather ask than be told."""

import json
from functools import cache
from typing import Annotated, Any

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import DbReads, native_router, query_of
from conecta.kit.schemas import Page, ReadSchema

from . import service
from .catalogue import CATALOGUE
from .schemas import EventFilters, EventRead, EventTypeRead, FeedParams, FeedRead
from .types import EventType

router = native_router("", tag="Eventos")

EventsRead = Annotated[Caller, require(Scope.WEBHOOKS)]


@router.get("/events", response_model=Page[EventRead], summary="Listar eventos")
async def list_events(
    caller: EventsRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[EventFilters, query_of(EventFilters)],
) -> Response:
    """What happened in the firm, newest first, as it was sent to webhooks. Trial examples are left out."""
    return pager.respond(await service.list_events(reads, pager, tenant_id=caller.tenant_id, filters=filters))


@router.get("/events/feed", response_model=FeedRead, summary="Canal de eventos por cursor")
async def read_feed(
    caller: EventsRead,
    reads: DbReads,
    request: Request,
    params: Annotated[FeedParams, query_of(FeedParams)],
) -> Response:
    """Events in the order of their transactions, oldest first; poll with the `next_cursor` of each answer.

    No event ever appears behind a cursor: what is still being written comes when it is done. The order
    may thus differ from that of `created`. `type` may change between calls; the cursor keeps its place.
    """
    page = await service.feed(reads, request.app.state.keyring, tenant_id=caller.tenant_id, params=params)
    more, cursor = json.dumps(page.has_more), json.dumps(page.next_cursor)
    return json_object(f'{{"data":[{",".join(page.payloads)}],"has_more":{more},"next_cursor":{cursor}}}')


@router.get("/events/{uuid}", response_model=EventRead, summary="Detalle de un evento")
async def read_event(caller: EventsRead, reads: DbReads, uuid: str) -> Response:
    """One event: the very bytes of its deliveries."""
    return json_object(await service.read_event(reads, tenant_id=caller.tenant_id, event_id=uuid))


@router.get("/event-types", response_model=Page[EventTypeRead], summary="Catálogo de eventos")
async def list_event_types(_caller: EventsRead) -> Response:
    """Every type of event, with an example and the JSON Schema of its `data`. The list is always whole."""
    rows = [_entry(event) for event in CATALOGUE]
    return json_object(json.dumps({"data": rows, "has_more": False, "next_cursor": None}, ensure_ascii=False))


def _entry(event: EventType) -> dict[str, Any]:
    return {
        "name": event.name,
        "description": str(event.sentence),
        "example": dict(event.example),
        "data_schema": _schema(event.payload),
    }


@cache
def _schema(payload: type[ReadSchema]) -> dict[str, Any]:
    return payload.model_json_schema(mode="serialization")
