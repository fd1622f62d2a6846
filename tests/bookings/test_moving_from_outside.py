"""What clients and holders of a link may choose when they move a booking: the time, of what is offered."""

from datetime import timedelta

import pytest

from conecta.availability.errors import NoticeTooShort, OutsideHours, RoomNotAvailable
from conecta.bookings.errors import RescheduleLimit
from conecta.kit.errors import ValidationFailed
from tests.bookings.arrange import booked, new_member, new_service, open_day
from tests.bookings.test_policy import act  # noqa: F401 - a fixture

POLICY = {"free_cancel_minutes": 0, "reschedule_minutes": 0, "max_reschedules": 2, "reason_required": False}


@pytest.fixture
async def day(api):
    return await open_day(api)


def refusals(caught):
    return [(error.pointer, error.code) for error in caught.value.errors]


async def test_only_to_a_length_that_is_offered_or_was_agreed(api, day, act):  # noqa: F811
    service = await new_service(api, durations=[60, 90])
    booking = await booked(api, service_id=service, start=day.at(10))
    with pytest.raises(Exception, match="duration") as caught:
        await act("reschedule", booking, start=day.at(12), duration=600)
    assert refusals(caught) == [("/duration_minutes", "duration")]
    await act("reschedule", booking, start=day.at(12), duration=90)
    # What the service no longer offers was agreed all the same.
    assert (await api.patch(f"/booking-services/{service}", json={"durations": [30]})).status_code == 200
    await act("reschedule", booking, start=day.at(14))
    moved = (await api.get(f"/bookings/{booking['id']}")).json()
    assert (moved["start"], moved["end"]) == (day.at(14), day.at(15, 30))
    answer = await api.post(
        f"/bookings/{booking['id']}/reschedule", json={"start": day.at(16), "duration": 600}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "duration")


async def test_of_a_free_appointment_only_the_time_and_never_into_the_past(api, day, act):  # noqa: F811
    room = (await api.post("/rooms", json={"name": "Sala 1"})).json()["id"]
    booking = await booked(api, start=day.at(10), duration=30, room_id=room)
    eva = await new_member(api, "Eva")
    for more in ({"provider_id": eva}, {"room_id": room}, {"duration": 240}, {"end": day.at(20)}):
        with pytest.raises(ValidationFailed) as caught:
            await act("reschedule", booking, start=day.at(12), **more)
        assert refusals(caught) == [(f"/{next(iter(more))}", "firm_only")]
    with pytest.raises(NoticeTooShort):
        await act("reschedule", booking, start=day.at(8), before=timedelta(hours=1))
    assert (await api.get(f"/bookings/{booking['id']}")).json() == booking
    await act("reschedule", booking, start=day.at(12))
    moved = (await api.get(f"/bookings/{booking['id']}")).json()
    assert (moved["start"], moved["room_id"]) == (day.at(12), room)


async def test_the_room_is_not_theirs_to_choose(api, day, act):  # noqa: F811
    rooms = [(await api.post("/rooms", json={"name": name})).json()["id"] for name in ("Sala 1", "Sala 2")]
    booking = await booked(api, service_id=await new_service(api), start=day.at(10), room_id=rooms[0])
    with pytest.raises(RoomNotAvailable):
        await act("reschedule", booking, start=day.at(12), room_id=rooms[1])
    await act("reschedule", booking, start=day.at(12))
    assert (await api.get(f"/bookings/{booking['id']}")).json()["room_id"] == rooms[0]


async def test_they_are_not_told_who_is_away(api, firm, day, act):  # noqa: F811
    booking = await booked(api, service_id=await new_service(api), start=day.at(10))
    away = {"provider_id": firm.owner_id, "start": day.at(12), "end": day.at(14), "kind": "block"}
    assert (await api.post("/time-off", json=away)).status_code == 201
    with pytest.raises(OutsideHours):
        await act("reschedule", booking, start=day.at(12))
    answer = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": day.at(12)})
    assert answer.json()["code"] == "time_off"


async def test_what_the_firm_moves_does_not_count(api, day, act):  # noqa: F811
    booking = await booked(api, service_id=await new_service(api, policy=POLICY), start=day.at(10))
    for hour in (11, 12, 13):
        answer = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": day.at(hour)})
        assert answer.status_code == 200, answer.text
    for hour in (14, 15):
        await act("reschedule", booking, start=day.at(hour))
    with pytest.raises(RescheduleLimit):
        await act("reschedule", booking, start=day.at(16))
    assert (await api.get(f"/bookings/{booking['id']}")).json()["reschedule_count"] == 5
