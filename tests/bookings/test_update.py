"""Correcting what a booking says: it stays when and with whom it is, and nobody is written to."""

import asyncio

import pytest

from tests.bookings.arrange import booked, events_of, new_client, new_service, open_day
from tests.cases.arrange import new_case


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def ana(api):
    return await new_client(api, email="ana@example.com")


@pytest.fixture
async def booking(api, day, ana):
    more = {"notes": "Trae el contrato.", "custom_fields": {"sala": "A", "turno": 1}}
    return await booked(
        api, service_id=await new_service(api), start=day.at(10), client_id=ana, external_id="crm-1", **more
    )


async def patch(api, booking, **wanted):
    return await api.patch(f"/bookings/{booking['id']}", json=wanted)


async def test_what_is_given_changes_and_the_rest_stays(api, ana, booking, superuser):
    case = (await new_case(api, ana))["id"]
    mails = superuser.execute("select count(*) from messages").fetchone()
    changes = {
        "notes": "Trae también el DNI.",
        "case_id": case,
        "location": {"detail": "Calle Mayor 1"},
        "external_id": "crm-2",
        "custom_fields": {"sala": None, "planta": 2},
    }
    answer = await patch(api, booking, **changes)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert changed == {
        **booking,
        "notes": "Trae también el DNI.",
        "case_id": case,
        "location": {"kind": "office", "detail": "Calle Mayor 1"},
        "external_id": "crm-2",
        "custom_fields": {"turno": 1, "planta": 2},
        "updated_at": changed["updated_at"],
    }
    assert (await api.get(f"/bookings/{booking['id']}")).json() == changed
    assert superuser.execute("select sequence from bookings").fetchone() == (1,)
    line = (await api.get(f"/bookings/{booking['id']}/history")).json()["data"][-1]
    assert (line["action"], line["actor_type"]) == ("updated", "firm")
    assert line["data"] == {"changed": ["case_id", "custom_fields", "external_id", "location", "notes"]}
    assert [event["type"] for event in await events_of(api, booking["id"])] == ["booking.created"]
    assert superuser.execute("select count(*) from messages").fetchone() == mails
    emptied = await patch(api, booking, notes=None, case_id=None, external_id=None, location={"detail": None})
    assert [emptied.json()[name] for name in ("notes", "case_id", "external_id")] == [None] * 3
    assert emptied.json()["location"] == {"kind": "office", "detail": None}


async def test_what_is_equal_already_is_no_change(api, booking):
    answer = await patch(api, booking, notes="Trae el contrato.", custom_fields={"sala": "A"}, location={})
    assert (answer.status_code, answer.json()) == (200, booking)
    lines = (await api.get(f"/bookings/{booking['id']}/history")).json()["data"]
    assert [line["action"] for line in lines] == ["created"]


async def test_of_two_that_read_the_same_one_is_told(api, booking):
    tag = (await api.get(f"/bookings/{booking['id']}")).headers["etag"]
    path, headers = f"/bookings/{booking['id']}", {"If-Match": tag}
    answers = await asyncio.gather(
        *(api.patch(path, json={"notes": note}, headers=headers) for note in ("una", "otra"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


@pytest.mark.parametrize(
    ("wanted", "pointer", "code"),
    [
        ({"start": "2030-01-01T10:00:00Z"}, "/start", "unknown_field"),
        ({"status": "confirmed"}, "/status", "unknown_field"),
        ({"case_id": "cas_01m7wbgc28efz8dbeq636vqtdj"}, "/case_id", "unknown_case"),
        ({"location": None}, "/location", "required"),
        ({"location": {"kind": None}}, "/location/kind", "required"),
        ({"location": {"kind": "moon"}}, "/location/kind", "not_allowed"),
        ({"custom_fields": None}, "/custom_fields", "type"),
        ({"notes": "x" * 5001}, "/notes", "too_long"),
    ],
)
async def test_what_cannot_be_corrected(api, booking, wanted, pointer, code):
    answer = await patch(api, booking, **wanted)
    assert answer.status_code == 422, answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert (await api.get(f"/bookings/{booking['id']}")).json() == booking


async def test_a_case_is_of_the_bookings_client(api, day, ana, booking):
    ben = await new_client(api, "Ben Ruiz")
    case = (await new_case(api, ben))["id"]
    answer = await patch(api, booking, case_id=case)
    assert [error["code"] for error in answer.json()["errors"]] == ["other_client"]
    nobodys = await booked(api, start=day.at(16), duration=30)
    answer = await patch(api, nobodys, case_id=case)
    assert (answer.json()["case_id"], answer.json()["client_id"]) == (case, ben)


async def test_an_external_id_stays_of_one(api, day, booking):
    other = await booked(api, start=day.at(16), duration=30)
    answer = await patch(api, other, external_id="crm-1")
    assert (answer.status_code, answer.json()["existing_id"]) == (409, booking["id"])
    assert (await patch(api, booking, external_id="crm-1")).status_code == 200


async def test_what_is_over_can_be_corrected(api, booking):
    await api.post(f"/bookings/{booking['id']}/cancel")
    answer = await patch(api, booking, notes="Llamó para anularla.")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
