"""Booking a time: what is taken over, what is checked, and who may book what."""

import pytest

from tests.bookings.arrange import booked, code_of, events_of, new_client, new_member, new_service, open_day


@pytest.fixture
async def day(api):
    return await open_day(api)


async def test_a_booking_takes_over_what_the_service_promised(api, firm, day):
    service = await new_service(
        api,
        price={"amount": 6000, "currency": "EUR"},
        location={"kind": "office", "detail": "Calle Mayor 1"},
        policy={"free_cancel_minutes": 60, "reschedule_minutes": 30, "max_reschedules": 1},
    )
    client = await new_client(api, email="ana@example.com", phone="+34600111222", language="en")
    wanted = {"service_id": service, "client_id": client, "start": day.at(10), "notes": "Trae el contrato."}
    answer = await api.post("/bookings", json=wanted)
    assert answer.status_code == 201, answer.text
    booking = answer.json()
    assert answer.headers["location"] == f"/v1/servicios/bookings/{booking['id']}"
    assert booking["id"].startswith("bkg_")
    assert (booking["start"], booking["end"]) == (day.at(10), day.at(11))
    assert (booking["service_id"], booking["service"]) == (service, "Primera consulta")
    assert (booking["provider_id"], booking["provider_ids"]) == (firm.owner_id, [firm.owner_id])
    assert (booking["status"], booking["source"], booking["seats"]) == ("confirmed", "api", 1)
    assert booking["confirmed_at"] == booking["created_at"]
    assert booking["price"] == {"amount": 6000, "currency": "EUR"}
    assert booking["location"] == {"kind": "office", "detail": "Calle Mayor 1"}
    assert booking["policy"] == {
        "free_cancel_minutes": 60,
        "reschedule_minutes": 30,
        "max_reschedules": 1,
        "reason_required": False,
    }
    assert booking["time_zone"] == "Europe/Madrid"
    (attendee,) = booking["attendees"]
    assert attendee["id"].startswith("att_")
    assert (attendee["name"], attendee["email"], attendee["phone"], attendee["language"]) == (
        "Ana Gil",
        "ana@example.com",
        "+34600111222",
        "en",
    )
    assert (attendee["client_id"], attendee["status"]) == (client, "invited")
    again = await api.get(f"/bookings/{booking['id']}")
    assert again.json() == booking
    assert again.headers["etag"] == answer.headers["etag"]


async def test_a_later_change_of_the_service_leaves_its_bookings_alone(api, day):
    service = await new_service(api, price={"amount": 6000, "currency": "EUR"})
    booking = await booked(api, service_id=service, start=day.at(10))
    changed = {
        "name": "Otra",
        "price": {"amount": 1, "currency": "EUR"},
        "policy": {"free_cancel_minutes": 9},
    }
    assert (await api.patch(f"/booking-services/{service}", json=changed)).status_code == 200
    kept = (await api.get(f"/bookings/{booking['id']}")).json()
    assert (kept["service"], kept["price"], kept["policy"]) == (
        "Primera consulta",
        booking["price"],
        booking["policy"],
    )


@pytest.mark.parametrize("alias", ["start", "start_at", "starts_at"])
async def test_the_start_has_aliases(api, day, alias):
    booking = await booked(api, service_id=await new_service(api), **{alias: day.at(9)})
    assert booking["start"] == day.at(9)


async def test_a_day_and_a_time_are_read_on_the_wall_of_the_schedule(api, day):
    service = await new_service(api)
    booking = await booked(api, service_id=service, date=str(day.date), time="16:30", duration=60)
    assert (booking["start"], booking["end"]) == (day.at(16, 30), day.at(17, 30))
    there = {"service_id": service, "date": str(day.date), "time": "09:00", "time_zone": "Atlantic/Canary"}
    booking = await booked(api, **there)
    assert (booking["start"], booking["time_zone"]) == (day.at(10), "Atlantic/Canary")


async def test_trap_20_a_start_without_its_offset_is_refused(api, day):
    service = await new_service(api)
    answer = await api.post("/bookings", json={"service_id": service, "start": day.at(10).rstrip("Z")})
    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/start", "timezone")
    booking = await booked(api, service_id=service, start=day.at(10))
    for path in (f"/bookings/{booking['id']}/reschedule", "/bookings/holds"):
        answer = await api.post(path, json={"service_id": service, "start": day.at(12).rstrip("Z")})
        assert ("/start", "timezone") in [(e["pointer"], e["code"]) for e in answer.json()["errors"]], path
    assert (await api.get(f"/bookings/{booking['id']}")).json() == booking


@pytest.mark.parametrize(
    ("wanted", "pointer", "code"),
    [
        ({}, "/start", "required"),
        ({"date": "2027-01-15"}, "/time", "required"),
        ({"time": "10:00"}, "/date", "required"),
        ({"date": "2027-03-28", "time": "02:30"}, "/time", "nonexistent_time"),
        ({"start": "2027-01-15T10:00:00Z", "end": "2027-01-15T10:00:00Z"}, "/end", "end"),
        ({"start": "2027-01-15T10:00:00Z", "end": "2027-01-15T09:00:00Z"}, "/end", "end"),
        ({"start": "2027-01-15T10:00:00Z", "end": "2027-01-15T10:00:30Z"}, "/end", "end"),
        ({"start": "2027-01-15T10:00:00Z", "start_at": "2027-01-15T11:00:00Z"}, "/start", "contradiction"),
        (
            {"start": "2027-01-15T10:00:00Z", "duration": 30, "duration_minutes": 60},
            "/duration_minutes",
            "contradiction",
        ),
        ({"start": "2027-01-15T10:00:00Z", "duration": 0}, "/duration", "too_small"),
        ({"date": "2027-01-15", "time": "25:00"}, "/time", "type"),
        ({"start": "2027-01-15T10:00:00Z", "client_id": "cli_nobody"}, "/client_id", "unknown_client"),
        ({"start": "2027-01-15T10:00:00Z", "case_id": "cas_nobody"}, "/case_id", "unknown_case"),
        (
            {"start": "2027-01-15T10:00:00Z", "attendees": [{"name": "X", "client_id": "cli_nobody"}]},
            "/attendees/0/client_id",
            "unknown_client",
        ),
        ({"start": "2027-01-15T10:00:00Z", "time_zone": "Mars/Olympus"}, "/time_zone", "unknown_time_zone"),
    ],
)
async def test_what_is_no_time_or_nobody_is_refused(api, superuser, wanted, pointer, code):
    service = await new_service(api)
    answer = await api.post("/bookings", json={"service_id": service, **wanted})
    assert answer.status_code == 422, answer.text
    errors = [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert (pointer, code) in errors
    assert superuser.execute("select count(*) from bookings").fetchone()[0] == 0
    assert superuser.execute("select count(*) from booking_claims").fetchone()[0] == 0


async def test_the_case_brings_its_client(api, day):
    client = await new_client(api)
    case = {"client_id": client, "category": "civil", "title": "Herencia"}
    case_id = (await api.post("/cases", json=case)).json()["id"]
    booking = await booked(api, service_id=await new_service(api), start=day.at(9), case_id=case_id)
    assert (booking["client_id"], booking["case_id"]) == (client, case_id)
    other = await new_client(api, "Ben Otro")
    wanted = {"provider_id": booking["provider_id"], "start": day.at(12), "duration": 30}
    answer = await api.post("/bookings", json={**wanted, "case_id": case_id, "client_id": other})
    assert answer.json()["errors"][0]["code"] == "other_client"


async def test_several_come_in_their_own_languages_and_zones(api, day):
    guests = [
        {"name": "Ana Gil", "email": "ana@example.com"},
        {"name": "Bo Li", "email": "bo@example.com", "language": "en", "time_zone": "Pacific/Auckland"},
    ]
    booking = await booked(
        api, service_id=await new_service(api), start=day.at(9), attendees=guests, time_zone="Asia/Kathmandu"
    )
    shown = [(guest["name"], guest["language"], guest["time_zone"]) for guest in booking["attendees"]]
    assert shown == [("Ana Gil", "es", "Asia/Kathmandu"), ("Bo Li", "en", "Pacific/Auckland")]
    assert booking["seats"] == 1


async def test_a_first_guest_with_a_name_alone_is_written_to_at_the_clients_address(api, day):
    client = await new_client(api, "Eva Ruiz", email="eva@cliente.example", phone="+34600111222")
    guests = [{"name": "Hijo de Eva"}, {"name": "Ben"}]
    booking = await booked(
        api, service_id=await new_service(api), start=day.at(9), client_id=client, attendees=guests
    )
    shown = [(guest["name"], guest["email"], guest["phone"]) for guest in booking["attendees"]]
    assert shown == [("Hijo de Eva", "eva@cliente.example", "+34600111222"), ("Ben", None, None)]
    other = [{"name": "Ana", "email": "ana@cliente.example"}]
    booking = await booked(api, start=day.at(12), duration=30, client_id=client, attendees=other)
    assert booking["attendees"][0]["email"] == "ana@cliente.example"


async def test_a_free_appointment_is_with_the_only_member_or_with_whom_it_says(api, firm, day):
    booking = await booked(api, start=day.at(9), duration_minutes=45, service="Firma en notaría")
    assert (booking["provider_id"], booking["end"]) == (firm.owner_id, day.at(9, 45))
    assert (booking["service_id"], booking["service"]) == (None, "Firma en notaría")
    eva = await new_member(api, "Eva")
    answer = await api.post("/bookings", json={"start": day.at(9), "duration": 45})
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/provider_id"]
    booking = await booked(api, start=day.at(9), duration=45, provider_id=eva)
    assert booking["provider_id"] == eva


async def test_a_taken_time_is_a_409_with_the_next_three(api, day):
    service = await new_service(api)
    await booked(api, service_id=service, start=day.at(10))
    answer = await api.post("/bookings", json={"service_id": service, "start": day.at(10)})
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")
    slots = answer.json()["next_slots"]
    assert [slot["start"] for slot in slots] == [day.at(11), day.at(11, 30), day.at(12)]
    for slot in slots[::2]:
        await booked(api, service_id=service, start=slot["start"])


async def test_what_no_rule_offers_is_a_422_with_the_rule(api, day):
    service = await new_service(api, horizon_days=1, notice_minutes=60)
    answer = await api.post("/bookings", json={"service_id": service, "start": day.at(10)})
    assert (answer.status_code, code_of(answer)) == (422, "horizon")
    booking = await booked(api, service_id=service, start=day.at(10), bypass_rules=True)
    assert booking["start"] == day.at(10)
    answer = await api.post(
        "/bookings", json={"service_id": service, "start": day.at(10), "bypass_rules": True}
    )
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")


async def test_an_external_id_names_one_booking(api, day):
    service = await new_service(api)
    first = await booked(api, service_id=service, start=day.at(10), external_id="crm-1")
    answer = await api.post(
        "/bookings", json={"service_id": service, "start": day.at(12), "external_id": "crm-1"}
    )
    assert (answer.status_code, code_of(answer)) == (409, "duplicate_booking")
    assert answer.json()["existing_id"] == first["id"]
    found = (await api.get("/bookings", params={"external_id": "crm-1"})).json()["data"]
    assert [one["id"] for one in found] == [first["id"]]


async def test_a_retry_books_once(api, day, superuser):
    wanted = {"service_id": await new_service(api), "start": day.at(10)}
    headers = {"Idempotency-Key": "crm-1"}
    first = await api.post("/bookings", json=wanted, headers=headers)
    second = await api.post("/bookings", json=wanted, headers=headers)
    assert (first.status_code, second.status_code, second.text) == (201, 201, first.text)
    assert superuser.execute("select count(*) from bookings").fetchone()[0] == 1


async def test_the_event_has_what_the_api_answers(api, day):
    booking = await booked(api, service_id=await new_service(api), start=day.at(10))
    (event,) = await events_of(api, booking["id"])
    assert event["type"] == "booking.created"
    assert event["data"] == {"booking_id": booking["id"], **{k: v for k, v in booking.items() if k != "id"}}
