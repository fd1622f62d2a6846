"""`/case-categories`: the firm's catalogue of matters."""

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
from .schemas import CategoryCreate, CategoryFilters, CategoryRead, CategoryUpdate

router = native_router("/case-categories", tag="Expedientes")

# The catalogue holds names only, so that a client's app may show them.
CategoriesRead = Annotated[Caller, require(Scope.CASES_READ, clients=True)]
CategoriesWrite = Annotated[Caller, require(Scope.CASES_WRITE)]


@router.get("", response_model=Page[CategoryRead], summary="Listar categorías de expediente")
async def list_categories(
    caller: CategoriesRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[CategoryFilters, query_of(CategoryFilters)],
) -> Response:
    """The catalogue in the firm's order, archived categories too."""
    page = await service.list_categories(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=CategoryRead, status_code=201, summary="Crear categoría de expediente")
async def create_category(caller: CategoriesWrite, session: DbSession, wanted: CategoryCreate) -> Response:
    """Add a category. A code that exists, active or archived, is a 409."""
    text, version = await service.create_category(session, tenant_id=caller.tenant_id, wanted=wanted)
    location = f"{API_PREFIX}/case-categories/{wanted.code}"
    return json_object(text, etag=etag(version), status=201, location=location)


@router.get("/{code}", response_model=CategoryRead, summary="Detalle de categoría de expediente")
async def read_category(caller: CategoriesRead, reads: DbReads, code: str) -> Response:
    """One category, archived or not."""
    text, version = await service.read_category(reads, tenant_id=caller.tenant_id, code=code)
    return json_object(text, etag=etag(version))


@router.patch("/{code}", response_model=CategoryRead, summary="Actualizar o archivar categoría de expediente")
async def update_category(
    caller: CategoriesWrite, session: DbSession, code: str, wanted: CategoryUpdate, if_match: IfMatch
) -> Response:
    """Rename, move, archive (`active: false`) or bring back; its cases keep it in any event."""
    text, version = await service.update_category(
        session, tenant_id=caller.tenant_id, code=code, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))
