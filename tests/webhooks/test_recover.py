"""Recovery: what failed or was parked in a range is sent after all, counted first."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from conecta.webhooks.models import DELIVERY_STATUSES
from tests.webhooks.endpoints import Wakes, add_delivery, everything, new_endpoint, states, until

NOON = datetime(2026, 10, 25, 12, tzinfo=UTC)


async def recover(api, endpoint, **body):
    answer = await api.post(f"/webhooks/{endpoint['id']}/recover", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def endpoint(api):
    return await new_endpoint(api)


@pytest.fixture
def outage(firm, superuser, endpoint):
    """One delivery in each state at 12:00, 13:00 and 14:00 of the same day."""
    return {
        (status, hour): add_delivery(
            superuser, firm.id, endpoint["id"], status, created_at=NOON + timedelta(hours=hour), due_in=3600
        )
        for hour in range(3)
        for status in DELIVERY_STATUSES
    }


async def test_everything_that_stopped_since_goes_out(api, dsn, superuser, endpoint, outage):
    wanted = {outage[status, hour] for status in ("failed", "parked") for hour in (1, 2)}
    before = states(superuser, endpoint["id"])
    with Wakes(dsn) as wakes:
        answer = await recover(api, endpoint, since="2026-10-25T13:00:00Z")
        assert wakes.count() == 1
    assert answer == {"count": 4, "dry_run": False}
    assert states(superuser, endpoint["id"]) == before | dict.fromkeys(wanted, "pending")
    now = datetime.now(UTC)
    for (due_at,) in superuser.execute(
        "select due_at from webhook_deliveries where id = any(%s)", [list(wanted)]
    ):
        assert now - timedelta(seconds=30) < due_at <= now
    untouched = superuser.execute(
        "select min(due_at) from webhook_deliveries where status = 'pending' and id <> all(%s)",
        [list(wanted)],
    ).fetchone()[0]
    assert untouched > now + timedelta(minutes=30)


async def test_a_dry_run_counts_and_changes_nothing(api, dsn, superuser, endpoint, outage):
    before = everything(superuser)
    with Wakes(dsn) as wakes:
        answer = await recover(api, endpoint, since="2026-10-25T14:00:00+01:00", dry_run=True)
        assert wakes.count() == 0
    assert answer == {"count": 4, "dry_run": True}
    assert everything(superuser) == before


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("2026-10-25T12:00:01Z", 2),
        ("2026-10-25T13:00:00Z", 2),
        ("2026-10-25T13:00:01Z", 4),
        ("2026-10-26T00:00:00Z", 6),
        (None, 6),
    ],
)
async def test_the_end_of_the_range_does_not_belong_to_it(api, endpoint, outage, until, count):
    since = "2026-10-25T12:00:00Z"
    counted = await recover(api, endpoint, since=since, until=until, dry_run=True)
    done = await recover(api, endpoint, since=since, until=until)
    assert (counted["count"], done["count"]) == (count, count)
    assert (await recover(api, endpoint, since=since, until=until))["count"] == 0


async def test_nothing_to_recover_wakes_nobody(api, dsn, endpoint, outage):
    with Wakes(dsn) as wakes:
        answer = await recover(api, endpoint, since="2026-10-26T00:00:00Z")
        assert wakes.count() == 0
    assert answer["count"] == 0


async def test_another_endpoint_keeps_what_it_has(api, firm, superuser, endpoint, outage):
    other = await new_endpoint(api)
    kept = add_delivery(superuser, firm.id, other["id"], "failed", created_at=NOON)
    await recover(api, endpoint, since="2026-10-25T00:00:00Z")
    assert states(superuser, other["id"]) == {kept: "failed"}


async def test_twice_at_once_counts_every_delivery_once(api, firm, superuser, endpoint):
    for number in range(60):
        add_delivery(superuser, firm.id, endpoint["id"], "failed" if number % 2 else "parked")
    answers = await asyncio.gather(*(recover(api, endpoint, since="2026-01-01T00:00:00Z") for _ in range(4)))
    assert sum(answer["count"] for answer in answers) == 60
    assert set(states(superuser, endpoint["id"]).values()) == {"pending"}


async def test_a_disabled_endpoint_may_only_be_counted(api, superuser, endpoint, outage):
    await api.patch(f"/webhooks/{endpoint['id']}", json={"status": "disabled"})
    before = everything(superuser)
    since = "2026-10-25T12:00:00Z"
    answer = await api.post(f"/webhooks/{endpoint['id']}/recover", json={"since": since})
    assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_disabled")
    # Disabling parked the three that were pending.
    assert (await recover(api, endpoint, since=since, dry_run=True))["count"] == 9
    assert everything(superuser) == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/since"),
        ({"since": None}, "/since"),
        ({"since": "2026-10-25"}, "/since"),
        ({"since": "2026-10-25T12:00:00"}, "/since"),
        ({"since": 1761393600}, "/since"),
        ({"since": "2026-10-25T12:00:00Z", "until": "2026-10-25T12:00:00Z"}, ""),
        ({"since": "2026-10-25T12:00:00Z", "until": "2026-10-25T13:00:00+02:00"}, ""),
        ({"since": "2026-10-25T12:00:00Z", "dry_run": "maybe"}, "/dry_run"),
        ({"since": "2026-10-25T12:00:00Z", "dryrun": True}, "/dryrun"),
    ],
)
async def test_a_wrong_range_recovers_nothing(api, superuser, endpoint, outage, body, pointer):
    before = everything(superuser)
    answer = await api.post(f"/webhooks/{endpoint['id']}/recover", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert everything(superuser) == before


async def test_what_a_worker_delivers_at_this_moment_is_not_sent_again(api, firm, dsn, superuser, endpoint):
    """A delivery parked while it was being sent may still arrive; recovery waits for that and sees it."""
    arriving = add_delivery(superuser, firm.id, endpoint["id"], "parked")
    waiting = add_delivery(superuser, firm.id, endpoint["id"], "parked")
    async with await psycopg.AsyncConnection.connect(dsn) as worker:
        await worker.execute("update webhook_deliveries set status = 'delivered' where id = %s", [arriving])
        recovering = asyncio.create_task(recover(api, endpoint, since="2026-01-01T00:00:00Z"))

        async def waits() -> bool:
            return bool(superuser.execute("select from pg_locks where not granted").fetchall())

        await until(waits)
        await worker.commit()
    assert (await recovering)["count"] == 1
    assert states(superuser, endpoint["id"]) == {arriving: "delivered", waiting: "pending"}
