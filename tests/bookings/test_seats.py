"""Group sessions: seats of one occurrence, whose time is taken once and free when nobody comes."""

import asyncio

import pytest

from tests.bookings.arrange import booked, code_of, new_service, open_day, overlaps


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def talk(api):
    return await new_service(api, name="Charla", slug="charla", capacity=3, buffer_before=15, buffer_after=15)


def sessions(superuser):
    return superuser.execute("select capacity, taken from booking_occurrences order by starts_at").fetchall()


async def test_several_book_the_same_session_until_it_is_full(api, day, talk, superuser):
    first = await booked(api, service_id=talk, start=day.at(10), attendees=[{"name": "A"}, {"name": "B"}])
    assert first["seats"] == 2
    second = await booked(api, service_id=talk, start=day.at(10))
    assert (second["provider_id"], second["seats"]) == (first["provider_id"], 1)
    assert sessions(superuser) == [(3, 3)]
    assert superuser.execute("select count(*) from booking_claims").fetchone()[0] == 1
    answer = await api.post("/bookings", json={"service_id": talk, "start": day.at(10)})
    assert (answer.status_code, code_of(answer)) == (409, "seat_full")
    assert len(answer.json()["next_slots"]) == 3


async def test_a_session_has_no_more_seats_than_it_has(api, day, talk, superuser):
    answer = await api.post("/bookings", json={"service_id": talk, "start": day.at(10), "seats": 4})
    assert answer.status_code in {409, 422}
    assert sessions(superuser) == []


async def test_nobody_sits_on_anothers_seat(api, day, talk, superuser):
    guests = [{"name": "A"}, {"name": "B"}]
    wanted = {"service_id": talk, "start": day.at(10), "attendees": guests, "seats": 1}
    answer = await api.post("/bookings", json=wanted)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/seats", "too_small")]
    assert sessions(superuser) == []
    assert (await booked(api, **wanted | {"seats": 3}))["seats"] == 3


async def test_seats_that_are_given_back_can_be_taken_again(api, day, talk, superuser):
    booking = await booked(api, service_id=talk, start=day.at(10), seats=3)
    await api.post(f"/bookings/{booking['id']}/cancel")
    assert sessions(superuser) == [(3, 0)]
    assert superuser.execute("select state from booking_claims").fetchall() == [("released",)]
    other = await new_service(api)
    await booked(api, service_id=other, start=day.at(10, 30))
    answer = await api.post("/bookings", json={"service_id": talk, "start": day.at(10)})
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")
    await booked(api, service_id=talk, start=day.at(14), seats=2)
    await booked(api, service_id=talk, start=day.at(14), seats=1)
    assert overlaps(superuser) == 0


async def test_trap_12_the_buffer_of_a_half_full_session_blocks_neighbours_not_its_seats(api, day, talk):
    await booked(api, service_id=talk, start=day.at(10))
    plain = await new_service(api)
    for start in (day.at(9), day.at(11)):
        answer = await api.post("/bookings", json={"service_id": plain, "start": start})
        assert (answer.status_code, code_of(answer)) == (409, "slot_taken"), start
    seats = {}
    for service in (plain, talk):
        params = {"service_id": service, "date": str(day.date)}
        slots = (await api.get("/availability/slots", params=params)).json()["data"]
        seats[service] = {slot["start"]: slot["seats"] for slot in slots}
    assert not {day.at(9), day.at(10), day.at(11)} & set(seats[plain])
    assert {day.at(8, 30), day.at(11, 30)} <= set(seats[plain])
    assert seats[talk][day.at(10)] == 2
    await booked(api, service_id=talk, start=day.at(10))


async def test_trap_12_the_last_seat_goes_to_one(api, day, talk, superuser):
    await booked(api, service_id=talk, start=day.at(10), seats=2)
    wanted = {"service_id": talk, "start": day.at(10)}
    answers = await asyncio.gather(*(api.post("/bookings", json=wanted) for _ in range(20)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [409] * 19
    assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"seat_full"}
    assert sessions(superuser) == [(3, 3)]
    assert superuser.execute("select sum(seats) from bookings").fetchone()[0] == 3


async def test_trap_12_a_seat_that_is_being_taken_is_not_sold_again(api, day, talk, superuser):
    """The last seat goes in a transaction that is not over yet: who waits for it hears that it is gone."""
    await booked(api, service_id=talk, start=day.at(10), seats=2)
    with superuser.transaction():
        superuser.execute("update booking_occurrences set taken = 3")
        asked = asyncio.create_task(api.post("/bookings", json={"service_id": talk, "start": day.at(10)}))
        async with asyncio.timeout(10):
            while not superuser.execute("select 1 from pg_locks where not granted").fetchone():
                assert not asked.done()
                await asyncio.sleep(0.01)
    answer = await asked
    assert (answer.status_code, code_of(answer)) == (409, "seat_full"), answer.text
    assert len(answer.json()["next_slots"]) == 3
    assert sessions(superuser) == [(3, 3)]


async def test_moving_takes_seats_of_the_other_session(api, day, talk, superuser):
    booking = await booked(api, service_id=talk, start=day.at(10), seats=2)
    await booked(api, service_id=talk, start=day.at(14), seats=2)
    path = f"/bookings/{booking['id']}/reschedule"
    answer = await api.post(path, json={"start": day.at(14)})
    assert (answer.status_code, code_of(answer)) == (409, "seat_full")
    assert sessions(superuser) == [(3, 2), (3, 2)]
    answer = await api.post(path, json={"start": day.at(16)})
    assert answer.status_code == 200, answer.text
    assert sessions(superuser) == [(3, 0), (3, 2), (3, 2)]
    states = superuser.execute("select state from booking_claims order by starts_at").fetchall()
    assert states == [("released",), ("confirmed",), ("confirmed",)]


async def test_held_seats_count_and_become_booked_ones(api, day, talk, superuser):
    hold = await api.post("/bookings/holds", json={"service_id": talk, "start": day.at(10), "seats": 2})
    assert hold.status_code == 201, hold.text
    answer = await api.post("/bookings", json={"service_id": talk, "start": day.at(10), "seats": 2})
    assert (answer.status_code, code_of(answer)) == (409, "seat_full")
    await booked(api, service_id=talk, start=day.at(10))
    booking = await booked(api, hold_id=hold.json()["id"])
    assert booking["seats"] == 2
    assert sessions(superuser) == [(3, 3)]


async def test_a_session_has_the_places_its_service_has_now(api, day, talk, superuser):
    await booked(api, service_id=talk, start=day.at(10), seats=3)

    async def places():
        params = {"service_id": talk, "date": str(day.date)}
        slots = (await api.get("/availability/slots", params=params)).json()["data"]
        return {slot["start"]: slot["seats"] for slot in slots}

    assert day.at(10) not in await places()
    assert (await api.patch(f"/booking-services/{talk}", json={"capacity": 5})).status_code == 200
    assert (await places())[day.at(10)] == 2
    await booked(api, service_id=talk, start=day.at(10))
    assert (await api.patch(f"/booking-services/{talk}", json={"capacity": 4})).status_code == 200
    assert day.at(10) not in await places()
    answer = await api.post("/bookings", json={"service_id": talk, "start": day.at(10)})
    assert (answer.status_code, code_of(answer)) == (409, "seat_full")
    assert day.at(10) not in [slot["start"] for slot in answer.json()["next_slots"]]
    assert sessions(superuser) == [(5, 4)]
