"""Refusals of bookings and holds; those of times are the availability's."""

from collections.abc import Sequence
from datetime import datetime

from conecta.kit import clock
from conecta.kit.errors import FieldError, Problem
from conecta.kit.language import Text


class BookingState(Problem):
    status = 409
    code = "booking_state"
    title = Text("El estado de la cita no lo permite", "The booking's state does not allow it")
    detail = Text(
        "La cita está en {current_status}; desde ahí puede pasar a: {allowed}.",
        "The booking is {current_status}; from there it may go to: {allowed}.",
    )
    extension_names = ("current_status", "allowed")

    def __init__(self, current_status: str, allowed: Sequence[str]) -> None:
        super().__init__(
            extensions={"current_status": current_status, "allowed": list(allowed)},
            current_status=current_status,
            allowed=", ".join(allowed) or "—",
        )


class BookingNotStarted(Problem):
    status = 409
    code = "booking_not_started"
    title = Text("La cita aún no ha empezado", "The booking has not begun")
    detail = Text(
        "Empieza el {start}. Márcala después, o envía bypass_rules si ya ha tenido lugar.",
        "It begins at {start}. Mark it then, or send bypass_rules if it has taken place already.",
    )

    def __init__(self, starts_at: datetime) -> None:
        super().__init__(start=clock.wire(starts_at))


class ConfirmationOfFirm(Problem):
    status = 409
    code = "confirmation_of_firm"
    title = Text("Esta cita la confirma el despacho", "The firm confirms this booking")
    detail = Text(
        "El despacho tiene que aceptar esta cita; te avisará cuando lo haga.",
        "The firm has to accept this booking; you will hear of it.",
    )


class DuplicateBooking(Problem):
    status = 409
    code = "duplicate_booking"
    title = Text("La cita ya existe", "The booking already exists")
    detail = Text(
        "Ya hay una cita con ese external_id: {existing_id}.",
        "There is already a booking with that external_id: {existing_id}.",
    )
    extension_names = ("existing_id",)

    def __init__(self, existing_id: str) -> None:
        message = Text(f"Ya lo tiene {existing_id}.", f"{existing_id} has it already.")
        super().__init__(
            errors=[FieldError("/external_id", "duplicate", str(message))],
            extensions={"existing_id": existing_id},
            existing_id=existing_id,
        )


class HoldExpired(Problem):
    status = 409
    code = "hold_expired"
    title = Text("La reserva provisional ha caducado", "The hold has expired")
    detail = Text(
        "Esa reserva provisional ha caducado, se ha usado o no es tuya. Elige hora de nuevo.",
        "That hold has expired, has been used or is not yours. Choose a time again.",
    )


class TooManyHolds(Problem):
    status = 409
    code = "too_many_holds"
    title = Text("Demasiadas horas retenidas", "Too many times are being held")
    detail = Text(
        "Ya retienes {limit} horas. Reserva o suelta alguna, o espera a que caduquen.",
        "You are holding {limit} times already. Book or release some, or wait until they expire.",
    )


class PolicyWindow(Problem):
    status = 422
    code = "policy_window"
    title = Text("Fuera de plazo", "Too late")
    detail = Text(
        "El plazo para cambiarla terminó el {until}. Llama al despacho.",
        "It could be changed until {until}. Call the firm.",
    )
    extension_names = ("until",)

    def __init__(self, until: datetime) -> None:
        moment = clock.wire(until)
        super().__init__(extensions={"until": moment}, until=moment)


class RescheduleLimit(Problem):
    status = 422
    code = "reschedule_limit"
    title = Text("La cita no admite más cambios", "The booking cannot be moved again")
    detail = Text(
        "Esta cita puede moverse {limit} veces y ya se ha hecho. Llama al despacho.",
        "This booking may be moved {limit} times and has been. Call the firm.",
    )
