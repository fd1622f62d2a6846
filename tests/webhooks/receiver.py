"""A real HTTP server on loopback that catches webhooks, and misbehaves when told to."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDictProxy


@dataclass(frozen=True)
class Hit:
    """One request as it came."""

    path: str
    headers: CIMultiDictProxy[str]
    body: bytes
    at: float

    @property
    def event_id(self) -> str:
        return self.headers["X-Webhook-ID"]

    @property
    def delivery_id(self) -> str:
        return self.headers["X-Webhook-Delivery-ID"]


Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """Keeps what came; each path may have its own behaviour, and answers 200 without one."""

    base: str = ""
    port: int = 0
    hits: list[Hit] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    running: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def url(self, path: str = "/hook") -> str:
        return self.base + path

    def at(self, path: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.path == path]

    async def until(self, true: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until a condition over the hits holds; fail when it does not in time."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(true)
        except TimeoutError:
            raise AssertionError(f"Not in time; {len(self.hits)} hits came.") from None

    async def until_hits(self, count: int, path: str | None = None, seconds: float = 20) -> list[Hit]:
        """Wait for at least so many hits and return them."""

        def found() -> list[Hit]:
            return self.hits if path is None else self.at(path)

        await self.until(lambda: len(found()) >= count, seconds)
        return found()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        body = await request.read()
        self.running[path] += 1
        self.peak[path] = max(self.peak[path], self.running[path])
        now = asyncio.get_running_loop().time()
        self.hits.append(Hit(path, request.headers.copy(), body, now))
        async with self._changed:
            self._changed.notify_all()
        try:
            return await self.behaviours.get(path, says(200))(request)
        finally:
            self.running[path] -= 1


def says(*statuses: int, body: bytes = b"ok", **headers: str) -> Behaviour:
    """Answer with each status in turn, the last one for ever; headers are written `Retry_After="2"`."""
    left = list(statuses)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def behave(_request: web.Request) -> web.StreamResponse:
        status = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=status, body=body, headers=named)

    return behave


def waits(gate: asyncio.Event) -> Behaviour:
    """Answer 200, but not before the gate opens."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(body=b"ok")

    return behave


def dawdles(seconds: float, status: int = 200) -> Behaviour:
    """Take some time over each answer."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.Response(status=status, body=b"ok")

    return behave


def pours(total: int, chunk: bytes = b"x" * 65_536) -> Behaviour:
    """Answer 200 with a body of so many bytes."""

    async def behave(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = total
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(total // len(chunk)):
                await response.write(chunk)
        return response

    return behave


@contextlib.asynccontextmanager
async def receiving(**behaviours: Behaviour) -> AsyncIterator[Receiver]:
    """Run a receiver; `hook=says(500)` sets how `/hook` behaves."""
    receiver = Receiver(behaviours={f"/{name}": behave for name, behave in behaviours.items()})
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", receiver.handle)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    receiver.base = f"http://127.0.0.1:{receiver.port}"
    try:
        yield receiver
    finally:
        await runner.cleanup()
