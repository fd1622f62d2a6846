"""Puts everything together: importing a module does nothing, `create_app(settings)` does it all."""

import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

import conecta.models  # noqa: F401 - foreign keys name tables by text: a process must know them all
from conecta import api, health, pages, reference_pages
from conecta.api_keys.credentials import ApiKeyCredentials
from conecta.auth.gate import Gate, GateSettings
from conecta.bookings.feeds import public as calendar_feeds
from conecta.calendars import public as calendar_notices
from conecta.installation import keyring_of
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.problem_responses import problem_response, to_problem
from conecta.kit.queues import Queues
from conecta.kit.rate_limit import PostgresRateLimits, RateLimitStore, RedisRateLimits
from conecta.kit.request_context import RequestContext
from conecta.oauth import routes as oauth_routes
from conecta.oauth.cors import MachineCors
from conecta.oauth.credentials import TokenCredentials
from conecta.oauth.metadata import resource_metadata_url
from conecta.oauth.server import OAuthServer
from conecta.pages.error_pages import error_page, is_page
from conecta.requests.recorder import RequestLog, RequestLogMiddleware
from conecta.settings import Settings
from conecta.website.cors import PublicCors, is_public
from conecta.website.keys.credentials import PublishableKeyCredentials

EXPOSED_HEADERS = (
    "X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit",
    "RateLimit-Policy", "Retry-After", "ETag", "Link", "Location", "Idempotency-Replayed",
    "WWW-Authenticate", "DPoP-Nonce",
)  # fmt: skip


def create_app(settings: Settings, *, dsn: str, with_worker: bool = False) -> FastAPI:
    """Build the application over a migrated Postgres at `dsn`; nothing is opened before it starts.

    `with_worker` also runs the background worker in this process, as a lone server does.
    """
    database = Database(dsn, pool_size=settings.database_pool)
    keyring = keyring_of(settings)
    limits = _limits(settings, database)
    keys = ApiKeyCredentials(database, keyring, charge_here=isinstance(limits, PostgresRateLimits))
    website_keys = PublishableKeyCredentials(database, limits)
    request_log = RequestLog(database)
    oauth = OAuthServer(settings, database, keyring, limits)
    tokens = TokenCredentials(oauth, seconds_kept=settings.oauth_grant_seconds)
    worker = _worker(settings, dsn, keyring) if with_worker else None
    gate_settings = GateSettings(
        api.PREFIX + "/",
        settings.sign_in_failures_per_minute,
        resource_metadata=resource_metadata_url(settings.base_url),
    )
    app = FastAPI(
        title="ServiciosConecta",
        lifespan=_lifespan(database, [keys, tokens, request_log], limits, worker),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(RequestContext, base_url=settings.base_url, max_body_bytes=settings.max_body_bytes),
            Middleware(MachineCors),
            Middleware(PublicCors, expose_headers=EXPOSED_HEADERS),
            *_cors(settings),
            Middleware(RequestLogMiddleware, log=request_log, prefix=api.PREFIX + "/"),
            Middleware(Gate, credentials=[keys, tokens, website_keys], limits=limits, settings=gate_settings),
        ],
    )
    app.middleware_stack = _stack(app)
    app.state.settings = settings
    app.state.database = database
    app.state.queues = Queues()
    app.state.keyring = keyring
    app.state.limits = limits
    app.state.oauth = oauth
    app.state.tokens = tokens
    app.state.request_log = request_log
    app.router.routes.extend(api.routes())
    app.router.routes.extend(oauth_routes.routes(settings.base_url))
    app.router.routes.extend(health.router.routes)
    app.router.routes.extend(reference_pages.router.routes)
    app.router.routes.extend(calendar_feeds.ROUTES)
    app.router.routes.extend(calendar_notices.ROUTES)
    app.router.routes.extend(pages.routes())
    return app


def _stack(app: FastAPI) -> ASGIApp:
    """Put our middleware around the router, and of the framework's own only what its routes need.

    Its last resort, telemetry and body limit would come to nothing: RequestContext does all that.
    """
    stack: ASGIApp = ExceptionMiddleware(
        AsyncExitStackMiddleware(app.router), handlers={HTTPException: _router_refusal}
    )
    for cls, args, kwargs in reversed(app.user_middleware):
        stack = cls(stack, *args, **kwargs)
    return stack


class _ApiCors(CORSMiddleware):
    """Lets the web origins of the settings call the API; pages of people, and consent above all, never."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers of CORS, or leave the request alone."""
        path = scope["path"] if scope["type"] == "http" else api.PREFIX
        if not path.startswith((api.PREFIX, "/openapi.json")) or is_public(path):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            _ApiCors,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
            allow_headers=["*"],
            expose_headers=EXPOSED_HEADERS,
            max_age=7200,
        )
    ]


def _worker(settings: Settings, dsn: str, keyring: KeyRing) -> Any:
    from conecta.worker import Worker

    return Worker(settings, dsn, keyring)


def _limits(settings: Settings, database: Database) -> RateLimitStore:
    in_postgres = PostgresRateLimits(database)
    return RedisRateLimits(settings.redis_url, fallback=in_postgres) if settings.redis_url else in_postgres


class _Writer(Protocol):
    """What writes in the background what requests leave behind."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


def _lifespan(
    database: Database, writers: Sequence[_Writer], limits: RateLimitStore, worker: Any
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await database.open()
        for writer in writers:
            writer.start()
        _spare_the_collector()
        if worker:
            await worker.start()
        try:
            yield
        finally:
            if worker:
                await worker.stop()
            for writer in writers:
                await writer.stop()
            if isinstance(limits, RedisRateLimits):
                await limits.close()
            await database.close()

    return lifespan


def _spare_the_collector() -> None:
    # What was made until now stays for good; and a request leaves no cycles worth looking for 15 times a
    # second, as the default thresholds would.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _router_refusal(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        # The router names the methods of the first route only that has this path.
        error.headers = {"Allow": ", ".join(_methods_of(request))}
    if is_page(request.url.path):
        return error_page(request, error)
    return problem_response(to_problem(error, path=request.url.path), request.scope)


def _methods_of(request: Request) -> list[str]:
    routes = [route for route in request.app.router.routes if isinstance(route, Route)]
    path = request.url.path
    # A path that stands there word for word is no id: what `{uuid}` allows would be a 404 for it.
    named = [route for route in routes if route.path == path]
    fitting = named or [route for route in routes if route.path_regex.match(path)]
    return sorted({method for route in fitting for method in route.methods or ()})
