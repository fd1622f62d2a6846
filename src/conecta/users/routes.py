"""`/users`: the members of the firm, whom cases and bookings point at."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import etag
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import DbReads, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import UserFilters, UserRead

router = native_router("/users", tag="Usuarios")

UsersRead = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[UserRead], summary="Listar miembros de la firma")
async def list_users(
    caller: UsersRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[UserFilters, query_of(UserFilters)],
) -> Response:
    """Members of the firm; `role=provider` gives lawyers and advisers."""
    return pager.respond(await service.list_users(reads, pager, tenant_id=caller.tenant_id, filters=filters))


@router.get("/{uuid}", response_model=UserRead, summary="Detalle de un miembro")
async def read_user(caller: UsersRead, reads: DbReads, uuid: str) -> Response:
    """One member of the firm."""
    text, version = await service.read_user(reads, tenant_id=caller.tenant_id, user_id=uuid)
    return json_object(text, etag=etag(version))
