"""`/clients/{uuid}/access`: whether a client of the firm may sign in."""

from typing import Annotated, Any

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.db import SessionReads
from conecta.kit.routing import DbReads, DbSession, native_router

from . import service
from .schemas import AccessRead

router = native_router("/clients/{uuid}/access", tag="Clientes")

AccessReader = Annotated[Caller, require(Scope.CLIENTS_READ)]
AccessWriter = Annotated[Caller, require(Scope.CLIENTS_WRITE)]


@router.get("", response_model=AccessRead, summary="Acceso de un cliente")
async def read_access(caller: AccessReader, reads: DbReads, request: Request, uuid: str) -> dict[str, Any]:
    """Whether the client may sign in to the portal and to the firm's own app, and when they last did."""
    base_url = request.app.state.settings.base_url
    return await service.read_access(reads, tenant_id=caller.tenant_id, client_id=uuid, base_url=base_url)


@router.post("", response_model=AccessRead, status_code=201, summary="Invitar a un cliente")
async def invite_client(
    caller: AccessWriter, session: DbSession, request: Request, uuid: str
) -> dict[str, Any]:
    """Mail the client a link to sign in with. Again for one who has lost it, or was shut out."""
    state = request.app.state
    base_url = state.settings.base_url
    return await service.invite(
        session, state.database, state.keyring, caller=caller, client_id=uuid, base_url=base_url
    )


@router.delete("", status_code=204, response_class=Response, summary="Retirar el acceso de un cliente")
async def revoke_access(caller: AccessWriter, session: DbSession, request: Request, uuid: str) -> Response:
    """Shut a client out: their sessions and apps stop within a minute. An invitation lets them in again."""
    database = request.app.state.database
    await service.revoke(SessionReads(session), database, caller=caller, client_id=uuid)
    return Response(status_code=204)
