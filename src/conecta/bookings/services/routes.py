"""`/booking-services`: what can be booked."""

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
from .read_schemas import ServiceFilters, ServiceRead
from .schemas import ServiceCreate, ServiceUpdate

router = native_router("/booking-services", tag="Servicios y salas")

# A client of the firm may read the services they may book.
ServicesRead = Annotated[Caller, require(Scope.BOOKINGS_READ, clients=True)]
ServicesWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.get("", response_model=Page[ServiceRead], summary="Listar servicios reservables")
async def list_services(
    caller: ServicesRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[ServiceFilters, query_of(ServiceFilters)],
) -> Response:
    """Services by name, inactive ones too; a client of the firm sees those they may book."""
    page = await service.list_services(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=ServiceRead, status_code=201, summary="Crear servicio reservable")
async def create_service(caller: ServicesWrite, session: DbSession, wanted: ServiceCreate) -> Response:
    """Add a service; only its name is needed. A slug that exists is a 409."""
    new_id, (text, version) = await service.create_service(session, tenant_id=caller.tenant_id, wanted=wanted)
    location = f"{API_PREFIX}/booking-services/{new_id}"
    return json_object(text, etag=etag(version), status=201, location=location)


@router.get("/{uuid}", response_model=ServiceRead, summary="Detalle de servicio reservable")
async def read_service(caller: ServicesRead, reads: DbReads, uuid: str) -> Response:
    """One service."""
    text, version = await service.read_service(reads, tenant_id=caller.tenant_id, service_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=ServiceRead, summary="Actualizar servicio reservable")
async def update_service(
    caller: ServicesWrite, session: DbSession, uuid: str, wanted: ServiceUpdate, if_match: IfMatch
) -> Response:
    """Change some members; `hosts` and `room_ids` replace all, `policy` only what it gives."""
    text, version = await service.update_service(
        session, tenant_id=caller.tenant_id, service_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))
