"""What somebody made of our events in their own calendar, and what becomes of the bookings."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.bookings import service as bookings
from conecta.bookings.service import Actor, BookingChange, BookingReschedule, Sender
from conecta.kit import clock
from conecta.kit.errors import Problem
from conecta.kit.etags import Precondition
from conecta.kit.language import Text
from conecta.messages.service import Mail

from . import sync_queries as queries
from . import telling
from .provider import RemoteEvent
from .sync_queries import Claimed, Mirror

_LIVE: Final = {"pending", "confirmed"}
_ANY_VERSION: Final = Precondition(None)
_REASON: Final = Text("Movida en el calendario", "Moved in the calendar")
_GONE_REASON: Final = Text("Borrada en el calendario", "Deleted in the calendar")


async def judge(
    session: AsyncSession, sender: Sender, claimed: Claimed, title: str, mirror: Mirror, event: RemoteEvent
) -> None:
    """Do with an event of ours what the connection's policy says; what we wrote ourselves is no news.

    A booking that is being written there anyway is left alone: what stands here counts. So is one that is
    over or cancelled.
    """
    if mirror.unsettled or mirror.status not in _LIVE or mirror.booked_to <= clock.now():
        return
    if event.gone:
        await _deleted(session, sender, claimed, title, mirror)
    elif event.etag is None or event.etag != mirror.etag:
        await _changed(session, sender, claimed, title, mirror, event)


async def _changed(
    session: AsyncSession, sender: Sender, claimed: Claimed, title: str, mirror: Mirror, event: RemoteEvent
) -> None:
    wanted = (
        {"start": clock.wire(event.start), "end": clock.wire(event.end)} if event.start and event.end else {}
    )
    if (event.start, event.end) == (mirror.booked_from, mirror.booked_to):
        # Its colour, its words, or back where it belongs.
        await queries.seen(session, claimed, mirror.booking_id, event, None)
    elif (event.start, event.end) == (mirror.starts_at, mirror.ends_at):
        # Moved before, and asked about already.
        await queries.seen(session, claimed, mirror.booking_id, event, {"kind": "moved", **wanted})
    elif claimed.on_move == "ask":
        await queries.seen(session, claimed, mirror.booking_id, event, {"kind": "moved", **wanted})
        await _note(session, sender, claimed, mirror, "calendar_event.moved", {**wanted, "decision": "ask"})
    elif claimed.on_move == "revert":
        await _put_back(session, sender, claimed, mirror, {**wanted, "decision": "revert"})
    else:
        refusal = await follow(session, sender, claimed.tenant_id, title, mirror.booking_id, event)
        if refusal is None:
            await _audit(
                session, claimed, mirror.booking_id, "calendar_event.moved", {**wanted, "decision": "accept"}
            )
        else:
            details = {**wanted, "decision": "revert", "reason": refusal}
            await _put_back(session, sender, claimed, mirror, details)


async def follow(
    session: AsyncSession, sender: Sender, tenant_id: str, title: str, booking_id: str, event: RemoteEvent
) -> str | None:
    """Move a booking where its event is; return the code of what refuses that, and change nothing then.

    Whoever moves their own event acts for the firm: only what takes the same time refuses it, and the past.
    """
    if event.all_day or event.start is None or event.end is None:
        return "all_day"
    if event.start < clock.now():
        return "past"
    try:
        wanted = BookingReschedule(start=event.start, end=event.end, bypass_rules=True, reason=str(_REASON))
        async with session.begin_nested():
            await bookings.reschedule(
                session,
                sender,
                actor=_actor(tenant_id, title),
                booking_id=booking_id,
                wanted=wanted,
                precondition=_ANY_VERSION,
            )
    except Problem as refusal:
        return refusal.errors[0].code if refusal.errors else refusal.code
    except ValueError:
        # Such as a length that no booking can have.
        return "invalid"
    return None


async def _deleted(
    session: AsyncSession, sender: Sender, claimed: Claimed, title: str, mirror: Mirror
) -> None:
    if claimed.on_delete == "revert":
        details = {"decision": "revert"}
        await queries.put_back(session, claimed.tenant_id, claimed.id, mirror.booking_id)
        await _note(session, sender, claimed, mirror, "calendar_event.deleted", details)
        return
    await bookings.cancel(
        session,
        sender,
        actor=_actor(claimed.tenant_id, title),
        booking_id=mirror.booking_id,
        wanted=BookingChange(reason=str(_GONE_REASON)),
        precondition=_ANY_VERSION,
    )
    await _audit(session, claimed, mirror.booking_id, "calendar_event.deleted", {"decision": "cancel"})


async def _put_back(
    session: AsyncSession, sender: Sender, claimed: Claimed, mirror: Mirror, details: dict[str, Any]
) -> None:
    await queries.put_back(session, claimed.tenant_id, claimed.id, mirror.booking_id)
    await _note(session, sender, claimed, mirror, "calendar_event.moved", details)


async def _note(
    session: AsyncSession,
    sender: Sender,
    claimed: Claimed,
    mirror: Mirror,
    action: str,
    details: dict[str, Any],
) -> None:
    """Write it down, and tell the member whose calendar does not follow, or is to be decided on."""
    await _audit(session, claimed, mirror.booking_id, action, details)
    asks = details["decision"] == "ask"
    paragraphs = [_ASKED if asks else _BACK, _WHICH.fill(what=_named(mirror))]
    if reason := details.get("reason"):
        paragraphs.append(_WHY.fill(reason=reason))
    mail = Mail(subject=_SUBJECT, paragraphs=paragraphs)
    await telling.write(session, sender.keyring, claimed.tenant_id, claimed.user_id, mail)


async def _audit(
    session: AsyncSession, claimed: Claimed, booking_id: str, action: str, details: dict[str, Any]
) -> None:
    await audit.record(
        session,
        tenant_id=claimed.tenant_id,
        action=action,
        actor=audit.SYSTEM,
        target=booking_id,
        details={"connection_id": claimed.id, **details},
    )


def _named(mirror: Mirror) -> str:
    day, _, time = mirror.wall_start.partition("T")
    when = "/".join(reversed(day.split("-")))
    return ", ".join(filter(None, (mirror.service, f"{when} {time}", mirror.booking_id)))


def _actor(tenant_id: str, title: str) -> Actor:
    return Actor(kind="system", tenant_id=tenant_id, id=None, name=title)


_SUBJECT = Text("Una cita cambiada en tu calendario", "A booking changed in your calendar")
_BACK = Text(
    "Has cambiado en tu calendario una cita que no se puede dejar así: la hemos puesto donde estaba.",
    "You changed a booking in your calendar that cannot stay so: we have put it back where it was.",
)
_ASKED = Text(
    "Has movido una cita en tu calendario. Aquí sigue a su hora hasta que alguien lo decida.",
    "You moved a booking in your calendar. Here it keeps its time until somebody decides.",
)
_WHICH = Text("Cita: {what}", "Booking: {what}")
_WHY = Text("Motivo: {reason}", "Reason: {reason}")
