"""`POST /webhooks/{id}/test`: one event for one endpoint, whatever its filter."""

import json

import pytest

from conecta.events.catalogue import CATALOGUE
from tests.webhooks.endpoints import Wakes, everything, new_endpoint, states


async def payload_of(superuser, delivery):
    return superuser.execute("select payload from events where id = %s", [delivery["event_id"]]).fetchone()[0]


async def test_a_greeting_for_this_endpoint_only(api, firm, dsn, superuser):
    everyone, endpoint = await new_endpoint(api, "*"), await new_endpoint(api, "invoice.paid")
    with Wakes(dsn) as wakes:
        answer = await api.post(f"/webhooks/{endpoint['id']}/test")
        assert wakes.count() == 1
    assert answer.status_code == 202, answer.text
    delivery = answer.json()
    assert (delivery["status"], delivery["attempt_count"], delivery["attempts"]) == ("pending", 0, [])
    assert (delivery["endpoint_id"], delivery["event_type"]) == (endpoint["id"], "webhook.test")
    assert delivery["due_at"] is not None
    read = await api.get(answer.headers["location"].removeprefix("/v1/servicios"))
    assert read.json() == delivery
    assert states(superuser, endpoint["id"]) == {delivery["id"]: "pending"}
    assert states(superuser, everyone["id"]) == {}

    payload = json.loads(await payload_of(superuser, delivery))
    assert list(payload) == ["id", "type", "created", "tenant_id", "data"]
    assert (payload["id"], payload["type"]) == (delivery["event_id"], "webhook.test")
    assert payload["tenant_id"] == firm.id
    assert payload["data"] == {
        "endpoint_id": endpoint["id"],
        "message": "Mensaje de prueba de tu webhook. Si la firma cuadra, funciona.",
    }


async def test_the_greeting_speaks_english_too(api, superuser):
    endpoint = await new_endpoint(api)
    answer = await api.post(f"/webhooks/{endpoint['id']}/test", headers={"Accept-Language": "en"})
    assert "Trial message of your webhook" in await payload_of(superuser, answer.json())


@pytest.mark.parametrize("event", [e for e in CATALOGUE if e.name != "webhook.test"], ids=lambda e: e.name)
async def test_the_example_of_any_type(api, superuser, event):
    endpoint = await new_endpoint(api, "webhook.*")
    answer = await api.post(f"/webhooks/{endpoint['id']}/test", json={"type": event.name})
    assert (answer.status_code, answer.json()["event_type"]) == (202, event.name)
    payload = json.loads(await payload_of(superuser, answer.json()))
    assert (payload["type"], payload["data"]) == (event.name, dict(event.example))


async def test_an_example_never_happened(api):
    """Neither the list nor the feed may tell a synchronisation of a case that does not exist."""
    endpoint = await new_endpoint(api)
    example = await api.post(f"/webhooks/{endpoint['id']}/test", json={"type": "case.created"})
    event_id = example.json()["event_id"]
    await api.post(f"/webhooks/{endpoint['id']}/test")
    listed = (await api.get("/events", params={"include": "total"})).json()
    assert ([event["type"] for event in listed["data"]], listed["total"]) == (["webhook.test"], 1)
    assert (await api.get("/events", params={"type": "case.*"})).json()["data"] == []
    assert (await api.get(f"/events/{event_id}")).status_code == 200


@pytest.mark.parametrize("name", ["case.crated", "case.*", "*", "", None, 7])
async def test_only_types_of_the_catalogue(api, superuser, name):
    endpoint = await new_endpoint(api)
    before = everything(superuser)
    answer = await api.post(f"/webhooks/{endpoint['id']}/test", json={"type": name})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/type"
    assert everything(superuser) == before


async def test_not_while_it_is_disabled(api, dsn, superuser):
    endpoint = await new_endpoint(api)
    await api.patch(f"/webhooks/{endpoint['id']}", json={"status": "disabled"})
    before = everything(superuser)
    with Wakes(dsn) as wakes:
        answer = await api.post(f"/webhooks/{endpoint['id']}/test")
        assert wakes.count() == 0
    assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_disabled")
    assert '{"status": "enabled"}' in answer.json()["detail"]
    assert everything(superuser) == before


async def test_a_retried_trial_is_sent_once(api, superuser):
    endpoint = await new_endpoint(api)
    path, key = f"/webhooks/{endpoint['id']}/test", {"Idempotency-Key": "t1"}
    first, again = await api.post(path, headers=key), await api.post(path, headers=key)
    assert (first.status_code, again.content) == (202, first.content)
    assert list(states(superuser, endpoint["id"])) == [first.json()["id"]]
