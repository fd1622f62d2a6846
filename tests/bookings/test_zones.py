"""A country changes its clocks: what was agreed for ten o'clock stays at ten o'clock, where it can."""

from datetime import UTC, datetime

import pytest
from structlog.testing import CapturingLogger

from conecta.bookings import queries, rules, zones
from conecta.bookings.actors import Sender
from tests.bookings.arrange import booked, events_of, new_member, new_service, open_day, overlaps


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
def follow(app):
    async def run():
        return await zones.follow(app.state.database, Sender(app.state.keyring, "http://testserver"))

    return run


def rules_change(superuser, booking, wall):
    """Let the booking be one that was made when the zone still had other rules."""
    superuser.execute("update bookings set wall_start = %s where id = %s", [wall, booking["id"]])


async def test_trap_19_the_wall_time_is_kept_and_the_instant_computed_again(
    api, day, follow, superuser, monkeypatch
):
    monkeypatch.setattr(queries, "_BATCH", 1)  # so that there are several
    service = await new_service(api, horizon_days=3)
    booking = await booked(api, service_id=service, start=day.at(10), bypass_rules=True)
    other = await booked(api, service_id=service, start=day.at(14), bypass_rules=True)
    assert await follow() == (0, 0)
    rules_change(superuser, booking, f"{day.date}T11:00")
    assert await follow() == (1, 0)
    moved = (await api.get(f"/bookings/{booking['id']}")).json()
    assert (moved["start"], moved["end"]) == (day.at(11), day.at(12))
    event = (await events_of(api, booking["id"]))[1]
    assert (event["type"], event["data"]["previous_start"]) == ("booking.rescheduled", day.at(10))
    (line,) = (await api.get(f"/bookings/{booking['id']}/history")).json()["data"][1:]
    assert line["actor_type"] == "system"
    assert (await api.get(f"/bookings/{other['id']}")).json() == other
    assert await follow() == (0, 0)


async def test_trap_19_what_has_no_room_there_stays_and_is_flagged(api, day, follow, superuser, monkeypatch):
    service = await new_service(api)
    booking = await booked(api, service_id=service, start=day.at(10))
    await booked(api, service_id=service, start=day.at(11))
    rules_change(superuser, booking, f"{day.date}T11:00")
    logged = CapturingLogger()
    monkeypatch.setattr(zones, "log", logged)
    assert await follow() == (0, 1)
    (flagged,) = logged.calls
    assert flagged.args == ("booking_against_its_zone",)
    assert flagged.kwargs == {"booking": booking["id"], "code": "slot_taken"}
    assert (await api.get(f"/bookings/{booking['id']}")).json() == booking
    assert overlaps(superuser) == 0


async def test_trap_19_what_is_over_or_cancelled_is_left_alone(api, day, follow, superuser):
    service = await new_service(api)
    booking = await booked(api, service_id=service, start=day.at(10))
    await api.post(f"/bookings/{booking['id']}/cancel")
    rules_change(superuser, booking, f"{day.date}T12:00")
    assert await follow() == (0, 0)


@pytest.mark.parametrize("known", ["2027-10-31T00:30:00", "2027-10-31T01:30:00"])
def test_trap_1_either_of_two_equal_hours_is_what_was_agreed(known):
    moment = datetime.fromisoformat(known).replace(tzinfo=UTC)
    assert rules.wall_time(moment, "Europe/Madrid") == "2027-10-31T02:30"
    assert rules.instant_agreed("2027-10-31T02:30", "Europe/Madrid", moment) == moment


@pytest.mark.parametrize(
    ("wall", "zone", "utc"),
    [
        ("2026-03-29T16:00", "Europe/Madrid", "2026-03-29T14:00:00"),
        ("2026-10-25T16:00", "Europe/Madrid", "2026-10-25T15:00:00"),
        ("2027-03-28T16:00", "Atlantic/Canary", "2027-03-28T15:00:00"),
        ("2027-10-31T09:00", "Europe/Madrid", "2027-10-31T08:00:00"),
        ("2026-06-01T10:00", "Asia/Kathmandu", "2026-06-01T04:15:00"),
        ("2026-12-01T10:00", "Pacific/Auckland", "2026-11-30T21:00:00"),
    ],
)
def test_trap_1_and_2_wall_times_become_instants_and_back(wall, zone, utc):
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    day, clock_time = wall.split("T")
    assert rules.instant(datetime.fromisoformat(day).date(), clock_time, zone) == moment
    assert rules.wall_time(moment, zone) == wall


async def test_a_time_on_the_wall_is_that_of_whoever_gives_the_service(api, day):
    """The firm is in Madrid; those who give this service are an hour behind, and nobody is named."""
    marta = await new_member(api, "Marta")
    own = {"name": "Las Palmas", "provider_id": marta, "time_zone": "Atlantic/Canary", "weekly": []}
    assert (await api.post("/schedules", json=own)).status_code == 201
    service = await new_service(api, hosts=[{"provider_id": marta}])
    wanted = {"date": str(day.date), "bypass_rules": True}
    booking = await booked(api, service_id=service, time="10:00", **wanted)
    assert booking["start"] == day.at(11)
    # Of several who live by different clocks, the firm's counts.
    both = await new_service(api, slug="otra", assignment="collective")
    shared = await booked(api, service_id=both, time="15:00", **wanted)
    assert shared["start"] == day.at(15)
