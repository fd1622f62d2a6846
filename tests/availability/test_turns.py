"""Whose turn it is in a round robin, and the places of a group session."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.availability.arrange import booked, new_service, own_hours, refused, rule_of, slots, starts
from tests.bookings.arrange import new_member

DAY = (datetime.now(UTC) + timedelta(days=20)).date()


def at(hour, minute=0):
    return f"{DAY}T{hour:02}:{minute:02}:00Z"


@pytest.fixture
async def all_day(api):
    return await own_hours(api, ("00:00", "24:00"), zone="UTC")


async def test_turns_are_shared_by_weight(api, firm, all_day):
    member = await new_member(api, "Berta")
    hosts = [{"provider_id": firm.owner_id, "weight": 1}, {"provider_id": member, "weight": 3}]
    service = await new_service(api, hosts=hosts)
    given = [(await booked(api, service_id=service, start=at(hour)))["provider_id"] for hour in range(8)]
    assert (given.count(firm.owner_id), given.count(member)) == (2, 6)


async def test_trap_13_who_was_cancelled_gets_the_turn_back(api, firm, all_day):
    member = await new_member(api, "Berta")
    service = await new_service(api)
    first = await booked(api, service_id=service, start=at(9))
    assert (await api.post(f"/bookings/{first['id']}/cancel", json={})).status_code == 200
    again = await booked(api, service_id=service, start=at(10))
    assert again["provider_id"] == first["provider_id"]
    other = await booked(api, service_id=service, start=at(11))
    assert {again["provider_id"], other["provider_id"]} == {firm.owner_id, member}


async def test_trap_13_who_waited_in_vain_gets_the_turn_back(api, firm, all_day):
    """A client who does not come has not cost their host the turn."""
    await new_member(api, "Berta")
    service = await new_service(api)
    first = await booked(api, service_id=service, start=at(9))
    missed = await api.post(f"/bookings/{first['id']}/no-show", json={"bypass_rules": True})
    assert (missed.status_code, missed.json()["status"]) == (200, "no_show")
    again = await booked(api, service_id=service, start=at(10))
    assert again["provider_id"] == first["provider_id"]
    # Had they come, it would have been the other's turn.
    attended = await api.post(f"/bookings/{first['id']}/complete", json={"bypass_rules": True})
    assert attended.status_code == 200, attended.text
    other = await booked(api, service_id=service, start=at(11))
    assert other["provider_id"] != first["provider_id"]


async def test_trap_13_a_host_deactivated_between_list_and_booking(api, firm, all_day):
    member = await new_member(api, "Berta")
    service = await new_service(api, hosts=[{"provider_id": member}])
    listed = (await slots(api, service_id=service, date=str(DAY)))["data"][0]
    assert listed["provider_ids"] == [member]
    assert (await api.patch(f"/users/{member}", json={"active": False})).status_code == 200
    assert await refused(api, service_id=service, start=listed["start"]) == (422, "host")
    assert await starts(api, service_id=service, date=str(DAY)) == []


async def test_a_session_offers_the_places_it_has_left(api, all_day):
    service = await new_service(api, capacity=3, buffer_before=30, buffer_after=30)
    other = await new_service(api, name="Otra")
    first = await booked(api, service_id=service, start=at(10), seats=2)
    places = {s["start"]: s["seats"] for s in (await slots(api, service_id=service, date=str(DAY)))["data"]}
    assert (places[at(8)], places[at(10)]) == (3, 1)
    assert at(10, 30) not in places
    # Trap 12: its buffers keep neighbours out, and not its own free place.
    assert at(9, 30) not in await starts(api, service_id=other, date=str(DAY))
    assert await rule_of(api, at(10), service_id=service) is None
    assert await rule_of(api, at(10), service_id=service, seats=2) == "seat_full"
    assert await refused(api, service_id=service, start=at(10), seats=2) == (409, "seat_full")
    last = await booked(api, service_id=service, start=at(10))
    assert last["provider_id"] == first["provider_id"]
    assert await rule_of(api, at(10), service_id=service) == "seat_full"
    assert await refused(api, service_id=service, start=at(10)) == (409, "seat_full")
    assert (
        await api.get("/availability/slots", params={"service_id": service, "seats": 4})
    ).status_code == 200
    assert await starts(api, service_id=service, date=str(DAY), seats=4) == []


async def test_moving_the_only_one_of_a_session_frees_it(api, all_day):
    service = await new_service(api, capacity=3)
    booking = await booked(api, service_id=service, start=at(10), seats=3)
    moved = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": at(10, 30)})
    assert moved.status_code == 200, moved.text
    places = {s["start"]: s["seats"] for s in (await slots(api, service_id=service, date=str(DAY)))["data"]}
    assert at(10) not in places
    assert at(10, 30) not in places
    assert places[at(9, 30)] == 3


async def test_a_session_sells_its_places_although_the_service_has_other_hosts_by_now(api, all_day):
    berta, eva = await new_member(api, "Berta"), await new_member(api, "Eva")
    room = (await api.post("/rooms", json={"name": "Sala 1"})).json()["id"]
    service = await new_service(api, capacity=3, hosts=[{"provider_id": berta}], room_ids=[room])
    first = await booked(api, service_id=service, start=at(10))
    others = {"hosts": [{"provider_id": eva}], "room_ids": []}
    assert (await api.patch(f"/booking-services/{service}", json=others)).status_code == 200
    offered = {s["start"]: s for s in (await slots(api, service_id=service, date=str(DAY)))["data"]}
    assert offered[at(10)]["provider_ids"] == [eva, berta]
    assert offered[at(11)]["provider_ids"] == [eva]
    assert await starts(api, service_id=service, date=str(DAY), provider_id=berta) == [at(10)]
    assert await rule_of(api, at(11), service_id=service, provider_id=berta) == "host"
    second = await booked(api, service_id=service, start=at(10))
    third = await booked(api, service_id=service, start=at(10), provider_id=berta)
    for joined in (second, third):
        assert (joined["provider_id"], joined["room_id"]) == (berta, room)
    # It is full now: the next one begins a session of the host that the service has.
    fourth = await booked(api, service_id=service, start=at(10))
    assert (fourth["provider_id"], fourth["room_id"], first["provider_id"]) == (eva, None, berta)
    assert await refused(api, service_id=service, start=at(11), provider_id=berta) == (422, "host")
    away = {"provider_id": berta, "start": at(10), "end": at(11), "kind": "block"}
    await api.post(f"/bookings/{third['id']}/cancel")
    assert (await api.post("/time-off", json=away)).status_code == 201
    assert await starts(api, service_id=service, date=str(DAY), provider_id=berta) == []
