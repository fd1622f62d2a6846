"""A client of the firm with a real token tries every route of the native API.

The routes are those of the permission table, so a new one is tried without anybody remembering it; what a
client may call needs a row of `belongings`, or the test says so.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conecta import api as native
from conecta.auth.caller import Caller
from conecta.auth.require import Require
from conecta.auth.scopes import Scope
from conecta.kit.errors import InsufficientScope
from conecta.kit.rate_limit import Limits
from tests.cases.arrange import new_case
from tests.clients.access import new_client
from tests.clients.signed_in_app import browser_of, own_app, token_of
from tests.permissions import PERMISSIONS
from tests.test_tenant_isolation import BODIES

ANA, BEN = "ana.gil@cliente.example", "ben@cliente.example"
OPEN = [permission for permission in PERMISSIONS if permission.client]
CLOSED = [permission for permission in PERMISSIONS if not permission.client]


@pytest.fixture
async def world(app, api, firm):
    """Two clients of one firm with everything that hangs from a case, and a token of the first."""
    made = {}
    for name, email in (("ana", ANA), ("ben", BEN)):
        client = await new_client(api, f"{name} prueba", email=email, external_id=f"crm-{name}")
        case = await new_case(
            api,
            client,
            title=f"Herencia de {name}",
            tags=["común"],
            custom_fields={"sala": "3"},
            external_id=f"exp-{name}",
            parties=[{"name": "Contraparte", "role": "opposing_party", "notes": "Se esconde"}],
        )
        path = f"/cases/{case['id']}"
        notes = {}
        for visibility in ("internal", "shared"):
            body = {"content": f"Nota {visibility} de {name}", "visibility": visibility}
            notes[visibility] = (await api.post(f"{path}/notes", json=body)).json()["id"]
            await api.patch(f"{path}/notes/{notes[visibility]}", json={"content": body["content"] + "!"})
        await api.patch(path, json={"priority": "high"})
        await api.post(f"{path}/close", json={"reason": "Acuerdo"})
        booking = await _new_booking(api, client, days=9 + len(made), notes=f"Cita de {name}")
        made[name] = {
            "client": client, "case": case["id"], "number": case["number"], "booking": booking, **notes
        }  # fmt: skip
    (made["service"],) = [one["id"] for one in (await api.get("/booking-services")).json()["data"]]
    async with browser_of(app, api, made["ana"]["client"], ANA) as browser:
        oauth = await own_app(app, firm)
        async with oauth.http:
            yield made, await token_of(oauth, browser)


async def _new_booking(api, client: str, *, days: int, **more: Any) -> str:
    start = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    wanted = {"client_id": client, "start": start, "duration": 30, "bypass_rules": True, **more}
    return (await api.post("/bookings", json=wanted)).json()["id"]


def belongings(world: dict, whose: str) -> dict[str, dict[str, str]]:
    """Return somebody's ids, by the first part of the paths that take them."""
    own = world[whose]
    return {
        "clients": {"uuid": own["client"]},
        "cases": {"uuid": own["case"], "note": own["shared"]},
        "case-categories": {"code": "civil"},
        "bookings": {"uuid": own["booking"]},
        "booking-services": {"uuid": world["service"]},
    }


@pytest.fixture
async def of_the_firm(api, firm) -> dict[str, dict[str, str]]:
    """Ids of everything else that a firm has, so that a refusal is never for want of a row."""
    hook = (await api.post("/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["*"]})).json()
    events = (await api.get("/events")).json()["data"]
    keys = (await api.get("/api-keys")).json()["data"]
    return {
        "webhooks": {"uuid": hook["id"]},
        "events": {"uuid": events[0]["id"]},
        "users": {"uuid": firm.owner_id},
        "api-keys": {"uuid": keys[0]["id"]},
    }


def filled(path: str, ids: dict[str, dict[str, str]]) -> str:
    known = ids.get(path.split("/")[1], {})
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], "nobody"), path)


def snapshot(superuser) -> dict[str, str]:
    """Return a fingerprint of every table, but for counters, calls, and when credentials were used."""
    tables = superuser.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relname <> all(%s)",
        [["rate_windows", "logged_requests"]],
    ).fetchall()
    row = "to_jsonb(t) - array['last_used_at', 'last_used_address', 'last_used_agent', 'last_used_route']"
    found = {}
    for (table,) in tables:
        texts = f"coalesce(string_agg(({row})::text, '|' order by ({row})::text), '')"
        found[table] = superuser.execute(f'select md5({texts}) from "{table}" t').fetchone()[0]
    return found


async def test_what_is_not_for_clients_is_refused_and_changes_nothing(world, of_the_firm, superuser):
    made, token = world
    assert len(CLOSED) > 40
    ids = {**belongings(made, "ana"), **of_the_firm}
    before = snapshot(superuser)
    wrong = {}
    for permission in CLOSED:
        body = {} if permission.method in {"POST", "PATCH", "PUT"} else None
        answer = await token.call(permission.method, filled(permission.path, ids), json=body)
        if (answer.status_code, answer.json().get("code")) != (403, "insufficient_scope"):
            wrong[permission.name] = (answer.status_code, answer.text)
    assert wrong == {}
    assert snapshot(superuser) == before


def test_no_scope_whatsoever_opens_these_routes_to_a_client():
    """A client whose token had every scope, by some mistake of ours, would be refused all the same."""
    client = Caller(
        kind="client",
        tenant_id="tenant_x",
        scopes=frozenset(Scope),
        credential_id="gnt_x",
        name="Ana",
        plan="free",
        limits=Limits(1, 1),
        client_id="cli_x",
    )
    request = type("Request", (), {"state": type("State", (), {"caller": client})})
    let_in = set()
    for route in native.routes():
        (guard,) = [d.call for d in route.dependant.dependencies if isinstance(d.call, Require)]
        try:
            guard.check(request)
        except InsufficientScope:
            continue
        let_in |= {f"{method} {route.path.removeprefix(native.PREFIX)}" for method in route.methods}
    assert let_in == {permission.name for permission in OPEN}


async def test_what_is_for_clients_shows_them_their_own(world):
    made, token = world
    for permission in OPEN:
        if permission.method != "GET":
            continue  # what they may do to their own is tried where it is done
        path = filled(permission.path, belongings(made, "ana"))
        assert "nobody" not in path, f"say in `belongings` what {permission.name} takes"
        if path.startswith("/availability"):
            path += f"?service_id={made['service']}"
        answer = await token.call(permission.method, path)
        assert answer.status_code == 200, (permission.name, answer.text)
        assert _strangers(made, answer.text) == [], permission.name
        if permission.path.startswith(("/clients", "/cases", "/bookings")):
            assert "ana" in answer.text or made["ana"]["case"] in answer.text, permission.name


async def test_another_clients_ids_are_not_found(world, superuser):
    made, token = world
    before = snapshot(superuser)
    nobodys = (await token.call("GET", "/cases/nobody")).json()
    tried = 0
    for permission in OPEN:
        path = filled(permission.path, belongings(made, "ben"))
        if path == permission.path or path.startswith(("/case-categories", "/booking-services")):
            continue  # what all clients of the firm see
        answer = await token.call(permission.method, path, json=BODIES.get(permission.path))
        assert answer.status_code == 404, (permission.name, answer.text)
        assert answer.json()["detail"] == nobodys["detail"]  # as if there were no such row at all
        tried += 1
    assert tried >= 5
    assert snapshot(superuser) == before


async def test_their_own_case_with_another_clients_note_is_not_found(world):
    made, token = world
    for note in ("shared", "internal"):
        answer = await token.call("GET", f"/cases/{made['ana']['case']}/notes/{made['ben'][note]}")
        assert answer.status_code == 404


CASE_FILTERS = (
    "", "q=herencia", "q=de", "q=EXP-", "tag=común", "custom_field=sala:3", "category=civil", "status=closed",
    "priority=high", "sort=number", "sort=-updated_at", "limit=100", "created_after=2020-01-01T00:00:00Z",
    "updated_after=2020-01-01T00:00:00Z",
)  # fmt: skip
CLIENT_FILTERS = ("", "q=prueba", "status=all", "kind=person", "sort=name", "limit=100", f"email={ANA}")


async def test_no_filter_of_cases_finds_another_clients(world):
    made, token = world
    for query in CASE_FILTERS:
        answer = await token.call("GET", f"/cases?{query}&include=total".replace("?&", "?"))
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert [case["id"] for case in found["data"]] == [made["ana"]["case"]], query
        assert (found["total"], found["has_more"], found["next_cursor"]) == (1, False, None), query
    for query in ("client_id={client}", "external_id=exp-ben", "q=exp-ben", "q={number}"):
        answer = await token.call("GET", f"/cases?{query.format(**made['ben'])}&include=total")
        assert (answer.status_code, answer.json()["data"], answer.json()["total"]) == (200, [], 0), query


async def test_no_filter_of_clients_finds_another(world):
    made, token = world
    for query in CLIENT_FILTERS:
        answer = await token.call("GET", f"/clients?{query}&include=total".replace("?&", "?"))
        assert [client["id"] for client in answer.json()["data"]] == [made["ana"]["client"]], query
        assert answer.json()["total"] == 1
    for query in (f"email={BEN}", "external_id=crm-ben", "q=ben"):
        answer = await token.call("GET", f"/clients?{query}&include=total")
        assert (answer.json()["data"], answer.json()["total"]) == ([], 0), query


async def test_notes_and_timeline_are_what_concerns_them(world):
    made, token = world
    path = f"/cases/{made['ana']['case']}"
    notes = (await token.call("GET", f"{path}/notes?include=total")).json()
    assert [note["content"] for note in notes["data"]] == ["Nota shared de ana!"]
    assert notes["total"] == 1
    assert (await token.call("GET", f"{path}/notes?visibility=internal&include=total")).json()["total"] == 0
    assert (await token.call("GET", f"{path}/notes/{made['ana']['internal']}")).status_code == 404
    timeline = (await token.call("GET", f"{path}/activities?include=total")).json()
    assert [line["type"] for line in timeline["data"]] == ["closed", "created"]
    assert timeline["total"] == 2
    assert (await token.call("GET", f"{path}/activities?type=note_added&include=total")).json()["total"] == 0
    # Whose key it was that wrote is the firm's own affair.
    assert {(line["author_id"], line["author_name"]) for line in timeline["data"]} == {(None, None)}


async def test_what_the_firm_notes_for_itself_is_not_shown(world, api):
    made, token = world
    path = f"/cases/{made['ana']['case']}"
    inside, (listed,) = (await api.get(path)).json(), (await token.call("GET", "/cases")).json()["data"]
    own = {"tags": [], "parties": [], "external_id": None, "custom_fields": {}}
    assert all(inside[name] for name in own)
    assert listed == (await token.call("GET", path)).json() == inside | own
    path = f"/clients/{made['ana']['client']}"
    own = {"external_id": None, "custom_fields": {}}
    assert (await token.call("GET", path)).json() == (await api.get(path)).json() | own


async def test_the_firms_cursor_and_etag_open_nothing_of_others(world, api):
    """A cursor that the firm's own program got would go on behind another client's case."""
    made, token = world
    cursor = (await api.get("/cases?limit=1&sort=created_at")).json()["next_cursor"]
    answer = await token.call("GET", "/cases", params={"limit": 1, "sort": "created_at", "cursor": cursor})
    assert _strangers(made, answer.text) == []
    tag = (await api.get(f"/cases/{made['ben']['case']}")).headers["etag"]
    path, headers = f"/cases/{made['ben']['case']}", {"If-None-Match": tag}
    assert (await token.call("GET", path, headers=headers)).status_code == 404


async def test_the_other_clients_token_sees_the_other_half(app, api, firm, world):
    made, token = world
    async with browser_of(app, api, made["ben"]["client"], BEN) as browser:
        of_ben = await token_of(token.app, browser)
    answer = await of_ben.call("GET", "/cases?include=total")
    assert [case["id"] for case in answer.json()["data"]] == [made["ben"]["case"]]
    assert (await of_ben.call("GET", f"/cases/{made['ana']['case']}")).status_code == 404


async def test_what_another_firm_has_is_not_found(app, other_firm, world):
    _, token = world
    async with other_firm.client(app) as others:
        client = await new_client(others, "Eva Ajena", email="eva@cliente.example")
        case = await new_case(others, client, title="Herencia ajena")
    assert (await token.call("GET", f"/cases/{case['id']}")).status_code == 404
    assert (await token.call("GET", f"/clients/{client}")).status_code == 404
    other = {"X-Tenant-ID": other_firm.id}
    assert (await token.call("GET", "/cases", headers=other)).status_code == 403


def _strangers(made: dict, text: str) -> list[str]:
    """Return what of the other client, or of what the firm keeps to itself, stands in an answer."""
    of_ben = [str(value) for value in made["ben"].values()]
    secret = ["de ben", "ben prueba", "Nota internal", made["ana"]["internal"]]
    return [found for found in (*of_ben, *secret) if found in text]
