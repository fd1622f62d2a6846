"""The traps of clocks and shifts: nights on which an hour is missing or comes twice, midnight, and notice."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from conecta.availability.engine.facts import Host, Question, Rules, Schedule
from conecta.availability.engine.slots import Sweep
from conecta.availability.engine.zones import zone
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
from tests.bookings.arrange import sandboxed


@pytest.fixture
async def sandbox(app, firm):
    async with sandboxed(app, firm) as api:
        moved = await api.put("/sandbox/clock", json={"now": "2027-03-20T08:00:00Z"})
        assert moved.status_code == 200, moved.text
        yield api


@pytest.fixture
async def a_week_before(app, firm, superuser):
    """Call as one did, or will, a week before a date; the API itself moves a clock forward only."""
    async with sandboxed(app, firm) as api:

        def go(day):
            then = datetime.fromisoformat(f"{day}T08:00:00+00:00") - timedelta(days=7)
            offset = (then - datetime.now(UTC)) // timedelta(seconds=1)
            superuser.execute(
                "update tenants set clock_offset_seconds = %s where id = %s", [offset, firm.sandbox_id]
            )
            return api

        yield go


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 23), ("2026-10-25", 25), ("2027-03-28", 23), ("2027-10-31", 25), ("2027-06-16", 24)],
)
async def test_trap_1_a_day_has_the_hours_it_has(a_week_before, day, hours):
    api = a_week_before(day)
    await own_hours(api, ("00:00", "24:00"))
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Madrid")).astimezone(UTC)
    for anchor in ("window", "clock"):
        service = await new_service(api, slot_step=60, slot_anchor=anchor, name=anchor)
        offered = await starts(api, service_id=service, date=day)
        each_hour = [midnight + timedelta(hours=hour) for hour in range(hours)]
        assert [datetime.fromisoformat(start) for start in offered] == each_hour


@pytest.mark.parametrize(
    ("day", "utc"),
    [("2026-03-29", 14), ("2026-10-25", 15), ("2027-03-27", 15), ("2027-03-28", 14), ("2027-10-31", 15)],
)
async def test_trap_1_afternoons_of_those_days_stay_where_the_wall_says(a_week_before, day, utc):
    api = a_week_before(day)
    await own_hours(api, ("16:00", "18:00"))
    service = await new_service(api, slot_step=60)
    four, five, six = (f"{day}T{hour}:00:00Z" for hour in (utc, utc + 1, utc + 2))
    assert await starts(api, service_id=service, date=day) == [four, five]
    booking = await booked(api, service_id=service, date=day, time="17:00")
    assert (booking["start"], booking["end"]) == (five, six)
    assert await starts(api, service_id=service, date=day) == [four]


def offered(schedule, first, last, step=30, length=30):
    """Return the starts on the wall of the schedule between two days, with the offset of each."""
    here = zone(schedule.zone_name)
    days = [(date.fromisoformat(day) - date(1970, 1, 1)).days for day in (first, last)]
    question = Question(
        rules=Rules(length=length * 60, step=step * 60),
        hosts=(Host("usr_a", schedule),),
        now=0,
        start=here.midnight(days[0]),
        end=here.midnight(days[1]),
    )
    found = []
    for offer in Sweep(question).offers():
        wall = datetime.fromtimestamp(here.wall(offer.start), UTC)
        found.append((wall.strftime("%d %H:%M"), (here.wall(offer.start) - offer.start) // 3600))
    return found


def week(*spans):
    return (tuple(spans),) * 7


@pytest.mark.parametrize(
    ("name", "day", "after", "walls"),
    [
        ("Europe/Madrid", "2026-03-29", "2026-03-30", [("29 01:30", 1), ("29 03:00", 2)]),
        ("Atlantic/Canary", "2026-03-29", "2026-03-30", [("29 02:00", 1), ("29 02:30", 1), ("29 03:00", 1)]),
        (
            "Europe/Madrid",
            "2026-10-25",
            "2026-10-26",
            [
                ("25 01:30", 2), ("25 02:00", 2), ("25 02:30", 2), ("25 02:00", 1), ("25 02:30", 1),
                ("25 03:00", 1),
            ],
        ),
    ],
)  # fmt: skip
def test_trap_1_the_hour_that_is_missing_and_the_one_that_comes_twice(name, day, after, walls):
    assert offered(Schedule(name, week((90, 210))), day, after) == walls


def test_trap_3_a_night_shift_and_the_day_after_that_is_unavailable():
    night = week((22 * 60, 26 * 60))
    both = offered(Schedule("Europe/Madrid", night), "2026-06-15", "2026-06-17", step=60, length=60)
    assert [wall for wall, _ in both] == [
        "15 00:00", "15 01:00", "15 22:00", "15 23:00", "16 00:00", "16 01:00", "16 22:00", "16 23:00",
    ]  # fmt: skip
    sixteenth = (date(2026, 6, 16) - date(1970, 1, 1)).days
    cut = Schedule("Europe/Madrid", night, overrides={sixteenth: ()})
    left = offered(cut, "2026-06-15", "2026-06-17", step=60, length=60)
    # What spills in from the day before is cut at midnight; what would begin on the day is gone.
    assert [wall for wall, _ in left] == ["15 00:00", "15 01:00", "15 22:00", "15 23:00"]
    other = Schedule("Europe/Madrid", night, overrides={sixteenth: ((600, 720),)})
    walls = [wall for wall, _ in offered(other, "2026-06-16", "2026-06-17", step=60, length=60)]
    assert walls == ["16 00:00", "16 01:00", "16 10:00", "16 11:00"]


async def test_trap_4_a_span_to_24_00_and_a_slot_that_ends_at_midnight(sandbox):
    schedule = await own_hours(sandbox, ("22:00", "24:00"))
    service = await new_service(sandbox, slot_step=60)
    assert await starts(sandbox, service_id=service, date="2027-06-16") == [
        "2027-06-16T20:00:00Z",
        "2027-06-16T21:00:00Z",
    ]
    booking = await booked(sandbox, service_id=service, start="2027-06-16T21:00:00Z")
    assert booking["end"] == "2027-06-16T22:00:00Z"
    changed = await sandbox.patch(f"/schedules/{schedule}", json={"weekly": every_day(("22:00", "01:00"))})
    assert changed.status_code == 200, changed.text
    found = await slots(sandbox, service_id=service, first="2027-06-17", last="2027-06-18")
    assert [slot["start"] for slot in found["days"][0]["slots"]] == [
        "2027-06-16T22:00:00Z", "2027-06-17T20:00:00Z", "2027-06-17T21:00:00Z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "too_soon", "first"),
    [
        # From 10:00 on Saturday it is 11:00 on Sunday in spring, and 9:00 in autumn.
        ("2027-03-27T09:00:00Z", "2027-03-28T09:00:00Z", "2027-03-28T10:00:00Z"),
        ("2027-10-30T08:00:00Z", "2027-10-31T08:00:00Z", "2027-10-31T09:00:00Z"),
    ],
)
async def test_trap_5_notice_that_reaches_over_the_night_of_the_change(sandbox, now, too_soon, first):
    """A day's notice is 24 hours that pass, whatever the wall says."""
    await own_hours(sandbox, ("00:00", "24:00"))
    service = await new_service(sandbox, notice_minutes=1440, slot_step=60)
    await sandbox.put("/sandbox/clock", json={"now": now})
    offered = await starts(sandbox, service_id=service, first=first[:10], last=first[:10])
    # A few seconds have passed, so that the first full hour is the next one.
    assert offered[0] == first
    assert await rule_of(sandbox, too_soon, service_id=service) == "notice"
    assert await refused(sandbox, service_id=service, start=too_soon) == (422, "notice")
    await booked(sandbox, service_id=service, start=first)


async def test_trap_5_by_six_of_the_previous_working_day(sandbox):
    await sandbox.put("/sandbox/clock", json={"now": "2027-03-25T16:30:00Z"})
    schedule = await own_hours(sandbox, ("09:00", "11:00"))
    workdays = [span for span in every_day(("09:00", "11:00")) if span["day"] not in {"saturday", "sunday"}]
    assert (await sandbox.patch(f"/schedules/{schedule}", json={"weekly": workdays})).status_code == 200
    service = await new_service(sandbox, notice_day_before="18:00", slot_step=60)
    days = {"service_id": service, "first": "2027-03-26", "last": "2027-03-30"}
    # Thursday, half past five in the afternoon: Friday may still be booked; half an hour later, only Monday.
    assert (await starts(sandbox, **days))[0] == "2027-03-26T08:00:00Z"
    await sandbox.put("/sandbox/clock", json={"now": "2027-03-25T17:00:30Z"})
    assert (await starts(sandbox, **days))[0] == "2027-03-29T07:00:00Z"
    # On Friday at six even Monday is over: the weekend and the night of the change do not count.
    await sandbox.put("/sandbox/clock", json={"now": "2027-03-26T17:00:30Z"})
    assert (await starts(sandbox, **days))[0] == "2027-03-30T07:00:00Z"
    assert await rule_of(sandbox, "2027-03-29T07:00:00Z", service_id=service) == "notice"


async def test_a_horizon_in_working_days(sandbox):
    await sandbox.put("/sandbox/clock", json={"now": "2027-03-25T08:00:00Z"})  # a Thursday
    schedule = await own_hours(sandbox, ("09:00", "11:00"))
    workdays = [span for span in every_day(("09:00", "11:00")) if span["day"] not in {"saturday", "sunday"}]
    assert (await sandbox.patch(f"/schedules/{schedule}", json={"weekly": workdays})).status_code == 200
    service = await new_service(sandbox, horizon_days=2, horizon_kind="working")
    found = await slots(sandbox, service_id=service, first="2027-03-26", last="2027-04-10")
    assert [day["date"] for day in found["days"]] == ["2027-03-26", "2027-03-29"]
    assert await rule_of(sandbox, "2027-03-30T07:00:00Z", service_id=service) == "horizon"
