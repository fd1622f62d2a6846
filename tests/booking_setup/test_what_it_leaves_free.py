"""What is set up here is what `/availability/slots` offers: one way through both, rule by rule."""

import datetime as dt

import pytest

from tests.booking_setup.arrange import made, the

ALWAYS = [
    {"day": day, "from": "10:00", "to": "12:00"}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
]


def _next(month: int, day: int) -> dt.date:
    """Return the next such date that lies at least two weeks ahead."""
    today = dt.datetime.now(dt.UTC).date()
    found = dt.date(today.year, month, day)
    return found if found > today + dt.timedelta(days=14) else found.replace(year=today.year + 1)


@pytest.fixture
async def office(api):
    """Hours of the firm from 10 to 12 on every day, and a service an hour long, bookable far ahead."""
    schedule = await the(api, "/schedules")
    answer = await api.patch(f"/schedules/{schedule['id']}", json={"weekly": ALWAYS})
    assert answer.status_code == 200, answer.text
    service = await made(
        api, "/booking-services", name="Hora", durations=[60], slot_step=60, horizon_days=730
    )
    return {"schedule": f"/schedules/{schedule['id']}", "service": service["id"]}


async def _offered(api, office, date: dt.date) -> list[str]:
    """Return the wall-clock times in Madrid that are offered on a date."""
    params = {
        "service_id": office["service"],
        "from": str(date),
        "to": str(date + dt.timedelta(days=1)),
        "time_zone": "Europe/Madrid",
    }
    answer = await api.get("/availability/slots", params=params)
    assert answer.status_code == 200, answer.text
    days = {day["date"]: day["slots"] for day in answer.json()["days"]}
    return [slot["start"][11:16] for slot in days.get(str(date), [])]


async def test_a_date_of_its_own_beats_a_holiday_and_a_vacation(api, office, firm):
    epiphany = _next(1, 6)
    assert await _offered(api, office, epiphany) == []
    spans = [{"from": "17:00", "to": "18:00"}]
    answer = await api.put(f"{office['schedule']}/overrides/{epiphany}", json={"spans": spans})
    assert answer.status_code == 200, answer.text
    offered = await _offered(api, office, epiphany)
    assert len(offered) == 1
    whole_day = {"start": f"{epiphany}T00:00:00+01:00", "end": f"{epiphany}T23:59:00+01:00"}
    absence = await made(api, "/time-off", provider_id=firm.owner_id, kind="vacation", **whole_day)
    assert await _offered(api, office, epiphany) == offered
    await api.patch(f"/time-off/{absence['id']}", json={"kind": "block"})
    assert await _offered(api, office, epiphany) == []


async def test_trap_3_the_night_shift_is_cut_by_the_next_days_override(api, office):
    friday = _next(2, 1)
    friday += dt.timedelta(days=(4 - friday.weekday()) % 7)
    saturday = friday + dt.timedelta(days=1)
    night = {"weekly": [{"day": "friday", "from": "22:00", "to": "02:00"}]}
    assert (await api.patch(office["schedule"], json=night)).status_code == 200
    await api.patch(f"/booking-services/{office['service']}", json={"slot_step": 30})
    # Offered times are in UTC, an hour behind.
    whole = ["21:00", "21:30", "22:00", "22:30"], ["23:00", "23:30", "00:00"]
    assert (await _offered(api, office, friday), await _offered(api, office, saturday)) == whole
    await api.put(f"{office['schedule']}/overrides/{saturday}", json={"spans": []})
    # What would reach into the day that is unavailable is gone as well.
    assert await _offered(api, office, friday) == ["21:00", "21:30", "22:00"]
    assert await _offered(api, office, saturday) == []
    # Hours of its own begin on that day and leave what spills over from the day before.
    own = {"spans": [{"from": "10:00", "to": "11:00"}]}
    await api.put(f"{office['schedule']}/overrides/{saturday}", json=own)
    assert await _offered(api, office, friday) == whole[0]
    assert await _offered(api, office, saturday) == [*whole[1], "09:00"]


async def test_trap_14_the_calendar_of_the_schedule_decides(api, office):
    """The day of Andalusia closes there, and only while the schedule keeps that calendar."""
    holiday = _next(2, 28)
    assert len(await _offered(api, office, holiday)) == 2
    calendar = await made(
        api, "/holiday-calendars", name="Sevilla", region="AN", years=[holiday.year, holiday.year + 1]
    )
    days = (await api.get(f"/holiday-calendars/{calendar['id']}/days?kind=regional")).json()["data"]
    observed = next(
        dt.date.fromisoformat(day["date"])
        for day in days
        if day["date"] in {str(holiday), str(holiday + dt.timedelta(days=1))}
    )
    await api.patch(office["schedule"], json={"holiday_calendar_id": calendar["id"]})
    assert await _offered(api, office, observed) == []
    (day,) = [day for day in days if day["date"] == str(observed)]
    await api.patch(f"/holiday-calendars/{calendar['id']}/days/{day['id']}", json={"closed": False})
    assert len(await _offered(api, office, observed)) == 2
    assert len(await _offered(api, office, _next(8, 3))) == 2  # judicial days close nothing


async def test_trap_14_a_year_without_data_closes_nothing_until_it_is_added(api, office):
    epiphany = dt.date(dt.datetime.now(dt.UTC).year + 2, 1, 6)
    calendar = await the(api, "/holiday-calendars")
    assert epiphany.year not in calendar["years"]
    assert len(await _offered(api, office, epiphany)) == 2
    path = f"/holiday-calendars/{calendar['id']}/years"
    assert (await api.post(path, json={"year": epiphany.year})).status_code == 200
    assert await _offered(api, office, epiphany) == []


async def test_rooms_and_members_out_of_use_take_the_time_with_them(api, office, firm):
    date = _next(3, 10)
    room = await made(api, "/rooms", name="Única")
    service = f"/booking-services/{office['service']}"
    hosts = [{"provider_id": firm.owner_id}]
    assert (await api.patch(service, json={"room_ids": [room["id"]], "hosts": hosts})).status_code == 200
    assert len(await _offered(api, office, date)) == 2
    works = {"start": f"{date}T09:00:00Z", "end": f"{date}T10:00:00Z"}  # 10 to 11 in Madrid
    await made(api, "/time-off", room_id=room["id"], **works)
    assert len(await _offered(api, office, date)) == 1
    await api.patch(f"/rooms/{room['id']}", json={"active": False})
    assert await _offered(api, office, date) == []
