"""Clients of a firm with a token of the firm's own app, got as they get it: by consent, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from conecta.auth.roles import SCOPES_OF_CLIENT
from tests.clients.access import come_in, invited
from tests.firms import Firm
from tests.oauth.arrange import OAuthApp, code_of, pkce, register_app
from tests.oauth.browserless import Browser, authorize, in_process

SCOPES = sorted(SCOPES_OF_CLIENT)


@dataclass(frozen=True)
class Token:
    """What the firm's app got for a client."""

    app: OAuthApp
    access: str
    refresh: str

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.app.api(method, path, self.access, **more)


async def own_app(app: FastAPI, firm: Firm, **more: Any) -> OAuthApp:
    """Register the firm's app for its clients."""
    return await register_app(app, firm, name="App del despacho", for_clients=True, scopes=SCOPES, **more)


@asynccontextmanager
async def browser_of(
    app: FastAPI, api: httpx.AsyncClient, client_id: str, email: str
) -> AsyncIterator[Browser]:
    """A browser in which a client has come in by an invitation."""
    async with in_process(app) as http:
        browser = Browser(http)
        await come_in(browser, await invited(api, client_id, email))
        yield browser


async def token_of(oauth: OAuthApp, browser: Browser) -> Token:
    """Let the client who sits at a browser allow the firm's app everything it may have."""
    verifier, challenge = pkce()
    url = oauth.url(scope=" ".join(SCOPES), code_challenge=challenge, code_challenge_method="S256")
    answer = await oauth.exchange(code_of(await authorize(browser, url)), verifier)
    assert answer.status_code == 200, answer.text
    got = answer.json()
    assert sorted(got["scope"].split()) == SCOPES
    return Token(oauth, got["access_token"], got["refresh_token"])
