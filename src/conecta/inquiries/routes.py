"""`/inquiries`: what somebody who may not be a client yet asks the firm."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import InquiryConvert, InquiryCreate, InquiryFilters, InquiryRead, InquiryUpdate

router = native_router("/inquiries", tag="Consultas")

InquiriesRead = Annotated[Caller, require(Scope.CLIENTS_READ)]
InquiriesWrite = Annotated[Caller, require(Scope.CLIENTS_WRITE)]


@router.get("", response_model=Page[InquiryRead], summary="Listar consultas")
async def list_inquiries(
    caller: InquiriesRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[InquiryFilters, query_of(InquiryFilters)],
) -> Response:
    """Inquiries of the firm, newest first; spam only when asked for."""
    page = await service.list_inquiries(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=InquiryRead, status_code=201, summary="Crear consulta")
async def create_inquiry(
    caller: InquiriesWrite, session: DbSession, request: Request, wanted: InquiryCreate
) -> Response:
    """Keep an inquiry that reached the firm by another way. Visitors use `POST /public/inquiries`."""
    keyring = request.app.state.keyring
    new_id, (text, version) = await service.receive(
        session, keyring, tenant_id=caller.tenant_id, asked=wanted, source="api"
    )
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/inquiries/{new_id}")


@router.get("/{uuid}", response_model=InquiryRead, summary="Detalle de consulta")
async def read_inquiry(caller: InquiriesRead, reads: DbReads, uuid: str) -> Response:
    """One inquiry."""
    text, version = await service.read_inquiry(reads, tenant_id=caller.tenant_id, inquiry_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=InquiryRead, summary="Actualizar consulta")
async def update_inquiry(
    caller: InquiriesWrite, session: DbSession, uuid: str, wanted: InquiryUpdate, if_match: IfMatch
) -> Response:
    """Close it, call it spam, or open it again."""
    text, version = await service.update_inquiry(
        session, tenant_id=caller.tenant_id, inquiry_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/convert", response_model=InquiryRead, summary="Convertir consulta en cliente")
async def convert_inquiry(
    caller: InquiriesWrite,
    session: DbSession,
    uuid: str,
    if_match: IfMatch,
    wanted: InquiryConvert | None = None,
) -> Response:
    """Make its author a client, and open a case with it if asked (that needs `write:cases`, too)."""
    text, version = await service.convert_inquiry(
        session, caller=caller, inquiry_id=uuid, wanted=wanted or InquiryConvert(), precondition=if_match
    )
    return json_object(text, etag=etag(version))
