"""Deliveries of an endpoint: listed, filtered, and told with every attempt."""

from datetime import UTC, datetime, timedelta

import pytest

from conecta.webhooks.schemas import DeliveryDetail, DeliveryRead
from tests.webhooks.endpoints import add_attempt, add_delivery, add_event, new_endpoint

START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # an hour before the clocks change in Spain


async def ids(api, endpoint, **filters):
    answer = await api.get(f"/webhooks/{endpoint['id']}/deliveries", params=filters)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["data"]]


@pytest.fixture
async def endpoint(api):
    return await new_endpoint(api)


async def test_list_shows_what_was_made_for_this_endpoint_newest_first(api, firm, superuser, endpoint):
    other = await new_endpoint(api)
    event_id = add_event(superuser, firm.id, created_at=START)
    made = [add_delivery(superuser, firm.id, endpoint["id"], event_id=event_id, created_at=START)]
    add_delivery(superuser, firm.id, other["id"], event_id=event_id)
    for hour in range(1, 5):
        at = START + timedelta(hours=hour)
        made.append(add_delivery(superuser, firm.id, endpoint["id"], created_at=at))
    assert await ids(api, endpoint) == made[::-1]
    assert await ids(api, endpoint, sort="created_at") == made
    path = f"/webhooks/{endpoint['id']}/deliveries"
    page = (await api.get(path, params={"limit": 2, "include": "total"})).json()
    assert page["total"] == 5
    rest = (await api.get(path, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [item["id"] for item in page["data"] + rest["data"]] == made[:0:-1]
    for item in page["data"]:
        assert DeliveryRead.model_validate(item).model_dump(mode="json") == item


async def test_filters(api, firm, superuser, endpoint):
    def add(status, kind, hour):
        at = START + timedelta(hours=hour)
        return add_delivery(superuser, firm.id, endpoint["id"], status, kind=kind, created_at=at)

    delivered = add("delivered", "case.created", 0)
    pending = add("pending", "case.updated", 1)
    failed = add("failed", "invoice.paid", 2)
    parked = add("parked", "case.created", 3)
    by_status = {"delivered": delivered, "pending": pending, "failed": failed, "parked": parked}
    for status, wanted in by_status.items():
        assert await ids(api, endpoint, status=status) == [wanted]
    assert await ids(api, endpoint, event_type="case.created") == [parked, delivered]
    assert await ids(api, endpoint, event_type="case.*") == [parked, pending, delivered]
    assert await ids(api, endpoint, event_type="*") == [parked, failed, pending, delivered]
    assert await ids(api, endpoint, event_type="invoice.*", status="parked") == []
    assert await ids(api, endpoint, created_after="2026-03-29T02:30:00Z") == [parked, failed]
    assert await ids(api, endpoint, created_after="2026-03-29T04:30:00+02:00") == [parked, failed]
    assert await ids(api, endpoint, created_before="2026-03-29T02:30:00Z") == [pending, delivered]
    window = {"created_after": "2026-03-29T01:30:00Z", "created_before": "2026-03-29T02:30:00Z"}
    assert await ids(api, endpoint, **window) == [pending]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("status", "sent"),
        ("event_type", "case.crated"),
        ("created_after", "yesterday"),
        ("created_before", "2026-03-29T02:30:00"),
        ("limit", "0"),
        ("cursor", "forged"),
        ("state", "failed"),
    ],
)
async def test_wrong_filters_are_named(api, endpoint, parameter, value):
    answer = await api.get(f"/webhooks/{endpoint['id']}/deliveries", params={parameter: value})
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [parameter]


async def test_detail_tells_every_attempt(api, firm, superuser, endpoint):
    delivery_id = add_delivery(
        superuser,
        firm.id,
        endpoint["id"],
        "pending",
        attempts=2,
        due_in=3600,
        kind="case.closed",
        resource_id="cas_77",
        created_at=START,
    )
    add_attempt(superuser, firm.id, delivery_id, 2, status_code=None, error="No answer.", duration_ms=15_000)
    add_attempt(
        superuser,
        firm.id,
        delivery_id,
        1,
        error="The endpoint answered 500.",
        response_excerpt='<h1>"Error" \\ ñ \N{SCALES}\u2028</h1>',
    )
    superuser.execute(
        "update webhook_deliveries set last_status_code = 500, last_error = 'No answer.' where id = %s",
        [delivery_id],
    )
    answer = await api.get(f"/webhooks/{endpoint['id']}/deliveries/{delivery_id}")
    body = answer.json()
    assert DeliveryDetail.model_validate(body).model_dump(mode="json") == body
    assert body["event"] == {
        "id": body["event_id"],
        "type": "case.closed",
        "created": "2026-03-29T00:30:00Z",
        "resource_id": "cas_77",
    }
    assert (body["status"], body["attempt_count"], body["last_status_code"]) == ("pending", 2, 500)
    due_at = datetime.fromisoformat(body["due_at"])
    assert timedelta(minutes=55) < due_at - datetime.now(UTC) < timedelta(minutes=61)
    assert body["attempts"] == [
        {
            "number": 1,
            "at": "2026-11-01T00:01:00Z",
            "duration_ms": 12,
            "status_code": 500,
            "error": "The endpoint answered 500.",
            "response_excerpt": '<h1>"Error" \\ ñ \N{SCALES}\u2028</h1>',
        },
        {
            "number": 2,
            "at": "2026-11-01T00:02:00Z",
            "duration_ms": 15_000,
            "status_code": None,
            "error": "No answer.",
            "response_excerpt": None,
        },
    ]


async def test_of_very_many_attempts_the_last_hundred_are_told(api, firm, superuser, endpoint):
    delivery_id = add_delivery(superuser, firm.id, endpoint["id"], attempts=130)
    for number in range(1, 131):
        add_attempt(superuser, firm.id, delivery_id, number)
    body = (await api.get(f"/webhooks/{endpoint['id']}/deliveries/{delivery_id}")).json()
    assert [attempt["number"] for attempt in body["attempts"]] == list(range(31, 131))
    assert body["attempt_count"] == 130


async def test_a_delivery_is_only_found_under_its_own_endpoint(api, firm, superuser, endpoint):
    other = await new_endpoint(api)
    delivery_id = add_delivery(superuser, firm.id, other["id"])
    assert (await api.get(f"/webhooks/{other['id']}/deliveries/{delivery_id}")).status_code == 200
    assert (await api.get(f"/webhooks/{endpoint['id']}/deliveries/{delivery_id}")).status_code == 404
    for odd in ("dlv_nobody", "x" * 300, "%00"):
        assert (await api.get(f"/webhooks/{endpoint['id']}/deliveries/{odd}")).status_code == 404


async def test_an_unknown_endpoint_has_no_deliveries(api):
    assert (await api.get("/webhooks/whk_nobody/deliveries")).status_code == 404
