"""Another firm tries every route with this firm's ids: only 404 or 403, and nothing changed.

The list of routes is the application's own, so a new route is tried without anybody remembering it.
Row-level security alone is tried in tests/kit/test_row_level_security.py.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conecta import api as native
from tests.calendars.stored import add_connection
from tests.messages.mailing import send

# What another firm may legitimately reach without any id: its own collections.
BODIES: dict[str, dict[str, Any]] = {
    "/booking-services/{uuid}": {"name": "Robado"},
    "/rooms/{uuid}": {"name": "Robada"},
    "/schedules/{uuid}": {"name": "Robado"},
    "/schedules/{uuid}/overrides/{date}": {"spans": []},
    "/time-off/{uuid}": {"note": "Robada"},
    "/holiday-calendars/{uuid}": {"name": "Robado"},
    "/holiday-calendars/{uuid}/years": {"year": 2029},
    "/holiday-calendars/{uuid}/days": {"date": "2026-09-24", "name": "Robado"},
    "/holiday-calendars/{uuid}/days/{day}": {"name": "Robado"},
    "/bookings/{uuid}": {"notes": "Robada"},
    "/bookings/{uuid}/cancel": {"reason": "Robada"},
    "/bookings/{uuid}/reschedule": {"start": "2027-01-20T09:00:00Z"},
    "/bookings/{uuid}/complete": {"bypass_rules": True},
    "/bookings/{uuid}/no-show": {"bypass_rules": True},
    "/calendar-connections/{uuid}": {"on_move": "ask"},
    "/calendar-connections/{uuid}/changes/{booking}": {"decision": "accept"},
    "/cases/{uuid}": {"title": "Robado"},
    "/cases/{uuid}/close": {"reason": "Robado"},
    "/cases/{uuid}/reopen": {"reason": "Robado"},
    "/cases/{uuid}/notes": {"content": "Robado"},
    "/cases/{uuid}/notes/{note}": {"content": "Robado"},
    "/case-categories/{code}": {"name_es": "Robado"},
    "/clients/{uuid}": {"first_name": "Robado"},
    "/webhooks/{uuid}": {"description": "Robado"},
    "/webhooks/{uuid}/secret/rotate": {"grace_seconds": 60},
    "/webhooks/{uuid}/recover": {"since": "2026-01-01T00:00:00Z"},
    "/users/{uuid}": {"name": "Robado"},
    "/api-keys/{uuid}/roll": {"grace_seconds": 60},
    "/oauth-apps/{uuid}": {"name": "Robada"},
    "/inquiries/{uuid}": {"status": "spam"},
    "/reviews/{uuid}/reply": {"reply": "Robado"},
    "/publishable-keys/{uuid}": {"name": "Robada"},
    "/oauth-apps/{uuid}/secret/rotate": {"grace_seconds": 60},
}
PREFIX = native.PREFIX
ROUTES = sorted(
    (method, route.path.removeprefix(PREFIX))
    for route in native.routes()
    for method in route.methods
    if "{" in route.path
)


@pytest.fixture
async def belongings(app, api, firm, superuser) -> dict[str, dict[str, str]]:
    """One of everything this firm can have, by the first part of its path."""
    client = (await api.post("/clients", json={"name": "Ana Gil", "external_id": "a-1"})).json()
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    endpoint = (await api.post("/webhooks", json=hook)).json()
    category = (await api.post("/case-categories", json={"code": "naval", "name_es": "Naval"})).json()
    wanted = {"client_id": client["id"], "category": "naval", "title": "Abordaje"}
    case = (await api.post("/cases", json=wanted)).json()
    note = (await api.post(f"/cases/{case['id']}/notes", json={"content": "Secreta"})).json()
    start = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0).isoformat()
    wanted = {"start": start, "duration": 30, "bypass_rules": True, "notes": "Secreta"}
    booking = (await api.post("/bookings", json=wanted)).json()
    events = (await api.get("/events")).json()["data"]
    deliveries = (await api.get(f"/webhooks/{endpoint['id']}/deliveries")).json()["data"]
    keys = (await api.get("/api-keys")).json()["data"]
    guest = {"name": "Eva", "email": "eva@example.com", "role": "provider"}
    invitation = (await api.post("/invitations", json=guest)).json()
    acts = (await api.get("/audit-log")).json()["data"]
    call = await api.get("/usage")
    wanted = {"name": "Agenda", "redirect_uris": ["https://a.example/cb"], "scopes": ["read:cases"]}
    oauth_app = (await api.post("/oauth-apps", json=wanted)).json()
    room = (await api.post("/rooms", json={"name": "Sala secreta"})).json()
    (service,) = (await api.get("/booking-services")).json()["data"]
    (schedule,) = (await api.get("/schedules")).json()["data"]
    (calendar,) = (await api.get("/holiday-calendars")).json()["data"]
    days = (await api.get(f"/holiday-calendars/{calendar['id']}/days")).json()["data"]
    date = "2030-01-15"
    await api.put(f"/schedules/{schedule['id']}/overrides/{date}", json={"spans": [], "note": "Secreta"})
    absence = {"start": "2030-01-10T08:00:00Z", "end": "2030-01-11T08:00:00Z", "note": "Secreta"}
    time_off = (await api.post("/time-off", json=absence)).json()
    feed = (await api.post("/calendar-feeds", json={"name": "Secreta"})).json()
    asked = {"name": "Ana Gil", "email": "ana@cliente.example", "message": "Secreta"}
    inquiry = (await api.post("/inquiries", json=asked)).json()
    reachable = (await api.post("/clients", json={"name": "Ben", "email": "ben@cliente.example"})).json()
    review = (await api.post("/reviews", json={"client_id": reachable["id"]})).json()
    wanted = {"name": "Web", "origins": ["https://bufete.example"]}
    website_key = (await api.post("/publishable-keys", json=wanted)).json()
    service = (await api.get("/booking-services")).json()["data"][0]
    connection = add_connection(superuser, firm)
    await app.state.request_log.flush()
    return {
        "calendar-feeds": {"uuid": feed["id"]},
        "calendar-connections": {"uuid": connection, "booking": "bkg_secreta"},
        "booking-services": {"uuid": service["id"]},
        "rooms": {"uuid": room["id"]},
        "schedules": {"uuid": schedule["id"], "date": date},
        "time-off": {"uuid": time_off["id"]},
        "holiday-calendars": {"uuid": calendar["id"], "day": days[0]["id"]},
        "bookings": {"uuid": booking["id"]},
        "cases": {"uuid": case["id"], "note": note["id"]},
        "clients": {"uuid": client["id"]},
        "case-categories": {"code": category["code"]},
        "webhooks": {"uuid": endpoint["id"], "delivery": deliveries[0]["id"]},
        "events": {"uuid": events[0]["id"]},
        "users": {"uuid": firm.owner_id},
        "api-keys": {"uuid": keys[0]["id"]},
        "invitations": {"uuid": invitation["id"]},
        "oauth-apps": {"uuid": oauth_app["id"]},
        "messages": {"uuid": await send(app, firm.id)},
        "audit-log": {"uuid": acts[0]["id"]},
        "inquiries": {"uuid": inquiry["id"]},
        "reviews": {"uuid": review["id"]},
        "publishable-keys": {"uuid": website_key["id"]},
        "public": {"service": service["id"]},
        "requests": {"request_id": call.headers["x-request-id"]},
    }


async def test_no_route_lets_another_firm_in(app, firm, other_firm, belongings, superuser):
    assert len(ROUTES) >= 25
    before = _rows(superuser, firm.id)
    async with other_firm.client(app) as thief:
        for method, path in ROUTES:
            ids = belongings[path.split("/")[1]]
            body = BODIES.get(path, {}) if method in {"POST", "PATCH", "PUT"} else None
            answer = await thief.request(method, path.format(**ids), json=body)
            assert answer.status_code in {403, 404}, f"{method} {path}: {answer.status_code} {answer.text}"
            assert "Abordaje" not in answer.text
            assert "Secreta" not in answer.text
    assert _rows(superuser, firm.id) == before


async def test_another_firms_ids_in_a_body_are_unknown(app, firm, other_firm, belongings, superuser):
    before = _rows(superuser, firm.id)
    async with other_firm.client(app) as thief:
        own = (await thief.post("/clients", json={"name": "Propio"})).json()["id"]
        stolen = {"client_id": belongings["clients"]["uuid"], "category": "civil", "title": "X"}
        assert (await thief.post("/cases", json=stolen)).status_code == 422
        provider = {
            "client_id": own,
            "category": "civil",
            "title": "X",
            "assigned_provider_id": firm.owner_id,
        }
        assert (await thief.post("/cases", json=provider)).status_code == 422
        category = {"client_id": own, "category": "naval", "title": "X"}
        assert (await thief.post("/cases", json=category)).status_code == 422
        filtered = await thief.get("/cases", params={"client_id": belongings["clients"]["uuid"]})
        assert filtered.json()["data"] == []
    assert _rows(superuser, firm.id) == before


async def test_every_list_of_another_firm_is_its_own(app, firm, other_firm, belongings):
    lists = sorted(
        route.path.removeprefix(PREFIX)
        for route in native.routes()
        if "GET" in route.methods and "{" not in route.path
    )
    foreign = [value for ids in belongings.values() for value in ids.values()] + [firm.id]
    async with other_firm.client(app) as thief:
        for path in lists:
            answer = await thief.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            assert not [value for value in foreign if value in answer.text], path


def _rows(superuser, tenant_id: str) -> dict[str, str]:
    """Return a fingerprint of everything a tenant has, table by table, but for when its keys were used."""
    tables = superuser.execute(
        "select table_name from information_schema.columns where table_schema = 'public'"
        " and column_name = 'tenant_id'"
    ).fetchall()
    found = {}
    for (table,) in tables:
        row = (
            "to_jsonb(t) - 'last_used_at' - 'last_used_address' - 'last_used_agent' - 'last_used_route'"
            if table == "api_keys"
            else "to_jsonb(t)"
        )
        texts = f"string_agg(({row})::text, '|' order by ({row})::text)"
        query = f"select md5(coalesce({texts}, '')) from {table} t where tenant_id = %s"
        found[table] = superuser.execute(query, [tenant_id]).fetchone()[0]
    return found
