"""Whoever answers for the firm is told by mail how its endpoints are doing; once each, in their language."""

import pytest

from .dispatching import condition, emit, new_endpoint, until, working
from .receiver import receiving, says

OWNER = "owner-bufete-prueba@example.com"


async def people(api) -> None:
    for name, role in (("ada", "admin"), ("pia", "provider"), ("asa", "assistant")):
        wanted = {"name": name, "email": f"{name}@example.com", "role": role}
        assert (await api.post("/users", json=wanted)).status_code == 201
    gone = await api.post("/users", json={"name": "Ex", "email": "ex@example.com", "role": "admin"})
    await api.patch(f"/users/{gone.json()['id']}", json={"active": False})


async def mail_of(api) -> list[tuple[str, str]]:
    listed = (await api.get("/messages?sort=created_at")).json()["data"]
    return sorted((message["to"], message["subject"]) for message in listed)


async def test_a_disabled_endpoint_is_told_to_owners_and_admins(app, api, firm, superuser):
    await people(api)
    async with receiving(hook=says(410)) as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url("/hook?token=very-secret"))
        await emit(app, firm.id, 5)
        await until(lambda: condition(superuser, endpoint)[0] == "disabled")
    subject = "Hemos desactivado tu webhook de 127.0.0.1"
    assert await mail_of(api) == [("ada@example.com", subject), (OWNER, subject)]
    (first, _) = (await api.get("/messages")).json()["data"]
    mail = (await api.get(f"/messages/{first['id']}")).json()
    health = (await api.get(f"/webhooks/{endpoint.id}/health")).json()
    assert health["notices"][0]["detail"] in mail["text"]
    assert mail["link"] == f"http://testserver/panel/webhooks/{endpoint.id}"
    assert "very-secret" not in mail["text"] + mail["html"]
    (entry,) = (await api.get("/audit-log?action=webhook.disabled")).json()["data"]
    assert (entry["actor_type"], entry["target"], entry["details"]["reason"]) == (
        "system", endpoint.id, "gone",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "subject"),
    [(2, "Your webhook of 127.0.0.1 is failing"), (30, "Your webhook of 127.0.0.1 has failed for a day")],
)
async def test_in_the_language_of_the_firm(app, api, firm, superuser, hours, subject):
    await api.patch("/tenant", json={"language": "en"})
    async with receiving(hook=says(500)) as receiver, working(app, webhook_retry_seconds=[60]):
        endpoint = await new_endpoint(api, receiver.url())
        superuser.execute(
            "update webhook_endpoints set failing_since = now() - %s * interval '1 hour', failures = 5",
            [hours],
        )
        await emit(app, firm.id, 3)
        await until(lambda: condition(superuser, endpoint)[2] != "healthy")
        await until(lambda: condition(superuser, endpoint)[3] == 8)
        assert await mail_of(api) == [(OWNER, subject)]
        receiver.behaviours["/hook"] = says(200)
        await emit(app, firm.id)
        await until(lambda: condition(superuser, endpoint)[2] == "healthy")
    assert await mail_of(api) == sorted([(OWNER, subject), (OWNER, "Your webhook of 127.0.0.1 works again")])
    assert (await api.get("/audit-log?action=webhook.disabled")).json()["data"] == []


async def test_the_sandbox_tells_its_own_mailbox(app, api, firm, superuser):
    """Whoever administers the firm administers its sandbox, whether or not they have a row there."""
    await people(api)
    async with firm.client(app, firm.sandbox_key) as sandbox:
        async with receiving(hook=says(410)) as receiver, working(app):
            endpoint = await new_endpoint(sandbox, receiver.url())
            await emit(app, firm.sandbox_id)
            await until(lambda: condition(superuser, endpoint)[0] == "disabled")
        assert [to for to, _ in await mail_of(sandbox)] == ["ada@example.com", OWNER]
    assert await mail_of(api) == []


async def test_nobody_is_told_of_an_endpoint_they_disabled_themselves(app, api, firm):
    endpoint = await new_endpoint(api, "http://127.0.0.1:9/hook")
    await api.patch(f"/webhooks/{endpoint.id}", json={"status": "disabled"})
    assert await mail_of(api) == []
