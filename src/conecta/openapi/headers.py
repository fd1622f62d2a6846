"""Every header that a request may carry and an answer may bear, described once."""

from typing import Any

from .examples import id_example

Json = dict[str, Any]


def _request(name: str, description: str, **schema: Any) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **schema},
    }


REQUEST_HEADERS: Json = {
    "TenantId": _request(
        "X-Tenant-ID",
        "Identificador de la firma. Puede faltar: la credencial la decide. Si no es la suya, 403.",
        examples=[id_example("tenant")],
    ),
    "AcceptLanguage": _request(
        "Accept-Language", "Idioma de los textos para personas: español o inglés.", examples=["es", "en"]
    ),
    "IdempotencyKey": _request(
        "Idempotency-Key",
        "Identifica esta petición: repetida en 24 horas con el mismo cuerpo, devuelve la primera respuesta"
        " y no actúa otra vez. Con otro cuerpo, 422; mientras la primera sigue en curso, 409.",
        pattern="^[\\x21-\\x7e]{1,255}$",
        examples=["6f1c2a1e-5a0b-4a57-9f0e-0d3c8a2b7e11"],
    ),
    "IfMatch": _request(
        "If-Match", "ETag de la versión que conoces; si ya hay otra, 412 y nada cambia.", examples=['"v3"']
    ),
    "IfNoneMatch": _request(
        "If-None-Match",
        "ETag que ya tienes; si sigue vigente, 304 sin cuerpo ni coste.",
        examples=['"v3"'],
    ),
}


def _answer(description: str, *, required: bool = False, **schema: Any) -> Json:
    return {"description": description, "required": required, "schema": {"type": "string", **schema}}


RESPONSE_HEADERS: Json = {
    "X-Request-ID": _answer(
        "Identificador de la petición, tuyo si lo enviaste; cítalo al pedir ayuda.",
        required=True,
        pattern="^[A-Za-z0-9._-]{8,100}$",
        examples=[id_example("req")],
    ),
    "X-RateLimit-Limit": _answer(
        "Peticiones que admite la ventana más estrecha.",
        required=True,
        type="integer",
        minimum=1,
        examples=[300],
    ),
    "X-RateLimit-Remaining": _answer(
        "Peticiones que le quedan.", required=True, type="integer", minimum=0, examples=[295]
    ),
    "X-RateLimit-Reset": _answer(
        "Cuándo se renueva, en segundos Unix.", required=True, type="integer", examples=[1705502400]
    ),
    "RateLimit-Policy": _answer(
        "Las dos ventanas del plan (borrador IETF `ratelimit-headers`): `q` peticiones en `w` segundos.",
        required=True,
        pattern='^"minute";q=[0-9]+;w=60,"day";q=[0-9]+;w=86400$',
        examples=['"minute";q=300;w=60,"day";q=10000;w=86400'],
    ),
    "RateLimit": _answer(
        "Lo que queda en cada ventana: `r` peticiones, renovadas dentro de `t` segundos.",
        required=True,
        pattern='^"minute";r=[0-9]+;t=[0-9]+,"day";r=[0-9]+;t=[0-9]+$',
        examples=['"minute";r=295;t=42,"day";r=9421;t=31000'],
    ),
    "ETag": _answer("Versión de lo leído, para `If-None-Match` e `If-Match`.", examples=['"v3"']),
    "Link": _answer(
        'Página siguiente (RFC 8288), con `rel="next"`; falta en la última.',
        examples=['<https://api.example.com/v1/servicios/cases?cursor=WyJ0ZW5hbnQiXQ.c2ln>; rel="next"'],
    ),
    "Location": _answer("Ruta de lo creado.", examples=["/v1/servicios/cases/" + id_example("cas")]),
    "Retry-After": _answer(
        "Segundos que conviene esperar antes de reintentar.", type="integer", minimum=1, examples=[5]
    ),
    "Idempotency-Replayed": _answer(
        "`true` cuando es la respuesta recordada de una petición anterior.", const="true", examples=["true"]
    ),
    "WWW-Authenticate": _answer(
        "Qué credencial se espera (RFC 6750).", examples=['Bearer realm="conecta", error="invalid_token"']
    ),
}

_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit")
# A fault before the limits were asked for (a body refused unread, a database that is down) cannot name them.
_WITHOUT_LIMITS = {413, 500, 503}
_RARER: dict[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
    412: ("ETag",),
}


def parameter(name: str) -> Json:
    """Refer to a header of requests."""
    return {"$ref": f"#/components/parameters/{name}"}


def of_answer(status: int, *more: str) -> Json:
    """Return the headers of an answer: those that all have, those of its status, and `more`."""
    found = {"X-Request-ID": _named("X-Request-ID")}
    for name in _LIMITS:
        found[name] = _optional(name) if status in _WITHOUT_LIMITS else _named(name)
    return found | {name: _named(name) for name in (*_RARER.get(status, ()), *more)}


def _named(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _optional(name: str) -> Json:
    return {**RESPONSE_HEADERS[name], "required": False}
