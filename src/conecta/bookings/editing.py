"""Corrects what a booking says; when it is, with whom and in which state is left to the acts that say so."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import SessionReads
from conecta.kit.errors import ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.language import Text
from conecta.kit.schemas import changes_of, merge_custom_fields

from . import changes, preparing, queries
from .actors import Actor
from .changes import Saved
from .errors import DuplicateBooking
from .history import service as history
from .models import Booking
from .schemas import BookingUpdate, LocationUpdate


async def update(
    session: AsyncSession, *, actor: Actor, booking_id: str, wanted: BookingUpdate, precondition: Precondition
) -> Saved:
    """Change a booking; return its JSON text and version. What is equal already is no change.

    Raises NotFound, PreconditionFailed, ValidationFailed and DuplicateBooking (409).
    """
    members = changes_of(wanted, nullable={"case_id", "notes", "external_id"})
    booking = await changes.for_change(session, actor, booking_id, precondition)
    if members.get("case_id") or members.get("external_id"):
        await _refer(session, booking, members)
    changed = [name for name, value in members.items() if _apply(booking, name, value)]
    if changed:
        booking.sequence += "location" in changed
        await session.flush()
        await history.add(session, actor, booking.id, "updated", {"changed": sorted(changed)})
    saved = await queries.one(SessionReads(session), booking.tenant_id, booking.id)
    assert saved is not None
    return saved


async def _refer(session: AsyncSession, booking: Booking, members: dict[str, Any]) -> None:
    """Check the ids that a booking is to name; without a client it takes over the case's."""
    case_id, external_id = members.get("case_id"), members.get("external_id")
    wanted = preparing.named(case_id=case_id, external_id=external_id)
    found = await queries.references(SessionReads(session), booking.tenant_id, wanted)
    preparing.refuse_case(found, client_id=booking.client_id, case_id=case_id)
    if external_id is not None and found.external_id_holder not in {None, booking.id}:
        raise DuplicateBooking(found.external_id_holder)
    booking.client_id = booking.client_id or found.case_client_id


def _apply(booking: Booking, name: str, value: Any) -> bool:
    """Write one member; say whether it is another than before."""
    match value:
        case LocationUpdate():
            given = value.model_dump(exclude_unset=True)
            if given.get("kind", value) is None:
                raise ValidationFailed.at("/location/kind", "required", _NO_KIND)
            columns = {f"location_{part}": told for part, told in given.items()}
        case dict():
            columns = {name: merge_custom_fields(booking.custom_fields, value)}
        case _:
            columns = {name: value}
    differ = {column: told for column, told in columns.items() if getattr(booking, column) != told}
    for column, told in differ.items():
        setattr(booking, column, told)
    return bool(differ)


_NO_KIND = Text("No puede ser null.", "It cannot be null.")
