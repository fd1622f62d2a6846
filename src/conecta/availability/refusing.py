"""From the engine's rule ids to what the API refuses with, and the sentences that explain them."""

from collections.abc import Sequence

from conecta.kit.errors import FieldError, InvalidParameter, Problem, ValidationFailed
from conecta.kit.language import Text

from .errors import (
    BeyondHorizon,
    BuffersOutsideHours,
    DayLimit,
    DuringTimeOff,
    HostNotAvailable,
    NoticeTooShort,
    NotOffered,
    OffGrid,
    OnHoliday,
    OutsideHours,
    RoomNotAvailable,
    SeatFull,
    SlotTaken,
    TooManySeats,
    WeekLimit,
)
from .loading import Setup
from .terms import Slot

TAKEN = ("slot_taken", "seat_full")


def not_offered(rule: str, *, discreetly: bool = False) -> NotOffered:
    """Return the refusal of a rule; `discreetly` who is away is just not there."""
    rule = OutsideHours.code if discreetly and rule == DuringTimeOff.code else rule
    refusals: tuple[type[NotOffered], ...] = (
        OutsideHours,
        OnHoliday,
        DuringTimeOff,
        NoticeTooShort,
        BeyondHorizon,
        DayLimit,
        WeekLimit,
        OffGrid,
        BuffersOutsideHours,
        HostNotAvailable,
        RoomNotAvailable,
        TooManySeats,
    )
    pointers = {"seats": "/seats", "host": "/provider_id", "room": "/room_id"}
    refusal = next((refusal for refusal in refusals if refusal.code == rule), NotOffered)
    return refusal(pointer=pointers.get(rule, "/start"))


def taken(rule: str, next_slots: Sequence[Slot]) -> SlotTaken:
    """Return the refusal of a time that somebody else has."""
    return SeatFull(next_slots) if rule == "seat_full" else SlotTaken(next_slots)


def sentence(rule: str) -> Text:
    """Return what a rule says to people."""
    return (
        SeatFull.title
        if rule == "seat_full"
        else SlotTaken.title
        if rule in TAKEN
        else not_offered(rule).title
    )


def durations(offered: Sequence[int]) -> Text:
    """Say which durations there are."""
    listed = ", ".join(str(minutes) for minutes in offered)
    return Text(f"Duraciones admitidas, en minutos: {listed}.", f"Accepted durations, in minutes: {listed}.")


def duration_parameter(offered: Sequence[int]) -> InvalidParameter:
    """Return the refusal of a duration in a query."""
    return _parameter("duration", "not_allowed", durations(offered))


def provider_required() -> ValidationFailed:
    """Return the refusal of a free appointment that does not say whose time it takes."""
    message = Text("Indica quién atiende la cita.", "Say who hosts the booking.")
    return ValidationFailed.at("/provider_id", "required", message)


def check_service(
    known: Setup, *, public_only: bool, also_inactive: bool = False, as_parameter: bool = False
) -> None:
    """Refuse a service that is asked for and not there, or not for this caller."""
    service = known.service
    if known.service_id is None and not public_only:
        return
    if service is not None and (service.public or not public_only) and (service.active or also_inactive):
        return
    if known.service_id is None:
        message = Text("Indica el servicio.", "Say which service.")
        raise _at("service_id", "required", message, as_parameter=as_parameter)
    message = Text("La firma no ofrece ese servicio.", "The firm does not offer that service.")
    raise _at("service_id", "unknown_service", message, as_parameter=as_parameter)


def unknown_provider(known: Setup, provider_id: str, *, as_parameter: bool = False) -> Problem:
    """Return the refusal of somebody who hosts nothing, or not this."""
    if any(host["id"] == provider_id for host in known.hosts):
        message = Text("No presta ese servicio.", "They do not give that service.")
    else:
        message = Text(
            "No hay nadie activo con ese identificador que atienda citas.",
            "There is nobody active with that id who hosts bookings.",
        )
    return _at("provider_id", "not_assignable", message, as_parameter=as_parameter)


def _at(name: str, code: str, message: Text, *, as_parameter: bool) -> Problem:
    if as_parameter:
        return _parameter(name, code, message)
    return ValidationFailed.at(f"/{name}", code, message)


def _parameter(name: str, code: str, message: Text) -> InvalidParameter:
    return InvalidParameter(errors=[FieldError(name, code, str(message))])
