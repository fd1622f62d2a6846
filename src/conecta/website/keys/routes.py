"""`/publishable-keys`: keys for the firm's own website (extension scope `admin`)."""

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
from .schemas import PublishableKeyCreate, PublishableKeyFilters, PublishableKeyRead, PublishableKeyUpdate

router = native_router("/publishable-keys", tag="Web del despacho")

KeysAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[PublishableKeyRead], summary="Listar claves publicables")
async def list_publishable_keys(
    caller: KeysAdmin,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[PublishableKeyFilters, query_of(PublishableKeyFilters)],
) -> Response:
    """The firm's publishable keys, newest first, revoked ones too."""
    return pager.respond(await service.list_keys(reads, pager, tenant_id=caller.tenant_id, filters=filters))


@router.post("", response_model=PublishableKeyRead, status_code=201, summary="Crear clave publicable")
async def create_publishable_key(
    caller: KeysAdmin, session: DbSession, wanted: PublishableKeyCreate
) -> Response:
    """Create a key that the firm's website may carry: it opens `/public/*` alone, from its origins."""
    new_id, (text, version) = await service.create_key(session, caller=caller, wanted=wanted)
    location = f"{API_PREFIX}/publishable-keys/{new_id}"
    return json_object(text, etag=etag(version), status=201, location=location)


@router.get("/{uuid}", response_model=PublishableKeyRead, summary="Detalle de una clave publicable")
async def read_publishable_key(caller: KeysAdmin, reads: DbReads, uuid: str) -> Response:
    """One publishable key."""
    text, version = await service.read_key(reads, tenant_id=caller.tenant_id, key_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=PublishableKeyRead, summary="Actualizar clave publicable")
async def update_publishable_key(
    caller: KeysAdmin, session: DbSession, uuid: str, wanted: PublishableKeyUpdate, if_match: IfMatch
) -> Response:
    """Change its name or its origins."""
    text, version = await service.update_key(
        session, caller=caller, key_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Revocar clave publicable")
async def revoke_publishable_key(caller: KeysAdmin, session: DbSession, uuid: str) -> Response:
    """Stop a key from working at once."""
    await service.revoke_key(session, caller=caller, key_id=uuid)
    return Response(status_code=204)
