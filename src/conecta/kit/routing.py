"""The one route class of the native API: guards, strict JSON, one transaction, idempotency, conditions.

A write runs in one transaction that is committed before its answer leaves; the remembered answer of
its Idempotency-Key is part of it. Whatever goes wrong becomes a Problem here, so that the limits'
headers are on every answer.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Annotated, Any, NamedTuple, Protocol, cast, runtime_checkable
from urllib.parse import unquote_to_bytes

import psycopg
import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from . import json_body
from .crypto import fingerprint
from .db import Database, HotReads, SessionReads, Writes
from .errors import FieldError, InvalidParameter, NotAcceptable, UnsupportedMediaType
from .etags import answer_conditionally
from .idempotency import IdempotentCall
from .language import Text
from .problem_responses import problem_response, to_problem
from .queues import Queues
from .validation import field_errors_of_query, suggestion

_READS = {"GET", "HEAD"}
_RETRIED_STATES = {"40001", "40P01"}  # serialization failure, deadlock: Postgres asks to try again
_ATTEMPTS = 3

log = structlog.get_logger()


@runtime_checkable
class Guard(Protocol):
    """A dependency that must be satisfied before the body is looked at."""

    def check(self, request: Request) -> None:
        """Raise a Problem when this caller may not come in."""
        ...


class TakesTurns:
    """A dependency of writes that take turns under a lock of the database, each firm for itself.

    They queue before they take a connection, so that one firm's crowd leaves the others theirs.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    async def __call__(self, request: Request) -> None:
        """Do nothing; the route has asked for `of` before its transaction began."""

    def of(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Return the gate that the caller's firm shares."""
        queues: Queues = request.app.state.queues
        return queues.of(f"{self._what} {request.state.tenant_id}")


class _ParsedRequest(Request):
    """A request whose JSON was read strictly before FastAPI sees it."""

    parsed: Any = None

    async def json(self) -> Any:
        return self.parsed


API_PREFIX = "/v1/servicios"

Handler = Callable[[Request], Awaitable[Response]]


class ApiRoute(APIRoute):
    """A route of the native API."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().__init__(path, endpoint, **more)
        run = self.get_route_handler()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            response = await run(Request(scope, receive, send))
            await response(scope, receive, send)

        if _direct_handler(self):
            # Such a read opens nothing that FastAPI's exit stacks would have to close.
            self.app = app

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wrap FastAPI's handler in what every native route does."""
        handler = _direct_handler(self) or super().get_route_handler()
        transaction = _hot_transaction if _hot_writes in _calls(self.dependant) else _session_transaction
        guards = [call for call in _calls(self.dependant) if isinstance(call, Guard)]
        turn = next((call for call in _calls(self.dependant) if isinstance(call, TakesTurns)), None)
        parameters = _query_names(self.dependant)
        fields = _body_names(self)

        async def run(request: Request) -> Response:
            try:
                for guard in guards:
                    guard.check(request)
                if request.scope["query_string"]:
                    _refuse_unknown_parameters(request, parameters)
                    _refuse_unstorable_parameters(request)
                _refuse_other_formats(request)
                if request.method in _READS:
                    return answer_conditionally(request, await handler(request))
                async with turn.of(request) if turn else nullcontext():
                    return await _write(request, _Endpoint(handler, transaction, fields))
            except Exception as error:  # noqa: BLE001 - whatever goes wrong gets an answer with its headers
                return _answer(error, request, fields)

        return run


def _direct_handler(route: APIRoute) -> Handler | None:
    """Return a handler that calls the endpoint itself, when its arguments are as simple as ours are.

    FastAPI's own solving of dependencies costs as much as the query of a hot read. A route whose
    arguments are path texts, one body, the request and dependencies on the request alone needs none of
    it, when it answers a Response.
    """
    dependant = route.dependant
    endpoint = dependant.call
    # What has no name is there for `get_route_handler` alone.
    dependencies = {dependency.name: dependency for dependency in dependant.dependencies if dependency.name}
    if (
        endpoint is None
        or dependant.query_params
        or dependant.header_params
        or dependant.cookie_params
        or len(dependant.body_params) > 1
        or any(parameter.field_info.annotation is not str for parameter in dependant.path_params)
        or inspect.signature(endpoint).return_annotation is not Response
        or not all(_needs_only_the_request(dependency) for dependency in dependencies.values())
    ):
        return None
    calls = [(str(name), dependency.call) for name, dependency in dependencies.items()]
    texts = [parameter.name for parameter in dependant.path_params]
    request_name = dependant.request_param_name
    body = dependant.body_params[0] if dependant.body_params else None

    async def handle(request: Request) -> Response:
        arguments: dict[str, Any] = {name: await call(request) for name, call in calls}  # type: ignore[misc]
        arguments.update((name, request.path_params[name]) for name in texts)
        if body:
            arguments[body.name] = await _validated(request, body)
        if request_name:
            arguments[request_name] = request
        return cast("Response", await endpoint(**arguments))

    return handle


async def _validated(request: Request, body: Any) -> Any:
    """Return the body as the endpoint takes it; raise RequestValidationError as FastAPI does."""
    if not await request.body():
        if not body.field_info.is_required():
            return body.get_default()
        raise RequestValidationError(
            [{"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}]
        )
    value, errors = body.validate(await request.json(), loc=("body",))
    if errors:
        raise RequestValidationError(errors)
    return value


def _needs_only_the_request(dependency: Dependant) -> bool:
    return (
        dependency.request_param_name is not None
        and not dependency.dependencies
        and not (dependency.query_params or dependency.path_params or dependency.header_params)
        and not (dependency.cookie_params or dependency.body_params)
    )


class _Endpoint(NamedTuple):
    """What the writes of a route need: the handler, its kind of transaction, the members of its body."""

    handle: Handler
    transaction: Callable[[Request], AbstractAsyncContextManager[Writes]]
    fields: list[str]


@asynccontextmanager
async def _session_transaction(request: Request) -> AsyncIterator[Writes]:
    database: Database = request.app.state.database
    state = request.state
    async with database.transaction(tenant_id=state.tenant_id, client_id=state.client_id) as session:
        state.session = session
        yield SessionReads(session)


@asynccontextmanager
async def _hot_transaction(request: Request) -> AsyncIterator[Writes]:
    database: Database = request.app.state.database
    state = request.state
    async with database.hot_transaction(tenant_id=state.tenant_id, client_id=state.client_id) as writes:
        state.writes = writes
        yield writes


async def _write(request: Request, endpoint: _Endpoint) -> Response:
    parsed = _ParsedRequest(request.scope, request.receive)
    body = await parsed.body()
    if body:
        _refuse_other_media_types(request)
        parsed.parsed = json_body.parse(body)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await _in_one_transaction(parsed, endpoint, body)
        except (OperationalError, psycopg.OperationalError) as error:
            state = _sqlstate(error)
            if attempt == _ATTEMPTS or state not in _RETRIED_STATES:
                raise
            log.warning("write_retried", attempt=attempt, sqlstate=state)
    raise AssertionError  # the loop returns or raises


def _sqlstate(error: OperationalError | psycopg.OperationalError) -> str | None:
    cause = error.orig if isinstance(error, OperationalError) else error
    return getattr(cause, "sqlstate", None)


async def _in_one_transaction(request: Request, endpoint: _Endpoint, body: bytes) -> Response:
    async with endpoint.transaction(request) as writes:
        key = _idempotency_key(request)
        if key is None:
            return await endpoint.handle(request)
        call = IdempotentCall(
            writes,
            request.app.state.keyring,
            tenant=request.state.tenant_id,
            route=f"{request.method} {request.url.path} {request.state.client_id}".rstrip()[:500],
            key=key,
            fingerprint=fingerprint(request.url.query.encode(), body),
        )
        first = await call.replay()
        if first is not None:
            return first
        response = await _within_savepoint(writes, request, endpoint)
        await call.remember(response)
        return response


def _idempotency_key(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key") if request.method == "POST" else []
    # Two keys are joined as a proxy joins them (RFC 9110 §5.3), and then refused: a key has no blank.
    return ", ".join(keys) if keys else None


async def _within_savepoint(writes: Writes, request: Request, endpoint: _Endpoint) -> Response:
    # A refusal must undo what the handler wrote, and still be remembered in the same transaction.
    try:
        async with writes.savepoint():
            return await endpoint.handle(request)
    except (OperationalError, psycopg.OperationalError):
        raise
    except Exception as error:
        problem = to_problem(error, path=request.url.path, known_fields=endpoint.fields)
        if problem.status >= 500:
            raise problem from error
        return problem_response(problem, request.scope)


def _answer(error: Exception, request: Request, fields: list[str]) -> Response:
    problem = to_problem(error, path=request.url.path, known_fields=fields)
    return problem_response(problem, request.scope)


def _refuse_unknown_parameters(request: Request, known: list[str]) -> None:
    unknown = [name for name in dict.fromkeys(request.query_params.keys()) if name not in known]
    if not unknown:
        return
    raise InvalidParameter(errors=[_unknown(name, known) for name in unknown[:20]])


def _refuse_unstorable_parameters(request: Request) -> None:
    # Starlette puts U+FFFD where the bytes were not UTF-8; somebody may also have sent that very character.
    unstorable = "\x00" if _is_utf8(request.scope["query_string"]) else "\x00\ufffd"
    message = str(
        Text("Solo se admite UTF-8, sin el carácter NUL.", "Only UTF-8 without NUL characters is accepted.")
    )
    names = [name for name, value in request.query_params.multi_items() if set(unstorable) & set(value)]
    if names:
        raise InvalidParameter(errors=[FieldError(name, "unstorable_text", message) for name in names])


def _is_utf8(query: bytes) -> bool:
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return True


def _unknown(name: str, known: list[str]) -> FieldError:
    if name == "page" and "cursor" in known:
        text = Text(
            "Aquí no hay páginas numeradas: envía en cursor el next_cursor de la respuesta anterior.",
            "There are no page numbers here: send the next_cursor of the previous answer as cursor.",
        )
    else:
        hint = suggestion(name, known)
        text = Text(
            f"No existe ese parámetro. {hint.es}".strip(), f"There is no such parameter. {hint.en}".strip()
        )
    return FieldError(name[:100].encode("utf-8", "replace").decode(), "unknown_parameter", str(text))


def _refuse_other_formats(request: Request) -> None:
    accept = request.headers.get("accept", "*/*")
    ranges = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    if not any(
        r in {"*/*", "application/*", "application/json", "application/problem+json", ""} for r in ranges
    ):
        raise NotAcceptable(offered="application/json")


def _refuse_other_media_types(request: Request) -> None:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise UnsupportedMediaType(headers={"Accept": "application/json"})


def _calls(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _query_names(dependant: Dependant) -> list[str]:
    names = [parameter.alias for parameter in dependant.query_params]
    for call in _calls(dependant):
        if isinstance(call, QueryOf):
            names += call.model.model_fields
    return names


def _body_names(route: APIRoute) -> list[str]:
    annotation = route.body_field.field_info.annotation if route.body_field else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [f.alias or name for name, f in annotation.model_fields.items()]
    return []


async def _session(request: Request) -> AsyncSession:
    session: AsyncSession = request.state.session
    return session


async def _hot_writes(request: Request) -> Writes:
    writes: Writes = request.state.writes
    return writes


async def _hot_reads(request: Request) -> HotReads:
    return HotReads(request.app.state.database, request.state.tenant_id, request.state.client_id)


def native_router(path: str, *, tag: str) -> APIRouter:
    """Return a router of the native API for a feature: `/v1/servicios` and then its own path."""
    return APIRouter(route_class=ApiRoute, prefix=API_PREFIX + path, tags=[tag])


class QueryOf:
    """A dependency that reads the query string into a model.

    FastAPI can do that itself, field by field, at ten times the cost of one call of Pydantic; the
    OpenAPI document takes the parameters from `model` (see `conecta.openapi`).
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model

    async def __call__(self, request: Request) -> BaseModel:
        """Return the parameters; raise InvalidParameter (400)."""
        try:
            return self.model.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise InvalidParameter(errors=field_errors_of_query(error.errors())) from None


def query_of(model: type[BaseModel]) -> Any:
    """Make the dependency that reads a list's parameters into its model."""
    return Depends(QueryOf(model))


DbWrites = Annotated[Writes, Depends(_hot_writes)]
DbSession = Annotated[AsyncSession, Depends(_session)]
DbReads = Annotated[HotReads, Depends(_hot_reads)]
