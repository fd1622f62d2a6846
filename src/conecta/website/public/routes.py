"""`/public/*`: what every visitor of the firm's website may call, with a publishable key."""

from typing import Annotated, Any

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.bookings.service import IN_TURN, Sender
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page
from conecta.reviews import service as reviews
from conecta.reviews.service import PublicReviewParams, PublicReviewRead

from . import booking, service
from .schemas import (
    ChallengeRead,
    InquiryReceipt,
    PublicBookingCreate,
    PublicBookingRead,
    PublicFirmRead,
    PublicInquiryCreate,
    PublicServicesRead,
    PublicSlotParams,
    PublicSlotsRead,
)

router = native_router("/public", tag="Web pública")

# Visitors, and whatever else the firm has: what anybody may do, its own programs may.
Visitor = Annotated[Caller, require(None, visitors=True)]


@router.get("/firm", response_model=PublicFirmRead, summary="La firma, para su web")
async def read_public_firm(caller: Visitor, reads: DbReads, request: Request) -> dict[str, Any]:
    """What the firm's website shows of it."""
    base_url = request.app.state.settings.base_url
    return await service.read_firm(reads, tenant_id=caller.tenant_id, base_url=base_url)


@router.get("/challenge", response_model=ChallengeRead, summary="Pedir un reto")
async def read_challenge(caller: Visitor, request: Request) -> dict[str, Any]:
    """A small calculation that a visitor's browser does before it writes: instead of a captcha."""
    return service.new_challenge(request.app.state.keyring, tenant_id=caller.tenant_id)


@router.get("/reviews", response_model=Page[PublicReviewRead], summary="Reseñas publicadas")
async def list_public_reviews(
    caller: Visitor,
    reads: DbReads,
    pager: ListPager,
    params: Annotated[PublicReviewParams, query_of(PublicReviewParams)],
) -> Response:
    """The reviews that the firm has published, newest first."""
    page = await reviews.list_published(reads, pager, tenant_id=caller.tenant_id, params=params)
    return pager.respond(page)


@router.post("/inquiries", response_model=InquiryReceipt, status_code=201, summary="Enviar una consulta")
async def ask_firm(
    caller: Visitor, session: DbSession, request: Request, wanted: PublicInquiryCreate
) -> dict[str, Any]:
    """Ask the firm something; the firm hears of it by mail and by `inquiry.received`."""
    state = request.app.state
    return await service.ask(session, state.keyring, state.limits, caller=caller, wanted=wanted)


@router.get("/services", response_model=PublicServicesRead, summary="Servicios que se pueden reservar")
async def list_public_services(caller: Visitor, reads: DbReads) -> Response:
    """What visitors can book."""
    return json_object(await booking.list_services(reads, tenant_id=caller.tenant_id))


@router.get(
    "/services/{service}/slots", response_model=PublicSlotsRead, summary="Horas libres de un servicio"
)
async def list_public_slots(
    caller: Visitor, reads: DbReads, service: str, params: Annotated[Any, query_of(PublicSlotParams)]
) -> dict[str, Any]:
    """The free times of a service, by slug or id, in the days of whoever asks."""
    return await booking.free_times(reads, caller=caller, key=service, params=params)


@router.post(
    "/bookings",
    response_model=PublicBookingRead,
    status_code=201,
    summary="Reservar cita",
    dependencies=[IN_TURN],
)
async def book_publicly(
    caller: Visitor, session: DbSession, request: Request, wanted: PublicBookingCreate
) -> dict[str, Any]:
    """Book a time. Who books becomes a client of the firm, and is mailed how to change or cancel it."""
    state = request.app.state
    sender = Sender(state.keyring, state.settings.base_url)
    return await booking.book(session, sender, state.limits, caller=caller, wanted=wanted)
