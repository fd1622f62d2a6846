"""`GET /events` and `/events/{id}`: what happened, byte for byte as it is delivered."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from conecta.events.schemas import EventRead
from tests.cases.arrange import new_case, new_client
from tests.webhooks.endpoints import add_event

START = datetime(2026, 12, 31, 22, 30, tzinfo=UTC)  # half an hour before the year changes in Spain


async def ids(api, **filters):
    answer = await api.get("/events", params=filters)
    assert answer.status_code == 200, answer.text
    return [event["id"] for event in answer.json()["data"]]


async def test_the_very_payload(api, firm, superuser):
    case = await new_case(api, await new_client(api), title="Ñandú «cita» \N{SCALES} \\ \u2028 \U0001f600")
    event_id, payload = superuser.execute("select id, payload from events").fetchone()
    listed, read = await api.get("/events"), await api.get(f"/events/{event_id}")
    assert read.content == payload.encode()
    assert payload.encode() in listed.content
    body = read.json()
    assert list(body) == ["id", "type", "created", "tenant_id", "data"]
    assert (body["id"], body["type"], body["tenant_id"]) == (event_id, "case.created", firm.id)
    assert body["data"]["case_id"] == case["id"]
    assert body["data"]["title"] == case["title"]
    assert listed.json()["data"] == [body]
    assert EventRead.model_validate(body).model_dump(mode="json") == body
    again = await api.get(f"/events/{event_id}", headers={"If-None-Match": read.headers["etag"]})
    assert again.status_code == 304


async def test_numbers_and_spaces_of_a_payload_stay_as_they_are(api, firm, superuser):
    """The text is shipped, not parsed and written anew: a signature covers its bytes."""
    event_id = add_event(superuser, firm.id)
    payload = '{"id":"%s","type":"case.created","created":"2026-01-17T14:30:00Z","tenant_id":"%s",'
    payload = payload % (event_id, firm.id) + '"data":{"b": 1.50,"a":12345678901234567890,"a2":"\\u00f1"}}'
    superuser.execute("update events set payload = %s", [payload])
    assert (await api.get(f"/events/{event_id}")).text == payload
    assert payload in (await api.get("/events")).text
    assert json.loads((await api.get("/events/feed")).text)["has_more"] is False


async def test_newest_first_in_pages(api, firm, superuser):
    made = [add_event(superuser, firm.id, created_at=START + timedelta(minutes=n)) for n in range(5)]
    assert await ids(api) == made[::-1]
    assert await ids(api, sort="created_at") == made
    first = (await api.get("/events", params={"limit": 3, "include": "total"})).json()
    rest = (await api.get("/events", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert first["total"] == 5
    assert [event["id"] for event in first["data"] + rest["data"]] == made[::-1]
    # A newcomer does not move what follows.
    add_event(superuser, firm.id, created_at=START + timedelta(hours=1))
    assert (await api.get("/events", params={"limit": 3, "cursor": first["next_cursor"]})).json() == rest


async def test_filters(api, firm, superuser):
    def add(kind, resource, hour):
        at = START + timedelta(hours=hour)
        return add_event(superuser, firm.id, kind=kind, resource_id=resource, created_at=at)

    opened = add("case.created", "cas_1", 0)
    changed = add("case.updated", "cas_1", 1)
    other = add("case.created", "cas_2", 2)
    paid = add("invoice.paid", "inv_1", 3)
    assert await ids(api, type="case.created") == [other, opened]
    assert await ids(api, type="case.*") == [other, changed, opened]
    assert await ids(api, type="*") == [paid, other, changed, opened]
    assert await ids(api, type="booking.*") == []
    assert await ids(api, resource_id="cas_1") == [changed, opened]
    assert await ids(api, resource_id="cas_1", type="case.updated") == [changed]
    assert await ids(api, created_after="2027-01-01T00:30:00Z") == [paid, other]
    assert await ids(api, created_after="2027-01-01T01:30:00+01:00") == [paid, other]
    assert await ids(api, created_before="2027-01-01T00:30:00Z") == [changed, opened]


@pytest.mark.parametrize(
    ("parameter", "value", "hint"),
    [
        ("type", "case.crated", "case.created"),
        ("type", "", "case.*"),
        ("resource_id", "", ""),
        ("resource_id", "cas_1' or true --", ""),
        ("resource_id", "x" * 65, "64"),
        ("created_after", "yesterday", "2026-01-17T14:30:00Z"),
        ("limit", "101", "100"),
        ("cursor", "forged", "cursor"),
        ("tipe", "case.*", "type"),
        ("page", "2", "cursor"),
    ],
)
async def test_wrong_parameters_are_explained(api, parameter, value, hint):
    answer = await api.get("/events", params={parameter: value})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == parameter
    assert hint in error["message"]


@pytest.mark.parametrize("odd", ["wh_evt_nobody", "x" * 300, "%00", "feed2"])
async def test_unknown_events_are_not_found(api, odd):
    assert (await api.get(f"/events/{odd}")).status_code == 404


@pytest.mark.parametrize("path", ["/events", "/events/feed", "/event-types"])
async def test_events_cannot_be_written(api, path):
    answer = await api.post(path, json={"type": "case.created"})
    assert answer.status_code == 405
