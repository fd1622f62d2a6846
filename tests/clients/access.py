"""What tests of clients' access stand on: clients with an address, and the mail they get."""

import re
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import FastAPI

from tests.oauth.browserless import Browser, Seen

EMAIL = "ana.gil@cliente.example"
_LINK = re.compile(r"http://testserver(/portal/\S+/links/[\w-]+)")


async def new_client(api: httpx.AsyncClient, name: str = "Ana Gil", **more: Any) -> str:
    """Create a client with an address and return its id."""
    answer = await api.post("/clients", json={"name": name, "email": EMAIL, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def mails(api: httpx.AsyncClient, to: str = EMAIL) -> list[dict[str, Any]]:
    """Return the mails that an address got, the newest first."""
    found = (await api.get("/messages", params={"to": to})).json()["data"]
    return [(await api.get(f"/messages/{mail['id']}")).json() for mail in found]


def links_in(mail: dict[str, Any]) -> list[str]:
    """Return the paths of the links to come in that a mail has, in their order."""
    return _LINK.findall(mail["text"])


async def invited(api: httpx.AsyncClient, client_id: str, to: str = EMAIL) -> str:
    """Invite a client and return the path of the link they get."""
    answer = await api.post(f"/clients/{client_id}/access")
    assert answer.status_code == 201, answer.text
    (link,) = links_in((await mails(api, to))[0])
    return link


async def come_in(browser: Browser, link: str) -> Seen:
    """Open a mailed link and press its button."""
    page = await browser.open(link, site="cross-site")
    assert page.status == 200, page.text
    return await browser.submit(page, door_form(page))


async def ask_for_link(browser: Browser, tenant_id: str, email: str = EMAIL, next_path: str = "") -> Seen:
    """Ask at a firm's portal for a link."""
    query = f"?next={quote(next_path, safe='')}" if next_path else ""
    page = await browser.open(f"/portal/{tenant_id}/sign-in{query}")
    assert page.status == 200, page.text
    return await browser.submit(page, page.html.form("email", "csrf_token"), email=email)


def door_form(page: Seen) -> Any:
    """Return the form of a link's page: the one beside the choice of language."""
    (form,) = [form for form in page.html.forms if form.action != "/language"]
    return form


async def set_rule(api: httpx.AsyncClient, rule: str) -> None:
    """Set who of the firm's clients may sign in."""
    answer = await api.patch("/tenant", json={"client_access": rule})
    assert answer.status_code == 200, answer.text


async def session_lives(app: FastAPI, browser: Browser) -> bool:
    """Say whether the portal still knows whoever sits at a browser."""
    seen = await browser.open("/portal/details")
    return seen.status == 200 and seen.url.endswith("/portal/details")
