"""One operation: what its route demands, taken from the dependencies that enforce it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import BaseRoute

from conecta.auth.require import Require
from conecta.auth.scopes import SEED_SCOPES, SENTENCES
from conecta.kit.etags import IfMatch
from conecta.kit.pages import PageParams
from conecta.kit.routing import QueryOf

from . import headers, texts
from .examples import example_of, id_example
from .schemas import collect, resolved, without_null

Json = dict[str, Any]

_IF_MATCH = get_args(IfMatch)[1].dependency
_SUCCESS = {
    "200": "Correcto.",
    "201": "Creado.",
    "202": "Aceptado: se hará enseguida.",
    "204": "Hecho; la respuesta no tiene cuerpo.",
}


@dataclass(frozen=True)
class Operation:
    """What the document needs to know of a route."""

    route: APIRoute
    method: str
    require: Require
    query: type[BaseModel] | None
    conditional: bool

    @property
    def path(self) -> str:
        """The path, with its parameters in braces."""
        return self.route.path_format

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "get"

    @property
    def lists(self) -> bool:
        """Whether it answers in pages that `Link` joins."""
        return self.query is not None and issubclass(self.query, PageParams)


def found_in(routes: Iterable[BaseRoute]) -> Iterator[Operation]:
    """Give every operation of the routes."""
    for route in routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        calls = list(_calls(route.dependant))
        guards = [call for call in calls if isinstance(call, Require)]
        assert len(guards) == 1, f"{route.path} says {len(guards)} times who may call it."
        queries = [call.model for call in calls if isinstance(call, QueryOf)]
        for method in sorted(route.methods or ()):
            yield Operation(
                route, method.lower(), guards[0], queries[0] if queries else None, _IF_MATCH in calls
            )


def describe(described: Json, operation: Operation, components: Json) -> None:
    """Add id, permission, parameters and the headers of successful answers."""
    described["operationId"] = operation.route.name
    scope = operation.require.scope
    wanted = [scope.value] if scope else []
    described["security"] = [{texts.API_KEY: wanted}]
    if scope is None or scope in SEED_SCOPES:
        described["security"].append({texts.OAUTH: wanted})
    if operation.require.visitors:
        described["security"].append({texts.PUBLISHABLE_KEY: []})
    described["description"] = _with_permission(described.get("description", ""), operation.require)
    described["parameters"] = list(_parameters(described, operation, components))
    answers = {s: a for s, a in described["responses"].items() if s.startswith("2")}
    for status, answer in answers.items():
        answer["description"] = _SUCCESS[status]
        answer["headers"] = headers.of_answer(int(status), *_headers_of_success(operation, status))
    described["responses"] = answers
    if operation.reads:
        unchanged = "Sin cambios: lo que ya tienes sigue vigente. No gasta límite."
        described["responses"]["304"] = {
            "description": unchanged,
            "headers": headers.of_answer(304, "ETag"),
        }


def _calls(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _with_permission(description: str, require: Require) -> str:
    scope = require.scope
    if scope is None:
        permission = "**Permiso:** ninguno en particular; vale cualquier credencial de la firma."
    else:
        permission = f"**Permiso:** `{scope.value}` ({SENTENCES[scope].es})."
    if require.clients:
        permission += " Un cliente de la firma ve solo lo suyo."
    if require.visitors:
        permission += " También una clave publicable `pk_…`, desde sus orígenes."
    return f"{description}\n\n{permission}".strip()


def _parameters(described: Json, operation: Operation, components: Json) -> Iterator[Json]:
    for parameter in described.get("parameters", []):
        yield _path_parameter(parameter, operation) if parameter["in"] == "path" else parameter
    if operation.query:
        yield from _query_parameters(operation.query, components["schemas"])
    if operation.reads:
        yield headers.parameter("IfNoneMatch")
    if operation.method == "post":
        yield headers.parameter("IdempotencyKey")
    if operation.conditional:
        yield headers.parameter("IfMatch")
    yield headers.parameter("TenantId")
    yield headers.parameter("AcceptLanguage")


# Which ids the collections of the API hold.
_PREFIXES = {
    "cases": "cas",
    "clients": "cli",
    "users": "usr",
    "api-keys": "key",
    "oauth-apps": "app",
    "notes": "nte",
    "webhooks": "whk",
    "deliveries": "dlv",
    "events": "wh_evt",
    "booking-services": "svc",
    "rooms": "room",
    "schedules": "sch",
    "time-off": "off",
    "holiday-calendars": "hol",
    "days": "day",
    "inquiries": "inq",
    "reviews": "rev",
    "publishable-keys": "pub",
    "messages": "msg",
    "audit-log": "aud",
    "requests": "req",
}


def _path_parameter(parameter: Json, operation: Operation) -> Json:
    before = operation.path.split(f"/{{{parameter['name']}}}")[0].rsplit("/", 1)[1]
    prefix = _PREFIXES.get(before)
    if before == "overrides":
        example, sentence = "2026-12-24", "Fecha, AAAA-MM-DD."
    elif operation.require.visitors:
        example, sentence = "consulta", "`slug` o identificador del servicio."
    elif prefix is None:
        example, sentence = "civil", "Código."
    else:
        example, sentence = id_example(prefix), f"Identificador `{prefix}_…`; también vale el UUID desnudo."
    longest = 100 if prefix == "req" else 64  # a caller may choose their own
    schema = {"type": "string", "minLength": 1, "maxLength": longest, "examples": [example]}
    return {**parameter, "description": sentence, "schema": schema}


def _query_parameters(model: type[BaseModel], schemas: Json) -> Iterator[Json]:
    found: Json = {}
    collect([model], "validation", found)
    whole = found.pop(model.__name__)
    schemas |= found
    for name, declared in whole["properties"].items():
        schema = without_null(declared)
        description = schema.pop("description", "")
        whole_schema = resolved(schema, schemas)
        if whole_schema.get("type") == "string" and not {"enum", "const", "examples"} & whole_schema.keys():
            schema["examples"] = [example_of(schema, schemas, name)]
        required = name in whole.get("required", [])
        yield {
            "name": name,
            "in": "query",
            "required": required,
            "description": description,
            "schema": schema,
        }


def _headers_of_success(operation: Operation, status: str) -> list[str]:
    found = []
    if status != "204":
        found.append("ETag")
    if operation.lists:
        found.append("Link")
    if status == "201":
        found.append("Location")
    if operation.method == "post":
        found.append("Idempotency-Replayed")
    return found
