"""`/oauth-apps`: the applications that the firm has registered with our OAuth2 server (scope `admin`)."""

import json
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
from .schemas import AppCreate, AppCreated, AppFilters, AppRead, AppUpdate, SecretRotation

router = native_router("/oauth-apps", tag="Aplicaciones OAuth")

AppsAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[AppRead], summary="Listar aplicaciones OAuth")
async def list_oauth_apps(
    caller: AppsAdmin,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[AppFilters, query_of(AppFilters)],
) -> Response:
    """The firm's registered apps, newest first."""
    return pager.respond(await service.list_apps(reads, pager, tenant_id=caller.tenant_id, filters=filters))


@router.post("", response_model=AppCreated, status_code=201, summary="Registrar aplicación OAuth")
async def create_oauth_app(
    caller: AppsAdmin, session: DbSession, request: Request, wanted: AppCreate
) -> Response:
    """Register an app. The answer is the only time that `client_secret` is shown."""
    keyring = request.app.state.keyring
    return _created(await service.create_app(session, keyring, caller=caller, wanted=wanted))


@router.get("/{uuid}", response_model=AppRead, summary="Detalle de una aplicación OAuth")
async def read_oauth_app(caller: AppsAdmin, reads: DbReads, uuid: str) -> Response:
    """One app, with hints of its secrets."""
    text, version = await service.read_app(reads, tenant_id=caller.tenant_id, app_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=AppRead, summary="Actualizar aplicación OAuth")
async def update_oauth_app(
    caller: AppsAdmin, session: DbSession, uuid: str, wanted: AppUpdate, if_match: IfMatch
) -> Response:
    """Change an app; whether it is public, and for whom it is, never changes."""
    text, version = await service.update_app(
        session, caller=caller, app_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Eliminar aplicación OAuth")
async def delete_oauth_app(caller: AppsAdmin, session: DbSession, uuid: str) -> Response:
    """Delete an app; its tokens stop within a minute."""
    await service.delete_app(session, caller=caller, app_id=uuid)
    return Response(status_code=204)


@router.post(
    "/{uuid}/secret/rotate", response_model=AppCreated, status_code=201, summary="Renovar el secreto"
)
async def rotate_oauth_app_secret(
    caller: AppsAdmin,
    session: DbSession,
    request: Request,
    uuid: str,
    wanted: SecretRotation | None = None,
) -> Response:
    """Make a new secret; the old one works for the grace period."""
    keyring, how = request.app.state.keyring, wanted or SecretRotation()
    return _created(await service.rotate_secret(session, keyring, caller=caller, app_id=uuid, wanted=how))


def _created(new: service.NewApp) -> Response:
    body = json.dumps(json.loads(new.json_text) | {"client_secret": new.secret}, ensure_ascii=False)
    location = f"{API_PREFIX}/oauth-apps/{new.id}"
    answer = json_object(body, etag=etag(new.version), status=201, location=location)
    answer.headers["Cache-Control"] = "no-store"
    return answer
