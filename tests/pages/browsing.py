"""The product in a real Chromium: one installation with the demo firm, and what no page may show."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from axe_core_python.async_playwright import Axe
from playwright.async_api import Browser as Chromium
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    Route,
    async_playwright,
)

from tests.processes import Installation, installation

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE, DESK = 390, 1280
HEIGHTS = {PHONE: 844, DESK: 900}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
LEAST_TOUCH = 44  # CSS pixels, of what is pressed with a finger
MEMBER_PASSWORD = "cuatro-ventanas-y-un-olmo-83"

_SIDEWAYS = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > room + 1)
    .map((element) => `${element.tagName}.${element.className} ${element.textContent.trim().slice(0, 60)}`)
    .slice(0, 5);
}"""

_SMALL = """(least) => [...document.querySelectorAll(
    "button, .button, select, textarea, input:not([type=checkbox], [type=radio], [type=hidden])")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }))
  .map((element) => [element, element.getBoundingClientRect()])
  .filter(([, box]) => box.height > 0 && box.height < least - 0.5)
  .map(([element, box]) => `${element.tagName} ${element.textContent.trim().slice(0, 40)} ${box.height}`)"""


class Tab:
    """One page of a browser; it keeps what the browser complained of and whom it asked."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.expected: set[int] = set()  # statuses of refusals that this test provokes
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        status = re.search(r"responded with a status of (\d+)", message.text)
        foreseen = status and int(status[1]) in self.expected
        if message.type in {"error", "warning"} and not foreseen:
            self.complaints.append(message.text)

    def _note(self, request: Request) -> None:
        self.requested.append(request.url)

    async def open(self, path: str, *, status: int = 200) -> Response:
        """Go to a path of ours and check the status of its answer."""
        self.expected.add(status)
        answer = await self.page.goto(self.origin + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        return answer

    async def press(self, name: str) -> None:
        """Press the button, or follow the link that looks like one, and wait for the page it leads to."""
        button = self.page.get_by_role("button", name=name, exact=True)
        link = self.page.get_by_role("link", name=name, exact=True)
        async with self.page.expect_navigation():
            await button.or_(link).first.click()

    async def fill(self, **values: str) -> None:
        """Fill in fields by their names."""
        for name, value in values.items():
            await self.page.fill(f"main [name={name}]", value)

    async def text(self) -> str:
        """Return the words of the page."""
        return await self.page.inner_text("body")

    async def widen(self, width: int) -> None:
        """Show the same page on another screen, as somebody does who turns the device or the window."""
        await self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})

    async def is_sound(self, name: str) -> None:
        """Check the page as it stands: nobody is left out, nothing is blocked or comes from elsewhere."""
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        await picture(self.page, f"{name}-{width}")
        assert self.complaints == [], name
        assert all(url.startswith((self.origin, "data:")) for url in self.requested), self.requested
        assert await self.page.evaluate(_SIDEWAYS) == [], f"{name} scrolls sideways at {width}"
        assert await self.page.evaluate(_SMALL, LEAST_TOUCH) == [], f"{name} at {width}: too small to touch"
        assert await faults(self.page) == [], f"{name} at {width}"
        assert await self.page.title()
        assert await self.page.locator("h1").count() == 1, f"{name}: one h1"

    async def is_readable_in_the_dark(self, name: str) -> None:
        """Check the contrasts of the dark colours, too."""
        await self.page.emulate_media(color_scheme="dark")
        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        await picture(self.page, f"{name}-{width}-dark")
        assert await faults(self.page, rules=["color-contrast"]) == [], f"{name} at {width} in the dark"
        await self.page.emulate_media(color_scheme="light")


async def faults(page: Page, *, rules: list[str] | None = None) -> list[str]:
    """Return what axe-core finds, however slight it calls it."""
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    found = await Axe().run(page, options={"runOnly": only})
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:200]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


async def picture(page: Page, name: str) -> None:
    """Keep a screenshot in the folder that CONECTA_SCREENSHOTS names, if it does."""
    folder = os.environ.get("CONECTA_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a test may wait for a disk
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@dataclass
class Product:
    """A running installation, the demo firm's credentials, and a browser."""

    running: Installation
    origin: str
    demo: dict[str, Any]
    chromium: Chromium
    signed_in: dict[str, Any] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def tab(self, who: str | None = None, width: int = DESK, **more: Any) -> AsyncIterator[Tab]:
        """Open a tab of a browser of its own: nobody's, or that of somebody who has signed in."""
        context = await self._context(width, storage_state=self.signed_in[who] if who else None, **more)
        try:
            yield Tab(await context.new_page(), self.origin)
        finally:
            await context.close()

    async def _context(self, width: int, **more: Any) -> BrowserContext:
        context = await self.chromium.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            locale="es-ES",
            reduced_motion="reduce",  # else colours are judged half-way from one scheme to the other
            **more,
        )
        context.set_default_timeout(20_000)
        return context

    async def keep(self, who: str, tab: Tab) -> None:
        """Remember the session of a tab, for other tabs of the same person."""
        self.signed_in[who] = await tab.page.context.storage_state()

    def api(self, key: str | None = None) -> httpx.AsyncClient:
        """Return a client of the native API, with the demo's key."""
        headers = {"Authorization": f"Bearer {key or self.demo['api_key']}"}
        return httpx.AsyncClient(base_url=self.running.url, headers=headers, timeout=30)

    async def links_to(self, to: str) -> list[str]:
        """Return the paths of the links in the firm's mails to an address, the newest first."""
        async with self.api() as api:
            listed = (await api.get("/messages", params={"to": to})).json()["data"]
            found = [(await api.get(f"/messages/{message['id']}")).json()["link"] for message in listed]
        return [link.removeprefix(self.origin) for link in found]

    async def own_links_to(self, to: str) -> list[str]:
        """Return the paths of the links in a person's own mails, which belong to no firm."""
        found = await asyncio.to_thread(self.running.json, "mailbox", "--to", to)
        texts = " ".join(mail["text"] for mail in found["messages"])
        return re.findall(rf"{re.escape(self.origin)}(/reset/\S+)", texts)

    async def sign_in(self, tab: Tab, email: str, password: str) -> None:
        """Sign in by the form."""
        await tab.open("/sign-in")
        await tab.fill(email=email, password=password)
        await tab.press("Iniciar sesión")

    def authorize_path(self, **more: str) -> str:
        """Return the address by which the demo's app asks for consent."""
        oauth = self.demo["oauth"]
        asked = {
            "response_type": "code",
            "client_id": oauth["client_id"],
            "redirect_uri": oauth["redirect_uri"],
            "scope": "read:cases write:bookings",
            "state": "xyz",
            **more,
        }
        return "/oauth/authorize?" + urlencode(asked)


@contextmanager
def _installed(folder: Path) -> Iterator[Installation]:
    with installation(folder) as running:
        # A passkey belongs to a name; the address of the loopback interface is none.
        running.environment["CONECTA_BASE_URL"] = f"http://localhost:{running.port}"
        yield running


@asynccontextmanager
async def product_in(folder: Path) -> AsyncIterator[Product]:
    """Install the product in a folder, start it, and launch a browser."""
    with _installed(folder) as running:
        demo = await asyncio.to_thread(running.json, "demo")
        await asyncio.to_thread(running.serve)
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
            )
            try:
                yield Product(running, f"http://localhost:{running.port}", demo, chromium)
            finally:
                await chromium.close()


async def answer_as_app(tab: Tab) -> list[str]:
    """Answer for the demo's app at its redirect URI, and return the addresses that people come back with."""
    arrived: list[str] = []

    async def answer(route: Route) -> None:
        arrived.append(route.request.url)
        await route.fulfill(status=200, content_type="text/html", body="<title>App</title><h1>App</h1>")

    await tab.page.route("http://127.0.0.1:8765/**", answer)
    return arrived
