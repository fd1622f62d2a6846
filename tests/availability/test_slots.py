"""`GET /availability/slots`: what is listed, in whose days, and what can be asked."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from conecta.kit import clock
from tests.availability.arrange import booked, new_service, own_hours, refused, slots, starts
from tests.bookings.arrange import new_member

YEAR = datetime.now(UTC).year + 1
DAY = f"{YEAR}-06-16"


async def test_a_day_of_a_service(api, firm):
    await own_hours(api, ("09:00", "11:00"))
    service = await new_service(api, durations=[60, 30])
    found = await slots(api, service_id=service, date=DAY)
    assert found["days"] == [
        {
            "date": DAY,
            "slots": [
                {"start": f"{DAY}T{at}Z", "end": f"{DAY}T{to}Z", "seats": 1, "provider_ids": [firm.owner_id]}
                for at, to in (("07:00:00", "08:00:00"), ("07:30:00", "08:30:00"), ("08:00:00", "09:00:00"))
            ],
        }
    ]
    assert (found["time_zone"], found["duration"], found["explanation"]) == ("Europe/Madrid", 60, None)
    shorter = await starts(api, service_id=service, date=DAY, duration=30)
    assert shorter == [f"{DAY}T0{at}:00Z" for at in ("7:00", "7:30", "8:00", "8:30")]


async def test_every_listed_slot_can_be_booked_and_nothing_between(api):
    await own_hours(api, ("09:00", "12:00"))
    service = await new_service(api, buffer_after=15)
    taken = []
    while offered := await starts(api, service_id=service, date=DAY):
        taken.append((await booked(api, service_id=service, start=offered[0]))["start"])
    assert taken == [f"{DAY}T07:00:00Z", f"{DAY}T08:30:00Z"]
    assert await refused(api, service_id=service, start=f"{DAY}T08:15:00Z") == (422, "grid")


async def test_cancelling_gives_the_slot_back(api):
    await own_hours(api, ("09:00", "10:00"))
    service = await new_service(api)
    booking = await booked(api, service_id=service, start=f"{DAY}T07:00:00Z")
    assert await starts(api, service_id=service, date=DAY) == []
    assert (await api.post(f"/bookings/{booking['id']}/cancel", json={})).status_code == 200
    assert await starts(api, service_id=service, date=DAY) == [f"{DAY}T07:00:00Z"]


async def test_a_taken_time_comes_with_the_next_three(api):
    await own_hours(api, ("09:00", "11:00"))
    service = await new_service(api)
    await booked(api, service_id=service, start=f"{DAY}T07:00:00Z")
    answer = await api.post("/bookings", json={"service_id": service, "start": f"{DAY}T07:30:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    next_slots = answer.json()["next_slots"]
    following = [f"{DAY}T08:00:00Z", f"{YEAR}-06-17T07:00:00Z", f"{YEAR}-06-17T07:30:00Z"]
    assert [slot["start"] for slot in next_slots] == following
    await booked(api, service_id=service, start=following[0])


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Asia/Kathmandu", "Atlantic/Canary"])
async def test_trap_2_days_are_those_of_who_asks(api, zone):
    """From the last days of March to the first of April, when clocks change in Europe and in Auckland."""
    await own_hours(api, ("09:00", "21:00"))
    service = await new_service(api, slot_step=30)
    first, last = date(YEAR, 3, 24), date(YEAR, 4, 8)
    expected = {}
    for number in range(-1, 18):
        for half in range(18, 41):
            at = time(half // 2, half % 2 * 30)
            there = datetime.combine(first + timedelta(days=number), at, ZoneInfo("Europe/Madrid"))
            seen = there.astimezone(ZoneInfo(zone)).date()
            if first <= seen <= last:
                expected.setdefault(str(seen), []).append(clock.wire(there))
    found = await slots(api, service_id=service, first=str(first), last=str(last), time_zone=zone)
    assert {day["date"]: [slot["start"] for slot in day["slots"]] for day in found["days"]} == expected
    assert found["time_zone"] == zone


@pytest.mark.parametrize(
    ("params", "pointer", "code"),
    [
        ({"from": f"{YEAR}-01-01", "to": f"{YEAR}-03-04"}, "to", "too_large"),
        ({"from": f"{YEAR}-01-01", "to": f"{YEAR + 1}-03-01"}, "to", "too_large"),
        ({"from": f"{YEAR}-01-02", "to": f"{YEAR}-01-01"}, "to", "range_empty"),
        ({"from": f"{YEAR}-01-01T00:00:00Z", "to": f"{YEAR}-01-01T00:00:00Z"}, "to", "range_empty"),
        ({"from": f"{YEAR}-01-01T10:00:00"}, "from", "type"),
        ({"from": f"{YEAR}-02-30"}, "from", "type"),
        ({"date": f"{YEAR}-01-01T10:00:00Z"}, "date", "type"),
        ({"date": f"{YEAR}-01-01", "to": f"{YEAR}-01-02"}, "date", "one_of"),
        ({"time_zone": "Europa/Madrid"}, "time_zone", "unknown_time_zone"),
        ({"duration": "4"}, "duration", "too_small"),
        ({"seats": "0"}, "seats", "too_small"),
        ({"service_id": "svc_01m7wbgc28efz8dbeq636vqtdj"}, "service_id", "unknown_service"),
        ({"provider_id": "usr_01m7wbgc28efz8dbeq636vqtdj"}, "provider_id", "not_assignable"),
        ({"explain": "1"}, "at", "required"),
        ({"at": f"{YEAR}-01-01T10:00:00Z"}, "explain", "required"),
        ({"explain": "1", "at": f"{YEAR}-01-01T10:00:00"}, "at", "timezone"),
    ],
)
async def test_what_cannot_be_asked(api, params, pointer, code):
    answer = await api.get("/availability/slots", params=params)
    assert answer.status_code == 400, answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]


@pytest.mark.parametrize("path", ["/availability", "/availability/slots", "/calendar"])
async def test_trap_20_more_than_a_year_is_refused(api, path):
    params = {"from": f"{YEAR}-01-01", "to": f"{YEAR + 1}-01-02"}
    answer = await api.get(path, params=params)
    assert answer.status_code == 400, answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [("to", "too_large")]


async def test_62_days_are_not_too_many_not_even_when_clocks_go_back(api):
    await own_hours(api, ("09:00", "10:00"))
    service = await new_service(api)
    found = await slots(api, service_id=service, first=f"{YEAR}-09-01", last=f"{YEAR}-11-01")
    assert len(found["days"]) == 62


async def test_nothing_said_is_the_coming_week_of_everybody(api, firm):
    await own_hours(api, ("00:00", "24:00"))
    member = await new_member(api, "Berta")
    found = await slots(api)
    assert len(found["days"]) == 7
    assert found["duration"] == 30
    assert found["data"][-1]["provider_ids"] == sorted([firm.owner_id, member])
    now = datetime.now(UTC)
    assert all(datetime.fromisoformat(slot["start"]) >= now - timedelta(minutes=1) for slot in found["data"])


async def test_only_a_provider_who_gives_the_service_can_be_asked_for(api, firm):
    await own_hours(api, ("09:00", "10:00"))
    member = await new_member(api, "Berta")
    service = await new_service(api, hosts=[{"provider_id": member}])
    assert [s["provider_ids"] for s in (await slots(api, service_id=service, date=DAY))["data"]] == [[member]]
    answer = await api.get(
        "/availability/slots", params={"service_id": service, "provider_id": firm.owner_id}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "not_assignable"
    booking = {"service_id": service, "provider_id": firm.owner_id, "start": f"{DAY}T07:00:00Z"}
    assert await refused(api, **booking) == (422, "host")


async def test_another_firm_has_its_own_time(api, app, other_firm):
    await own_hours(api, ("09:00", "10:00"))
    service = await new_service(api)
    await booked(api, service_id=service, start=f"{DAY}T07:00:00Z")
    async with other_firm.client(app) as other:
        await own_hours(other, ("09:00", "10:00"))
        assert await starts(other, date=DAY, duration=60) == [f"{DAY}T07:00:00Z"]
        answer = await other.get("/availability/slots", params={"service_id": service})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["code"] == "unknown_service"
