"""The sandbox's clock moves what the sandbox dates; the firm's own stays the real one."""

from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
async def sandbox(app, firm):
    async with firm.client(app, key=firm.sandbox_key) as client:
        yield client


async def test_dates_and_numbers_follow_the_sandboxs_clock(app, firm, api, sandbox):
    year = datetime.now(UTC).year + 1
    moved = await sandbox.put("/sandbox/clock", json={"now": f"{year}-06-01T10:00:00Z"})
    assert moved.status_code == 200, moved.text
    assert moved.json()["now"].startswith(f"{year}-06-01T10:00:0")
    client = (await sandbox.post("/clients", json={"name": "Futura"})).json()
    assert client["created_at"].startswith(f"{year}-06-01T10:")
    wanted = {"client_id": client["id"], "category": "civil", "title": "Mañana"}
    assert (await sandbox.post("/cases", json=wanted)).json()["number"] == f"EXP-{year}-0001"
    here = (await api.post("/clients", json={"name": "Presente"})).json()
    assert here["created_at"].startswith(str(year - 1))
    assert (await sandbox.get("/sandbox/clock")).json()["offset_seconds"] > 0
    assert (await api.get("/sandbox/clock")).json()["offset_seconds"] == 0


async def test_it_goes_on_by_steps_and_never_back(sandbox):
    first = (await sandbox.put("/sandbox/clock", json={"advance_seconds": 3600})).json()["offset_seconds"]
    second = (await sandbox.put("/sandbox/clock", json={"advance_seconds": 60})).json()["offset_seconds"]
    assert (first, second) == (3600, 3660)
    back = datetime.now(UTC) + timedelta(minutes=5)
    refused = await sandbox.put("/sandbox/clock", json={"now": back.strftime("%Y-%m-%dT%H:%M:%SZ")})
    assert (refused.status_code, refused.json()["code"]) == (409, "clock_goes_forward")
    assert (await sandbox.get("/sandbox/clock")).json()["offset_seconds"] == 3660


async def test_the_firms_own_clock_stays(api):
    refused = await api.put("/sandbox/clock", json={"advance_seconds": 60})
    assert (refused.status_code, refused.json()["code"]) == (409, "clock_is_real")


@pytest.mark.parametrize(
    "body", [{}, {"now": "2030-01-01T00:00:00Z", "advance_seconds": 1}, {"advance_seconds": -1}]
)
async def test_unclear_moves_are_refused(sandbox, body):
    assert (await sandbox.put("/sandbox/clock", json=body)).status_code == 422


async def test_waiting_retries_come_nearer(app, firm, sandbox, superuser):
    await sandbox.post("/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["case.*"]})
    client = (await sandbox.post("/clients", json={"name": "Ana"})).json()["id"]
    await sandbox.post("/cases", json={"client_id": client, "category": "civil", "title": "Uno"})
    in_two_hours = datetime.now(UTC) + timedelta(hours=2)
    superuser.execute("update webhook_deliveries set due_at = %s", [in_two_hours])
    await sandbox.put("/sandbox/clock", json={"advance_seconds": 3600})
    (due,) = superuser.execute("select due_at from webhook_deliveries").fetchone()
    assert abs(in_two_hours - timedelta(hours=1) - due) < timedelta(seconds=5)
