"""Browsers of people: a client with a signed-in session, and forms filled in as their pages give them."""

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from conecta.sessions import service as sessions
from tests.firms import Firm


class Browser:
    """A browser without scripts: it keeps cookies, follows nothing by itself, and sends forms back."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(path, **more)

    async def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Post as a script would: with what is given and nothing else."""
        return await self.client.post(path, data=data or {}, **more)

    async def send(
        self, at: str, values: dict[str, Any] | None = None, *, action: str | None = None, form: int = -1
    ) -> httpx.Response:
        """Open a page, fill in one of its forms (by its action) and send it."""
        answer = await self.get(at)
        assert answer.status_code == 200, answer.text
        return await self.send_from(answer, values, action=action, form=form)

    async def send_from(
        self,
        page: httpx.Response,
        values: dict[str, Any] | None = None,
        *,
        action: str | None = None,
        form: int = -1,
    ) -> httpx.Response:
        forms = [f for f in forms_of(page.text) if action is None or f.action == action]
        forms = [f for f in forms if f.action not in {"/sign-out", "/language"} or f.action == action]
        assert forms, f"no form with the action {action}"
        chosen = forms[form]
        return await self.post(chosen.action, {**chosen.values, **(values or {})})


class Form:
    def __init__(self, action: str) -> None:
        self.action = action
        self.values: dict[str, Any] = {}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "form":
            self.found.append(Form(str(has.get("action"))))
        if not self.found:
            return
        values, name, value = self.found[-1].values, has.get("name"), has.get("value")
        if tag == "input" and name:
            if has.get("type") in {"checkbox", "radio"}:
                if "checked" in has:
                    ticked = values.get(name)
                    values[name] = (
                        value
                        if ticked is None
                        else [*([ticked] if isinstance(ticked, str) else ticked), value]
                    )
            else:
                values[name] = value or ""
        elif tag == "select":
            self._select = name or ""
        elif tag == "option" and self._select and ("selected" in has or self._select not in values):
            values[self._select] = value or ""
        elif tag == "textarea":
            self._textarea = name or ""
            values[self._textarea] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.found[-1].values[self._textarea] += data


def forms_of(html: str) -> list[Form]:
    parser = _Forms()
    parser.feed(html)
    return parser.found


async def sign_in(app: FastAPI, tenant_id: str, user_id: str) -> str:
    """Open a session of a member and return its cookie's value."""
    state = app.state
    found = await state.database.read(
        "select person_id from users where id = %(id)s", {"id": user_id}, system=True
    )
    async with state.database.transaction(system=True) as session:
        new = await sessions.open_for_person(
            session, state.keyring, person_id=found[0][0], tenant_id=tenant_id, strong=False
        )
    return new.secret


def new_browser(app: FastAPI, secret: str | None = None, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("203.0.113.7", 4711))
    cookies = {"conecta_session": secret} if secret else {}
    return httpx.AsyncClient(
        transport=transport, base_url="http://testserver", cookies=cookies, headers=headers
    )


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[Browser]:
    """Nobody in particular."""
    async with new_browser(app) as client:
        yield Browser(client)


@pytest.fixture
async def owner(app: FastAPI, firm: Firm) -> AsyncIterator[Browser]:
    """The owner of the firm, signed in."""
    async with new_browser(app, await sign_in(app, firm.id, firm.owner_id)) as client:
        yield Browser(client)


@pytest.fixture
async def in_sandbox(app: FastAPI, firm: Firm) -> AsyncIterator[Browser]:
    """The owner of the firm, signed in to its sandbox."""
    async with new_browser(app, await sign_in(app, firm.sandbox_id, firm.owner_id)) as client:
        yield Browser(client)


@pytest.fixture(scope="session")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    """The product in processes of its own, with the demo firm, and a browser (of the trials)."""
    from tests.pages.browsing import product_in

    async with product_in(tmp_path_factory.mktemp("product")) as found:
        yield found


@pytest.fixture(scope="session")
async def furnished(product: Any) -> Any:
    """The same with something on every page, and its people signed in."""
    from tests.pages.furnished import furnish

    await furnish(product)
    return product
