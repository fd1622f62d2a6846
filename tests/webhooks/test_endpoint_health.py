"""`GET /webhooks/{id}/health`: the state of affairs, in numbers and in what the firm was told."""

from datetime import UTC, datetime, timedelta

from conecta.kit.ids import new_id
from conecta.webhooks.schemas import HealthRead
from tests.webhooks.endpoints import add_delivery, new_endpoint

START = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


def add_notice(superuser, tenant_id, endpoint_id, health, detail, at):
    superuser.execute(
        "insert into webhook_notices (tenant_id, id, endpoint_id, health, detail, created_at)"
        " values (%s, %s, %s, %s, %s, %s)",
        [tenant_id, new_id("whn"), endpoint_id, health, detail, at],
    )


async def test_a_new_endpoint_is_healthy(api):
    endpoint = await new_endpoint(api)
    answer = await api.get(f"/webhooks/{endpoint['id']}/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "enabled",
        "health": "healthy",
        "failing_since": None,
        "failures": 0,
        "last_success_at": None,
        "last_failure_at": None,
        "pending": 0,
        "parked": 0,
        "failed": 0,
        "notices": [],
    }


async def test_counts_run_of_failures_and_notices(api, firm, superuser):
    endpoint, other = await new_endpoint(api), await new_endpoint(api)
    for status, count in {"pending": 4, "parked": 3, "failed": 2, "delivered": 5}.items():
        for _ in range(count):
            add_delivery(superuser, firm.id, endpoint["id"], status)
    add_delivery(superuser, firm.id, other["id"], "failed")
    superuser.execute(
        "update webhook_endpoints set health = 'warning', failing_since = %s, failures = 17,"
        " last_success_at = %s, last_failure_at = %s where id = %s",
        [START, START - timedelta(seconds=1), START + timedelta(days=1), endpoint["id"]],
    )
    add_notice(superuser, firm.id, endpoint["id"], "unhealthy", 'Falla «desde» "ayer".', START)
    add_notice(superuser, firm.id, endpoint["id"], "warning", "Sigue.", START + timedelta(seconds=1))
    add_notice(superuser, firm.id, other["id"], "warning", "De otro.", START)
    body = (await api.get(f"/webhooks/{endpoint['id']}/health")).json()
    assert body == {
        "status": "enabled",
        "health": "warning",
        "failing_since": "2026-12-31T23:59:59Z",
        "failures": 17,
        "last_success_at": "2026-12-31T23:59:58Z",
        "last_failure_at": "2027-01-01T23:59:59Z",
        "pending": 4,
        "parked": 3,
        "failed": 2,
        "notices": [
            {"health": "warning", "detail": "Sigue.", "created_at": "2027-01-01T00:00:00Z"},
            {"health": "unhealthy", "detail": 'Falla «desde» "ayer".', "created_at": "2026-12-31T23:59:59Z"},
        ],
    }
    assert HealthRead.model_validate(body).model_dump(mode="json") == body


async def test_the_newest_twenty_notices(api, firm, superuser):
    endpoint = await new_endpoint(api)
    for number in range(25):
        at = START + timedelta(minutes=number)
        add_notice(superuser, firm.id, endpoint["id"], "unhealthy", f"n.º {number}", at)
    notices = (await api.get(f"/webhooks/{endpoint['id']}/health")).json()["notices"]
    assert [notice["detail"] for notice in notices] == [f"n.º {number}" for number in range(24, 4, -1)]
