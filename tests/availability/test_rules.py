"""Each rule of free time: what it takes away, how a refusal names it, and how the explanation does."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.availability.arrange import (
    booked,
    every_day,
    new_service,
    own_hours,
    refused,
    rule_of,
    slots,
    starts,
)
from tests.bookings.arrange import new_member

YEAR = datetime.now(UTC).year + 1
DAY, NEXT = f"{YEAR}-06-16", f"{YEAR}-06-17"  # far from any change of clocks; Madrid is two hours ahead


def at(hour, minute=0, day=DAY):
    return f"{day}T{hour - 2:02}:{minute:02}:00Z"


@pytest.fixture
async def hours(api):
    return await own_hours(api, ("09:00", "12:00"))


async def both(api, service, start, rule, status=422):
    """A moment is refused with the rule that its explanation names."""
    assert await rule_of(api, start, service_id=service) == rule
    assert await refused(api, service_id=service, start=start) == (status, rule)


async def test_outside_hours_and_off_the_grid(api, hours):
    service = await new_service(api)
    await both(api, service, at(11, 30), "outside_hours")
    await both(api, service, at(8), "outside_hours")
    await both(api, service, at(9, 10), "grid")
    assert await rule_of(api, at(9, 30), service_id=service) is None


async def test_a_holiday_and_the_day_that_is_opened_all_the_same(api, hours):
    calendar = (await api.get("/holiday-calendars")).json()["data"][0]["id"]
    local = {"date": DAY, "name": "Fiesta local", "kind": "local"}
    assert (await api.post(f"/holiday-calendars/{calendar}/days", json=local)).status_code == 201
    service = await new_service(api)
    await both(api, service, at(9), "holiday")
    opened = await api.put(
        f"/schedules/{hours}/overrides/{DAY}", json={"spans": [{"from": "10:00", "to": "11:00"}]}
    )
    assert opened.status_code in {200, 201}
    assert await starts(api, service_id=service, date=DAY) == [at(10)]


async def test_trap_14_the_holiday_of_another_town_takes_nothing_away(api, firm, hours):
    made = await api.post("/holiday-calendars", json={"name": "Barcelona", "region": "CT"})
    elsewhere = made.json()["id"]
    local = {"date": DAY, "name": "La Mercè", "kind": "local"}
    assert (await api.post(f"/holiday-calendars/{elsewhere}/days", json=local)).status_code == 201
    service = await new_service(api)
    assert len(await starts(api, service_id=service, date=DAY)) == 5
    # Whoever works in that town is off; the others of the firm are not.
    member = await new_member(api, "Berta")
    weekly = every_day(("09:00", "12:00"))
    there = {"name": "Barcelona", "provider_id": member, "is_default": True, "holiday_calendar_id": elsewhere}
    own = await api.post("/schedules", json={**there, "weekly": weekly})
    assert own.status_code == 201, own.text
    for day, hosts in ((DAY, [firm.owner_id]), (NEXT, sorted([firm.owner_id, member]))):
        offered = (await slots(api, service_id=service, date=day))["data"]
        assert [sorted(slot["provider_ids"]) for slot in offered] == [hosts] * 5
    moved = await api.patch(f"/schedules/{hours}", json={"holiday_calendar_id": elsewhere})
    assert moved.status_code == 200, moved.text
    assert await starts(api, service_id=service, date=DAY) == []
    await both(api, service, at(9), "holiday")


async def test_an_absence_gives_way_to_explicit_hours_and_a_block_does_not(api, firm, hours):
    service = await new_service(api)
    away = {"provider_id": firm.owner_id, "start": at(9), "end": at(10, 30), "kind": "vacation"}
    made = await api.post("/time-off", json=away)
    assert made.status_code == 201, made.text
    await both(api, service, at(10), "time_off")
    assert await starts(api, service_id=service, date=DAY) == [at(10, 30), at(11)]
    spans = {"spans": [{"from": "09:00", "to": "11:00"}]}
    assert (await api.put(f"/schedules/{hours}/overrides/{DAY}", json=spans)).status_code in {200, 201}
    assert await starts(api, service_id=service, date=DAY) == [at(9), at(9, 30), at(10)]
    changed = await api.patch(f"/time-off/{made.json()['id']}", json={"kind": "block"})
    assert changed.status_code == 200
    await both(api, service, at(9), "time_off")


async def test_the_whole_firm_may_be_closed(api, hours):
    service = await new_service(api)
    closed = {"start": at(9), "end": at(11), "kind": "training"}
    assert (await api.post("/time-off", json=closed)).status_code == 201
    assert await starts(api, service_id=service, date=DAY) == [at(11)]


async def test_notice_in_minutes(api):
    await own_hours(api, ("00:00", "24:00"))
    service = await new_service(api, notice_minutes=180, slot_step=5)
    now = datetime.now(UTC)
    first = datetime.fromisoformat((await slots(api, service_id=service))["data"][0]["start"])
    assert timedelta(minutes=179) <= first - now <= timedelta(minutes=186)
    soon = (now + timedelta(minutes=60)).replace(second=0, microsecond=0)
    soon -= timedelta(minutes=soon.minute % 5)
    await both(api, service, soon.strftime("%Y-%m-%dT%H:%M:%SZ"), "notice")
    past = (soon - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await both(api, service, past, "notice")


async def test_horizon(api):
    await own_hours(api, ("00:00", "24:00"))
    service = await new_service(api, horizon_days=3)
    today = datetime.now(UTC).astimezone().date()
    found = await slots(api, service_id=service, first=str(today), last=str(today + timedelta(days=20)))
    assert len(found["days"]) in {3, 4}  # at midnight, today has none left
    late = found["data"][-1]["start"]
    await booked(api, service_id=service, start=late)
    after = datetime.fromisoformat(late) + timedelta(days=1)
    await both(api, service, after.strftime("%Y-%m-%dT%H:%M:%SZ"), "horizon")


async def test_limits_by_day_and_week_of_each_host(api, firm, hours):
    daily = await new_service(api, max_per_day=1)
    booking = await booked(api, service_id=daily, start=at(9))
    await both(api, daily, at(10), "limit_day")
    await both(api, daily, at(9), "slot_taken", status=409)
    assert await rule_of(api, at(9, day=NEXT), service_id=daily) is None
    moved = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": at(11)})
    assert moved.status_code == 200, moved.text  # its own booking does not use up the day
    weekly = await new_service(api, name="Otra", max_per_week=1)
    await booked(api, service_id=weekly, start=at(9))
    await both(api, weekly, at(9, day=NEXT), "limit_week")
    monday = datetime.fromisoformat(DAY).date()
    monday += timedelta(days=7 - monday.weekday())
    assert await rule_of(api, f"{monday}T07:00:00Z", service_id=weekly) is None
    member = await new_member(api, "Berta")
    assert (await slots(api, service_id=daily, date=DAY))["data"][0]["provider_ids"] == [member]


async def test_trap_11_buffers_may_touch_and_not_overlap(api, hours):
    service = await new_service(api, durations=[30], slot_step=5, buffer_before=10, buffer_after=5)
    await booked(api, service_id=service, start=at(10))
    offered = await starts(api, service_id=service, date=DAY)
    # 10:30 ends with its buffer at 10:35, and the next one begins with its own ten minutes earlier.
    assert at(10, 45) in offered
    assert at(10, 40) not in offered
    assert at(9, 15) in offered
    assert at(9, 20) not in offered
    await both(api, service, at(10, 40), "slot_taken", status=409)
    await booked(api, service_id=service, start=at(10, 45))
    await booked(api, service_id=service, start=at(9, 15))


async def test_buffers_within_hours_only_when_the_service_wants_so(api, hours):
    free = await new_service(api, buffer_before=30, buffer_after=30)
    strict = await new_service(api, name="Otra", buffer_before=30, buffer_after=30, buffers_within_hours=True)
    assert (await starts(api, service_id=free, date=DAY))[:1] == [at(9)]
    assert await starts(api, service_id=strict, date=DAY) == [at(9, 30), at(10), at(10, 30)]
    await both(api, strict, at(9), "buffers")


async def test_a_duration_of_the_service(api, hours):
    service = await new_service(api, durations=[60, 90])
    assert await starts(api, service_id=service, date=DAY, duration=90) == [
        at(9),
        at(9, 30),
        at(10),
        at(10, 30),
    ]
    answer = await api.get("/availability/slots", params={"service_id": service, "duration": 45})
    assert answer.status_code == 400
    answer = await api.post("/bookings", json={"service_id": service, "start": at(9), "duration_minutes": 45})
    assert (answer.status_code, answer.json()["code"]) == (422, "duration")


async def test_grid_by_the_clock(api):
    await own_hours(api, ("09:10", "11:00"))
    by_clock = await new_service(api, slot_step=20, slot_anchor="clock")
    assert await starts(api, service_id=by_clock, date=DAY) == [at(9, 20), at(9, 40), at(10)]
    by_window = await new_service(api, name="Otra", slot_step=20)
    assert await starts(api, service_id=by_window, date=DAY) == [at(9, 10), at(9, 30), at(9, 50)]


async def test_rooms_are_taken_too(api, firm, hours):
    room = (await api.post("/rooms", json={"name": "Sala"})).json()["id"]
    member = await new_member(api, "Berta")
    service = await new_service(api, room_ids=[room])
    first = await booked(api, service_id=service, start=at(9))
    assert first["room_id"] == room
    # The other host is free; the room is not.
    assert await starts(api, service_id=service, date=DAY) == [at(10), at(10, 30), at(11)]
    await both(api, service, at(9, 30), "slot_taken", status=409)
    second = (await api.post("/rooms", json={"name": "Otra"})).json()["id"]
    assert (
        await api.patch(f"/booking-services/{service}", json={"room_ids": [room, second]})
    ).status_code == 200
    booking = await booked(api, service_id=service, start=at(9))
    assert booking["room_id"] == second
    assert {first["provider_id"], booking["provider_id"]} == {firm.owner_id, member}
    closed = {"room_id": second, "start": at(10), "end": at(12), "kind": "block"}
    assert (await api.post("/time-off", json=closed)).status_code == 201
    assert (await api.post("/time-off", json={**closed, "room_id": room})).status_code == 201
    await both(api, service, at(10), "room")


async def test_the_firm_may_bypass_all_but_conflicts(api, firm, hours):
    service = await new_service(api, max_per_day=1, horizon_days=1)
    odd = at(20, 7)
    booking = await booked(api, service_id=service, start=odd, bypass_rules=True)
    assert booking["start"] == odd
    again = {"service_id": service, "start": at(20, 30), "bypass_rules": True}
    assert await refused(api, **again) == (409, "slot_taken")


async def test_collective_needs_everybody(api, firm, hours):
    member = await new_member(api, "Berta")
    hosts = [{"provider_id": firm.owner_id}, {"provider_id": member}]
    service = await new_service(api, assignment="collective", hosts=hosts)
    alone = await new_service(api, name="Otra", hosts=hosts[1:])
    await booked(api, service_id=alone, start=at(9))
    found = await slots(api, service_id=service, date=DAY)
    assert [slot["start"] for slot in found["data"]] == [at(10), at(10, 30), at(11)]
    assert {tuple(slot["provider_ids"]) for slot in found["data"]} == {tuple(sorted([firm.owner_id, member]))}
    booking = await booked(api, service_id=service, start=at(10))
    assert sorted(booking["provider_ids"]) == sorted([firm.owner_id, member])
    await both(api, alone, at(10, 30), "slot_taken", status=409)


@pytest.mark.parametrize("start", ["9998-12-31T23:59:59Z", "1900-01-01T00:00:00Z"])
async def test_the_end_of_time_is_refused_like_any_other(api, hours, start):
    calendar = await new_service(api)
    working = await new_service(api, name="Otra", horizon_kind="working", max_per_week=1)
    for service, rule in ((calendar, "horizon"), (working, "horizon")):
        expected = "notice" if start < "2000" else rule
        assert await refused(api, service_id=service, start=start) == (422, expected)
        assert await rule_of(api, start, service_id=service, date=DAY) == expected
