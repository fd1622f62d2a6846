"""A public single-page application in a real browser, from another origin: PKCE, DPoP, CORS, and no more."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.async_api import async_playwright

from .houses import SCOPE

CLIENTS = Path(__file__).parent / "clients"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    """The application's own web server, which only hands out files."""
    handler = functools.partial(_Quiet, directory=str(CLIENTS))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join(10)


async def test_a_single_page_client_gets_its_tokens_and_nothing_of_the_session(house, web):
    page_url = f"{web}/spa.html"
    app = house.register(name="Mi despacho", kind="public", redirect_uris=["http://localhost/spa.html"])
    told = {
        "issuer": house.origin,
        "resource": house.api,
        "client_id": app["id"],
        "redirect_uri": page_url,
        "scope": SCOPE,
    }
    email, password = house.person
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await (await chromium.new_context(locale="es-ES")).new_page()
        await page.goto(f"{page_url}#{urlencode(told)}")
        await page.wait_for_url(f"{house.origin}/sign-in**")
        await page.locator("input[name=email]").fill(email)
        await page.locator("input[name=password]").fill(password)
        await page.locator("input[name=password]").press("Enter")
        await page.wait_for_url(f"{house.origin}/oauth/authorize**")
        assert await page.get_by_role("heading", name="Mi despacho").count() == 1
        await page.get_by_role("button", name="Permitir", exact=True).click()
        await page.wait_for_url(f"{page_url}**")
        await page.wait_for_function("window.result")
        result = await page.evaluate("window.result")
        await chromium.close()
    assert (result["token_type"], result["scope"], result["cases"]) == ("DPoP", SCOPE, 200)
    assert int(result["remaining"]) > 0
    assert (result["page"], result["account"], result["with_cookies"]) == ("TypeError",) * 3
