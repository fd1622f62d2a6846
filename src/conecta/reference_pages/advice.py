"""What a caller does about a refusal, by its status."""

from collections.abc import Mapping
from typing import Final

from conecta.kit.language import Text

_READ_AGAIN = Text(
    "Vuelve a leer el recurso, decide con su estado actual y repite. Repetir la petición sin más"
    " dará lo mismo.",
    "Read the resource again, decide by its current state and repeat. Just repeating the request gives the"
    " same.",
)
_CORRECT = Text(
    "Corrige la petición: errors dice qué campo o parámetro falla y por qué. No la repitas tal cual.",
    "Correct the request: errors says which member or parameter fails and why. Do not repeat it as it is.",
)
_RETRY = Text(
    "Reinténtala con esperas crecientes; un POST, con la misma Idempotency-Key, para que no actúe dos veces."
    " Si dura, envíanos el request_id.",
    "Retry it with growing pauses; a POST with the same Idempotency-Key, so that it does not act twice."
    " If it lasts, send us the request_id.",
)

ADVICE: Final[Mapping[int, Text]] = {
    400: _CORRECT,
    401: Text(
        "Envía Authorization: Bearer con una clave vigente de la firma. Si la clave ya no vale, crea otra.",
        "Send Authorization: Bearer with a live key of the firm. If it is no longer good, create another.",
    ),
    403: Text(
        "Usa una credencial que tenga el permiso, o pide a quien administra la firma que lo conceda.",
        "Use a credential with the scope, or ask whoever administers the firm to grant it.",
    ),
    404: Text(
        "Comprueba la ruta y el identificador, y que la clave sea de la misma firma (o de su entorno de"
        " pruebas) que el recurso.",
        "Check the path and the id, and that the key belongs to the same firm (or sandbox) as the resource.",
    ),
    405: Text("Usa uno de los métodos de la cabecera Allow.", "Use one of the methods of the Allow header."),
    406: Text("Pide application/json en Accept.", "Ask for application/json in Accept."),
    409: _READ_AGAIN,
    412: _READ_AGAIN,
    413: Text("Envía menos datos, o en varias veces.", "Send less, or in several requests."),
    415: Text(
        "Envía Content-Type: application/json y el cuerpo en JSON.",
        "Send Content-Type: application/json and a JSON body.",
    ),
    422: _CORRECT,
    428: Text(
        "Lee el recurso y repite con su ETag en If-Match.",
        "Read the resource and repeat with its ETag in If-Match.",
    ),
    429: Text(
        "Espera los segundos de Retry-After y repite. Las cabeceras RateLimit dicen cuánto queda.",
        "Wait the seconds of Retry-After and repeat. The RateLimit headers say what is left in each window.",
    ),
    500: _RETRY,
    503: _RETRY,
}
