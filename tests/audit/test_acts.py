"""Each act of the firm's administration leaves one entry, and an attempt that fails leaves none."""

from typing import Any

import pytest

HOOK = {"url": "http://127.0.0.1:9/hook", "events": ["case.*"]}


@pytest.fixture
async def acts(api, firm, superuser):
    """What was recorded since the fixture was made, oldest first: action, target and details."""
    superuser.execute("delete from audit_entries")

    async def found(client=api) -> list[tuple[str, str, dict[str, Any]]]:
        answer = await client.get("/audit-log?sort=created_at")
        return [(e["action"], e["target"], e["details"]) for e in answer.json()["data"]]

    return found


async def test_keys(api, acts):
    wanted = {"name": "CRM", "scopes": ["read:cases"]}
    key = (await api.post("/api-keys", json=wanted)).json()["id"]
    new = (await api.post(f"/api-keys/{key}/roll", json={"grace_seconds": 60})).json()["id"]
    for _ in range(2):  # the second time nothing happens
        assert (await api.delete(f"/api-keys/{new}")).status_code == 204
    assert (await api.post(f"/api-keys/{new}/roll", json={})).status_code == 409
    assert (await api.delete("/api-keys/key_nobody")).status_code == 404
    assert await acts() == [
        ("api_key.created", key, wanted),
        ("api_key.rolled", key, {"name": "CRM", "new_key": new, "grace_seconds": 60}),
        ("api_key.revoked", new, {"name": "CRM"}),
    ]


async def test_a_test_key_is_in_the_log_of_the_sandbox(app, api, firm, acts):
    made = await api.post("/api-keys", json={"name": "T", "scopes": ["read:cases"], "mode": "test"})
    assert made.status_code == 201
    assert await acts() == []
    async with firm.client(app, firm.sandbox_key) as sandbox:
        assert [act[:2] for act in await acts(sandbox)] == [("api_key.created", made.json()["id"])]


async def test_members(api, acts):
    wanted = {"name": "Luis", "email": "luis@example.com", "role": "provider"}
    user = (await api.post("/users", json=wanted)).json()["id"]
    await api.patch(f"/users/{user}", json={"role": "provider"})
    await api.patch(f"/users/{user}", json={"role": "admin", "name": "Luis"})
    await api.patch(f"/users/{user}", json={"active": False})
    assert await acts() == [
        ("member.added", user, {"name": "Luis", "role": "provider"}),
        ("member.changed", user, {"before": {"role": "provider"}, "after": {"role": "admin"}}),
        ("member.changed", user, {"before": {"active": True}, "after": {"active": False}}),
    ]


async def test_webhooks(api, acts):
    hook = (await api.post("/webhooks", json=HOOK)).json()["id"]
    await api.patch(f"/webhooks/{hook}", json={"events": ["case.*"]})
    await api.patch(f"/webhooks/{hook}", json={"description": "CRM", "status": "disabled"})
    await api.post(f"/webhooks/{hook}/secret/rotate", json={"grace_seconds": 60})
    await api.post(f"/webhooks/{hook}/secret/promote")
    await api.post(f"/webhooks/{hook}/secret/rotate", json={"grace_seconds": 60})
    await api.delete(f"/webhooks/{hook}/secret/rotation")
    await api.post(f"/webhooks/{hook}/secret/promote")  # there is nothing to promote
    await api.delete(f"/webhooks/{hook}")
    url = {"url": HOOK["url"]}
    assert await acts() == [
        ("webhook.created", hook, {**url, "events": ["case.*"]}),
        ("webhook.changed", hook, {**url, "after": {"description": "CRM", "status": "disabled"}}),
        ("webhook.secret_rotated", hook, {**url, "grace_seconds": 60}),
        ("webhook.secret_promoted", hook, url),
        ("webhook.secret_rotated", hook, {**url, "grace_seconds": 60}),
        ("webhook.rotation_cancelled", hook, url),
        ("webhook.deleted", hook, url),
    ]


async def test_the_account(app, api, firm, acts):
    await api.patch("/tenant", json={"name": "Bufete Prueba"})
    await api.patch("/tenant", json={"name": "Bufete Ñu", "language": "es"})
    await api.patch("/tenant", json={"name": None})
    change = {"before": {"name": "Bufete Prueba"}, "after": {"name": "Bufete Ñu"}}
    assert await acts() == [("tenant.changed", firm.id, change)]
    async with firm.client(app, firm.sandbox_key) as sandbox:
        await sandbox.put("/sandbox/clock", json={"advance_seconds": 60})
        moved = ("clock.moved", firm.sandbox_id, {"advanced_seconds": 60, "offset_seconds": 60})
        assert await acts(sandbox) == [moved]


async def test_a_retry_with_the_same_key_is_one_act(api, acts):
    for _ in range(2):
        answer = await api.post(
            "/api-keys",
            json={"name": "CRM", "scopes": ["read:cases"]},
            headers={"Idempotency-Key": "once-only"},
        )
        assert answer.status_code == 201
    assert len(await acts()) == 1
