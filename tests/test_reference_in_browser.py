"""`/docs` in a real browser: it loads under its own policy, takes an API key, and calls the API with it."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp
import pytest

from tests.processes import free_port, installation

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DEADLINE = 30.0

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


async def test_reference_works_in_a_browser(tmp_path):
    with installation(tmp_path) as running:
        credentials = await asyncio.to_thread(running.json, "demo")
        await asyncio.to_thread(running.serve)
        origin = f"http://127.0.0.1:{running.port}"
        async with browser(tmp_path / "profile") as page:
            await page.open(f"{origin}/docs")
            await page.until("document.querySelectorAll('.opblock').length > 20")
            await authorize(page, credentials["api_key"])
            answer = await execute(page, "read_usage")
            assert credentials["tenant_id"] in answer
            assert page.complaints == []
            assert page.requested
            assert all(url.startswith((origin, "data:")) for url in page.requested), page.requested


async def authorize(page: "Page", key: str) -> None:
    await page.click(".btn.authorize")
    await page.until("document.querySelector('.auth-container input') !== null")
    await page.run(
        "const field = document.querySelector('.auth-container input');"
        "Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, "
        + json.dumps(key)
        + "); field.dispatchEvent(new Event('input', {bubbles: true}));"
    )
    await page.click(".auth-btn-wrapper .authorize")
    await page.click(".btn-done")


async def execute(page: "Page", operation: str) -> str:
    block = f".opblock[id$='-{operation}']"
    await page.click(f"{block} .opblock-summary-control")
    await page.click(f"{block} .try-out__btn")
    await page.click(f"{block} .execute")
    await page.until(f'document.querySelector("{block} .live-responses-table .response-col_status") !== null')
    return str(await page.run(f'document.querySelector("{block} .live-responses-table").innerText'))


class Page:
    """One tab, spoken to by the DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.complaints: list[str] = []
        self.requested: list[str] = []

    async def listen(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.complaints.append(said["params"]["entry"]["text"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(said["params"]))

    async def call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        said = await asyncio.wait_for(answer, DEADLINE)
        assert "error" not in said, said
        return said["result"]

    async def open(self, url: str) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)

    async def run(self, script: str) -> Any:
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        async with asyncio.timeout(DEADLINE):
            while not await self.run(condition):  # noqa: ASYNC110 - the page cannot wake us
                await asyncio.sleep(0.05)

    async def click(self, selector: str) -> None:
        await self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")


@asynccontextmanager
async def browser(profile: Any) -> AsyncIterator[Page]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        f"--remote-debugging-port={port}",
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as session:
            address = await _address_of_tab(session, port)
            async with session.ws_connect(address, max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                yield page
                listening.cancel()
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def _address_of_tab(session: aiohttp.ClientSession, port: int) -> str:
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                    tabs = [tab for tab in await answer.json() if tab["type"] == "page"]
                    return str(tabs[0]["webSocketDebuggerUrl"])
            except (aiohttp.ClientError, IndexError):
                await asyncio.sleep(0.05)
