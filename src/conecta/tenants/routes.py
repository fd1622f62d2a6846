"""`/tenant`: the firm's own account; `/sandbox/clock`: the test clock of its sandbox."""

from typing import Annotated, Any

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import json_object
from conecta.kit.routing import DbReads, DbSession, native_router

from . import service
from .schemas import ClockMove, ClockRead, TenantRead, TenantUpdate

router = native_router("", tag="Cuenta")

TenantAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("/tenant", response_model=TenantRead, summary="Datos de la firma")
async def read_tenant(caller: TenantAdmin, reads: DbReads) -> Response:
    """The account the credential belongs to: the firm, or its sandbox."""
    text, version = await service.read_tenant(reads, tenant_id=caller.tenant_id)
    return json_object(text, etag=etag(version))


@router.patch("/tenant", response_model=TenantRead, summary="Actualizar datos de la firma")
async def update_tenant(
    caller: TenantAdmin, session: DbSession, wanted: TenantUpdate, if_match: IfMatch
) -> Response:
    """Change the firm's name, tax id, language, zone, case numbers, or who of its clients may sign in."""
    text, version = await service.update_tenant(session, caller=caller, wanted=wanted, precondition=if_match)
    return json_object(text, etag=etag(version))


@router.get("/sandbox/clock", response_model=ClockRead, summary="Reloj de pruebas")
async def read_clock(caller: TenantAdmin) -> dict[str, Any]:
    """The sandbox's time; for a live key simply the real time."""
    return service.clock_of(caller)


@router.put("/sandbox/clock", response_model=ClockRead, summary="Mover el reloj de pruebas")
async def move_clock(caller: TenantAdmin, session: DbSession, wanted: ClockMove) -> dict[str, Any]:
    """Move the sandbox's clock forward: dates, numbers by year and waiting webhook retries follow it."""
    return await service.move_clock(session, caller=caller, wanted=wanted)
