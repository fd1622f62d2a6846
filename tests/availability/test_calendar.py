"""`GET /calendar` and `GET /availability`: what takes time, and the whole ranges it leaves."""

from datetime import UTC, datetime

import pytest

from tests.availability.arrange import booked, new_service, own_hours
from tests.bookings.arrange import new_client, new_member

DAY = f"{datetime.now(UTC).year + 1}-06-16"


@pytest.fixture
async def busy(api, firm):
    """A day with a booking of the owner, a hold and an absence of another member, and a holiday."""
    await own_hours(api, ("09:00", "14:00"))
    member = await new_member(api, "Berta")
    service = await new_service(api, buffer_after=30)
    client = await new_client(api)
    booking = await booked(
        api, service_id=service, provider_id=firm.owner_id, client_id=client, start=f"{DAY}T07:00:00Z"
    )
    held = {"service_id": service, "provider_id": member, "start": f"{DAY}T08:00:00Z"}
    hold = await api.post("/bookings/holds", json=held)
    assert hold.status_code == 201, hold.text
    away = {"provider_id": member, "start": f"{DAY}T10:00:00Z", "end": f"{DAY}T11:00:00Z", "kind": "training"}
    absence = await api.post("/time-off", json={**away, "note": "Congreso"})
    assert absence.status_code == 201, absence.text
    calendar = (await api.get("/holiday-calendars")).json()["data"][0]["id"]
    local = {"date": DAY, "name": "Fiesta", "kind": "local", "closed": False}
    holiday = await api.post(f"/holiday-calendars/{calendar}/days", json=local)
    assert holiday.status_code == 201, holiday.text
    return member, booking, hold.json(), absence.json(), holiday.json()


async def entries(api, **params):
    answer = await api.get("/calendar", params={"from": DAY, "to": DAY, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_everything_in_one_shape(api, firm, busy):
    member, booking, hold, absence, holiday = busy
    found = await entries(api)
    assert [(one["kind"], one["id"]) for one in found] == [
        ("holiday", holiday["id"]),
        ("booking", booking["id"]),
        ("hold", hold["id"]),
        ("time_off", absence["id"]),
    ]
    day, first, second, away = found
    assert (day["start"][11:], day["all_day"], day["title"], day["status"]) == (
        "22:00:00Z",
        True,
        "Fiesta",
        "local",
    )
    assert first == {
        "kind": "booking",
        "id": booking["id"],
        "start": f"{DAY}T07:00:00Z",
        "end": f"{DAY}T08:00:00Z",
        "all_day": False,
        "title": "Primera consulta",
        "attendee": "Ana Gil",
        "status": "confirmed",
        "provider_ids": [firm.owner_id],
        "provider_id": firm.owner_id,
        "room_id": None,
        "service_id": booking["service_id"],
        "client_id": booking["client_id"],
        "case_id": None,
    }
    assert (second["status"], second["provider_id"]) == ("held", member)
    assert (away["title"], away["status"], away["provider_ids"]) == ("Congreso", "training", [member])


async def test_of_one_member(api, firm, busy):
    member, booking, hold, absence, holiday = busy
    mine = await entries(api, provider_id=firm.owner_id)
    assert [one["id"] for one in mine] == [holiday["id"], booking["id"]]
    theirs = await entries(api, provider_id=member)
    assert [one["id"] for one in theirs] == [holiday["id"], hold["id"], absence["id"]]


async def test_cancelled_bookings_leave_it_and_other_firms_never_see_it(api, app, other_firm, busy):
    booking = busy[1]
    async with other_firm.client(app) as other:
        assert await entries(other) == []
    assert (await api.post(f"/bookings/{booking['id']}/cancel", json={})).status_code == 200
    assert "booking" not in [one["kind"] for one in await entries(api)]


async def test_a_period_of_at_most_62_days(api):
    answer = await api.get("/calendar", params={"from": "2027-01-01", "to": "2027-06-01"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "too_large")


async def test_free_ranges_merged_by_day_and_by_provider(api, firm, busy):
    member = busy[0]
    answer = await api.get("/availability", params={"date": DAY})
    assert answer.status_code == 200, answer.text
    free = answer.json()

    def ranges(*pairs):
        return [{"start": f"{DAY}T{start}:00Z", "end": f"{DAY}T{end}:00Z"} for start, end in pairs]

    # The booking's half hour after it is taken too.
    each = {provider["provider_id"]: provider["ranges"] for provider in free["providers"]}
    assert each[firm.owner_id] == ranges(("08:30", "12:00"))
    assert each[member] == ranges(("07:00", "08:00"), ("09:30", "10:00"), ("11:00", "12:00"))
    assert free["ranges"] == ranges(("07:00", "08:00"), ("08:30", "12:00"))
    assert free["data"] == [{"date": DAY, "available": True, "ranges": free["ranges"]}]


async def test_free_ranges_of_a_service_are_where_it_fits(api, firm, busy):
    service, member = busy[1]["service_id"], busy[0]
    params = {"date": DAY, "service_id": service, "provider_id": member}
    free = (await api.get("/availability", params=params)).json()
    # Between half past nine and ten there is no hour; before the hold, its own buffer is in the way.
    assert free["ranges"] == [{"start": f"{DAY}T11:00:00Z", "end": f"{DAY}T12:00:00Z"}]


async def test_a_day_without_any_is_said_to_have_none(api, firm):
    await own_hours(api, ("09:00", "10:00"))
    away = {"start": f"{DAY}T00:00:00Z", "end": f"{DAY}T23:00:00Z", "kind": "block"}
    assert (await api.post("/time-off", json=away)).status_code == 201
    free = (await api.get("/availability", params={"date": DAY})).json()
    assert free["data"] == [{"date": DAY, "available": False, "ranges": []}]


async def test_free_ranges_are_whole_minutes_within_the_period(api):
    await own_hours(api, ("00:00", "24:00"))
    service = await new_service(api, slot_step=60)
    found = (await api.get("/availability", params={"service_id": service, "date": DAY})).json()
    (day,) = found["data"]
    assert found["ranges"] == found["providers"][0]["ranges"] == day["ranges"]
    assert len(day["ranges"]) == 1
    for bound in day["ranges"][0].values():
        assert bound.endswith(":00Z")
