"""`/bookings/holds`: times kept for some minutes."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.bookings.actors import Actor
from conecta.bookings.turns import IN_TURN
from conecta.kit.pages import json_object
from conecta.kit.routing import DbSession, native_router

from . import service
from .schemas import HoldCreate, HoldRead

router = native_router("/bookings/holds", tag="Citas")

# A client of the firm may hold times of its public services, a few at once.
HoldsWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE, clients=True)]


@router.post("", response_model=HoldRead, status_code=201, summary="Retener una hora", dependencies=[IN_TURN])
async def create_hold(caller: HoldsWrite, session: DbSession, wanted: HoldCreate) -> Response:
    """Keep a time for up to ten minutes while somebody decides or pays; nobody else can book it meanwhile.

    Book it with `POST /bookings` and its `hold_id`: the time, the price and the conditions are those of now.
    """
    text = await service.create_hold(session, actor=Actor.of(caller), wanted=wanted)
    return json_object(text, status=201)


@router.delete("/{uuid}", status_code=204, summary="Soltar una hora retenida", dependencies=[IN_TURN])
async def release_hold(caller: HoldsWrite, session: DbSession, uuid: str) -> Response:
    """Give a held time back before it expires."""
    await service.release_hold(session, actor=Actor.of(caller), hold_id=uuid)
    return Response(status_code=204)
