"""The version of availability moves with whatever decides it, for exactly those whom it concerns."""

import pytest

from tests.booking_setup.arrange import WEEK, made, the, versions
from tests.cases.arrange import new_member

FIRM = ""


@pytest.fixture
def moved(superuser, firm):
    """Return whose versions have moved since it was asked last."""
    last = {}

    def since() -> set[str]:
        now = versions(superuser, firm.id)
        changed = {resource for resource, version in now.items() if version > last.get(resource, 0)}
        assert all(now[resource] >= version for resource, version in last.items())
        last.clear()
        last.update(now)
        return changed

    return since


async def test_members_schedules_and_dates(api, app, firm, moved):
    moved()
    lawyer = await new_member(app, firm.id, "provider")
    assert moved() == {FIRM}
    own = await made(api, "/schedules", name="Suyo", provider_id=lawyer, weekly=WEEK)
    assert moved() == {lawyer}
    await api.patch(f"/schedules/{own['id']}", json={"weekly": []})
    assert moved() == {lawyer}
    await api.put(f"/schedules/{own['id']}/overrides/2030-01-01", json={"spans": []})
    assert moved() == {lawyer}
    await api.delete(f"/schedules/{own['id']}/overrides/2030-01-01")
    assert moved() == {lawyer}
    await api.delete(f"/schedules/{own['id']}")
    assert moved() == {lawyer}
    firms = await the(api, "/schedules")
    await api.put(f"/schedules/{firms['id']}/overrides/2030-01-01", json={"spans": []})
    assert moved() == {FIRM}
    await api.patch(f"/schedules/{firms['id']}", json={"time_zone": "Atlantic/Canary"})
    assert moved() == {FIRM}
    await api.patch(f"/users/{lawyer}", json={"name": "Otro Nombre"})
    assert moved() == set()
    await api.patch(f"/users/{lawyer}", json={"active": False})
    assert moved() == {FIRM}


async def test_absences(api, app, firm, moved):
    lawyer = await new_member(app, firm.id, "provider")
    room = await made(api, "/rooms", name="Sala")
    moved()
    when = {"start": "2030-01-01T08:00:00Z", "end": "2030-01-02T08:00:00Z"}
    for whose, resource in (
        ({"provider_id": lawyer}, lawyer),
        ({"room_id": room["id"]}, room["id"]),
        ({}, FIRM),
    ):
        absence = await made(api, "/time-off", **when, **whose)
        assert moved() == {resource}
        await api.patch(f"/time-off/{absence['id']}", json={"end": "2030-01-03T08:00:00Z"})
        assert moved() == {resource}
        await api.delete(f"/time-off/{absence['id']}")
        assert moved() == {resource}


async def test_services_rooms_and_holidays(api, app, firm, moved, superuser):
    moved()
    room = await made(api, "/rooms", name="Sala")
    assert moved() == {room["id"]}
    await api.patch(f"/rooms/{room['id']}", json={"active": False})
    assert moved() == {room["id"]}
    service = await the(api, "/booking-services")
    for body in (
        {"slot_step": 10},
        {"hosts": [{"provider_id": firm.owner_id}]},
        {"room_ids": [room["id"]]},
        {"active": False},
    ):
        await api.patch(f"/booking-services/{service['id']}", json=body)
        assert moved() == {FIRM}
    calendar = await the(api, "/holiday-calendars")
    before = versions(superuser, firm.id)[FIRM]
    await api.post(f"/holiday-calendars/{calendar['id']}/years", json={"year": 2030})
    assert moved() == {FIRM}
    # Once for the days, however many, and once for the calendar.
    assert versions(superuser, firm.id)[FIRM] == before + 2
    day = {"date": "2030-02-03", "name": "Patrón"}
    added = (await api.post(f"/holiday-calendars/{calendar['id']}/days", json=day)).json()
    assert moved() == {FIRM}
    await api.patch(f"/holiday-calendars/{calendar['id']}/days/{added['id']}", json={"closed": False})
    assert moved() == {FIRM}
    await api.delete(f"/holiday-calendars/{calendar['id']}/days/{added['id']}")
    assert moved() == {FIRM}


async def test_what_changes_nothing_and_what_is_refused_moves_nothing(api, moved):
    service = await the(api, "/booking-services")
    schedule = await the(api, "/schedules")
    moved()
    await api.get("/booking-services")
    await api.patch(f"/booking-services/{service['id']}", json={"name": service["name"], "hosts": []})
    await api.patch(f"/schedules/{schedule['id']}", json={"weekly": schedule["weekly"]})
    await api.post("/time-off", json={"start": "2030-01-01T08:00:00Z", "end": "2030-01-01T08:00:00Z"})
    await api.delete(f"/schedules/{schedule['id']}")
    assert moved() == set()


async def test_another_firms_versions_stay(api, other_firm, superuser):
    before = versions(superuser, other_firm.id)
    await made(api, "/time-off", start="2030-01-01T08:00:00Z", end="2030-01-02T08:00:00Z")
    assert versions(superuser, other_firm.id) == before
