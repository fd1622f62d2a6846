"""Every call of a known caller is noted once, masked, and read back by the firm alone."""

import json
import uuid

import httpx
import pytest

from conecta.api import PREFIX
from conecta.auth.scopes import Scope
from tests.firms import make_firm, make_key


async def logged(app, client: httpx.AsyncClient, query: str = "") -> list[dict]:
    await app.state.request_log.flush()
    answer = await client.get(f"/requests{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def detail(app, client: httpx.AsyncClient, request_id: str) -> dict:
    await app.state.request_log.flush()
    answer = await client.get(f"/requests/{request_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_read_is_noted(app, api, firm):
    answer = await api.get("/clients?limit=5&email=ana%40example.com", headers={"User-Agent": "CRM/3.2"})
    (entry,) = await logged(app, api)
    key = (await api.get("/api-keys")).json()["data"][0]
    assert entry == {
        "request_id": answer.headers["x-request-id"],
        "method": "GET",
        "path": f"{PREFIX}/clients",
        "query": "limit=5&email=***@***",
        "route": f"{PREFIX}/clients",
        "status": 200,
        "duration_ms": entry["duration_ms"],
        "caller_type": "firm",
        "credential_id": key["id"],
        "credential_name": "Pruebas",
        "user_id": None,
        "client_id": None,
        "address": "203.0.113.7",
        "user_agent": "CRM/3.2",
        "error_code": None,
        "created_at": entry["created_at"],
    }
    assert 0 < entry["duration_ms"] < 60_000
    assert (await detail(app, api, entry["request_id"]))["request_body"] is None


async def test_a_write_is_noted_with_what_was_sent_masked(app, api):
    body = {
        "name": "Ana Gil",
        "email": "ana@example.com",
        "tax_id": "12345678Z",
        "custom_fields": {"api_token": "t0p-secret", "note": "password=hunter2 y NIF X1234567L"},
    }
    answer = await api.post("/clients", json=body)
    assert answer.status_code == 201
    entry = await detail(app, api, answer.headers["x-request-id"])
    assert entry["request_body"] == {
        "name": "Ana Gil",
        "email": "***@***",
        "tax_id": "***",
        "custom_fields": {"api_token": "***", "note": "password=*** y NIF ***"},
    }
    assert (entry["route"], entry["error_body"]) == (f"{PREFIX}/clients", None)


async def test_a_refusal_is_noted_with_its_problem(app, api):
    answer = await api.post("/clients", json={"name": "Ana", "e_mail": "ana@example.com"})
    entry = await detail(app, api, answer.headers["x-request-id"])
    assert (entry["status"], entry["error_code"]) == (422, "validation_failed")
    assert entry["error_body"]["errors"] == answer.json()["errors"]
    assert entry["request_body"] == {"name": "Ana", "e_mail": "***@***"}


async def test_a_route_that_does_not_exist_and_one_of_a_row_are_noted_by_their_routes(app, api):
    await api.get("/nowhere")
    await api.get("/clients/cli_nobody")
    row, nowhere = await logged(app, api)
    assert (nowhere["route"], nowhere["status"], nowhere["error_code"]) == (None, 404, "route_not_found")
    assert (row["route"], row["path"]) == (f"{PREFIX}/clients/{{uuid}}", f"{PREFIX}/clients/cli_nobody")


async def test_nothing_secret_is_stored(app, api, firm, superuser):
    made = (await api.post("/api-keys", json={"name": "Otra", "scopes": ["read:cases"]})).json()
    await api.get(f"/clients/{made['key']}?q={made['key']}")
    await api.post("/clients", json={"name": made["key"], "secret": {"deep": [made["key"]]}})
    await app.state.request_log.flush()
    rows = superuser.execute("select to_jsonb(r)::text from logged_requests r").fetchall()
    assert len(rows) == 3
    for (row,) in rows:
        assert made["key"][12:] not in row
        assert firm.key[12:] not in row


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b'{"name": "Ana"}', {"name": "Ana"}),
        (b'{"name": ', None),
        (b"\xff\xfe", None),
        (b"[" * 3_000, None),
        (b'{"name": "' + b"a" * 4_200 + b'"}', None),
        (b'{"name": "\\u0000 \\ud800 \xc3\xb1"}', {"name": "\x00 ? ñ"}),
        (b'{"a": NaN, "b": 1e999}', None),
        (b'"just a text, 12345678Z"', "just a text, ***"),
        (b"", None),
    ],
)
async def test_whatever_is_sent_the_call_is_noted(app, api, content, kept):
    answer = await api.post("/clients", content=content, headers={"Content-Type": "application/json"})
    entry = await detail(app, api, answer.headers["x-request-id"])
    assert entry["status"] == answer.status_code
    assert entry["request_body"] == kept


@pytest.mark.parametrize(
    "path", ["/clients/%00", "/clients?q=%00", "/clients/%ff", "/clients/a%0d%0ab", "/" + "x" * 3_000]
)
async def test_odd_urls_are_noted(app, api, path):
    answer = await api.get(path, headers={"User-Agent": "a\x01b"})
    (entry,) = await logged(app, api)
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert "\x00" not in json.dumps(entry)
    assert entry["user_agent"] == "a?b"


async def test_a_caller_may_use_its_own_request_ids_again(app, api):
    mine = "6f1c2a1e-5a0b-4a57-9f0e-0d3c8a2b7e11"
    for path in ("/clients", "/cases"):
        await api.get(path, headers={"X-Request-ID": mine})
    assert (await detail(app, api, mine))["path"] == f"{PREFIX}/cases"
    both = await logged(app, api, f"?request_id={mine}")
    assert [entry["path"] for entry in both] == [f"{PREFIX}/cases", f"{PREFIX}/clients"]


async def test_our_own_request_ids_are_found_as_bare_uuids_too(app, api):
    answer = await api.get("/clients")
    text = answer.headers["x-request-id"].removeprefix("req_")
    number = 0
    for letter in text:
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
    found = await detail(app, api, str(uuid.UUID(int=number)))
    assert found["request_id"] == answer.headers["x-request-id"]


async def test_who_is_unknown_leaves_no_row(app, api, firm, superuser, anonymous):
    await anonymous.get(f"{PREFIX}/clients")
    async with firm.client(app, "sk_live_cnt_" + "0" * 36) as wrong:
        assert (await wrong.get("/clients")).status_code == 401
    await anonymous.get("/healthz")
    await anonymous.get("/docs")
    await app.state.request_log.flush()
    assert superuser.execute("select count(*) from logged_requests").fetchone() == (0,)


async def test_who_is_known_but_may_not_is_noted(app, firm, api):
    key = await make_key(app, firm.id, [Scope.CASES_READ])
    async with firm.client(app, key) as client:
        await client.get("/clients")
    (entry,) = await logged(app, api)
    assert (entry["status"], entry["error_code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("method=POST", [422, 201]),
        ("status=4xx", [404, 422]),
        ("status=404", [404]),
        ("status=2xx", [201, 200]),
        ("status=5xx", []),
        ("error_code=validation_failed", [422]),
        (f"path={PREFIX}/clients", [422, 201, 200]),
        ("credential_id=key_nobody", []),
        ("created_before=2020-01-01T00:00:00Z", []),
        ("created_after=2020-01-01T00:00:00Z&status=404", [404]),
        ("sort=created_at", [200, 201, 422, 404]),
    ],
)
async def test_list_is_narrowed(app, api, query, expected):
    await api.get("/clients")
    await api.post("/clients", json={"name": "Ana"})
    await api.post("/clients", json={"nombre": "Ana"})
    await api.get("/cases/cas_nobody")
    assert [entry["status"] for entry in await logged(app, api, f"?{query}")] == expected


@pytest.mark.parametrize("query", ["status=4x", "status=600", "method=TRACE", "state=4xx"])
async def test_filters_that_cannot_be_are_refused(api, query):
    assert (await api.get(f"/requests?{query}")).status_code == 400


async def test_list_goes_on_where_it_ended(app, api):
    wanted = [(await api.get("/clients")).headers["x-request-id"] for _ in range(5)]
    await app.state.request_log.flush()
    seen, url = [], "/requests?limit=2&path=" + PREFIX + "/clients"
    while url:
        answer = await api.get(url)
        seen += [entry["request_id"] for entry in answer.json()["data"]]
        url = answer.links.get("next", {}).get("url")
    assert seen == wanted[::-1]


async def test_other_firms_see_nothing(app, api, firm, other_firm):
    request_id = (await api.get("/clients")).headers["x-request-id"]
    await app.state.request_log.flush()
    async with other_firm.client(app) as thief, firm.client(app, firm.sandbox_key) as sandbox:
        for client in (thief, sandbox):
            assert (await client.get(f"/requests/{request_id}")).status_code == 404
            assert (await client.get("/requests?status=200")).json()["data"] == []


@pytest.mark.parametrize("request_id", ["nobody", "a b", "x" * 101, "../x", "%00"])
async def test_an_unknown_id_is_a_404(api, request_id):
    assert (await api.get(f"/requests/{request_id}")).status_code == 404


async def test_sandbox_calls_have_the_real_time(app, firm):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        await sandbox.put("/sandbox/clock", json={"advance_seconds": 86_400 * 400})
        await sandbox.get("/clients")
        entries = await logged(app, sandbox)
        now = (await sandbox.get("/usage")).json()["minute"]["resets_at"]
    assert all(entry["created_at"] <= now for entry in entries)


async def test_calls_turned_away_at_the_door_are_noted_when_their_credential_is_known(
    app, other_firm, superuser
):
    small = await make_firm(app, name="Dos al día", per_minute=2, per_day=2)
    async with small.client(app) as api:
        elsewhere = await api.get("/usage", headers={"X-Tenant-ID": other_firm.id})
        assert (await api.get("/usage")).status_code == 200
        beyond = await api.get("/usage")
    assert (elsewhere.status_code, beyond.status_code) == (403, 429)
    await app.state.request_log.flush()
    noted = superuser.execute(
        "select status, error_code from logged_requests where tenant_id = %s",
        [small.id],
    ).fetchall()
    assert sorted(noted) == [(200, None), (403, "tenant_mismatch"), (429, "rate_limited")]
