"""What other systems learn: events in the same transaction, in the declared shape."""

import asyncio

import jsonschema
import pytest

from conecta.cases import events
from tests.cases.arrange import SEED, events_of, new_case, new_client, table_counts


def _data_of(case, **more):
    body = dict(case)
    return {"case_id": body.pop("id"), "case_number": body.pop("number"), **body, **more}


async def test_creation(api, firm, superuser):
    case = await new_case(api, await new_client(api), tags=["ñ"], custom_fields={"a": 1.5})
    (event,) = events_of(superuser, case["id"])
    assert list(event) == ["id", "type", "created", "tenant_id", "data"]
    assert event["id"].startswith("wh_evt_")
    assert (event["type"], event["tenant_id"], event["created"]) == (
        "case.created",
        firm.id,
        case["created_at"],
    )
    assert event["data"] == _data_of(case)


async def test_changes_say_which_members(api, superuser):
    case = await new_case(api, await new_client(api))
    path = f"/cases/{case['id']}"
    held = (await api.patch(path, json={"status": "on_hold", "title": "Otro", "tags": []})).json()
    closed = (await api.post(f"{path}/close", json={"reason": "fin"})).json()
    reopened = (await api.post(f"{path}/reopen")).json()
    created, updated, closing, reopening = events_of(superuser, case["id"])
    assert created["data"] == _data_of(case)
    assert (updated["type"], sorted(updated["data"].pop("changed"))) == ("case.updated", ["status", "title"])
    assert updated["data"] == _data_of(held)
    assert (closing["type"], closing["data"]) == ("case.closed", _data_of(closed))
    assert reopening["type"] == "case.updated"
    assert sorted(reopening["data"].pop("changed")) == ["closed_at", "status", "status_reason"]
    assert reopening["data"] == _data_of(reopened)


async def test_closing_with_edits_tells_both(api, superuser):
    case = await new_case(api, await new_client(api))
    body = (
        await api.patch(
            f"/cases/{case['id']}", json={"status": "closed", "status_reason": "fin", "priority": "low"}
        )
    ).json()
    told = {event["type"]: event["data"] for event in events_of(superuser, case["id"])[1:]}
    assert told == {
        "case.updated": _data_of(body, changed=["priority"]),
        "case.closed": _data_of(body),
    }


async def test_leaving_the_archive_is_no_new_closing(api, superuser):
    case = await new_case(api, await new_client(api))
    for status in ("closed", "archived", "closed"):
        await api.patch(f"/cases/{case['id']}", json={"status": status})
    assert [event["type"] for event in events_of(superuser, case["id"])] == [
        "case.created",
        "case.closed",
        "case.updated",
        "case.updated",
    ]


async def test_case_and_event_are_of_one_transaction(api, superuser):
    client_id = await new_client(api)
    cases = await asyncio.gather(*(new_case(api, client_id) for _ in range(10)))
    for case in cases:
        row = superuser.execute(
            "select (select c.xmin::text from cases c where c.id = %(id)s), "
            "(select a.xmin::text from case_activities a where a.case_id = %(id)s), "
            "(select (e.xid::text::numeric %% 4294967296)::text from events e where e.resource_id = %(id)s)",
            {"id": case["id"]},
        ).fetchone()
        assert len(set(row)) == 1, row


async def test_a_refused_write_leaves_no_event(api, superuser):
    client_id = await new_client(api)
    await new_case(api, client_id, external_id="x")
    counts = table_counts(superuser)
    for body in (
        {**SEED, "client_id": client_id, "external_id": "x"},
        {**SEED, "client_id": client_id, "category": "ninguna"},
        {**SEED, "client_id": "cli_abc123"},
        {**SEED},
    ):
        for headers in ({}, {"Idempotency-Key": f"k{len(str(body))}"}):
            assert (await api.post("/cases", json=body, headers=headers)).status_code in {409, 422}
    assert table_counts(superuser) == counts


async def test_a_transaction_that_fails_at_the_event_leaves_no_case(api, superuser):
    client_id = await new_client(api)
    before = table_counts(superuser)
    superuser.execute("alter table events add constraint trial check (type <> 'case.created') not valid")
    try:
        answer = await api.post("/cases", json={**SEED, "client_id": client_id})
    finally:
        superuser.execute("alter table events drop constraint trial")
    assert answer.status_code >= 400
    assert table_counts(superuser) == before
    assert (await new_case(api, client_id))["number"].endswith("-0001")


@pytest.mark.parametrize("event", events.EVENTS, ids=lambda event: event.name)
def test_examples_are_complete_and_of_the_declared_shape(event):
    assert set(event.example) == set(event.payload.model_fields)
    event.payload.model_validate(event.example)
    assert event.sentence.es != event.sentence.en


async def test_payloads_are_of_the_declared_shape(api, superuser):
    case = await new_case(
        api, await new_client(api), parties=[{"name": "Ana", "role": "witness"}], description=None
    )
    await api.patch(f"/cases/{case['id']}", json={"priority": "high"})
    await api.post(f"/cases/{case['id']}/close")
    by_name = {event.name: event for event in events.EVENTS}
    told = events_of(superuser, case["id"])
    assert [event["type"] for event in told] == list(by_name)
    for event in told:
        declared = by_name[event["type"]].payload
        assert set(event["data"]) == set(declared.model_fields)
        jsonschema.validate(event["data"], declared.model_json_schema(mode="serialization"))
