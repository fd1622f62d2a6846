"""A firm's sandbox, where messages can be read and the clock moved."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from conecta.bookings.messages.reminding import Reminders
from tests.firms import Firm
from tests.oauth.browserless import Browser, in_process


@pytest.fixture
async def sandbox(app: FastAPI, firm: Firm) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with a key of the firm's sandbox."""
    async with firm.client(app, firm.sandbox_key) as client:
        yield client


@pytest.fixture
def reminders(app: FastAPI) -> Reminders:
    """A worker's reminders."""
    return Reminders(app.state.database, app.state.keyring, base_url="http://testserver")


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    """The browser of somebody without an account."""
    async with in_process(app) as http:
        yield Browser(http)
