"""Publishable keys: made and revoked by whoever administers; they open the public endpoints, and no more."""

import pytest

from tests.web.visiting import ORIGIN, publishable_key, website


async def test_key_is_made_read_again_and_listed(api, superuser):
    made = await publishable_key(api, ORIGIN, "https://BUFETE.example:443/", "http://localhost:3000", ORIGIN)
    assert made["key"].startswith("pk_live_cnt_")
    assert made["origins"] == [ORIGIN, "https://bufete.example", "http://localhost:3000"]
    assert (made["mode"], made["status"], made["revoked_at"]) == ("live", "active", None)
    answer = await api.get(f"/publishable-keys/{made['id']}")
    assert answer.json() == made
    assert answer.headers["etag"] == '"v1"'
    assert (await api.get("/publishable-keys")).json()["data"] == [made]
    acts = (await api.get("/audit-log", params={"action": "publishable_key.created"})).json()["data"]
    assert [act["target"] for act in acts] == [made["id"]]


async def test_key_of_the_sandbox_says_so(app, firm):
    async with firm.client(app, firm.sandbox_key) as api:
        made = await publishable_key(api)
    assert made["mode"] == "test"
    assert made["key"].startswith("pk_test_cnt_")


@pytest.mark.parametrize(
    "origin",
    ["http://bufete.example", "bufete.example", "https://bufete.example/contacto", "https://", "https://a b",
     "https://u:p@bufete.example", "https://bufete.example?x", "*", "null", "ftp://bufete.example",
     "https://bufete.example:99999"],
)  # fmt: skip
async def test_what_is_no_origin_is_refused(api, origin, superuser):
    answer = await api.post("/publishable-keys", json={"name": "Web", "origins": [ORIGIN, origin]})
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/origins/1", "invalid_origin")]
    assert superuser.execute("select count(*) from publishable_keys").fetchone() == (0,)


async def test_a_key_needs_an_origin(api):
    answer = await api.post("/publishable-keys", json={"name": "Web", "origins": []})
    assert answer.json()["errors"][0]["code"] == "too_few"


async def test_name_and_origins_change_with_a_condition(app, api):
    made = await publishable_key(api)
    path = f"/publishable-keys/{made['id']}"
    changed = await api.patch(path, json={"origins": ["https://otra.example"]}, headers={"If-Match": '"v1"'})
    assert changed.json()["origins"] == ["https://otra.example"]
    assert changed.headers["etag"] == '"v2"'
    stale = await api.patch(path, json={"name": "X"}, headers={"If-Match": '"v1"'})
    assert stale.status_code == 412
    async with website(app, made["key"]) as site:
        assert (await site.get("/public/firm")).json()["code"] == "origin_not_allowed"
    async with website(app, made["key"], "https://otra.example") as site:
        assert (await site.get("/public/firm")).status_code == 200


async def test_a_revoked_key_opens_nothing_and_stays_as_it_is(app, api):
    made = await publishable_key(api)
    path = f"/publishable-keys/{made['id']}"
    for _ in range(2):
        assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).json()["status"] == "revoked"
    refused = await api.patch(path, json={"name": "Otra"})
    assert (refused.status_code, refused.json()["code"]) == (409, "publishable_key_revoked")
    async with website(app, made["key"]) as site:
        answer = await site.get("/public/firm")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_it_opens_the_public_endpoints_from_its_origin_only(app, api, firm):
    made = await publishable_key(api)
    async with website(app, made["key"]) as site:
        answer = await site.get("/public/firm")
        assert answer.status_code == 200
        assert answer.json()["name"] == "Bufete Prueba"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    for origin in ("https://evil.example", ORIGIN + ".evil.example", "null", None):
        async with website(app, made["key"], origin) as site:
            answer = await site.get("/public/firm")
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed"), origin


async def test_it_opens_nothing_else(app, api, superuser):
    made = await publishable_key(api)
    before = superuser.execute("select count(*) from clients").fetchone()
    async with website(app, made["key"]) as site:
        for method, path in (
            ("GET", "/clients"),
            ("POST", "/clients"),
            ("GET", "/usage"),
            ("GET", "/inquiries"),
            ("GET", "/publishable-keys"),
            ("GET", "/events"),
        ):
            answer = await site.request(method, path, json={"name": "X"} if method == "POST" else None)
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope"), path
    assert superuser.execute("select count(*) from clients").fetchone() == before


@pytest.mark.parametrize(
    "key", ["pk_live_cnt_" + "A" * 36, "pk_live_cnt_short", "pk_", "pk_live_cnt_" + "ñ" * 36]
)
async def test_unknown_keys_are_a_401(app, firm, key):
    async with website(app, "x") as site:
        answer = await site.get("/public/firm", headers={"Authorization": f"Bearer {key}".encode()})
    assert answer.status_code == 401


async def test_a_key_shows_its_own_firm_only(app, api, other_firm):
    made = await publishable_key(api)
    async with other_firm.client(app) as thief:
        assert (await thief.get(f"/publishable-keys/{made['id']}")).status_code == 404
    headers = {"X-Tenant-ID": other_firm.id}
    async with website(app, made["key"]) as site:
        assert (await site.get("/public/firm", headers=headers)).json()["code"] == "tenant_mismatch"


async def test_browsers_may_ask_before_they_call(app, anonymous):
    answer = await anonymous.options(
        "/v1/servicios/public/inquiries",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    closed = await anonymous.options(
        "/v1/servicios/clients", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    )
    assert "access-control-allow-origin" not in closed.headers


async def test_visitors_spend_counters_of_their_own(app, api, firm):
    made = await publishable_key(api)
    before = (await api.get("/usage")).json()["minute"]["used"]
    async with website(app, made["key"]) as site:
        for _ in range(5):
            answer = await site.get("/public/challenge")
            assert answer.headers["x-ratelimit-limit"] == "120"
    after = (await api.get("/usage")).json()["minute"]["used"]
    assert after - before == 1


async def test_one_address_cannot_ask_for_ever(app, api, superuser):
    made = await publishable_key(api)
    async with website(app, made["key"]) as site:
        assert (await site.get("/public/challenge")).status_code == 200
        superuser.execute("update rate_windows set day_used = 5000 where subject like 'visitor:%%'")
        refused = await site.get("/public/challenge")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    async with website(app, made["key"], address="198.51.100.99") as elsewhere:
        assert (await elsewhere.get("/public/challenge")).status_code == 200
    assert (await api.get("/publishable-keys")).status_code == 200


async def test_a_firm_has_so_many_keys_and_no_more(api, superuser):
    for _ in range(50):
        await publishable_key(api)
    answer = await api.post("/publishable-keys", json={"name": "51", "origins": [ORIGIN]})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_publishable_keys")
    newest = (await api.get("/publishable-keys", params={"limit": 1})).json()["data"][0]
    await api.delete(f"/publishable-keys/{newest['id']}")
    await publishable_key(api)


async def test_the_log_of_calls_knows_visitors(app, api):
    made = await publishable_key(api)
    async with website(app, made["key"]) as site:
        await site.get("/public/services/nothing/slots")
    await app.state.request_log.flush()
    (call,) = (await api.get("/requests", params={"credential_id": made["id"]})).json()["data"]
    assert (call["caller_type"], call["credential_name"], call["status"]) == ("visitor", "Web", 404)
    assert made["key"] not in str(call)
