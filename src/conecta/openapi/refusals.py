"""Which refusals an operation can give: those of the house by rule, its own by reading its code.

A feature's refusals are found by following, from the route's function down, every function of the house
that is named on the way. So nobody keeps a list, and none can be forgotten; a refusal that a shared helper
gives to one operation only is listed at the others too.
"""

from collections.abc import Iterator
from itertools import groupby
from types import CodeType, FunctionType, ModuleType
from typing import Any

from conecta.auth.errors import OriginNotAllowed, RateLimited
from conecta.kit import errors as kit
from conecta.kit.errors import Problem

from . import headers, problems
from .operations import Operation

Json = dict[str, Any]

_TITLES = {
    400: "Petición o parámetros malformados.",
    401: "Falta una credencial válida.",
    403: "Sin permiso.",
    404: "No encontrado.",
    406: "Formato no disponible.",
    409: "Conflicto con el estado actual.",
    412: "El recurso ha cambiado.",
    413: "Cuerpo demasiado grande.",
    415: "Tipo de contenido no admitido.",
    422: "El cuerpo no cumple las reglas.",
    428: "Falta una condición.",
    429: "Demasiadas solicitudes.",
    500: "Error nuestro.",
    503: "Servicio no disponible.",
}


def add_to(described: Json, operation: Operation, components: Json, base_url: str) -> None:
    """Describe every refusal of an operation, with an example of each code."""
    found = sorted(of(operation), key=lambda problem: (problem.status, problem.code))
    for problem in found:
        if problem.code not in components["examples"]:
            components["examples"][problem.code] = {
                "summary": str(problem.title),
                "value": problems.example(problem, base_url),
            }
    for status, group in groupby(found, key=lambda problem: problem.status):
        codes = [problem.code for problem in group]
        name = "_or_".join(codes)
        components["responses"][name] = {
            "description": _TITLES[status],
            "headers": headers.of_answer(status, *_remembered(status)),
            "content": problems.content(codes),
        }
        described["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}


def of(operation: Operation) -> set[type[Problem]]:
    """Return every refusal that an operation can give."""
    return {*_of_the_house(operation), *_of_the_feature(operation)}


def _of_the_house(operation: Operation) -> Iterator[type[Problem]]:
    yield from (kit.InvalidParameter, kit.Unauthorized, kit.InsufficientScope, kit.TenantMismatch)
    yield from (kit.NotAcceptable, kit.BodyTooLarge, RateLimited, kit.InternalError, kit.ServiceUnavailable)
    if operation.require.visitors:
        yield OriginNotAllowed
    if operation.route.dependant.path_params:
        yield kit.NotFound
    if operation.conditional:
        yield kit.PreconditionFailed
    if not operation.reads:
        yield from (kit.MalformedRequest, kit.Conflict, kit.UnsupportedMediaType, kit.ValidationFailed)
    if operation.method == "post":
        yield from (kit.IdempotencyInFlight, kit.IdempotencyKeyReused)


def _of_the_feature(operation: Operation) -> set[type[Problem]]:
    found: set[type[Problem]] = set()
    seen: set[FunctionType] = set()
    waiting: list[Any] = [operation.route.endpoint]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, type) and issubclass(thing, Problem):
            if _is_featured(thing) and not thing.__name__.startswith("_"):
                found.add(thing)
        elif isinstance(thing, FunctionType) and _is_featured(thing) and thing not in seen:
            seen.add(thing)
            waiting += _named_in(thing)
    return found


def _named_in(function: FunctionType) -> Iterator[Any]:
    """Give what the global names of a function, and their attributes, stand for."""
    names = set(_names(function.__code__))
    for name in names:
        thing = function.__globals__.get(name)
        if isinstance(thing, ModuleType):
            yield from (getattr(thing, attribute) for attribute in names if hasattr(thing, attribute))
        else:
            yield thing


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_featured(thing: Any) -> bool:
    module = str(thing.__module__)
    return module.startswith("conecta.") and not module.startswith(("conecta.kit.", "conecta.auth."))


def _remembered(status: int) -> tuple[str, ...]:
    return ("Idempotency-Replayed",) if 400 <= status < 500 and status not in {401, 409, 429} else ()
