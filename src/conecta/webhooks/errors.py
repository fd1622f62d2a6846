"""Refusals of webhooks."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class TooManyEndpoints(Problem):
    status = 409
    code = "too_many_endpoints"
    title = Text("Demasiados webhooks", "Too many webhooks")
    detail = Text(
        "Una firma puede tener {limit} webhooks. Borra alguno que ya no uses.",
        "A firm may have {limit} webhooks. Delete one that you no longer use.",
    )


class EndpointDisabled(Problem):
    status = 409
    code = "endpoint_disabled"
    title = Text("El webhook está desactivado", "The webhook is disabled")
    detail = Text(
        'El webhook {id} está desactivado; actívalo antes con PATCH {{"status": "enabled"}}.',
        'The webhook {id} is disabled; enable it first with PATCH {{"status": "enabled"}}.',
    )


class RotationRunning(Problem):
    status = 409
    code = "rotation_running"
    title = Text("Ya hay una rotación en curso", "A rotation is already running")
    detail = Text(
        "El secreto de {id} ya está rotando hasta {ends_at}. Confírmalo (promote) o cancela la rotación.",
        "The secret of {id} is already rotating until {ends_at}. Promote it or cancel the rotation.",
    )


class NoRotation(Problem):
    status = 409
    code = "no_rotation"
    title = Text("No hay ninguna rotación en curso", "No rotation is running")
    detail = Text(
        "El secreto de {id} no está rotando: solo hay uno y es el que firma.",
        "The secret of {id} is not rotating: there is only one, and it signs.",
    )


class DeliveryUnderWay(Problem):
    status = 409
    code = "delivery_under_way"
    title = Text("La entrega ya está en camino", "The delivery is already on its way")
    detail = Text(
        "La entrega {id} sale en menos de un minuto o se está enviando ahora mismo.",
        "The delivery {id} goes out within a minute or is being sent right now.",
    )
