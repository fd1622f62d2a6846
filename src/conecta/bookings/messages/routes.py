"""`/booking-reminders`: when the firm reminds people of their bookings."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import json_object
from conecta.kit.routing import DbReads, DbSession, native_router

from . import reminder_rules as service
from .schemas import BookingRemindersRead, BookingRemindersUpdate

router = native_router("/booking-reminders", tag="Citas")

BookingsRead = Annotated[Caller, require(Scope.BOOKINGS_READ)]
BookingsWrite = Annotated[Caller, require(Scope.BOOKINGS_WRITE)]


@router.get("", response_model=BookingRemindersRead, summary="Recordatorios de citas")
async def read_reminders(caller: BookingsRead, reads: DbReads) -> Response:
    """When people are reminded of their bookings; what they are told, they are told in their language."""
    text, version = await service.read_rules(reads, tenant_id=caller.tenant_id)
    return json_object(text, etag=etag(version))


@router.patch("", response_model=BookingRemindersRead, summary="Cambiar los recordatorios de citas")
async def update_reminders(
    caller: BookingsWrite, session: DbSession, wanted: BookingRemindersUpdate, if_match: IfMatch
) -> Response:
    """Change when people are reminded. Bookings made or moved later follow it; others stay as planned."""
    text, version = await service.update_rules(session, caller=caller, wanted=wanted, precondition=if_match)
    return json_object(text, etag=etag(version))
