"""`/bookings/{uuid}/links`: links to a booking for those who have no account."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import json_object
from conecta.kit.routing import DbSession, native_router

from . import service
from .schemas import BookingLinks

router = native_router("/bookings/{uuid}/links", tag="Citas")

BookingsWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.post("", response_model=BookingLinks, status_code=201, summary="Crear enlaces de una cita")
async def create_links(caller: BookingsWrite, session: DbSession, request: Request, uuid: str) -> Response:
    """A link for each attendee, for the firm to hand over: see, confirm, move or cancel, without an account.

    The answer is the only time that they are shown. Links sent before go on working.
    """
    state = request.app.state
    made = await service.share_links(
        session,
        state.keyring,
        tenant_id=caller.tenant_id,
        booking_id=uuid,
        base_url=state.settings.base_url,
    )
    return json_object(made.model_dump_json(), status=201)


@router.delete("", status_code=204, response_class=Response, summary="Revocar los enlaces de una cita")
async def revoke_links(caller: BookingsWrite, session: DbSession, uuid: str) -> Response:
    """Stop every link to the booking at once, those of mails and text messages too."""
    await service.revoke_links(session, caller=caller, booking_id=uuid)
    return Response(status_code=204)
