"""Who may open which page: visitors go to the sign-in, roles see their own, firms never each other's."""

import json

import pytest

from conecta.pages import routes
from conecta.people import service as people
from conecta.users import service as users
from tests.firms import make_firm
from tests.pages.conftest import Browser, new_browser, sign_in

FOR_ADMINISTRATORS = (
    "/panel/keys", "/panel/keys/new", "/panel/webhooks", "/panel/webhooks/new", "/panel/sandbox",
    "/panel/messages", "/panel/requests", "/panel/apps", "/panel/team", "/panel/settings", "/panel/audit",
)  # fmt: skip
OPEN_TO_VISITORS = (
    "/",
    "/language",
    "/sign-out",
    "/static/",
    "/sign-in",
    "/reset",
    "/invitations/",
    "/portal",
    "/oauth/",
    "/b/",
    "/c/",
    "/calendars/callback/",
    "/embed/",
    "/reviews/",
    "/widget.js",
)


async def member(app, tenant_id: str, role: str) -> str:
    async with app.state.database.transaction(system=True) as session:
        person = await people.find_or_create(session, email=f"{role}@example.com", name="Luis Prueba")
        return (await users.add_member(session, tenant_id=tenant_id, person=person, role=role)).id


@pytest.fixture(params=["provider", "assistant"])
async def colleague(app, firm, request):
    user_id = await member(app, firm.id, request.param)
    async with new_browser(app, await sign_in(app, firm.id, user_id)) as client:
        yield Browser(client)


async def test_no_page_of_the_panel_opens_without_a_session(visitor):
    paths = {
        (method, route.path)
        for route in routes()
        for method in route.methods
        if not route.path.startswith(OPEN_TO_VISITORS[1:]) and route.path != "/"
    }
    assert len(paths) > 40
    for method, path in paths:
        address = path.replace("{", "").replace("}", "")
        answer = await visitor.client.request(method, address)
        assert answer.status_code == 303, (method, path)
        assert answer.headers["location"].startswith("/sign-in"), (method, path)
        assert answer.headers["cache-control"] == "no-store"


async def test_after_the_sign_in_somebody_goes_on_where_they_were(visitor):
    answer = await visitor.get("/panel/keys?cursor=a%26b")
    assert answer.headers["location"] == "/sign-in?next=%2Fpanel%2Fkeys%3Fcursor%3Da%2526b"


async def test_colleagues_see_the_overview_and_nothing_of_administrators(colleague):
    overview = await colleague.get("/panel")
    assert overview.status_code == 200
    assert "Consumo de la API" in overview.text
    assert "Salud de los webhooks" not in overview.text
    for path in FOR_ADMINISTRATORS:
        assert f'href="{path}"' not in overview.text
        answer = await colleague.get(path)
        assert answer.status_code == 403, path
        assert "No tienes acceso a esta página" in answer.text
    assert 'href="/account"' in overview.text


async def test_colleagues_change_nothing(colleague, superuser, firm):
    token = (await colleague.get("/panel")).text.split('name="csrf_token" value="')[1].split('"')[0]
    before = superuser.execute("select count(*) from api_keys").fetchone()
    for path in ("/panel/keys", "/panel/webhooks", "/panel/sandbox/clock"):
        answer = await colleague.post(path, {"csrf_token": token, "name": "X", "scopes": "admin"})
        assert answer.status_code == 403
    assert superuser.execute("select count(*) from api_keys").fetchone() == before
    assert superuser.execute("select count(*) from webhook_endpoints").fetchone() == (0,)


async def test_another_firms_rows_are_not_there(app, owner, firm):
    other = await make_firm(app, name="Otra Firma")
    async with other.client(app) as api:
        key = (await api.post("/api-keys", json={"name": "Ajena", "scopes": ["read:cases"]})).json()["id"]
        hook = (await api.post("/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["*"]})).json()[
            "id"
        ]
        trial = await api.post(f"/webhooks/{hook}/test")
    delivery = json.loads(trial.text)["id"]
    token = (await owner.get("/panel")).text.split('name="csrf_token" value="')[1].split('"')[0]
    for path in (f"/panel/keys/{key}", f"/panel/keys/{key}/revoke"):
        assert (await owner.get(path)).status_code == 404
    for part in ("", "/edit", "/secret", "/deliveries", f"/deliveries/{delivery}", "/recover", "/delete"):
        assert (await owner.get(f"/panel/webhooks/{hook}{part}")).status_code == 404, part
    writes = {
        f"/panel/keys/{key}/revoke": {},
        f"/panel/keys/{key}/roll": {"grace_seconds": "0"},
        f"/panel/webhooks/{hook}/edit": {"url": "http://127.0.0.1:9/y", "events": "*"},
        f"/panel/webhooks/{hook}/status": {"status": "disabled"},
        f"/panel/webhooks/{hook}/delete": {},
        f"/panel/webhooks/{hook}/test": {"type": "webhook.test"},
        f"/panel/webhooks/{hook}/secret/rotate": {"grace_seconds": "3600"},
        f"/panel/webhooks/{hook}/secret/promote": {},
        f"/panel/webhooks/{hook}/secret/cancel": {},
        f"/panel/webhooks/{hook}/deliveries/{delivery}/resend": {},
        f"/panel/webhooks/{hook}/recover": {"since": "2026-01-01T00:00", "step": "send"},
    }
    for path, values in writes.items():
        answer = await owner.post(path, {"csrf_token": token, "once": path, **values})
        assert answer.status_code == 404, path
    async with other.client(app) as api:
        assert (await api.get(f"/api-keys/{key}")).json()["status"] == "active"
        found = (await api.get(f"/webhooks/{hook}")).json()
        assert (found["status"], found["url"], found["rotation"]) == ("enabled", "http://127.0.0.1:9/x", None)


async def test_the_sandbox_is_another_firm(owner, in_sandbox):
    await owner.send("/panel/keys/new", {"name": "De la firma", "scopes": ["read:cases"]})
    assert "De la firma" in (await owner.get("/panel/keys")).text
    inside = await in_sandbox.get("/panel/keys")
    assert "De la firma" not in inside.text
    assert "Estás en el entorno de pruebas" in inside.text
    assert "Estás en el entorno de pruebas" not in (await owner.get("/panel/keys")).text


async def test_a_session_that_ended_opens_nothing(app, owner, superuser):
    assert (await owner.get("/panel")).status_code == 200
    superuser.execute("update sessions set revoked_at = now()")
    answer = await owner.get("/panel")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fpanel"


async def test_the_front_door_leads_to_the_panel(owner, visitor):
    for who in (owner, visitor):
        answer = await who.get("/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/panel")
