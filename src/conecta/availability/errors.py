"""Refusals of a time: taken by somebody else (409), or not offered by a rule (422)."""

from collections.abc import Sequence
from typing import Any

from conecta.kit import clock
from conecta.kit.errors import FieldError, Problem
from conecta.kit.language import Text

from .terms import Slot


class _TimeRefused(Problem):
    """Base of all: `errors` names the rule at the member that breaks it."""

    def __init__(self, reason: Text | None = None, *, pointer: str = "/start", **more: Any) -> None:
        errors = [FieldError(pointer, self.code, str(reason or type(self).title))]
        super().__init__(errors=errors, **more)


class SlotTaken(_TimeRefused):
    """409: somebody has the time already; `next_slots` are the next free ones."""

    status = 409
    code = "slot_taken"
    title = Text("Esa hora ya está ocupada", "That time is taken")
    detail = Text(
        "Alguien ha reservado esa hora. En next_slots van las siguientes libres.",
        "Somebody has booked that time. The next free ones are in next_slots.",
    )
    extension_names = ("next_slots",)

    def __init__(self, next_slots: Sequence[Slot] = (), **more: Any) -> None:
        super().__init__(extensions={"next_slots": [_wire(slot) for slot in next_slots]}, **more)


class SeatFull(SlotTaken):
    """409: the group session has fewer free places than asked for."""

    code = "seat_full"
    title = Text("No quedan plazas", "No places are left")
    detail = Text(
        "La sesión no tiene tantas plazas libres. En next_slots van las siguientes con sitio.",
        "The session has not as many free places. The next with room are in next_slots.",
    )


class NotOffered(_TimeRefused):
    """422: a rule of the service or of its hosts refuses the time; a subclass for each says which."""

    status = 422
    code = "not_offered"
    title = Text("Esa hora no se ofrece", "That time is not offered")
    detail = Text(
        "No se puede reservar esa hora. GET /availability/slots da las que sí; con explain=1 dice por qué.",
        "That time cannot be booked. GET /availability/slots lists those that can; explain=1 says why.",
    )


class OutsideHours(NotOffered):
    code = "outside_hours"
    title = Text("Fuera del horario de atención", "Outside working hours")


class OnHoliday(NotOffered):
    code = "holiday"
    title = Text("Ese día es festivo", "That day is a holiday")


class DuringTimeOff(NotOffered):
    code = "time_off"
    title = Text("A esa hora hay una ausencia o un bloqueo", "There is an absence or a block at that time")


class NoticeTooShort(NotOffered):
    code = "notice"
    title = Text("Falta antelación", "The notice is too short")


class BeyondHorizon(NotOffered):
    code = "horizon"
    title = Text("Aún no se puede reservar esa fecha", "That date cannot be booked yet")


class DayLimit(NotOffered):
    code = "limit_day"
    title = Text("Ese día no admite más citas", "That day takes no more bookings")


class WeekLimit(NotOffered):
    code = "limit_week"
    title = Text("Esa semana no admite más citas", "That week takes no more bookings")


class OffGrid(NotOffered):
    code = "grid"
    title = Text("Las citas no empiezan a esa hora", "Bookings do not start at that time")


class DurationNotOffered(NotOffered):
    code = "duration"
    title = Text("El servicio no ofrece esa duración", "The service does not offer that duration")


class BuffersOutsideHours(NotOffered):
    code = "buffers"
    title = Text(
        "El tiempo de preparación no cabe en el horario", "The preparation time does not fit into the hours"
    )


class HostNotAvailable(NotOffered):
    code = "host"
    title = Text("Nadie puede atender esa cita", "Nobody can host that booking")


class RoomNotAvailable(NotOffered):
    code = "room"
    title = Text("Ninguna sala sirve para esa cita", "No room fits that booking")


class TooManySeats(NotOffered):
    code = "seats"
    title = Text("El servicio no tiene tantas plazas", "The service has not as many places")


def _wire(slot: Slot) -> dict[str, Any]:
    return {
        "start": clock.wire(slot.start),
        "end": clock.wire(slot.end),
        "seats": slot.seats,
        "provider_ids": list(slot.provider_ids),
    }
