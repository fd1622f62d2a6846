"""Who comes too late hears of the next three times that would do instead, whatever kept them out."""

import pytest

from tests.bookings.arrange import booked, code_of, new_member, new_service, open_day


@pytest.fixture
async def day(api):
    return await open_day(api)


async def room_of(api):
    return (await api.post("/rooms", json={"name": "Sala 1"})).json()["id"]


async def test_a_room_that_is_taken(api, day):
    await new_member(api, "Eva")
    service = await new_service(api, room_ids=[await room_of(api)])
    await booked(api, service_id=service, start=day.at(10))
    await told(api, day, {"service_id": service, "start": day.at(10)})


async def test_a_collective_of_which_one_is_taken(api, firm, day):
    eva = await new_member(api, "Eva")
    service = await new_service(api, assignment="collective")
    await booked(api, start=day.at(10), duration=60, provider_id=eva)
    answer = await told(api, day, {"service_id": service, "start": day.at(10)})
    assert set(answer["next_slots"][0]["provider_ids"]) == {firm.owner_id, eva}


async def test_what_is_held(api, day):
    service = await new_service(api)
    held = await api.post("/bookings/holds", json={"service_id": service, "start": day.at(10)})
    assert held.status_code == 201
    wanted = {"service_id": service, "start": day.at(10)}
    await told(api, day, wanted)
    await told(api, day, wanted, path="/bookings/holds")


async def test_what_the_firm_forces(api, day):
    await booked(api, start=day.at(10), duration=60)
    service = await new_service(api)
    assert (await api.patch(f"/booking-services/{service}", json={"active": False})).status_code == 200
    await told(api, day, {"service_id": service, "start": day.at(10), "duration": 45, "bypass_rules": True})
    await told(api, day, {"start": day.at(10), "duration": 60})


async def test_places_of_a_group_session(api, day):
    service = await new_service(api, capacity=4)
    await booked(api, service_id=service, start=day.at(10), seats=2)
    await booked(api, service_id=service, start=day.at(11), seats=3)
    wanted = {"service_id": service, "start": day.at(10), "seats": 3}
    answer = await told(api, day, wanted, code="seat_full", first=12)
    assert answer["next_slots"][0]["seats"] == 4


async def test_a_booking_that_moves(api, day):
    room = await room_of(api)
    service = await new_service(api)
    booking = await booked(api, service_id=service, start=day.at(14), room_id=room)
    await booked(api, service_id=service, start=day.at(10))
    path = f"/bookings/{booking['id']}/reschedule"
    await told(api, day, {"start": day.at(10)}, path=path)
    # Its own time would do; that of who has its room would not.
    eva = await new_member(api, "Eva")
    await booked(api, start=day.at(12), duration=60, room_id=room, provider_id=eva)
    answer = await told(api, day, {"start": day.at(12), "provider_id": eva}, path=path, first=13)
    assert day.at(14) in [slot["start"] for slot in answer["next_slots"]]


async def told(api, day, wanted, *, path="/bookings", code="slot_taken", first=11):
    """Ask for a taken time; return the refusal, having checked which times it names."""
    answer = await api.post(path, json=wanted)
    assert (answer.status_code, code_of(answer)) == (409, code), answer.text
    starts = [slot["start"] for slot in answer.json()["next_slots"]]
    assert len(starts) == 3
    assert starts == sorted(starts)
    assert starts[0] == day.at(first)
    return answer.json()
