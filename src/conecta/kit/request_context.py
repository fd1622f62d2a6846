"""The outermost middleware: request id, language, one log line and metrics each, body size, last word."""

import re
import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import clock, language
from .errors import BodyTooLarge
from .ids import new_id
from .logs import access_log
from .problem_responses import problem_response, to_problem

_ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,100}\Z")

_REQUESTS = Counter("conecta_requests_total", "Requests answered", ["method", "route", "status"])
_DURATION = Histogram(
    "conecta_request_seconds",
    "Time from request to answer",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_SECURITY_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
)


_USER_AGENT_KEPT = 200

_scope: ContextVar[MutableMapping[str, Any] | None] = ContextVar("request_scope", default=None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the current request came from; both None outside of a request (a command, the worker)."""

    address: str | None
    user_agent: str | None


def origin() -> Origin:
    """Return the address and the user agent of whoever is being answered now."""
    scope = _scope.get()
    if scope is None:
        return Origin(None, None)
    client = scope.get("client")
    agent = Headers(scope=scope).get("user-agent", "")[:_USER_AGENT_KEPT].replace("\x00", "")
    return Origin(client[0] if client else None, agent or None)


class RequestContext:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, *, base_url: str, max_body_bytes: int) -> None:
        self._app, self._base_url, self._max_body_bytes = app, base_url, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, observed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _scope.set(scope)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _ACCEPTED_REQUEST_ID.match(given) else new_id("req")
        scope.setdefault("state", {}).update(request_id=request_id, base_url=self._base_url)
        language.speak(language.choose(headers.get("accept-language", "")))
        clock.move_for_this_context(clock.STILL)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self._observed(scope, _Limited(receive, headers, self._max_body_bytes), send)

    async def _observed(self, scope: Scope, receive: "_Limited", send: Send) -> None:
        started = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["x-request-id"] = scope["state"]["request_id"]
                for name, value in _SECURITY_HEADERS:
                    if name != "x-frame-options" or "frame-ancestors" not in _policy(answer):
                        answer.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if status:
                raise
            await _last_resort(error, scope, receive, sending)
        finally:
            _record(scope, status, time.perf_counter() - started)


class _Limited:
    """Reads the request's body up to the limit; what is longer, or says it is, becomes a 413.

    Only when somebody asks for the body: who may not come in is told that first.
    """

    def __init__(self, receive: Receive, headers: Headers, limit: int) -> None:
        self._receive, self._headers, self._limit, self._seen = receive, headers, limit, 0

    async def __call__(self) -> Message:
        """Receive the next piece of the body."""
        announced = self._headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:19]) > self._limit:
            raise BodyTooLarge(limit=self._limit)
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._limit:
            raise BodyTooLarge(limit=self._limit)
        return message


def _policy(answer: MutableHeaders) -> str:
    # A page that says itself who may frame it needs no older header that says the opposite.
    return answer.get("content-security-policy", "")


async def _last_resort(error: Exception, scope: Scope, receive: Any, send: Send) -> None:
    await problem_response(to_problem(error, path=scope["path"]), scope)(scope, receive, send)


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "unknown")
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    requests, duration = _metrics_of(method, route, status)
    requests.inc()
    duration.observe(seconds)
    access_log.write(method=method, path=scope["path"], status=status, ms=round(seconds * 1000, 1))


@cache
def _metrics_of(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # Looking a metric up by its labels costs several times what counting does; routes and states are few.
    return _REQUESTS.labels(method, route, status), _DURATION.labels(method, route)


_METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"}
