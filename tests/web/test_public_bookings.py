"""The firm's own website books by the API: services, free times, the booking, and one winner of a race."""

import asyncio

import pytest

from tests.web.visiting import proof, publishable_key, website

GUEST = {"name": "Ana Gil", "email": "ana@cliente.example"}


async def free(site, **params) -> list[dict]:
    answer = await site.get("/public/services/consulta/slots", params=params)
    assert answer.status_code == 200, answer.text
    return [slot for day in answer.json()["days"] for slot in day["slots"]]


async def book(site, start: str, **more):
    body = {"service": "consulta", "start": start, **GUEST, **more}
    return await site.post("/public/bookings", json={"proof": await proof(site), **body})


async def test_services_are_those_that_visitors_may_book(api, site):
    (service,) = (await site.get("/public/services")).json()["data"]
    assert (service["slug"], service["durations"]) == ("consulta", [30, 60])
    assert not {"hosts", "room_ids", "max_per_day", "notice_minutes"} & set(service)
    await api.patch(f"/booking-services/{service['id']}", json={"public": False})
    assert (await site.get("/public/services")).json()["data"] == []
    for key in ("consulta", service["id"], "nada"):
        assert (await site.get(f"/public/services/{key}/slots")).status_code == 404
    refused = await book(site, "2030-01-15T10:00:00Z")
    assert refused.status_code == 422
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/service", "unknown_service")]


async def test_free_times_are_grouped_by_the_visitors_days(site):
    here = (await site.get("/public/services/consulta/slots")).json()
    assert here["time_zone"] == "Europe/Madrid"
    assert all(slot.keys() == {"start", "end", "seats"} for day in here["days"] for slot in day["slots"])
    there = (
        await site.get("/public/services/consulta/slots", params={"time_zone": "Pacific/Auckland"})
    ).json()
    assert there["time_zone"] == "Pacific/Auckland"
    first = here["days"][0]["slots"][0]
    assert first["start"] in [slot["start"] for day in there["days"] for slot in day["slots"]]
    longer = await free(site, duration=60)
    assert longer[0]["start"][:16] <= longer[0]["end"][:16]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"from": "2026-13-01"}, "from"),
        ({"from": "2030-01-01", "to": "2030-03-04"}, "to"),
        ({"from": "2030-01-02", "to": "2030-01-01"}, "to"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"provider_id": "x"}, "provider_id"),
        ({"seats": "0"}, "seats"),
    ],
)
async def test_wrong_parameters_are_a_400(site, params, name):
    answer = await site.get("/public/services/consulta/slots", params=params)
    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [name]


async def test_a_visitor_books(api, site):
    slot = (await free(site))[0]
    answer = await book(site, slot["start"], phone="600111222", time_zone="Europe/Lisbon", language="en")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told | {"id": ""} == {
        "id": "",
        "service": "Consulta",
        "start": slot["start"],
        "end": slot["end"],
        "time_zone": "Europe/Lisbon",
        "status": "confirmed",
        "confirmation": "automatic",
        "location": {"kind": "office", "detail": None},
        "price": None,
    }
    made = (await api.get(f"/bookings/{told['id']}")).json()
    assert made["source"] == "web"
    assert made["attendees"][0]["language"] == "en"
    assert slot["start"] not in [other["start"] for other in await free(site)]
    (event,) = (await api.get("/events", params={"type": "booking.created"})).json()["data"]
    assert event["data"]["booking_id"] == told["id"]
    history = (await api.get(f"/bookings/{told['id']}/history")).json()["data"]
    assert history[0]["actor_type"] == "visitor"


async def test_a_visitor_gets_round_no_rule(api, site):
    slot = (await free(site))[0]
    for more in (
        {"bypass_rules": True},
        {"custom_fields": {"a": 1}},
        {"client_id": "x"},
        {"provider_id": "x"},
    ):
        answer = await book(site, slot["start"], **more)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "unknown_field"
    at_night = slot["start"][:11] + "02:00:00Z"
    refused = await book(site, at_night)
    assert refused.status_code == 422
    assert refused.json()["code"] in {"outside_hours", "notice", "grid", "in_the_past"}
    assert (await api.get("/bookings")).json()["data"] == []
    assert (await api.get("/clients")).json()["data"] == []


async def test_a_service_that_nobody_offers_is_wrong_in_the_body(site):
    slot = (await free(site))[0]
    for unknown in ("divorcios", "svc_01m7wbgc28efz8dbeq636vqtdj"):
        answer = await book(site, slot["start"], service=unknown)
        assert answer.status_code == 422
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
            ("/service", "unknown_service")
        ]


async def test_without_a_proof_nothing_is_booked(api, site):
    slot = (await free(site))[0]
    answer = await book(site, slot["start"], proof=None)
    assert answer.json()["code"] == "proof_refused"
    filled = await book(site, slot["start"], website="https://spam.example")
    assert filled.status_code == 422
    assert (await api.get("/bookings")).json()["data"] == []


async def test_a_call_needs_a_number_to_call(api, site):
    (service,) = (await api.get("/booking-services")).json()["data"]
    await api.patch(f"/booking-services/{service['id']}", json={"location": {"kind": "phone"}})
    slot = (await free(site))[0]
    refused = await book(site, slot["start"])
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/phone", "required")]
    answer = await book(site, slot["start"], phone="600 111 222")
    assert answer.json()["location"] == {"kind": "phone", "detail": "+34600111222"}


async def test_a_time_that_is_gone_names_the_next_ones(site):
    slots = await free(site)
    assert (await book(site, slots[0]["start"])).status_code == 201
    answer = await book(site, slots[0]["start"], email="ben@cliente.example")
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["next_slots"] == slots[1:4]


async def test_of_many_visitors_at_once_one_gets_the_time(api, site, superuser):
    slot = (await free(site))[0]
    proofs = [await proof(site) for _ in range(8)]
    body = {"service": "consulta", "start": slot["start"], "name": "Ana Gil"}
    answers = await asyncio.gather(
        *(
            site.post("/public/bookings", json={**body, "email": f"v{n}@cliente.example", "proof": given})
            for n, given in enumerate(proofs)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len((await api.get("/bookings")).json()["data"]) == 1
    # Who did not get it is no client: their transaction was undone.
    assert superuser.execute("select count(*) from clients").fetchone() == (1,)


async def test_a_sandbox_key_books_in_the_sandbox(app, api, firm):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        made = await publishable_key(sandbox)
        async with website(app, made["key"]) as site:
            slot = (await free(site))[0]
            assert (await book(site, slot["start"])).status_code == 201
        assert len((await sandbox.get("/bookings")).json()["data"]) == 1
    assert (await api.get("/bookings")).json()["data"] == []
