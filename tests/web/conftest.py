"""People's browsers, as the pages' own tests have them; the firm's own website and its public page."""

import pytest

from tests.pages.conftest import new_browser, owner, visitor
from tests.web.visiting import publishable_key, website

__all__ = ["owner", "visitor"]


@pytest.fixture
async def site(app, api):
    """A script of the firm's own website."""
    made = await publishable_key(api)
    async with website(app, made["key"]) as client:
        yield client


@pytest.fixture
async def people(app):
    """A browser without scripts that nobody has signed in to."""
    async with new_browser(app) as client:
        yield client


@pytest.fixture
async def page(api):
    """The firm's public page, open."""
    answer = await api.put("/public-site", json={"slug": "bufete", "intro": "Familia & herencias."})
    assert answer.status_code == 200
    return "/b/bufete"
