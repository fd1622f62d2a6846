"""Nobody without the scope, and no other firm, sees or touches webhooks and events."""

import pytest

from conecta.auth.scopes import Scope
from tests.firms import make_key
from tests.webhooks.endpoints import URL, add_attempt, add_delivery, everything, new_endpoint

# Method, path, body, and what a caller with the scope is answered.
ROUTES = [
    ("GET", "/webhooks", None, 200),
    ("POST", "/webhooks", {"url": URL, "events": ["*"]}, 201),
    ("GET", "/webhooks/{endpoint}", None, 200),
    ("PATCH", "/webhooks/{endpoint}", {"url": URL + "x", "status": "disabled"}, 200),
    ("DELETE", "/webhooks/{endpoint}", None, 204),
    ("POST", "/webhooks/{endpoint}/secret/rotate", {}, 409),
    ("POST", "/webhooks/{endpoint}/secret/promote", None, 200),
    ("DELETE", "/webhooks/{endpoint}/secret/rotation", None, 204),
    ("POST", "/webhooks/{endpoint}/test", {}, 202),
    ("GET", "/webhooks/{endpoint}/deliveries", None, 200),
    ("GET", "/webhooks/{endpoint}/deliveries/{delivery}", None, 200),
    ("POST", "/webhooks/{endpoint}/deliveries/{delivery}/resend", None, 202),
    ("POST", "/webhooks/{endpoint}/recover", {"since": "2020-01-01T00:00:00Z"}, 200),
    ("GET", "/webhooks/{endpoint}/health", None, 200),
    ("GET", "/events", None, 200),
    ("GET", "/events/feed", None, 200),
    ("GET", "/events/{event}", None, 200),
    ("GET", "/event-types", None, 200),
]
OF_ONE_ROW = [route for route in ROUTES if "{" in route[1]]


def each(routes):
    return pytest.mark.parametrize(
        ("method", "path", "body", "status"), routes, ids=[f"{route[0]} {route[1]}" for route in routes]
    )


@pytest.fixture
async def rows(api, firm, superuser):
    """An endpoint of `firm` with a running rotation and a failed delivery."""
    endpoint = (await new_endpoint(api))["id"]
    await api.post(f"/webhooks/{endpoint}/secret/rotate")
    delivery = add_delivery(superuser, firm.id, endpoint, "failed")
    add_attempt(superuser, firm.id, delivery, 1)
    event = superuser.execute("select id from events").fetchone()[0]
    return {"endpoint": endpoint, "delivery": delivery, "event": event}


@each(ROUTES)
async def test_only_with_the_scope(app, firm, rows, superuser, method, path, body, status):
    others = [scope for scope in Scope if scope is not Scope.WEBHOOKS]
    before = everything(superuser)
    async with firm.client(app, await make_key(app, firm.id, others)) as caller:
        answer = await caller.request(method, path.format(**rows), json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert everything(superuser) == before


@each(ROUTES)
async def test_the_scope_alone_suffices(app, firm, rows, method, path, body, status):
    async with firm.client(app, await make_key(app, firm.id, [Scope.WEBHOOKS])) as caller:
        answer = await caller.request(method, path.format(**rows), json=body)
    assert answer.status_code == status, answer.text


@each(OF_ONE_ROW)
async def test_another_firm_finds_nothing(app, other_firm, rows, superuser, method, path, body, status):
    before = everything(superuser)
    async with other_firm.client(app) as stranger:
        answer = await stranger.request(method, path.format(**rows), json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert everything(superuser) == before


async def test_a_delivery_is_not_reached_through_an_endpoint_of_ones_own(app, other_firm, rows, superuser):
    async with other_firm.client(app) as stranger:
        own = (await new_endpoint(stranger))["id"]
        before = everything(superuser)
        path = f"/webhooks/{own}/deliveries/{rows['delivery']}"
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.post(f"{path}/resend")).status_code == 404
    assert everything(superuser) == before


async def test_lists_of_another_firm_are_empty(app, other_firm, rows):
    async with other_firm.client(app) as stranger:
        for path in ("/webhooks", "/events", "/events/feed"):
            answer = await stranger.get(path)
            assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_the_sandbox_has_webhooks_of_its_own(app, firm, rows):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        assert (await sandbox.get("/webhooks")).json()["data"] == []
        assert (await sandbox.get(f"/webhooks/{rows['endpoint']}")).status_code == 404
        await new_endpoint(sandbox)
        assert len((await sandbox.get("/webhooks")).json()["data"]) == 1


async def test_the_database_hides_them_from_a_client_of_the_firm(app, firm, rows):
    """The second lock: even a route that forgot to refuse a client would find no row."""
    for table in ("events", "webhook_endpoints", "webhook_deliveries", "webhook_attempts"):
        count = f"select count(*) from {table}"
        seen = await app.state.database.read(count, {}, tenant_id=firm.id)
        hidden = await app.state.database.read(count, {}, tenant_id=firm.id, client_id="cli_someone")
        assert (seen[0][0] > 0, hidden[0][0]) == (True, 0)
