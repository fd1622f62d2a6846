"""`/clients`: people and companies the firm works for."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import ClientCreate, ClientFilters, ClientRead, ClientUpdate

router = native_router("/clients", tag="Clientes")

# A client of the firm may read their own row: the tenant's second policy narrows it.
ClientsRead = Annotated[Caller, require(Scope.CLIENTS_READ, clients=True)]
ClientsWrite = Annotated[Caller, require(Scope.CLIENTS_WRITE)]


@router.get("", response_model=Page[ClientRead], summary="Listar clientes")
async def list_clients(
    caller: ClientsRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[ClientFilters, query_of(ClientFilters)],
) -> Response:
    """Clients of the firm, newest first; archived ones only when asked for."""
    page = await service.list_clients(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=ClientRead, status_code=201, summary="Crear cliente")
async def create_client(caller: ClientsWrite, session: DbSession, wanted: ClientCreate) -> Response:
    """Create a person or a company. A tax id that another client has is a 409 that names it."""
    new_id, (text, version) = await service.create_client(session, tenant_id=caller.tenant_id, wanted=wanted)
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/clients/{new_id}")


@router.get("/{uuid}", response_model=ClientRead, summary="Detalle de cliente")
async def read_client(caller: ClientsRead, reads: DbReads, uuid: str) -> Response:
    """One client, archived or not."""
    text, version = await service.read_client(reads, tenant_id=caller.tenant_id, client_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=ClientRead, summary="Actualizar cliente")
async def update_client(
    caller: ClientsWrite, session: DbSession, uuid: str, wanted: ClientUpdate, if_match: IfMatch
) -> Response:
    """Change some members; what is absent stays, null empties, `custom_fields` are merged by key."""
    text, version = await service.update_client(
        session, tenant_id=caller.tenant_id, client_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/archive", response_model=ClientRead, summary="Archivar cliente")
async def archive_client(caller: ClientsWrite, session: DbSession, uuid: str, if_match: IfMatch) -> Response:
    """Hide a client from lists; its cases stay as they are."""
    text, version = await service.archive_client(
        session, tenant_id=caller.tenant_id, client_id=uuid, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/restore", response_model=ClientRead, summary="Restaurar cliente")
async def restore_client(caller: ClientsWrite, session: DbSession, uuid: str, if_match: IfMatch) -> Response:
    """Bring an archived client back."""
    text, version = await service.restore_client(
        session, tenant_id=caller.tenant_id, client_id=uuid, precondition=if_match
    )
    return json_object(text, etag=etag(version))
