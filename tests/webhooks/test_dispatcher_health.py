"""An endpoint's health as the worker keeps it: the ladder, 410, parking, and exact counts."""

import asyncio

import pytest

from .dispatching import (
    attempts,
    condition,
    emit,
    new_endpoint,
    notices,
    standard_accepts,
    statuses,
    until,
    working,
)
from .receiver import receiving, says, waits


async def test_gone_disables_at_once_and_parks_what_waits(app, api, firm, superuser):
    """One answer of 410; everything else waits, parked, until somebody enables and recovers it."""
    gate = asyncio.Event()
    async with receiving(hook=waits(gate)) as receiver, working(app, webhook_retry_seconds=[60]):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id, 100)
        await receiver.until_hits(1)
        receiver.behaviours["/hook"] = says(410)
        gate.set()
        # The first posts are answered 200 or 410, as they come; then no more are made.
        await until(lambda: condition(superuser, endpoint)[:3] == ("disabled", "gone", "disabled"))
        await until(lambda: "pending" not in statuses(superuser, endpoint))
        await until(lambda: len(attempts(superuser, endpoint)) == len(receiver.hits))
        counted = statuses(superuser, endpoint)
        assert counted["parked"] > 0
        assert sum(counted.values()) == 100
        tried = len(receiver.hits)
        assert tried < 100

        health = (await api.get(f"/webhooks/{endpoint.id}/health")).json()
        (notice,) = health["notices"]
        assert notice["health"] == "disabled"
        assert "127.0.0.1" in notice["detail"]
        assert "410" in notice["detail"]

        # What happens now is parked at once; enabling alone sends nothing of it, recovering all.
        await emit(app, firm.id)
        assert statuses(superuser, endpoint)["parked"] == counted["parked"] + 1
        receiver.behaviours["/hook"] = says(200)
        enabled = await api.patch(f"/webhooks/{endpoint.id}", json={"status": "enabled"})
        assert enabled.status_code == 200, enabled.text
        answer = await api.post(
            f"/webhooks/{endpoint.id}/recover", json={"since": "2020-01-01T00:00:00Z", "dry_run": False}
        )
        assert answer.status_code == 200, answer.text
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 101})
    assert all(standard_accepts(endpoint.secret, hit) for hit in receiver.hits)
    assert len({hit.event_id for hit in receiver.hits}) == 101


@pytest.mark.parametrize(
    ("hours", "failures", "expected", "words"),
    [
        (1.5, 3, ("enabled", None, "unhealthy", 4), "no acepta webhooks"),
        (25, 6, ("enabled", None, "warning", 7), "lo desactivaremos"),
        (121, 19, ("disabled", "failing", "disabled", 20), "Hemos desactivado"),
        (121, 10, ("enabled", None, "warning", 11), "lo desactivaremos"),
        (0.5, 3, ("enabled", None, "healthy", 4), None),
    ],
)
async def test_a_long_run_of_failures_leads_down(app, api, firm, superuser, hours, failures, expected, words):
    async with receiving(hook=says(500)) as receiver, working(app, webhook_retry_seconds=[60]):
        endpoint = await new_endpoint(api, receiver.url())
        superuser.execute(
            "update webhook_endpoints set failing_since = now() - %s * interval '1 hour', failures = %s"
            " where id = %s",
            [hours, failures, endpoint.id],
        )
        etag = (await api.get(f"/webhooks/{endpoint.id}")).headers["etag"]
        await emit(app, firm.id)
        await until(lambda: condition(superuser, endpoint) == expected)
        wanted = "parked" if expected[0] == "disabled" else "pending"
        await until(lambda: statuses(superuser, endpoint) == {wanted: 1})
        told = notices(superuser, endpoint)
        assert [health for health, _ in told] == ([expected[2]] if words else [])
        assert all(words in detail for _, detail in told)
        # What people see of it has changed, so its version has; a failure alone is no change.
        again = (await api.get(f"/webhooks/{endpoint.id}", headers={"If-None-Match": etag})).status_code
        assert again == (200 if words else 304)


async def test_a_success_brings_an_ailing_endpoint_back(app, api, firm, superuser):
    async with receiving(hook=says(500, 200)) as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        superuser.execute(
            "update webhook_endpoints set failing_since = now() - interval '2 hours', failures = 5"
            " where id = %s",
            [endpoint.id],
        )
        await emit(app, firm.id)
        await until(lambda: condition(superuser, endpoint) == ("enabled", None, "healthy", 0))
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 1})
    assert [health for health, _ in notices(superuser, endpoint)] == ["unhealthy", "healthy"]
    row = superuser.execute(
        "select failing_since, last_success_at > last_failure_at from webhook_endpoints where id = %s",
        [endpoint.id],
    ).fetchone()
    assert row == (None, True)


async def test_a_success_of_a_healthy_endpoint_tells_nobody(app, api, firm, superuser):
    async with receiving(hook=says(500, 200)) as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 1})
        await until(lambda: condition(superuser, endpoint) == ("enabled", None, "healthy", 0))
    assert notices(superuser, endpoint) == []


async def test_counts_are_exact_with_two_workers(app, api, firm, superuser):
    """Ten endpoints, two workers, a thousand failures: none is counted twice or forgotten."""
    async with (
        receiving() as receiver,
        working(app, webhook_retry_seconds=[]),
        working(app, webhook_retry_seconds=[]),
    ):
        endpoints = []
        for number in range(10):
            receiver.behaviours[f"/{number}"] = says(500)
            endpoints.append(await new_endpoint(api, receiver.url(f"/{number}")))
        await emit(app, firm.id, 100)
        for endpoint in endpoints:
            await until(lambda endpoint=endpoint: statuses(superuser, endpoint) == {"failed": 100}, 60)
    assert [condition(superuser, endpoint)[3] for endpoint in endpoints] == [100] * 10
    assert len(receiver.hits) == 1000
    counted = superuser.execute("select count(*), count(distinct delivery_id) from webhook_attempts")
    assert counted.fetchone() == (1000, 1000)


async def test_an_event_committed_while_its_endpoint_is_disabled_does_not_stay_pending(
    app, api, firm, superuser
):
    """The event read `enabled` just before; no worker may send it, and `recover` must find it."""
    async with receiving() as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        answer = await api.patch(f"/webhooks/{endpoint.id}", json={"status": "disabled"})
        assert answer.status_code == 200
        await emit(app, firm.id)
        superuser.execute(
            "update webhook_deliveries set status = 'pending', due_at = now() where endpoint_id = %s",
            [endpoint.id],
        )
        await until(lambda: statuses(superuser, endpoint) == {"parked": 1})
        assert receiver.hits == []
