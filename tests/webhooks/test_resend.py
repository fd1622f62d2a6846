"""Sending a delivery once more, or sooner."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conecta.webhooks.rules import may_resend
from tests.webhooks.endpoints import Wakes, add_attempt, add_delivery, everything, new_endpoint


def due_in(superuser, delivery_id):
    """Return the seconds until a delivery is due."""
    row = superuser.execute("select due_at from webhook_deliveries where id = %s", [delivery_id]).fetchone()
    return (row[0] - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize(
    ("status", "wait"), [("delivered", 0), ("failed", 0), ("parked", 0), ("pending", 7200)]
)
async def test_the_same_bytes_go_out_at_once(api, firm, dsn, superuser, status, wait):
    endpoint = await new_endpoint(api)
    delivery_id = add_delivery(superuser, firm.id, endpoint["id"], status, attempts=3, due_in=wait)
    for number in (1, 2, 3):
        add_attempt(superuser, firm.id, delivery_id, number)
    before = everything(superuser)
    path = f"/webhooks/{endpoint['id']}/deliveries/{delivery_id}"
    with Wakes(dsn) as wakes:
        answer = await api.post(f"{path}/resend")
        assert wakes.count() == 1
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["id"], body["status"], body["attempt_count"]) == (delivery_id, "pending", 3)
    assert [attempt["number"] for attempt in body["attempts"]] == [1, 2, 3]
    assert body == (await api.get(path)).json()
    assert -5 < due_in(superuser, delivery_id) <= 0
    after = everything(superuser)
    assert (after["events"], after["webhook_attempts"]) == (before["events"], before["webhook_attempts"])
    assert len(after["webhook_deliveries"]) == 1


@pytest.mark.parametrize("wait", [-60, 0, 5, 55])
async def test_what_is_on_its_way_is_left_alone(api, firm, dsn, superuser, wait):
    endpoint = await new_endpoint(api)
    delivery_id = add_delivery(superuser, firm.id, endpoint["id"], "pending", due_in=wait)
    before = everything(superuser)
    with Wakes(dsn) as wakes:
        answer = await api.post(f"/webhooks/{endpoint['id']}/deliveries/{delivery_id}/resend")
        assert wakes.count() == 0
    assert (answer.status_code, answer.json()["code"]) == (409, "delivery_under_way")
    assert everything(superuser) == before


def test_on_its_way_means_within_a_minute():
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert not may_resend("pending", now + timedelta(seconds=60), now)
    assert may_resend("pending", now + timedelta(seconds=60, microseconds=1), now)


async def test_of_several_at_once_one_sends(api, firm, superuser):
    endpoint = await new_endpoint(api)
    delivery_id = add_delivery(superuser, firm.id, endpoint["id"], "failed")
    path = f"/webhooks/{endpoint['id']}/deliveries/{delivery_id}/resend"
    answers = await asyncio.gather(*(api.post(path) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 4


async def test_not_while_the_endpoint_is_disabled(api, firm, superuser):
    endpoint = await new_endpoint(api)
    delivery_id = add_delivery(superuser, firm.id, endpoint["id"], "failed")
    await api.patch(f"/webhooks/{endpoint['id']}", json={"status": "disabled"})
    before = everything(superuser)
    answer = await api.post(f"/webhooks/{endpoint['id']}/deliveries/{delivery_id}/resend")
    assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_disabled")
    assert everything(superuser) == before


async def test_a_delivery_of_another_endpoint_is_not_found(api, firm, superuser):
    endpoint, other = await new_endpoint(api), await new_endpoint(api)
    delivery_id = add_delivery(superuser, firm.id, other["id"], "failed")
    before = everything(superuser)
    for odd in (delivery_id, "dlv_nobody", "%00"):
        answer = await api.post(f"/webhooks/{endpoint['id']}/deliveries/{odd}/resend")
        assert answer.status_code == 404
    assert everything(superuser) == before
