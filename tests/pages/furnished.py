"""The demo firm with something on every page: cases, calls, mail, a failing endpoint, an app that acts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from tests.pages.browsing import MEMBER_PASSWORD, Product, answer_as_app

Found = TypeVar("Found")

CLIENT, INVITED, ASSISTANT = "lucia@demo.example", "iris@demo.example", "alba@demo.example"
NOTE = "El juzgado ha admitido la demanda.\n\nLa vista será en primavera; os avisaremos un mes antes."


async def furnish(product: Product) -> None:
    """Fill the demo firm by its API, and sign its people in by their pages."""
    async with product.api() as api:
        await _by_api(product, api)
        async with product.tab() as tab:
            user = product.demo["user"]
            await product.sign_in(tab, user["email"], user["password"])
            await tab.page.wait_for_url("**/panel")
            await product.keep("owner", tab)
        await _let_assistant_in(product)
        await _connect_app(product, api)
        await _let_client_in(product, api)
        await _look_up(product, api)


async def _made(api: httpx.AsyncClient, path: str, **wanted: Any) -> dict[str, Any]:
    answer = await api.post(path, json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _by_api(product: Product, api: httpx.AsyncClient) -> None:
    things, demo = product.things, product.demo
    things |= {"tenant": demo["tenant_id"], "app": demo["oauth"]["client_id"], "user": demo["provider_id"]}
    endpoint = await _made(api, "/webhooks", url="http://127.0.0.1:9/hook", events=["*"], description="CRM")
    things["endpoint"] = endpoint["id"]
    case = await _made(
        api,
        "/cases",
        client_id=demo["client_id"],
        category="civil",
        title="Reclamación de cantidad contra Construcciones Ejemplo, S.L., por la obra de la calle Mayor",
        description="Facturas impagadas de 2025 y 2026.",
        assigned_provider_id=demo["provider_id"],
    )
    things["case"] = case["id"]
    await _made(api, f"/cases/{case['id']}/notes", content=NOTE, visibility="shared")
    await _made(
        api, "/cases", client_id=demo["client_id"], category="civil", title="Divorcio de mutuo acuerdo"
    )
    refused = await api.post("/clients", json={"name": "Ana", "e_mail": "ana@example.com"})
    things["request"] = refused.headers["x-request-id"]
    await api.get("/cases/cas_01m7wbgc28efz8dbeq636vqtdj")
    await _made(api, "/invitations", name="Iris Coll", email=INVITED, role="provider")
    await _made(api, "/invitations", name="Alba Serra", email=ASSISTANT, role="assistant")


async def _let_assistant_in(product: Product) -> None:
    """Let an invited assistant accept by the link, choosing a password."""
    (link,) = await product.links_to(ASSISTANT)
    async with product.tab() as tab:
        await tab.open(link)
        await tab.fill(password=MEMBER_PASSWORD)
        await tab.press("Aceptar y entrar")
        await product.keep("assistant", tab)
    product.things["invitation_link"] = (await product.links_to(INVITED))[0].rpartition("/")[2]
    async with product.tab() as tab:
        await tab.open("/reset")
        await tab.fill(email=ASSISTANT)
        await tab.press("Enviar enlace")
    links = await until(lambda: product.own_links_to(ASSISTANT), what="the mail that resets a password")
    product.things["reset"] = links[0].rpartition("/")[2]


async def _connect_app(product: Product, api: httpx.AsyncClient) -> None:
    """Let the owner allow the demo's app, and the app call once."""
    async with product.tab("owner") as tab:
        arrived = await answer_as_app(tab)
        await tab.open(product.authorize_path())
        await tab.press("Permitir")
        await tab.page.wait_for_url("http://127.0.0.1:8765/**")
    oauth = product.demo["oauth"]
    exchange = {
        "grant_type": "authorization_code",
        "code": httpx.URL(arrived[-1]).params["code"],
        "redirect_uri": oauth["redirect_uri"],
    }
    async with httpx.AsyncClient(base_url=product.origin, timeout=30) as app:
        given = await app.post(
            "/oauth/token", data=exchange, auth=(oauth["client_id"], oauth["client_secret"])
        )
    assert given.status_code == 200, given.text
    token = given.json()["access_token"]
    answer = await api.get("/cases", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text


async def _let_client_in(product: Product, api: httpx.AsyncClient) -> None:
    """Invite a client of the firm, let them come in by the link, and ask for another one at the door."""
    await _made(api, f"/clients/{product.demo['client_id']}/access")
    (invitation,) = await product.links_to(CLIENT)
    async with product.tab() as tab:
        await tab.open(invitation)
        await tab.press("Entrar ahora")
        await tab.page.wait_for_url("**/portal")
        await product.keep("client", tab)
    async with product.tab() as tab:
        await tab.open(f"/portal/{product.demo['tenant_id']}/sign-in")
        await tab.fill(email=CLIENT)
        await tab.press("Enviarme el enlace")

    async def fresh() -> list[str]:
        return [link for link in await product.links_to(CLIENT) if link != invitation]

    (link,) = await until(fresh, what="the mail with the client's link")
    product.things["portal_link"] = link.rpartition("/")[2]


async def _look_up(product: Product, api: httpx.AsyncClient) -> None:
    """Find the ids of what the pages show."""
    things = product.things

    async def first(path: str) -> dict[str, Any] | None:
        answer = await api.get(path)
        assert answer.status_code == 200, answer.text
        return next(iter(answer.json()["data"]), None)

    async def tried() -> bool:
        delivery = await first(f"/webhooks/{things['endpoint']}/deliveries")
        return delivery is not None and delivery["attempt_count"] != 0

    await until(lambda: first(f"/requests?request_id={things['request']}"), what="the call to be logged")
    await until(tried, what="the first try of a delivery")
    for name, path in {
        "key": "/api-keys",
        "delivery": f"/webhooks/{things['endpoint']}/deliveries",
        "message": "/messages",
        "invitation": "/invitations?status=pending",
        "audit": "/audit-log",
    }.items():
        things[name] = str((await first(path) or {})["id"])
    async with product.tab("owner") as tab:
        await tab.open("/panel/apps/grants")
        revoke = await tab.page.get_attribute("a[href$='/revoke']", "href")
    assert revoke is not None
    things["grant"] = revoke.split("/")[-2]


async def until(look: Callable[[], Awaitable[Found]], *, what: str, seconds: float = 60) -> Found:
    """Look until there is something to see, and return it; fail with its name when it does not come."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (found := await look()):
        assert asyncio.get_running_loop().time() < deadline, f"waited {seconds} s in vain for {what}"
        await asyncio.sleep(0.1)
    return found
