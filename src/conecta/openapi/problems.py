"""How refusals look: their schema, and an example of each made by the code that writes them."""

from string import Formatter
from typing import Any

from conecta.kit.errors import MEDIA_TYPE, FieldError, Problem
from conecta.kit.language import Text

from .examples import id_example

Json = dict[str, Any]

SCHEMA: Json = {
    "type": "object",
    "description": "Un error (RFC 9457). Algunos códigos añaden miembros propios; su página los explica.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Página que explica este código."},
        "title": {"type": "string", "description": "Qué clase de error es."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "El estado HTTP."},
        "detail": {"type": "string", "description": "Qué ha pasado esta vez y cómo arreglarlo."},
        "instance": {"type": "string", "description": "Ruta que se pidió."},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "description": "Código estable."},
        "request_id": {"type": "string", "description": "El de `X-Request-ID`."},
        "errors": {
            "type": "array",
            "description": "Cada fallo de la petición; vacío si no es de un campo o parámetro.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer (RFC 6901) del campo, o nombre del parámetro.",
                    },
                    "code": {"type": "string", "description": "Regla que no se cumple."},
                    "message": {"type": "string", "description": "La misma en una frase."},
                },
            },
        },
    },
}

# What the sentences and the extension members of refusals are filled with, by name.
VALUES: dict[str, Any] = {
    "allowed": "open, on_hold",
    "case_id": id_example("cas"),
    "category": "civil",
    "current": '"v4"',
    "existing_id": id_example("cli"),
    "field": "tax_id",
    "granted": "read:clients",
    "id": id_example("key"),
    "limit": 1_048_576,
    "missing": "admin",
    "now": "2026-01-17T14:30:00Z",
    "number": "EXP-2026-0001",
    "number_format": "EXP-{year}",
    "offered": "application/json",
    "path": "/v1/servicios/casos",
    "origin": "https://otra-web.example",
    "scope": "write:cases",
    "slug": "bufete-ejemplo",
    "seconds": 42,
    "status": "closed",
    "ends_at": "2026-01-18T14:30:00Z",
    "next_slots": [
        {
            "start": "2026-01-20T09:00:00Z",
            "end": "2026-01-20T09:30:00Z",
            "seats": 1,
            "provider_ids": [id_example("usr")],
        }
    ],
    "window_es": "minuto",
    "window_en": "minute",
    "current_status": "closed",
    "violated-policies": ["minute"],
}
_OF_CODE: dict[str, dict[str, Any]] = {
    "malformed_request": {
        "reason_es": "El cuerpo no es JSON: línea 3, columna 15.",
        "reason_en": "The body is not JSON: line 3, column 15.",
    },
    "unauthorized": {
        "reason_es": "La clave no existe o está revocada.",
        "reason_en": "The key does not exist or is revoked.",
    },
    "rate_limited": {"limit": 60},
    "too_many_endpoints": {"limit": 50},
    "too_many_invitations": {"limit": 100},
    "invitation_accepted": {"id": id_example("ivt")},
    "too_many_apps": {"limit": 200},
    "app_has_no_secret": {"id": id_example("app")},
    "app_scopes_not_yours": {"missing": "write:cases"},
    "endpoint_disabled": {"id": id_example("whk")},
    "rotation_running": {"id": id_example("whk")},
    "no_rotation": {"id": id_example("whk")},
    "delivery_under_way": {"id": id_example("dlv")},
    "client_archived": {"id": id_example("cli")},
    "client_without_email": {"id": id_example("cli")},
    "method_not_allowed": {"allowed": "GET, POST"},
    "duplicate_case": {"existing_id": id_example("cas")},
    "booking_state": {"current_status": "cancelled", "allowed": "—"},
    "booking_not_started": {"start": "2026-01-20T09:00:00Z"},
    "duplicate_booking": {"existing_id": id_example("bkg")},
    "too_many_holds": {"limit": 3},
    "policy_window": {"until": "2026-01-19T09:00:00Z"},
    "reschedule_limit": {"limit": 3},
    "duplicate_service": {"slug": "consulta", "existing_id": id_example("svc")},
    "duplicate_holiday": {"existing_id": id_example("day")},
    "schedule_in_use": {"id": id_example("sch")},
    "default_schedule_needed": {"id": id_example("sch")},
    "holiday_calendar_in_use": {"id": id_example("hol")},
    "default_calendar_needed": {"id": id_example("hol")},
    "review_already_asked": {"existing_id": id_example("rev")},
    "review_not_written": {"id": id_example("rev")},
    "calendar_provider_off": {"provider": "google"},
    "calendar_connection_ended": {"status": "disconnected"},
    "calendar_change_refused": {"rule": "slot_taken"},
    "inquiry_converted": {"id": id_example("inq"), "client_id": id_example("cli")},
    "publishable_key_revoked": {"id": id_example("pub")},
    "too_many_publishable_keys": {"limit": 50},
}
_STATES = {"allowed": ["open", "archived"]}  # as an extension it is a list, in the sentence a text
_TAKEN = Text("Ya lo tiene {id}.", "{id} has it already.")
_FIELD_ERRORS = {
    "invalid_parameter": ("limit", "too_large", Text("El máximo es 100.", "The maximum is 100.")),
    "validation_failed": ("/title", "required", Text("Es obligatorio.", "It is required.")),
    "duplicate_client": ("/tax_id", "duplicate", _TAKEN.fill(id=id_example("cli"))),
    "duplicate_case": ("/external_id", "duplicate", _TAKEN.fill(id=id_example("cas"))),
    "slug_taken": ("/slug", "duplicate", Text("Ya está ocupada.", "It is taken.")),
    "duplicate_service": ("/slug", "duplicate", _TAKEN.fill(id=id_example("svc"))),
    "duplicate_holiday": ("/date", "duplicate", Text("Ya existe.", "It exists already.")),
    "proof_refused": (
        "/proof",
        "proof",
        Text("No es la solución de un reto vigente.", "It does not solve a current challenge."),
    ),
    "duplicate_category": ("/code", "duplicate", Text("Ya existe.", "It exists already.")),
}


def values_of(problem: type[Problem]) -> dict[str, Any]:
    """Return what an example of this refusal is filled with; `…` stands for what nobody has named."""
    known = {**VALUES, **_OF_CODE.get(problem.code, {})}
    return {name: known.get(name, "…") for name in placeholders(problem)}


def placeholders(problem: type[Problem]) -> set[str]:
    """Return the names in the sentence of a refusal."""
    return {name for text in problem.detail for _, name, _, _ in Formatter().parse(text) if name}


def example(problem: type[Problem], base_url: str) -> Json:
    """Return the body of such a refusal, as the API would write it."""
    known = {**VALUES, **_STATES, **_OF_CODE.get(problem.code, {})}
    errors = []
    if problem.code in _FIELD_ERRORS:
        pointer, code, sentence = _FIELD_ERRORS[problem.code]
        errors = [FieldError(pointer, code, str(sentence))]
    # The base class fills sentence and body; the constructors of the others want values of a request.
    made = problem.__new__(problem)
    Problem.__init__(
        made,
        errors=errors,
        extensions={name: known.get(name, "…") for name in problem.extension_names},
        **values_of(problem),
    )
    return made.body(base_url=base_url, instance="/v1/servicios/cases", request_id=id_example("req"))


def content(codes: list[str]) -> Json:
    """Return the content of an answer that has one of these codes."""
    return {
        MEDIA_TYPE: {
            "schema": {
                "allOf": [
                    {"$ref": "#/components/schemas/Problem"},
                    {"properties": {"code": {"enum": codes}}},
                ]
            },
            "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
        }
    }
