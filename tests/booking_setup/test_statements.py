"""Every list of the setup is one statement, however much it lists, hosts and rooms included."""

import pytest

from tests.booking_setup.arrange import WEEK, made, the
from tests.cases.arrange import new_member
from tests.cases.test_statements import counted  # noqa: F401 - a fixture

LISTS = ("/booking-services", "/rooms", "/schedules", "/time-off", "/holiday-calendars")


@pytest.fixture
async def full(api, app, firm):
    """A firm with some of everything; return the paths of all lists."""
    lawyers = [await new_member(app, firm.id, "provider", f"Pau {number}") for number in range(3)]
    hosts = [{"provider_id": lawyer} for lawyer in lawyers]
    room = await made(api, "/rooms", name="Sala")
    for number in range(3):
        await made(api, "/booking-services", name=f"S {number}", hosts=hosts, room_ids=[room["id"]])
        await made(api, "/rooms", name=f"Sala {number}")
        await made(api, "/schedules", name=f"H {number}", weekly=WEEK)
        await made(api, "/time-off", start="2030-01-01T08:00:00Z", end="2030-01-02T08:00:00Z")
        await made(api, "/holiday-calendars", name=f"C {number}", years=[])
    calendar = await the(api, "/holiday-calendars?is_default=true")
    schedule = await the(api, "/schedules?is_default=true")
    for day in range(1, 4):
        await api.put(f"/schedules/{schedule['id']}/overrides/2030-01-{day:02}", json={"spans": []})
    service = (await api.get("/booking-services")).json()["data"][1]
    return [*LISTS, f"/booking-services/{service['id']}"], [
        f"/holiday-calendars/{calendar['id']}/days",
        f"/schedules/{schedule['id']}/overrides",
    ]


async def test_lists_cost_the_same_however_much_they_list(full, counted, firm):  # noqa: F811
    app, counting = counted
    lists, nested = full
    async with firm.client(app) as caller:
        for path in lists + nested:
            found = []
            for params in ({"limit": 1}, {"limit": 50}) if "svc_" not in path else ({}, {}):
                await caller.get(path, params=params)  # so that its statements are prepared
                with counting() as statements:
                    answer = await caller.get(path, params=params)
                assert answer.status_code == 200
                found.append(len(statements))
            # Admission, who is asking, the list; one within something also looks whether that is there.
            assert found[0] == found[1] <= (5 if path in nested else 3), (path, statements)
