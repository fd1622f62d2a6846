"""A real HTTP server on loopback that answers as an SMS gateway does."""

import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Gateway:
    """What arrived, and how the gateway behaves."""

    url: str = ""
    status: int = 201
    answer: dict[str, Any] = field(default_factory=lambda: {"sid": "SM1", "status": "queued"})
    asked: int = 0
    arrived: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.asked += 1
        scheme, _, sealed = request.headers["Authorization"].partition(" ")
        known = scheme == "Basic" and base64.b64decode(sealed) == b"AC1:t0k/en"
        if not known or request.path != "/2010-04-01/Accounts/AC1/Messages.json":
            return web.json_response({"code": 20003, "message": "Authenticate"}, status=401)
        if self.status < 300:
            self.arrived.append({name: str(value) for name, value in (await request.post()).items()})
        return web.json_response(self.answer, status=self.status)


@contextlib.asynccontextmanager
async def sms_gateway(sender: str = "%2B34600000000") -> AsyncIterator[Gateway]:
    """Run a gateway."""
    gateway = Gateway()
    application = web.Application()
    application.router.add_post("/{tail:.*}", gateway.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        gateway.url = f"http://AC1:t0k%2Fen@127.0.0.1:{port}?from={sender}"
        yield gateway
    finally:
        await runner.cleanup()
