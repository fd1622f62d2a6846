"""`/audit-log`: who did what in the firm, from where (extension scope `admin`)."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import DbReads, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import AuditEntryRead, AuditFilters

router = native_router("/audit-log", tag="Auditoría")

AuditAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[AuditEntryRead], summary="Registro de auditoría")
async def list_audit_entries(
    caller: AuditAdmin,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[AuditFilters, query_of(AuditFilters)],
) -> Response:
    """Security-relevant acts, newest first, kept for two years. Nobody can change or delete an entry."""
    page = await service.list_entries(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.get("/{uuid}", response_model=AuditEntryRead, summary="Detalle de un acto")
async def read_audit_entry(caller: AuditAdmin, reads: DbReads, uuid: str) -> Response:
    """One entry."""
    return json_object(await service.read_entry(reads, tenant_id=caller.tenant_id, entry_id=uuid))
