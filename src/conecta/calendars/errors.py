"""Refusals of calendar connections."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class ProviderNotSetUp(Problem):
    status = 409
    code = "calendar_provider_off"
    title = Text("Este proveedor no está disponible", "This provider is not available")
    detail = Text(
        "Esta instalación no tiene cliente OAuth de {provider}: pídeselo a quien la administra.",
        "This installation has no OAuth client of {provider}: ask whoever operates it.",
    )


class ConnectionEnded(Problem):
    status = 409
    code = "calendar_connection_ended"
    title = Text("La conexión no está activa", "The connection is not active")
    detail = Text(
        "Está en {status}; vuelve a conectar la cuenta con POST /calendar-connections/authorize.",
        "It is {status}; connect the account again with POST /calendar-connections/authorize.",
    )


class ChangeRefused(Problem):
    status = 409
    code = "calendar_change_refused"
    title = Text("La cita no puede pasar a esa hora", "The booking cannot move there")
    detail = Text(
        "Lo impide: {rule}. Envía revert, o mueve la cita a otra hora.",
        "What refuses it: {rule}. Send revert, or move the booking elsewhere.",
    )
