"""Creating keys: shown once, stored as a hash, never more powerful than their maker."""

import asyncio

import pytest

from conecta.auth.scopes import Scope
from tests.firms import make_key

WANTED = {"name": "CRM", "scopes": ["write:clients", "read:clients"]}


def keys_of(superuser, tenant_id: str) -> int:
    return superuser.execute("select count(*) from api_keys where tenant_id = %s", [tenant_id]).fetchone()[0]


async def test_new_key_works_and_is_shown_once(api, app, firm):
    answer = await api.post(
        "/api-keys",
        json={**WANTED, "allowed_addresses": ["203.0.113.7/24"], "expires_at": "2999-01-01T00:00:00+01:00"},
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert made["key"].startswith("sk_live_cnt_")
    assert made["scopes"] == ["read:clients", "write:clients"]
    assert made["allowed_addresses"] == ["203.0.113.0/24"]
    assert made["expires_at"] == "2998-12-31T23:00:00Z"
    assert (made["status"], made["mode"]) == ("active", "live")
    async with firm.client(app, made["key"]) as new:
        assert (await new.get("/clients")).status_code == 200
        assert (await new.get("/api-keys")).status_code == 403
    read = await api.get(f"/api-keys/{made['id']}")
    assert answer.headers["location"] == f"/v1/servicios/api-keys/{made['id']}"
    secret = made.pop("key")
    shown = read.json() | {"last_used_at": None, "last_used_address": None}
    assert shown | {"last_used_agent": None, "last_used_route": None} == made
    assert secret not in read.text
    assert made["hint"] == f"{secret[:16]}…{secret[-4:]}"


async def test_database_holds_no_secret(api, superuser):
    secret = (await api.post("/api-keys", json=WANTED)).json()["key"]
    rows = superuser.execute("select k::text from api_keys k").fetchall()
    assert all(secret not in row[0] and secret.encode().hex() not in row[0] for row in rows)


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"scopes": []}, "/scopes", "too_few"),
        ({"scopes": ["read:everything"]}, "/scopes/0", "not_allowed"),
        ({"scopes": "read:clients"}, "/scopes", "type"),
        ({"name": ""}, "/name", "too_short"),
        ({"name": "   "}, "/name", "too_short"),
        ({"name": "x" * 101}, "/name", "too_long"),
        ({"allowed_addresses": ["203.0.113.0/33"]}, "/allowed_addresses/0", "invalid_network"),
        ({"allowed_addresses": ["10.0.0.0/8", "nowhere"]}, "/allowed_addresses/1", "invalid_network"),
        ({"allowed_addresses": ["fe80::1%eth0"]}, "/allowed_addresses/0", "invalid_network"),
        ({"allowed_addresses": ["10.0.0.0/8"] * 51}, "/allowed_addresses", "too_many"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "in_the_past"),
        ({"expires_at": "2999-01-01"}, "/expires_at", "timezone"),
        ({"expires_at": "2999-01-01T00:00:00"}, "/expires_at", "timezone"),
        ({"expires_at": 32503680000}, "/expires_at", "type"),
        ({"mode": "prod"}, "/mode", "not_allowed"),
        ({"key": "sk_live_cnt_mine"}, "/key", "unknown_field"),
    ],
)
async def test_refusals_say_where(api, firm, superuser, change, pointer, code):
    answer = await api.post("/api-keys", json=WANTED | change)
    assert answer.status_code == 422, answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert keys_of(superuser, firm.id) == 1


async def test_key_cannot_give_what_it_lacks(app, firm, superuser):
    admin = await make_key(app, firm.id, [Scope.ADMIN, Scope.CLIENTS_READ])
    before = keys_of(superuser, firm.id)
    async with firm.client(app, admin) as poor:
        answer = await poor.post("/api-keys", json={"name": "x", "scopes": ["write:cases", "read:clients"]})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_yours")
        assert "write:cases" in answer.json()["detail"]
        assert keys_of(superuser, firm.id) == before
        allowed = await poor.post("/api-keys", json={"name": "x", "scopes": ["read:clients"]})
        assert allowed.status_code == 201


async def test_live_key_makes_test_keys_for_the_sandbox(api, app, firm, superuser):
    answer = await api.post("/api-keys", json={**WANTED, "mode": "test"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["key"].startswith("sk_test_cnt_")
    assert made["mode"] == "test"
    assert (keys_of(superuser, firm.id), keys_of(superuser, firm.sandbox_id)) == (1, 2)
    await api.post("/clients", json={"name": "De la firma"})
    async with firm.client(app, made["key"]) as sandbox:
        assert (await sandbox.get("/clients")).json()["data"] == []


async def test_test_key_makes_only_test_keys(app, firm, superuser):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        refused = await sandbox.post("/api-keys", json={**WANTED, "mode": "live"})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/mode"
        assert keys_of(superuser, firm.id) == 1
        assert (await sandbox.post("/api-keys", json=WANTED)).json()["mode"] == "test"


async def test_refused_answer_leaves_no_test_key(api, firm, superuser):
    """The key and the remembered answer are one transaction, though the key is another tenant's row."""
    superuser.execute("alter table idempotency_keys add constraint full_up check (status < 200) not valid")
    try:
        headers = {"Idempotency-Key": "key-1"}
        answer = await api.post("/api-keys", json={**WANTED, "mode": "test"}, headers=headers)
    finally:
        superuser.execute("alter table idempotency_keys drop constraint full_up")
    assert answer.status_code >= 409
    assert keys_of(superuser, firm.sandbox_id) == 1


async def test_many_test_keys_at_once_do_not_starve_one_another(api, firm, superuser):
    async with asyncio.timeout(10):
        answers = await asyncio.gather(
            *(
                api.post("/api-keys", json={**WANTED, "mode": "test"}, headers={"Idempotency-Key": f"k-{i}"})
                for i in range(12)
            )
        )
    assert [answer.status_code for answer in answers] == [201] * 12
    assert keys_of(superuser, firm.sandbox_id) == 13
