"""Each of those who come says for themselves whether they do; the booking itself stays as it is."""

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.etags import Precondition

from . import changes, queries, rules
from .actors import Actor, Sender
from .errors import BookingState, PolicyWindow
from .history import service as history
from .messages import service as messages


async def answer(
    session: AsyncSession, sender: Sender, *, actor: Actor, booking_id: str, attendee_id: str, comes: bool
) -> None:
    """Note whether somebody comes, and tell the hosts; the same answer again changes nothing.

    Raises NotFound, BookingState (409) when the booking is over, and PolicyWindow (422) once it has begun.
    """
    booking = await changes.for_change(session, actor, booking_id, Precondition(None))
    if booking.status not in rules.MOVABLE:
        raise BookingState(booking.status, rules.TRANSITIONS[booking.status])
    if clock.now() >= booking.starts_at:
        raise PolicyWindow(booking.starts_at)
    status = "confirmed" if comes else "declined"
    if not await queries.set_attendee(session, actor.tenant_id, booking.id, attendee_id, status):
        return
    booking.updated_at = clock.now()
    data = {"attendee_id": attendee_id, "attendee_status": status}
    await history.add(session, actor, booking.id, "updated", data)
    await messages.on_answer(
        session,
        sender.keyring,
        tenant_id=booking.tenant_id,
        booking_id=booking.id,
        attendee_id=attendee_id,
        notify=sender.notify,
    )
