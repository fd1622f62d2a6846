"""What the two fakes of calendar providers share: loopback, OAuth2, faults on demand, and notifications."""

import asyncio
import base64
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from aiohttp import web


@dataclass
class Fault:
    """An answer that stands in for the next ones to a method and path."""

    status: int
    times: int = 1
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    # Do what was asked, and lose the answer.
    after: bool = False


class FakeProvider:
    """An OAuth2 server and an account; the subclass adds the calendars."""

    CLIENT = ("our-client", "our-secret")

    def __init__(self) -> None:
        self.url = ""
        self.push: httpx.AsyncClient | None = None
        self.reset()

    def reset(self) -> None:
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.faults: list[Fault] = []
        self.pauses: list[tuple[str, str, asyncio.Event, asyncio.Event]] = []
        self.codes: dict[str, str] = {}
        self.access, self.refresh = "", ""
        self.expires_in = 3600
        self.withdrawn = False
        self.scope: str | None = None
        self.revoked: list[str] = []
        self.refreshed = 0
        self.account = "marta@bufete.example"
        self.answers: list[tuple[int, str]] = []

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/authorize", self.authorize)
        router.add_post("/token", self.token)
        router.add_post("/revoke", self.revoke)

    def fail(self, status: int, **more: Any) -> None:
        self.faults.append(Fault(status, **more))

    def pause(self, method: str, path: str) -> tuple[asyncio.Event, asyncio.Event]:
        """Keep the next answer back; return what tells that it is written, and what lets it go."""
        written, go_on = asyncio.Event(), asyncio.Event()
        self.pauses.append((method, path, written, go_on))
        return written, go_on

    def asked(self, method: str, part: str = "") -> list[dict[str, str]]:
        """Return the queries of the calls of a method to paths that contain something."""
        return [query for verb, path, query in self.calls if verb == method and part in path]

    async def authorize(self, request: web.Request) -> web.Response:
        """Let the client in, as somebody who presses "accept" would."""
        query = request.query
        assert query["client_id"] == self.CLIENT[0]
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = query["code_challenge"]
        back = urlencode({"code": code, "state": query["state"]})
        raise web.HTTPFound(f"{query['redirect_uri']}?{back}")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != self.CLIENT:
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("grant_type") == "authorization_code":
            challenge = self.codes.pop(str(form["code"]), None)
            digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
            if challenge != base64.urlsafe_b64encode(digest).decode().rstrip("="):
                return web.json_response({"error": "invalid_grant"}, status=400)
            self.refresh, self.withdrawn = secrets.token_urlsafe(8), False
        elif self.withdrawn or form.get("refresh_token") != self.refresh:
            return web.json_response({"error": "invalid_grant"}, status=400)
        else:
            self.refreshed += 1
        self.access = secrets.token_urlsafe(8)
        answer = {"access_token": self.access, "expires_in": self.expires_in, "token_type": "Bearer"}
        if self.scope is not None:
            answer["scope"] = self.scope
        if form.get("grant_type") == "authorization_code":
            answer["refresh_token"] = self.refresh
        return web.json_response(answer)

    async def revoke(self, request: web.Request) -> web.Response:
        """Take back all that the account's owner gave to the client, whichever of its tokens is shown."""
        token = str((await request.post())["token"])
        if self.withdrawn or token not in {self.access, self.refresh}:
            return web.json_response({"error": "invalid_token"}, status=400)
        self.revoked.append(token)
        self.access, self.withdrawn = "", True
        return web.json_response({})

    @web.middleware
    async def guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Log the call, break it if a fault is wanted, and ask for the token."""
        if request.path in {"/authorize", "/token", "/revoke"}:
            return await handler(request)
        self.calls.append((request.method, request.path, dict(request.query)))
        for pause in [p for p in self.pauses if p[0] == request.method and request.path.endswith(p[1])]:
            self.pauses.remove(pause)
            answer = await handler(request)
            pause[2].set()
            await pause[3].wait()
            return answer
        for fault in self.faults:
            if fault.times and request.method.startswith(fault.method) and fault.path in request.path:
                fault.times -= 1
                if fault.after:
                    await handler(request)
                return web.json_response(fault.body, status=fault.status, headers=fault.headers)
        if request.headers.get("Authorization") != f"Bearer {self.access}" or not self.access:
            return web.json_response({"error": {"code": 401, "message": "Invalid Credentials"}}, status=401)
        return await handler(request)


@contextlib.asynccontextmanager
async def running(fake: FakeProvider) -> AsyncIterator[None]:
    """Run a fake on loopback."""
    application = web.Application(middlewares=[fake.guard])
    fake.routes(application.router)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()
