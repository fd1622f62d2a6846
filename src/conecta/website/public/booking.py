"""Booking on the firm's website: what can be booked, when, and the booking itself."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.availability import service as availability
from conecta.availability.service import SlotDays, SlotQuery
from conecta.bookings import service as bookings
from conecta.bookings.service import Actor, AttendeeCreate, BookingCreate, Location, Sender
from conecta.bookings.services import service as services
from conecta.clients import service as clients
from conecta.clients.service import ClientCreate
from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import FieldError, InvalidParameter, NotFound, Problem, ValidationFailed
from conecta.kit.language import Text
from conecta.kit.rate_limit import RateLimitStore

from . import service
from .schemas import LONGEST_SEARCH, PublicBookingCreate, PublicBookingRead

_A_WEEK = timedelta(days=7)


async def list_services(reads: Reads, *, tenant_id: str) -> str:
    """Return what can be booked, as JSON text."""
    return f'{{"data":[{",".join(await services.public_services(reads, tenant_id))}]}}'


async def read_services(reads: Reads, *, tenant_id: str) -> list[dict[str, Any]]:
    """Return what can be booked."""
    return [json.loads(text) for text in await services.public_services(reads, tenant_id)]


async def read_service(reads: Reads, *, tenant_id: str, key: str) -> dict[str, Any]:
    """Return a service that visitors may book, by slug or id; raise NotFound."""
    found = await services.public_service(reads, tenant_id, key)
    if found is None:
        raise NotFound
    wanted: dict[str, Any] = json.loads(found)
    return wanted


async def free_times(reads: Reads, *, caller: Caller, key: str, params: Any) -> dict[str, Any]:
    """Return the free times of a service, by slug or id, as a website reads them; raise NotFound."""
    chosen = await read_service(reads, tenant_id=caller.tenant_id, key=key)
    found = await free_days(
        reads,
        caller=caller,
        service_id=chosen["id"],
        first=getattr(params, "from"),
        last=params.to,
        time_zone=params.time_zone,
        minutes=params.duration,
        seats=params.seats,
    )
    return _shown(found)


async def free_days(
    reads: Reads,
    *,
    caller: Caller,
    service_id: str,
    first: date | None,
    last: date | None,
    time_zone: str | None = None,
    minutes: int | None = None,
    seats: int = 1,
) -> SlotDays:
    """Return the free times of a service between two days (both counted) of the visitor's calendar.

    The first is today unless told, the last a week later. Raises InvalidParameter for more than 62 days.
    """
    zone = ZoneInfo(time_zone or caller.time_zone)
    today = clock.now().astimezone(zone).date()
    first = first or (min(today, last) if last else today)
    last = last or first + _A_WEEK - timedelta(days=1)
    if not first <= last < first + LONGEST_SEARCH:
        message = Text("Del primero al último, 62 días como máximo.", "From first to last, 62 days at most.")
        raise InvalidParameter(errors=[FieldError("to", "range", str(message))])
    query = SlotQuery(
        start=_midnight(first, zone),
        end=_midnight(last + timedelta(days=1), zone),
        time_zone=str(zone),
        service_id=service_id,
        minutes=minutes,
        seats=seats,
        public_only=True,
    )
    return await availability.slots(reads, tenant_id=caller.tenant_id, query=query, now=clock.now())


def _shown(found: SlotDays) -> dict[str, Any]:
    """Return free times as a website reads them."""
    return {
        "time_zone": found.time_zone,
        "version": found.version,
        "days": [
            {
                "date": day,
                "slots": [{"start": slot.start, "end": slot.end, "seats": slot.seats} for slot in slots],
            }
            for day, slots in found.days
        ],
    }


async def book(
    session: AsyncSession,
    sender: Sender,
    limits: RateLimitStore,
    *,
    caller: Caller,
    wanted: PublicBookingCreate,
    on_our_page: bool = False,
) -> dict[str, Any]:
    """Book a time for a visitor, who becomes a client of the firm unless their address is one's already.

    Raises ValidationFailed for a service that visitors may not book, ProofRefused, RateLimited, and what
    booking refuses: SlotTaken and SeatFull (409) with the next free times, NotOffered (422) with the rule.
    """
    await service.admit(
        session, sender.keyring, limits, caller=caller, visited=wanted, on_our_page=on_our_page
    )
    if wanted.website:
        raise ValidationFailed.at("/website", "not_allowed", _LEAVE_EMPTY)
    reads = SessionReads(session)
    try:
        chosen = await read_service(reads, tenant_id=caller.tenant_id, key=wanted.service)
    except NotFound:
        raise ValidationFailed.at("/service", "unknown_service", _UNKNOWN_SERVICE) from None
    location = _location(chosen["location"]["kind"], wanted)
    await service.spare(sender.keyring, limits, wanted.email, wanted.phone)
    client_id = await _client(session, caller.tenant_id, wanted)
    asked = BookingCreate(
        service_id=chosen["id"],
        start=wanted.start,
        duration=wanted.duration,
        time_zone=wanted.time_zone,
        client_id=client_id,
        seats=wanted.seats,
        attendees=[
            AttendeeCreate(
                name=wanted.name,
                email=wanted.email,
                phone=wanted.phone,
                client_id=client_id,
                language=wanted.language,
                time_zone=wanted.time_zone,
            )
        ],
        location=location,
        notes=wanted.notes,
    )
    # Whoever passes the booking on, a browser or a server of the firm's: it is a visitor who books.
    actor = replace(Actor.of(caller), kind="visitor")
    try:
        _, (text, _) = await bookings.create(session, sender, actor=actor, wanted=asked)
    except Problem as refusal:
        refusal.errors = [_as_sent(error) for error in refusal.errors]
        for slot in refusal.extensions.get("next_slots", ()):
            slot.pop("provider_ids", None)  # who works when is told to the firm's own programs alone
        raise
    made = json.loads(text)
    return {name: made[name] for name in PublicBookingRead.model_fields}


def _as_sent(error: FieldError) -> FieldError:
    """Say of what booking refused where it stands in the visitor's own body."""
    return replace(error, pointer={"/duration_minutes": "/duration"}.get(error.pointer, error.pointer))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _location(kind: str, wanted: PublicBookingCreate) -> Location | None:
    """Return what only the visitor knows of the place; raise ValidationFailed when they do not say it."""
    detail = {"phone": wanted.phone, "client_address": wanted.address}.get(kind)
    if kind == "phone" and not detail:
        raise ValidationFailed.at("/phone", "required", _NEEDED)
    if kind == "client_address" and not detail:
        raise ValidationFailed.at("/address", "required", _NEEDED)
    return Location(kind=kind, detail=detail) if detail else None  # type: ignore[arg-type]


async def _client(session: AsyncSession, tenant_id: str, wanted: PublicBookingCreate) -> str:
    known = await clients.id_of_address(SessionReads(session), tenant_id=tenant_id, email=wanted.email)
    if known:
        # What a stranger writes changes nothing of a client: they may not be who they say.
        return known
    new = ClientCreate(name=wanted.name, email=wanted.email, phone=wanted.phone, language=wanted.language)
    client_id, _ = await clients.create_client(session, tenant_id=tenant_id, wanted=new)
    return client_id


_NEEDED = Text("Hace falta para esta cita.", "It is needed for this appointment.")
_UNKNOWN_SERVICE = Text("La firma no ofrece ese servicio.", "The firm does not offer that service.")
_LEAVE_EMPTY = Text("Tiene que quedar vacío.", "It has to stay empty.")
