"""Servers with other settings over the same database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from conecta.app import create_app


def made(app: FastAPI, **changed: object) -> FastAPI:
    """Build an application like this one, with some settings changed."""
    settings = app.state.settings.model_copy(update=changed)
    return create_app(settings, dsn=app.state.database.dsn)


@asynccontextmanager
async def running(app: FastAPI, **changed: object) -> AsyncIterator[FastAPI]:
    """Start another server process' worth of application."""
    other = made(app, **changed)
    async with other.router.lifespan_context(other):
        yield other


@asynccontextmanager
async def server_at(app: FastAPI, base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Start a server that is known to the public by this address, and call it there."""
    async with running(app, base_url=base_url) as other:
        transport = httpx.ASGITransport(app=other, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=base_url, follow_redirects=False
        ) as client:
            # Its public path ends at a proxy: what arrives is what follows.
            client.base_url = httpx.URL(base_url).copy_with(path="/")
            yield client
