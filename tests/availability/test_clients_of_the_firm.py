"""What a client of the firm is told of free time: public services, no reasons, everybody's limits."""

from datetime import UTC, datetime

import psycopg
import pytest

from tests.availability.arrange import booked, new_service, own_hours
from tests.cases.arrange import as_program
from tests.clients.signed_in_app import browser_of, own_app, token_of

DAY = f"{datetime.now(UTC).year + 1}-06-16"


@pytest.fixture
async def ask(app, api, firm):
    """Call as a client of the firm, with a token of its app."""
    client = (await api.post("/clients", json={"name": "Ana Gil", "email": "ana@example.com"})).json()["id"]
    oauth = await own_app(app, firm)
    async with browser_of(app, api, client, "ana@example.com") as browser:
        token = await token_of(oauth, browser)

        async def call(method, path, **more):
            return await token.call(method, path, **more)

        yield call


async def test_slots_of_a_public_service_mind_what_others_have_booked(api, firm, ask):
    await own_hours(api, ("09:00", "11:00"))
    service = await new_service(api, max_per_day=2)
    await booked(api, service_id=service, start=f"{DAY}T07:00:00Z")
    answer = await ask("GET", "/availability/slots", params={"service_id": service, "date": DAY})
    assert answer.status_code == 200, answer.text
    assert [slot["start"] for slot in answer.json()["data"]] == [f"{DAY}T08:00:00Z"]
    blocked = {"provider_id": firm.owner_id, "start": f"{DAY}T08:30:00Z", "end": f"{DAY}T09:00:00Z"}
    assert (await api.post("/time-off", json={**blocked, "kind": "sick"})).status_code == 201
    answer = await ask("GET", "/availability/slots", params={"service_id": service, "date": DAY})
    assert answer.json()["data"] == []
    limited = await new_service(api, name="Otra", durations=[30], max_per_day=1)
    await booked(api, service_id=limited, start=f"{DAY}T08:00:00Z")
    answer = await ask("POST", "/bookings", json={"service_id": limited, "start": f"{DAY}T07:00:00Z"})
    assert answer.status_code == 409
    answer = await ask("GET", "/availability/slots", params={"service_id": limited, "date": DAY})
    assert answer.json()["data"] == []


async def test_nothing_of_what_is_not_public(api, ask):
    hidden = await new_service(api, public=False)
    for path in ("/availability", "/availability/slots"):
        for params, code in (({"service_id": hidden}, "unknown_service"), ({}, "required")):
            answer = await ask("GET", path, params=params)
            assert answer.status_code == 400
            (error,) = answer.json()["errors"]
            assert (error["pointer"], error["code"]) == ("service_id", code)
    assert (await ask("GET", "/calendar")).status_code == 403


async def test_no_reasons(api, ask):
    service = await new_service(api)
    params = {"service_id": service, "explain": 1, "at": f"{DAY}T07:00:00Z"}
    answer = await ask("GET", "/availability/slots", params=params)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "explain"


async def test_why_somebody_is_away_is_not_even_in_reach(api, firm, ask, superuser):
    """A client's own session finds no absence and no date of a schedule, only the free time they leave."""
    schedule = await own_hours(api, ("09:00", "11:00"))
    service = await new_service(api)
    spans = {"spans": [{"from": "10:00", "to": "12:00"}], "note": "Médico"}
    assert (await api.put(f"/schedules/{schedule}/overrides/{DAY}", json=spans)).status_code in {200, 201}
    away = {"provider_id": firm.owner_id, "start": f"{DAY}T09:00:00Z", "end": f"{DAY}T10:00:00Z"}
    # A date with hours of its own beats an absence, but for a block.
    for kind in ("sick", "block"):
        assert (await api.post("/time-off", json={**away, "kind": kind, "note": "Baja"})).status_code == 201
    with as_program(superuser, firm.id, "cli_somebody") as program:
        for table in ("time_off", "schedule_overrides"):
            assert program.execute(f"select count(*) from {table}").fetchone() == (0,)
        told = "select * from absent_times(%s, %s, '2000-01-01Z', '2100-01-01Z')"
        rows = program.execute(told, [firm.id, [firm.owner_id]]).fetchall()
        assert {row[4] for row in rows} == {True, False}
        assert "Baja" not in str(rows)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            program.execute(told, ["tenant_01m7wbgc28efz8dbeq636vqtdj", [firm.owner_id]])
    answer = await ask("GET", "/availability/slots", params={"service_id": service, "date": DAY})
    assert [slot["start"] for slot in answer.json()["data"]] == [f"{DAY}T08:00:00Z"]
    answer = await ask("POST", "/bookings", json={"service_id": service, "start": f"{DAY}T09:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (422, "outside_hours")
    assert "sencia" not in answer.text
