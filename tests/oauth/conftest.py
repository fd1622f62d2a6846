"""A firm whose owner can sign in, browsers, and applications of both kinds."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from conecta.oauth.registration import service as registration
from tests.processes import installation

from .arrange import NATIVE_CALLBACK, OAuthApp, Person, give_password, register_app
from .browserless import Browser, in_process
from .houses import House
from .npm import node_clients

__all__ = ["node_clients"]


@pytest.fixture
async def http(app) -> AsyncIterator[httpx.AsyncClient]:
    """A program without any credential, at the root of the server."""
    async with in_process(app, address="198.51.100.30") as client:
        yield client


@pytest.fixture
async def browser(app) -> AsyncIterator[Browser]:
    """A browser in which nobody is signed in yet."""
    async with in_process(app) as client:
        yield Browser(client)


@pytest.fixture
async def other_browser(app) -> AsyncIterator[Browser]:
    """Somebody else's browser."""
    async with in_process(app, address="203.0.113.77") as client:
        yield Browser(client)


@pytest.fixture
async def owner(app, firm, superuser) -> Person:
    """The firm's owner, with a password."""
    return await give_password(app, superuser, firm.owner_id)


@pytest.fixture
async def vendor(app, firm) -> AsyncIterator[OAuthApp]:
    """A confidential application."""
    registered = await register_app(
        app, firm, grant_types=["authorization_code", "refresh_token", "client_credentials"]
    )
    async with registered.http:
        yield registered


@pytest.fixture
async def native(app, firm) -> AsyncIterator[OAuthApp]:
    """A public application on people's own machines."""
    registered = await register_app(app, firm, kind="public", redirect_uris=[NATIVE_CALLBACK])
    async with registered.http:
        yield registered


@pytest.fixture
async def initial_token(app, firm) -> str:
    """A token with which apps may register themselves for the firm."""
    async with app.state.database.transaction(system=True) as session:
        token = await registration.make_initial_token(
            session, app.state.keyring, tenant_id=firm.id, uses=50, lifetime=timedelta(hours=1)
        )
    assert token is not None
    return token


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A running installation with the demo firm, which web pages of other origins may call."""
    with (
        tempfile.TemporaryDirectory(prefix="conecta-oauth-") as folder,
        installation(Path(folder)) as running,
    ):
        running.environment |= {"CONECTA_CORS_ORIGINS": "*", "CONECTA_OAUTH_GRANT_SECONDS": "0"}
        running.serve("--demo")
        yield House(running)
