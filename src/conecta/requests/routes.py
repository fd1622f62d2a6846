"""`/requests`: the log of the firm's own calls (extension scope `admin`)."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import DbReads, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import RequestDetail, RequestFilters, RequestRead

router = native_router("/requests", tag="Peticiones")

LogAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[RequestRead], summary="Registro de peticiones")
async def list_requests(
    caller: LogAdmin,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[RequestFilters, query_of(RequestFilters)],
) -> Response:
    """Every call of the firm's credentials in the last 30 days, newest first; it appears within seconds."""
    page = await service.list_requests(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.get("/{request_id}", response_model=RequestDetail, summary="Detalle de una petición")
async def read_request(caller: LogAdmin, reads: DbReads, request_id: str) -> Response:
    """One call by the `X-Request-ID` of its answer, with the masked body and error."""
    return json_object(await service.read_request(reads, tenant_id=caller.tenant_id, request_id=request_id))
