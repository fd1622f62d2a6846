"""Moving a booking: onto its own time, to somebody else, and against everybody else."""

import asyncio

import pytest

from tests.bookings.arrange import (
    booked,
    code_of,
    events_of,
    new_member,
    new_service,
    open_day,
    overlaps,
    sandboxed,
)


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def service(api):
    return await new_service(api)


async def move(api, booking, **wanted):
    return await api.post(f"/bookings/{booking['id']}/reschedule", json=wanted)


async def test_a_booking_moves_and_its_old_time_is_free(api, day, service, superuser):
    booking = await booked(api, service_id=service, start=day.at(10))
    answer = await move(api, booking, start=day.at(16), reason="Lo pide el cliente")
    assert answer.status_code == 200, answer.text
    moved = answer.json()
    assert (moved["id"], moved["start"], moved["end"]) == (booking["id"], day.at(16), day.at(17))
    assert (moved["status"], moved["reschedule_count"]) == ("confirmed", 1)
    assert (await events_of(api, booking["id"]))[1]["data"] == {
        "booking_id": booking["id"],
        **{name: value for name, value in moved.items() if name != "id"},
        "previous_start": day.at(10),
        "previous_end": day.at(11),
    }
    assert superuser.execute("select sequence, wall_start from bookings").fetchall() == [
        (1, f"{day.date}T16:00")
    ]
    await booked(api, service_id=service, start=day.at(10))
    lines = (await api.get(f"/bookings/{booking['id']}/history")).json()["data"]
    assert lines[1]["data"] == {
        "previous_start": day.at(10),
        "previous_end": day.at(11),
        "reason": "Lo pide el cliente",
    }


async def test_trap_9_a_booking_may_move_onto_a_part_of_its_own_time(api, day, service):
    booking = await booked(api, service_id=service, start=day.at(10))
    answer = await move(api, booking, start=day.at(10, 30))
    assert (answer.status_code, answer.json()["start"]) == (200, day.at(10, 30))


async def test_trap_9_two_that_move_to_the_same_time(api, day, service, superuser):
    first = await booked(api, service_id=service, start=day.at(8))
    second = await booked(api, service_id=service, start=day.at(9))
    answers = await asyncio.gather(*(move(api, one, start=day.at(15)) for one in (first, second)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (refused,) = [answer for answer in answers if answer.status_code == 409]
    assert code_of(refused) == "slot_taken"
    assert overlaps(superuser) == 0


async def test_trap_9_two_that_would_swap_are_both_refused_and_stay(api, day, service, superuser):
    first = await booked(api, service_id=service, start=day.at(8))
    second = await booked(api, service_id=service, start=day.at(9))
    answers = await asyncio.gather(
        move(api, first, start=second["start"]), move(api, second, start=first["start"])
    )
    assert [code_of(answer) for answer in answers] == ["slot_taken", "slot_taken"]
    for one in (first, second):
        assert (await api.get(f"/bookings/{one['id']}")).json() == one
    assert overlaps(superuser) == 0
    # By way of a third time they swap.
    assert (await move(api, first, start=day.at(12))).status_code == 200
    assert (await move(api, second, start=day.at(8))).status_code == 200
    assert (await move(api, first, start=day.at(9))).status_code == 200


async def test_a_booking_may_move_to_another_host(api, day, service):
    booking = await booked(api, service_id=service, start=day.at(10))
    eva = await new_member(api, "Eva")
    answer = await move(api, booking, start=day.at(10), provider_id=eva)
    assert (answer.status_code, answer.json()["provider_ids"]) == (200, [eva])
    again = await booked(api, service_id=service, start=day.at(10), provider_id=booking["provider_id"])
    assert again["provider_id"] == booking["provider_id"]


async def test_moving_to_a_taken_time_changes_nothing(api, day, service, superuser):
    booking = await booked(api, service_id=service, start=day.at(8))
    await booked(api, service_id=service, start=day.at(12))
    before = superuser.execute("select to_jsonb(c) from booking_claims c order by 1").fetchall()
    answer = await move(api, booking, start=day.at(11, 30))
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")
    assert len(answer.json()["next_slots"]) == 3
    assert superuser.execute("select to_jsonb(c) from booking_claims c order by 1").fetchall() == before
    assert (await api.get(f"/bookings/{booking['id']}")).json() == booking


async def test_trap_1_the_time_on_the_wall_is_kept_beside_the_instant(app, firm, superuser):
    """On the morning after the clocks go back, ten o'clock is an hour later in UTC."""
    async with sandboxed(app, firm) as api:
        day = await open_day(api, ahead=30)
        service = await new_service(api)
        await api.get("/schedules")
        for date, start in (("2027-10-30", "08:00"), ("2027-10-31", "09:00")):
            wanted = {"service_id": service, "date": date, "time": "10:00", "bypass_rules": True}
            assert (await booked(api, **wanted))["start"] == f"{date}T{start}:00Z"
        assert day.date.year >= 2026
    rows = superuser.execute("select wall_start, schedule_zone from bookings order by 1").fetchall()
    assert rows == [("2027-10-30T10:00", "Europe/Madrid"), ("2027-10-31T10:00", "Europe/Madrid")]
