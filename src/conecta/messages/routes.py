"""`/messages`: mail and text messages of the firm; in the sandbox, its test mailbox."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import DbReads, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import MessageDetail, MessageFilters, MessageRead

router = native_router("/messages", tag="Mensajes")

MailAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[MessageRead], summary="Listar mensajes")
async def list_messages(
    caller: MailAdmin,
    request: Request,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[MessageFilters, query_of(MessageFilters)],
) -> Response:
    """What the firm wrote, newest first. The sandbox sends nothing: there everything is captured."""
    delivers = request.app.state.settings.delivers
    page = await service.list_messages(
        reads, pager, tenant_id=caller.tenant_id, filters=filters, delivers=delivers
    )
    return pager.respond(page)


@router.get("/{uuid}", response_model=MessageDetail, summary="Detalle de un mensaje")
async def read_message(caller: MailAdmin, request: Request, reads: DbReads, uuid: str) -> Response:
    """One mail or text message. A captured one can be read here; what is sent is not kept."""
    state = request.app.state
    delivers = state.settings.delivers
    text = await service.read_message(
        reads, state.keyring, tenant_id=caller.tenant_id, message_id=uuid, delivers=delivers
    )
    return json_object(text)
