"""Answers refusals: any exception becomes a Problem, any Problem becomes a problem+json response."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import IntegrityError as UniqueOrForeignKeyError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from . import language
from .errors import (
    MEDIA_TYPE,
    Conflict,
    InternalError,
    InvalidParameter,
    MalformedRequest,
    MethodNotAllowed,
    NotAcceptable,
    Problem,
    RouteNotFound,
    ServiceUnavailable,
    ValidationFailed,
)
from .language import Text
from .validation import field_errors

log = structlog.get_logger()

_UNREACHABLE = (
    PoolTimeout,
    PoolExhausted,
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    OSError,
)


def to_problem(error: Exception, *, path: str = "", known_fields: Sequence[str] = ()) -> Problem:
    """Say what an exception means to the caller; what nobody foresaw is logged and becomes a 500."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _invalid(error, known_fields)
        case HTTPException():
            return _of_router(error, path)
        case UniqueOrForeignKeyError() | StaleDataError() | psycopg.IntegrityError():
            log.warning("write_conflict", error=type(error).__name__, constraint=_constraint(error))
            return Conflict()
        case _ if isinstance(error, _UNREACHABLE):
            log.error("database_unreachable", error=str(error)[:500])
            return ServiceUnavailable(headers={"Retry-After": "5"})
        case _:
            log.error("unexpected_error", exc_info=error)
            return InternalError()


def problem_response(problem: Problem, scope: Scope) -> Response:
    """Write a Problem for the request of this ASGI scope."""
    state = scope.get("state", {})
    body = problem.body(
        base_url=state.get("base_url", ""),
        instance=scope["path"][:500],
        request_id=state.get("request_id", ""),
    )
    headers = {"Content-Language": language.current(), "Cache-Control": "no-store", **problem.headers}
    return Response(_dump(body), problem.status, headers, media_type=MEDIA_TYPE)


def _dump(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _invalid(error: RequestValidationError, known: Sequence[str]) -> Problem:
    errors = error.errors()
    if any(item["loc"][0] != "body" for item in errors):
        return InvalidParameter(errors=field_errors(e for e in errors if e["loc"][0] != "body"))
    return ValidationFailed(errors=field_errors(errors, known))


def _of_router(error: HTTPException, path: str) -> Problem:
    match error.status_code:
        case 404:
            return RouteNotFound(path=path[:200])
        case 405:
            allowed = (error.headers or {}).get("Allow", "")
            return MethodNotAllowed(headers={"Allow": allowed}, allowed=allowed)
        case 406:
            return NotAcceptable(offered="application/json")
        case _ if isinstance(error.__cause__, Problem):
            return error.__cause__
        case 400:
            return MalformedRequest(Text("No se ha podido leer el cuerpo.", "The body could not be read."))
        case _:
            log.error("unforeseen_http_exception", status=error.status_code, detail=str(error.detail))
            return InternalError()


def _constraint(error: Exception) -> str | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    diagnostic = getattr(cause, "diag", None)
    return getattr(diagnostic, "constraint_name", None)
