"""The demo firm with something on every page: cases, calls, mail, a failing endpoint, an app that acts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from tests.pages.browsing import MEMBER_PASSWORD, Product, answer_as_app

Found = TypeVar("Found")

CLIENT, INVITED, ASSISTANT = "lucia@demo.example", "iris@demo.example", "alba@demo.example"
# Where the firm's own website is, as far as a browser can tell.
WEBSITE = "http://localhost:9999"
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
        await _book(product, api)
        await _go_public(product, api)
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


async def _book(product: Product, api: httpx.AsyncClient) -> None:
    """Book a consultation for somebody without an account, who is given a link to it."""
    booking = await booked(product, api, "Rosa Ibáñez Fernández-Villaverde", days=5)
    made = await _made(api, f"/bookings/{booking['id']}/links")
    product.things["booking_link"] = made["data"][0]["url"].rpartition("/")[2]
    own = await booked(product, api, "Ana Gil", days=8, client_id=product.demo["client_id"])
    product.things |= {"own_booking": own["id"], "agenda_day": own["start"][:10]}
    await _fill_agenda(product, api)


async def _fill_agenda(product: Product, api: httpx.AsyncClient) -> None:
    """Put more on the week of the client's booking: one that waits, a free one, an absence, a closed day."""
    day = datetime.fromisoformat(product.things["agenda_day"]).replace(tzinfo=UTC)
    monday = day - timedelta(days=day.weekday())

    def at(days: int, hour: int) -> str:
        return (monday + timedelta(days=days, hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")

    provider = {"provider_id": product.demo["provider_id"]}
    asked = {"name": "Seguimiento", "durations": [30], "confirmation": "client", "public": False}
    service = (await _made(api, "/booking-services", **asked))["id"]
    guest = {"name": "Bernat Soler i Ferrer-Vidal", "phone": "+34600111222", "time_zone": "America/Bogota"}
    wanted = {"service_id": service, "start": at(1, 10), "bypass_rules": True, "attendees": [guest]}
    waiting = await _made(api, "/bookings", **wanted, notes="Trae las escrituras.", **provider)
    product.things["waiting_booking"] = waiting["id"]
    noted = {
        "service": "Vista en el Juzgado de Primera Instancia n.º 3",
        "duration": 90,
        "bypass_rules": True,
    }
    await _made(api, "/bookings", start=at(2, 8), **noted, **provider)
    await _made(api, "/time-off", start=at(3, 15), end=at(5, 9), kind="training", note="Congreso", **provider)
    calendar = (await api.get("/holiday-calendars")).json()["data"][0]["id"]
    local = {"date": at(4, 0)[:10], "name": "Fiesta mayor", "kind": "local"}
    await _made(api, f"/holiday-calendars/{calendar}/days", **local)


async def booked(
    product: Product, api: httpx.AsyncClient, name: str, *, days: int, **more: Any
) -> dict[str, Any]:
    """Book the first free time so many days from now."""
    service = (await api.get("/booking-services")).json()["data"][0]["id"]
    first = datetime.now(UTC).date() + timedelta(days=days)
    params = {"service_id": service, "from": str(first), "to": str(first + timedelta(days=20))}
    slots = (await api.get("/availability/slots", params=params)).json()["data"]
    guest = {"name": name, "email": "rosa@cliente.example"}
    wanted = {"service_id": service, "start": slots[0]["start"], "attendees": [guest], **more}
    return await _made(api, "/bookings", **wanted)


async def _go_public(product: Product, api: httpx.AsyncClient) -> None:
    """Open the firm's public page with a published review, and ask its client for another one."""
    things = product.things
    site = {
        "slug": "demo-despacho",
        "intro": "Derecho de familia y herencias.\nAtendemos en castellano y en valenciano.",
        "privacy_url": f"{product.origin}/b/demo-despacho",
    }
    assert (await api.put("/public-site", json=site)).status_code == 200
    notary = {"name": "Firma en notaría", "durations": [45], "price": {"amount": 9000, "currency": "EUR"}}
    hosts = [{"provider_id": product.demo["provider_id"]}]
    await _made(api, "/booking-services", **notary, description="Te acompañamos a la notaría.", hosts=hosts)
    wanted = {"name": "Web del despacho", "origins": [WEBSITE]}
    key = await _made(api, "/publishable-keys", **wanted)
    things |= {"firm_slug": site["slug"], "publishable": key["key"], "publishable_id": key["id"]}
    first = await _made(api, "/reviews", client_id=product.demo["client_id"])
    async with product.tab() as tab:
        await tab.open((await product.links_to(CLIENT))[0])
        await tab.page.get_by_label("5: excelente").check()
        await tab.fill(comment="Nos lo explicaron todo con paciencia y en un mes estaba resuelto.")
        await tab.press("Enviar mi reseña")
    assert (await api.post(f"/reviews/{first['id']}/publish")).status_code == 200
    await api.post(f"/reviews/{first['id']}/reply", json={"reply": "Gracias a usted, fue un placer."})
    things["firm_review"] = first["id"]
    asked = {"name": "Montserrat Puigdomènech i Vilarrasa", "email": "montse@cliente.example"}
    question = {"subject": "Herencia de mi madre", "message": "¿Podrían orientarme?\n\nSomos tres hermanos."}
    inquiry = await _made(api, "/inquiries", **asked, **question, phone="+34600111222")
    things["inquiry"] = inquiry["id"]
    await _made(api, "/reviews", client_id=product.demo["client_id"])
    things["review"] = (await product.links_to(CLIENT))[0].rpartition("/")[2]


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
