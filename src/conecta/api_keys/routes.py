"""`/api-keys`: the firm's own credentials (extension scope `admin`)."""

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
from .schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyFilters, ApiKeyRead, ApiKeyRoll

router = native_router("/api-keys", tag="Claves de API")

KeysAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[ApiKeyRead], summary="Listar claves")
async def list_keys(
    caller: KeysAdmin,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[ApiKeyFilters, query_of(ApiKeyFilters)],
) -> Response:
    """The firm's keys, newest first, revoked ones too. A test key lists those of the sandbox."""
    return pager.respond(await service.list_keys(reads, pager, tenant_id=caller.tenant_id, filters=filters))


@router.post("", response_model=ApiKeyCreated, status_code=201, summary="Crear clave")
async def create_key(
    caller: KeysAdmin, session: DbSession, request: Request, wanted: ApiKeyCreate
) -> Response:
    """Create a key. The answer is the only time that `key` is shown."""
    state = request.app.state
    new = await service.create_key(session, state.database, state.keyring, caller=caller, wanted=wanted)
    return _created(new)


@router.get("/{uuid}", response_model=ApiKeyRead, summary="Detalle de una clave")
async def read_key(caller: KeysAdmin, reads: DbReads, uuid: str) -> Response:
    """One key, with its last use."""
    return json_object(await service.read_key(reads, tenant_id=caller.tenant_id, key_id=uuid))


@router.post("/{uuid}/roll", response_model=ApiKeyCreated, status_code=201, summary="Renovar clave")
async def roll_key(
    caller: KeysAdmin, session: DbSession, request: Request, uuid: str, wanted: ApiKeyRoll | None = None
) -> Response:
    """Replace a key by one with the same rights; the old one works for the grace period."""
    keyring = request.app.state.keyring
    new = await service.roll_key(session, keyring, caller=caller, key_id=uuid, wanted=wanted or ApiKeyRoll())
    return _created(new)


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Revocar clave")
async def revoke_key(caller: KeysAdmin, session: DbSession, uuid: str) -> Response:
    """Stop a key from working at once."""
    await service.revoke_key(session, caller=caller, key_id=uuid)
    return Response(status_code=204)


def _created(new: service.NewKey) -> Response:
    body = json.loads(new.json_text) | {"key": new.secret}
    answer = json_object(
        json.dumps(body, ensure_ascii=False), status=201, location=f"{API_PREFIX}/api-keys/{new.id}"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
