"""The firm's website and its visitors: publishable keys, pages that call with them, proofs of work."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx
from fastapi import FastAPI

from conecta.api import PREFIX

ORIGIN = "https://www.bufete.example"
VISITOR_ADDRESS = "198.51.100.23"


async def publishable_key(api: httpx.AsyncClient, *origins: str) -> dict[str, Any]:
    """Make a publishable key and return it."""
    wanted = {"name": "Web", "origins": list(origins) or [ORIGIN]}
    answer = await api.post("/publishable-keys", json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@asynccontextmanager
async def website(
    app: FastAPI, key: str, origin: str | None = ORIGIN, address: str = VISITOR_ADDRESS
) -> AsyncIterator[httpx.AsyncClient]:
    """Call the API as a script of the firm's website does; paths are those under /v1/servicios."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 4711))
    headers = {"Authorization": f"Bearer {key}"} | ({"Origin": origin} if origin else {})
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://testserver{PREFIX}", headers=headers
    ) as client:
        yield client


def solve(challenge: str, bits: int) -> str:
    """Do the work, as the pages' script does it."""
    for solution in count():
        digest = hashlib.sha256(f"{challenge}.{solution}".encode()).digest()
        if int.from_bytes(digest) >> (256 - bits) == 0:
            return str(solution)
    raise AssertionError


async def proof(site: httpx.AsyncClient) -> dict[str, str]:
    """Ask for a challenge and solve it."""
    found = (await site.get("/public/challenge")).json()
    return {"challenge": found["challenge"], "solution": solve(found["challenge"], found["bits"])}
