"""Disabling parks what is waiting and what happens; enabling starts anew; `recover` brings the rest back."""

import asyncio

import psycopg
import pytest

from tests.cases.arrange import new_case, new_client
from tests.webhooks.endpoints import add_delivery, everything, new_endpoint, states


async def switch(api, endpoint, status):
    answer = await api.patch(f"/webhooks/{endpoint['id']}", json={"status": status})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_waits_and_what_happens_is_parked_until_it_is_recovered(api, firm, superuser):
    endpoint, other = await new_endpoint(api), await new_endpoint(api)
    client_id = await new_client(api)
    waiting = add_delivery(superuser, firm.id, endpoint["id"], "pending", due_in=600, attempts=1)
    done = add_delivery(superuser, firm.id, endpoint["id"], "delivered")
    elsewhere = add_delivery(superuser, firm.id, other["id"], "pending")

    off = await switch(api, endpoint, "disabled")
    assert (off["status"], off["disabled_reason"]) == ("disabled", "manual")
    assert off["disabled_at"] is not None
    await new_case(api, client_id)
    parked = states(superuser, endpoint["id"])
    assert (parked.pop(done), parked.pop(waiting)) == ("delivered", "parked")
    assert list(parked.values()) == ["parked"]
    assert states(superuser, other["id"])[elsewhere] == "pending"

    on = await switch(api, endpoint, "enabled")
    assert (on["status"], on["disabled_reason"], on["disabled_at"]) == ("enabled", None, None)
    await new_case(api, client_id)
    assert sorted(states(superuser, endpoint["id"]).values()) == ["delivered", "parked", "parked", "pending"]
    answer = await api.post(f"/webhooks/{endpoint['id']}/recover", json={"since": "2020-01-01T00:00:00Z"})
    assert answer.json()["count"] == 2
    assert sorted(states(superuser, endpoint["id"]).values()) == ["delivered", *["pending"] * 3]


@pytest.mark.parametrize("reason", ["gone", "failing"])
async def test_enabling_forgets_what_disabled_it(api, superuser, reason):
    endpoint = await new_endpoint(api)
    superuser.execute(
        "update webhook_endpoints set status = 'disabled', disabled_reason = %s, disabled_at = now(),"
        " health = 'disabled', failing_since = now() - interval '5 days', failures = 40,"
        " last_failure_at = now(), last_success_at = now() - interval '6 days', version = version + 1",
        [reason],
    )
    assert (await api.get(f"/webhooks/{endpoint['id']}")).json()["disabled_reason"] == reason
    on = await switch(api, endpoint, "enabled")
    assert (on["status"], on["disabled_reason"], on["health"]) == ("enabled", None, "healthy")
    health = (await api.get(f"/webhooks/{endpoint['id']}/health")).json()
    assert (health["health"], health["failing_since"], health["failures"]) == ("healthy", None, 0)
    assert None not in {health["last_success_at"], health["last_failure_at"]}


async def test_saying_what_is_so_already_changes_nothing(api, superuser):
    failing, healthy = await new_endpoint(api), await new_endpoint(api)
    superuser.execute(
        "update webhook_endpoints set status = 'disabled', disabled_reason = 'failing', disabled_at = now(),"
        " health = 'disabled' where id = %s",
        [failing["id"]],
    )
    superuser.execute(
        "update webhook_endpoints set health = 'unhealthy', failures = 3, failing_since = now()"
        " where id = %s",
        [healthy["id"]],
    )
    before = everything(superuser)
    assert (await switch(api, failing, "disabled"))["disabled_reason"] == "failing"
    assert (await switch(api, healthy, "enabled"))["health"] == "unhealthy"
    assert everything(superuser) == before


async def test_disabling_does_not_wait_for_a_worker_that_is_recording(api, firm, dsn, superuser):
    endpoint = await new_endpoint(api)
    held = add_delivery(superuser, firm.id, endpoint["id"], "pending")
    free = add_delivery(superuser, firm.id, endpoint["id"], "pending")
    async with await psycopg.AsyncConnection.connect(dsn) as worker:
        await worker.execute("select from webhook_deliveries where id = %s for update", [held])
        await asyncio.wait_for(switch(api, endpoint, "disabled"), timeout=20)
        assert states(superuser, endpoint["id"]) == {held: "pending", free: "parked"}


async def test_a_refused_change_does_not_switch(api, firm, superuser):
    endpoint = await new_endpoint(api)
    add_delivery(superuser, firm.id, endpoint["id"], "pending")
    before = everything(superuser)
    answer = await api.patch(f"/webhooks/{endpoint['id']}", json={"status": "disabled", "url": "ftp://x"})
    assert answer.status_code == 422
    assert everything(superuser) == before
