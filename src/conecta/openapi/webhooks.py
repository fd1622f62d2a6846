"""The `webhooks` section: one entry an event, with its payload and the headers that sign it."""

from collections.abc import Sequence
from typing import Any

from conecta.events.types import EventType

from . import texts
from .examples import id_example
from .schemas import REF, collect

Json = dict[str, Any]

_ENVELOPE_ID, _ENVELOPE_TENANT, _ENVELOPE_TIME = "wh_evt_abc123xyz", "tenant_abc123", "2026-01-17T14:30:00Z"

_HEADERS = {
    "X-Webhook-Signature": (
        (
            "`sha256=` y el HMAC-SHA256 en hexadecimal del cuerpo tal cual llega, con el secreto entero"
            " (`whsec_…`) como clave."
        ),
        "sha256=f3b5af2f27f342a84ebc4c824a94523bcee0b0311cabe67050bb6718aaf1f6c9",
    ),
    "X-Webhook-ID": (
        "Identificador del evento, el mismo en todos los intentos: úsalo para no procesar dos veces.",
        id_example("wh_evt"),
    ),
    "webhook-id": ("El mismo identificador, con el nombre de Standard Webhooks.", id_example("wh_evt")),
    "webhook-timestamp": ("Segundos Unix de este intento; rechaza los que lleguen muy tarde.", "1763632800"),
    "webhook-signature": (
        (
            "Firmas Standard Webhooks (`v1,` y base64) de `id.timestamp.cuerpo`, separadas por blancos;"
            " durante una rotación hay dos. La clave son los bytes que lo que sigue a `whsec_` codifica en"
            " base64."
        ),
        "v1,cu70gwmXfE64iIn1OegxcwrwLlhTRnKVKyFz5LFPY1Y=",
    ),
    "X-Webhook-Attempt": ("Qué intento de esta entrega es; el primero es 1.", "1"),
    "X-Webhook-Delivery-ID": ("Identificador de la entrega.", id_example("dlv")),
}


def section(catalogue: Sequence[EventType], schemas: Json) -> Json:
    """Describe every event; their payloads join the components' schemas."""
    collect(dict.fromkeys(event.payload for event in catalogue), "serialization", schemas)
    return {event.name: {"post": _delivery(event, schemas)} for event in catalogue}


def envelope(event: EventType) -> Json:
    """Return an example of what is posted: the five members of the integration guide (§4.2)."""
    return {
        "id": _ENVELOPE_ID,
        "type": event.name,
        "created": _ENVELOPE_TIME,
        "tenant_id": _ENVELOPE_TENANT,
        "data": dict(event.example),
    }


def _delivery(event: EventType, schemas: Json) -> Json:
    camel = "".join(word.capitalize() for word in event.name.replace(".", "_").split("_"))
    schemas[f"{camel}Event"] = _schema(event)
    return {
        "tags": [texts.WEBHOOKS_TAG],
        "operationId": f"on_{event.name.replace('.', '_')}",
        "summary": event.sentence.es,
        "description": "Llega por POST a cada dirección suscrita. Responde 2xx en menos de 15 segundos;"
        " cualquier otra respuesta se reintenta. Puede llegar más de una vez y en otro orden.",
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": description,
                "schema": {"type": "string", "examples": [shown]},
            }
            for name, (description, shown) in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"{REF}{camel}Event"},
                    "example": envelope(event),
                }
            },
        },
        "responses": {
            "2XX": {"description": "Recibido; el cuerpo de tu respuesta no importa."},
            "410": {"description": "No envíes nada más aquí: la dirección se desactiva."},
            "default": {"description": "Se reintentará durante unas 75 horas."},
        },
    }


def _schema(event: EventType) -> Json:
    return {
        "type": "object",
        "description": f"{event.sentence.es}.",
        "required": ["id", "type", "created", "tenant_id", "data"],
        "properties": {
            "id": {"type": "string", "description": "`wh_evt_…`, el mismo en todos los intentos."},
            "type": {"type": "string", "const": event.name, "description": "Qué evento es."},
            "created": {"type": "string", "format": "date-time", "description": "Cuándo pasó."},
            "tenant_id": {"type": "string", "description": "La firma."},
            "data": {"$ref": f"{REF}{event.payload.__name__}"},
        },
    }
