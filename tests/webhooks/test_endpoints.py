"""Endpoints: create, list, read, change, delete; what is refused, and that nothing happens then."""

import asyncio
import re
import uuid

import psycopg
import pytest

from conecta.webhooks.schemas import WebhookRead
from tests.cases.arrange import new_case, new_client
from tests.webhooks.endpoints import URL, add_attempt, add_delivery, everything, new_endpoint, states, until

MEMBERS = {
    "id", "url", "description", "events", "status", "disabled_reason", "disabled_at", "health", "rotation",
    "created_at", "updated_at",
}  # fmt: skip


async def test_create_shows_the_secret_once(api):
    answer = await api.post(
        "/webhooks",
        json={
            "url": f"  {URL} ",
            "events": ["case.*", "invoice.paid", "case.*"],
            "description": "CRM «Núria» \N{SCALES}",
        },
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    secret = body.pop("secret")
    assert body.keys() == MEMBERS
    assert re.fullmatch(r"whk_[0-9a-hjkmnp-tv-z]{26}", body["id"])
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert (body["url"], body["description"]) == (URL, "CRM «Núria» \N{SCALES}")
    assert body["events"] == ["case.*", "invoice.paid"]
    assert (body["status"], body["health"], body["rotation"]) == ("enabled", "healthy", None)
    assert answer.headers["location"] == f"/v1/servicios/webhooks/{body['id']}"
    assert answer.headers["cache-control"] == "no-store"
    read = await api.get(f"/webhooks/{body['id']}")
    assert (read.status_code, read.json()) == (200, body)
    assert read.headers["etag"] == answer.headers["etag"] == '"v1"'


async def test_read_schema_says_the_same_as_the_database(api):
    endpoint = await new_endpoint(api)
    await api.post(f"/webhooks/{endpoint['id']}/secret/rotate")
    await api.patch(f"/webhooks/{endpoint['id']}", json={"status": "disabled"})
    body = (await api.get(f"/webhooks/{endpoint['id']}")).json()
    assert WebhookRead.model_validate(body).model_dump(mode="json") == body


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"url": None}, "/url", "type"),
        ({"url": 7}, "/url", "type"),
        ({"url": ""}, "/url", "too_short"),
        ({"url": "http://127.0.0.1/" + "x" * 2048}, "/url", "too_long"),
        ({"url": "http://127.0.0.1/\x00"}, "/url", "unstorable_text"),
        ({"events": []}, "/events", "too_few"),
        ({"events": "case.created"}, "/events", "type"),
        ({"events": [7]}, "/events/0", "type"),
        ({"events": ["case.created"] * 10_000}, "/events", "too_many"),
        ({"description": "x" * 501}, "/description", "too_long"),
        ({"descripcion": "x"}, "/descripcion", "unknown_field"),
        ({"secret": "whsec_mine"}, "/secret", "unknown_field"),
        ({"status": "disabled"}, "/status", "unknown_field"),
    ],
)
async def test_create_says_what_is_wrong(api, superuser, change, pointer, code):
    answer = await api.post("/webhooks", json={"url": URL, "events": ["*"], **change})
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]
    assert everything(superuser)["webhook_endpoints"] == []


@pytest.mark.parametrize("missing", ["url", "events"])
async def test_url_and_events_are_required(api, missing):
    wanted = {"url": URL, "events": ["*"]}
    del wanted[missing]
    answer = await api.post("/webhooks", json=wanted)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(f"/{missing}", "required")]


async def test_list_is_newest_first_in_pages(api):
    made = [(await new_endpoint(api))["id"] for _ in range(5)]
    first = (await api.get("/webhooks", params={"limit": 2, "include": "total"})).json()
    assert [item["id"] for item in first["data"]] == made[:2:-1]
    assert (first["has_more"], first["total"]) == (True, 5)
    rest = (await api.get("/webhooks", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in rest["data"]] == made[2::-1]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    turned = (await api.get("/webhooks", params={"sort": "created_at"})).json()["data"]
    assert [item["id"] for item in turned] == made
    assert all(item.keys() == MEMBERS for item in turned)


async def test_list_by_status(api):
    on, off = await new_endpoint(api), await new_endpoint(api)
    await api.patch(f"/webhooks/{off['id']}", json={"status": "disabled"})
    for status, wanted in (("enabled", on), ("disabled", off)):
        found = (await api.get("/webhooks", params={"status": status})).json()["data"]
        assert [item["id"] for item in found] == [wanted["id"]]
    wrong = await api.get("/webhooks", params={"status": "paused"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "status")


async def test_change_keeps_what_is_absent(api):
    endpoint = await new_endpoint(api, description="CRM")
    path = f"/webhooks/{endpoint['id']}"
    changed = await api.patch(path, json={"url": URL + "2"})
    assert changed.status_code == 200, changed.text
    del endpoint["secret"]
    expected = endpoint | {"url": URL + "2", "updated_at": changed.json()["updated_at"]}
    assert changed.json() == expected == (await api.get(path)).json()
    assert changed.headers["etag"] == '"v2"'
    emptied = (await api.patch(path, json={"description": None, "events": ["case.*", "case.*"]})).json()
    assert (emptied["description"], emptied["events"]) == (None, ["case.*"])
    same = await api.patch(path, json={"events": ["case.*"], "status": "enabled"})
    assert (same.status_code, same.headers["etag"]) == (200, '"v3"')


@pytest.mark.parametrize("member", ["url", "events", "status"])
async def test_what_is_required_cannot_become_null(api, superuser, member):
    endpoint = await new_endpoint(api)
    before = everything(superuser)
    answer = await api.patch(f"/webhooks/{endpoint['id']}", json={member: None, "description": "x"})
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [f"/{member}"]
    assert everything(superuser) == before


async def test_writes_respect_if_match(api, superuser):
    path = f"/webhooks/{(await new_endpoint(api))['id']}"
    await api.patch(path, json={"description": "second"})
    before = everything(superuser)
    stale = {"If-Match": '"v1"'}
    answers = [
        await api.patch(path, json={"description": "third"}, headers=stale),
        await api.delete(path, headers=stale),
        await api.post(f"{path}/secret/rotate", headers=stale),
    ]
    assert [answer.status_code for answer in answers] == [412, 412, 412]
    assert everything(superuser) == before
    assert (await api.delete(path, headers={"If-Match": '"v2"'})).status_code == 204


async def test_read_answers_304_until_something_changes(api):
    path = f"/webhooks/{(await new_endpoint(api))['id']}"
    known = {"If-None-Match": (await api.get(path)).headers["etag"]}
    assert (await api.get(path, headers=known)).status_code == 304
    await api.patch(path, json={"description": "new"})
    assert (await api.get(path, headers=known)).status_code == 200


async def test_delete_takes_its_deliveries_along_and_leaves_the_events(api, firm, superuser):
    gone, stays = await new_endpoint(api), await new_endpoint(api)
    doomed = add_delivery(superuser, firm.id, gone["id"], "failed")
    add_attempt(superuser, firm.id, doomed, 1)
    kept = add_delivery(superuser, firm.id, stays["id"])
    answer = await api.delete(f"/webhooks/{gone['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    after = everything(superuser)
    assert (len(after["events"]), len(after["webhook_attempts"])) == (2, 0)
    assert states(superuser, stays["id"]) == {kept: "delivered"}
    assert states(superuser, gone["id"]) == {}
    assert (await api.get(f"/webhooks/{gone['id']}")).status_code == 404
    assert (await api.delete(f"/webhooks/{gone['id']}")).status_code == 404


async def test_a_case_opens_while_an_endpoint_is_being_deleted(api, dsn, superuser):
    """The event's delivery must not fail the business: whoever deletes an endpoint wins, quietly."""
    gone, stays = await new_endpoint(api), await new_endpoint(api)
    client_id = await new_client(api)
    async with await psycopg.AsyncConnection.connect(dsn) as other:
        await other.execute("delete from webhook_endpoints where id = %s", [gone["id"]])
        opening = asyncio.create_task(new_case(api, client_id))

        async def waits() -> bool:
            return bool(superuser.execute("select from pg_locks where not granted").fetchall())

        await until(waits)
        await other.commit()
    await opening
    assert list(states(superuser, stays["id"]).values()) == ["pending"]
    assert everything(superuser)["webhook_deliveries"] != []


async def test_bare_uuid_names_the_endpoint_too(api):
    endpoint = await new_endpoint(api)
    number = 0
    for character in endpoint["id"].removeprefix("whk_"):
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(character)
    answer = await api.get(f"/webhooks/{uuid.UUID(int=number)}")
    assert (answer.status_code, answer.json()["id"]) == (200, endpoint["id"])


@pytest.mark.parametrize("odd", ["whk_nobody", "x" * 300, "%00", "..%2f", "whk_%F0%9F%98%80"])
async def test_odd_ids_are_not_found(api, odd):
    for path in (f"/webhooks/{odd}", f"/webhooks/{odd}/deliveries", f"/webhooks/{odd}/health"):
        assert (await api.get(path)).status_code == 404


async def test_fifty_endpoints_and_no_more_whoever_comes_at_once(api, app, other_firm, superuser):
    first = await new_endpoint(api)
    superuser.execute(
        "insert into webhook_endpoints"
        " select (jsonb_populate_record(w, jsonb_build_object('id', w.id || n))).*"
        " from webhook_endpoints w, generate_series(1, 47) n where w.id = %s",
        [first["id"]],
    )
    wanted = {"url": URL, "events": ["*"]}
    answers = await asyncio.gather(*(api.post("/webhooks", json=wanted) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, 201] + [409] * 6
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert refused["code"] == "too_many_endpoints"
    assert "50" in refused["detail"]
    assert len(everything(superuser)["webhook_endpoints"]) == 50
    async with other_firm.client(app) as other:
        await new_endpoint(other)
    await api.delete(f"/webhooks/{first['id']}")
    await new_endpoint(api)
