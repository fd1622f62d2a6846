"""The life of a key: listed without its secret, used, rolled with a grace period, revoked."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conecta.auth.scopes import Scope
from tests.firms import make_key

WANTED = {"name": "CRM", "scopes": ["read:clients", "admin"]}


@pytest.fixture
async def made(api) -> dict:
    return (await api.post("/api-keys", json=WANTED)).json()


async def works(app, firm, key: str) -> bool:
    async with firm.client(app, key) as client:
        status = (await client.get("/usage")).status_code
    assert status in {200, 401}
    return status == 200


def keys_of(superuser, tenant_id: str) -> int:
    return superuser.execute("select count(*) from api_keys where tenant_id = %s", [tenant_id]).fetchone()[0]


# --- reading ------------------------------------------------------------------------------------------


async def test_list_shows_every_key_and_no_secret(api, firm, made):
    answer = await api.get("/api-keys")
    body = answer.json()
    assert [key["name"] for key in body["data"]] == ["CRM", "Pruebas"]
    assert made["key"] not in answer.text
    assert firm.key not in answer.text
    assert all("key" not in key and "hash" not in key for key in body["data"])


async def test_last_use_is_remembered(api, app, firm, made):
    transport_key = made["key"]
    async with firm.client(app, transport_key, **{"User-Agent": "Prueba/1.0 " + "x" * 300}) as client:
        await client.get("/clients?limit=1")
    keys = next(
        middleware.kwargs["credentials"][0]
        for middleware in app.user_middleware
        if "credentials" in middleware.kwargs
    )
    await keys.write_uses()
    shown = (await api.get(f"/api-keys/{made['id']}")).json()
    assert shown["last_used_address"] == "203.0.113.7"
    assert shown["last_used_agent"].startswith("Prueba/1.0")
    assert len(shown["last_used_agent"]) == 200
    assert shown["last_used_route"] == "GET /v1/servicios/clients"
    assert abs(datetime.fromisoformat(shown["last_used_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
async def test_key_nobody_has(api, method):
    path = "/api-keys/key_nobody" + ("/roll" if method == "POST" else "")
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_another_firms_keys_are_nobodys(app, firm, other_firm, made, superuser):
    async with other_firm.client(app) as other:
        for answer in (
            await other.get(f"/api-keys/{made['id']}"),
            await other.delete(f"/api-keys/{made['id']}"),
            await other.post(f"/api-keys/{made['id']}/roll"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert len((await other.get("/api-keys")).json()["data"]) == 1
    assert await works(app, firm, made["key"])
    assert keys_of(superuser, firm.id) == 2


# --- revoking -----------------------------------------------------------------------------------------


async def test_revoked_at_once_and_for_ever(api, app, firm, made):
    assert await works(app, firm, made["key"])
    assert (await api.delete(f"/api-keys/{made['id']}")).status_code == 204
    assert not await works(app, firm, made["key"])
    first = (await api.get(f"/api-keys/{made['id']}")).json()
    assert first["status"] == "revoked"
    assert (await api.delete(f"/api-keys/{made['id']}")).status_code == 204
    assert (await api.get(f"/api-keys/{made['id']}")).json()["revoked_at"] == first["revoked_at"]


async def test_key_may_revoke_itself(api, app, firm, made):
    async with firm.client(app, made["key"]) as client:
        assert (await client.delete(f"/api-keys/{made['id']}")).status_code == 204
        assert (await client.get("/usage")).status_code == 401


# --- rolling ------------------------------------------------------------------------------------------


async def test_both_keys_work_in_the_grace_period(api, app, firm, made):
    answer = await api.post(f"/api-keys/{made['id']}/roll", json={"grace_seconds": 3600})
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert new["key"] != made["key"]
    assert (new["name"], new["scopes"]) == (made["name"], made["scopes"])
    assert await works(app, firm, made["key"])
    assert await works(app, firm, new["key"])
    old = (await api.get(f"/api-keys/{made['id']}")).json()
    assert old["replaced_by"] == new["id"]
    left = datetime.fromisoformat(old["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


async def test_without_grace_the_old_key_stops_at_once(api, app, firm, made):
    new = (await api.post(f"/api-keys/{made['id']}/roll", json={"grace_seconds": 0})).json()
    assert not await works(app, firm, made["key"])
    assert await works(app, firm, new["key"])


async def test_rolled_key_keeps_its_bounds(api, app, firm):
    bounds = {"allowed_addresses": ["192.0.2.0/24"], "expires_at": "2999-01-01T00:00:00Z"}
    made = (await api.post("/api-keys", json=WANTED | bounds)).json()
    new = (await api.post(f"/api-keys/{made['id']}/roll")).json()
    assert new.items() >= bounds.items()
    assert not await works(app, firm, new["key"])  # this caller's address is none of those


async def test_grace_never_lengthens_a_life(api, superuser, made):
    soon = datetime.now(UTC) + timedelta(minutes=5)
    superuser.execute("update api_keys set expires_at = %s where id = %s", [soon, made["id"]])
    new = (await api.post(f"/api-keys/{made['id']}/roll", json={"grace_seconds": 604_800})).json()
    old = (await api.get(f"/api-keys/{made['id']}")).json()
    assert datetime.fromisoformat(old["expires_at"]) <= soon
    assert datetime.fromisoformat(new["expires_at"]) <= soon


@pytest.mark.parametrize("how", ["revoked", "expired", "rolled"])
async def test_key_that_is_over_cannot_be_rolled(api, superuser, firm, made, how):
    if how == "revoked":
        await api.delete(f"/api-keys/{made['id']}")
    elif how == "expired":
        superuser.execute(
            "update api_keys set expires_at = now() - interval '1 s' where id = %s", [made["id"]]
        )
    else:
        await api.post(f"/api-keys/{made['id']}/roll")
    before = keys_of(superuser, firm.id)
    answer = await api.post(f"/api-keys/{made['id']}/roll")
    assert (answer.status_code, answer.json()["code"]) == (409, "api_key_revoked")
    assert keys_of(superuser, firm.id) == before


async def test_of_many_who_roll_at_once_one_does(api, made, firm, superuser):
    answers = await asyncio.gather(*(api.post(f"/api-keys/{made['id']}/roll") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert keys_of(superuser, firm.id) == 3


@pytest.mark.parametrize("grace", [-1, 604_801, "1h", None, 1.5])
async def test_grace_has_bounds(api, app, firm, made, grace):
    answer = await api.post(f"/api-keys/{made['id']}/roll", json={"grace_seconds": grace})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/grace_seconds"]
    assert await works(app, firm, made["key"])


async def test_rolling_gives_no_scope_that_the_caller_lacks(app, firm, made, superuser):
    """Else a key that may only administer would become one that may do everything."""
    powerful = await make_key(app, firm.id, list(Scope))
    admin_only = await make_key(app, firm.id, [Scope.ADMIN])
    before = keys_of(superuser, firm.id)
    async with firm.client(app, admin_only) as poor:
        listed = (await poor.get("/api-keys")).json()["data"]
        (target,) = [key for key in listed if key["hint"].endswith(powerful[-4:])]
        answer = await poor.post(f"/api-keys/{target['id']}/roll")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_yours")
    assert "key" not in answer.json()
    assert keys_of(superuser, firm.id) == before
    assert await works(app, firm, powerful)


async def test_sandbox_keys_are_rolled_in_the_sandbox(app, firm, superuser):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        (key,) = (await sandbox.get("/api-keys")).json()["data"]
        new = (await sandbox.post(f"/api-keys/{key['id']}/roll")).json()
    assert new["key"].startswith("sk_test_cnt_")
    assert (keys_of(superuser, firm.sandbox_id), keys_of(superuser, firm.id)) == (2, 1)
