"""`/users`: the members of the firm, whom cases and bookings point at."""

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
from .schemas import UserCreate, UserFilters, UserRead, UserUpdate

router = native_router("/users", tag="Usuarios")

UsersAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[UserRead], summary="Listar miembros de la firma")
async def list_users(
    caller: UsersAdmin,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[UserFilters, query_of(UserFilters)],
) -> Response:
    """Members of the firm; `role=provider` gives lawyers and advisers."""
    return pager.respond(await service.list_users(reads, pager, tenant_id=caller.tenant_id, filters=filters))


@router.get("/{uuid}", response_model=UserRead, summary="Detalle de un miembro")
async def read_user(caller: UsersAdmin, reads: DbReads, uuid: str) -> Response:
    """One member of the firm."""
    text, version = await service.read_user(reads, tenant_id=caller.tenant_id, user_id=uuid)
    return json_object(text, etag=etag(version))


@router.post("", response_model=UserRead, status_code=201, summary="Añadir miembro")
async def create_user(
    caller: UsersAdmin, session: DbSession, request: Request, wanted: UserCreate
) -> Response:
    """Add a member to the firm; providers, admins and owners may be assigned to cases."""
    new_id, (text, version) = await service.create_user(
        session, request.app.state.database, caller=caller, wanted=wanted
    )
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/users/{new_id}")


@router.patch("/{uuid}", response_model=UserRead, summary="Actualizar miembro")
async def update_user(
    caller: UsersAdmin, session: DbSession, uuid: str, wanted: UserUpdate, if_match: IfMatch
) -> Response:
    """Change name or role, or set `active` to false when somebody leaves."""
    text, version = await service.update_user(
        session, caller=caller, user_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))
