"""An application that knows both providers, their fakes on loopback, and the worker's part."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from conecta.app import create_app
from conecta.calendars.following import CalendarSync
from conecta.kit import logs
from conecta.settings import Settings
from tests.calendars.arrange import Calendars
from tests.calendars.fake import running
from tests.calendars.google_server import GoogleServer
from tests.calendars.graph_server import GraphServer


@pytest.fixture(scope="package")
async def servers() -> AsyncIterator[tuple[GoogleServer, GraphServer]]:
    """The two providers."""
    google, graph = GoogleServer(), GraphServer()
    async with running(google), running(graph):
        yield google, graph


@pytest.fixture(scope="package")
def settings(settings: Settings, servers) -> Settings:
    """The settings of the application under test, which the providers know."""
    google, graph = servers
    more = {
        "google_client_id": "our-client",
        "google_client_secret": "our-secret",
        "google_api_url": f"{google.url}/calendar/v3",
        "google_authorize_url": f"{google.url}/authorize",
        "google_token_url": f"{google.url}/token",
        "google_revoke_url": f"{google.url}/revoke",
        "microsoft_client_id": "our-client",
        "microsoft_client_secret": "our-secret",
        "microsoft_api_url": f"{graph.url}/v1.0",
        "microsoft_login_url": graph.url,
        "calendar_push_url": "http://testserver",
    }
    return Settings(_env_file=None, **{**settings.model_dump(), **more})


@pytest.fixture(scope="package")
async def app(settings: Settings, dsn: str) -> AsyncIterator[FastAPI]:
    """The running application, without its background worker."""
    logs.configure(fmt="console", level="ERROR")
    app = create_app(settings, dsn=dsn)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def pusher(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """How the providers reach us."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture
def google(servers, pusher) -> GoogleServer:
    """Google, with empty calendars."""
    google = servers[0]
    google.reset()
    google.push = pusher
    return google


@pytest.fixture
def graph(servers, pusher) -> GraphServer:
    """Microsoft Graph, with empty calendars."""
    graph = servers[1]
    graph.reset()
    graph.push = pusher
    return graph


@pytest.fixture
async def calendars(app: FastAPI, api: httpx.AsyncClient, pusher, superuser) -> AsyncIterator[Calendars]:
    """What tests do with calendars, and the worker's part that follows them."""
    worker = CalendarSync(app.state.database, app.state.keyring, app.state.settings)
    yield Calendars(api, pusher, worker, superuser)
    await worker.close()
