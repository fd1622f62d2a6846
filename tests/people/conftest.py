"""A person with a password, and a browser."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from tests.oauth.browserless import Browser

from .arrange import Person, give_password, new_browser


@pytest.fixture
async def person(app: FastAPI, firm, superuser) -> Person:
    """The owner of the firm, who may sign in by password."""
    return await give_password(app, superuser, firm.owner_id)


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    """A browser nobody has signed in with yet."""
    made = new_browser(app)
    yield made
    await made.http.aclose()
